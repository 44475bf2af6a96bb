// Security groups and anti-spoofing, judged by what arrives: every refusal here has a twin that shows the same packets do pass when allowed.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import type { HostNetworkState, PortState, SecurityRuleState } from '#services/neutron/drivers/mechanism.ts'
import type { FakeGuest } from '#services/neutron/drivers/mechanism-linux/guest-bench.ts'
import {
  cannotRun,
  createHostBench,
  eventually,
  type HostBench,
} from '#services/neutron/drivers/mechanism-linux/host-bench.ts'
import { portOf, ruleOf, sampleState } from '#services/neutron/drivers/mechanism-samples.ts'

const A = 'a0000000-0000-4000-8000-000000000001'
const B = 'b0000000-0000-4000-8000-000000000001'
const out = [ruleOf({ direction: 'egress' }), ruleOf({ direction: 'egress', ethertype: 'IPv6' })]
const skip = await cannotRun()

/** Two guests in groups of their own: A and B. A lets pings in, so that there is always one way to see that the wire is whole. */
function twoGroups(change: {
  a?: SecurityRuleState[]
  b?: SecurityRuleState[]
  stateful?: boolean
  ports?: [Partial<PortState>, Partial<PortState>]
}): HostNetworkState {
  const [a, b] = change.ports ?? [{}, {}]
  return sampleState({
    ports: [portOf(0, { securityGroupIds: [A], ...a }), portOf(1, { securityGroupIds: [B], ...b })],
    securityGroups: [
      { id: A, stateful: change.stateful ?? true, rules: change.a ?? [...out, ruleOf({ protocol: 'icmp' })] },
      { id: B, stateful: change.stateful ?? true, rules: change.b ?? out },
    ],
    addressSets: { [A]: ['10.1.0.50'], [B]: ['10.1.0.51'] },
  })
}

describe('filters with packets', { skip, timeout: 120_000, concurrency: true }, () => {
  for (const replies of ['netfilter', 'reflexive'] as const) {
    describe(`replies by ${replies}`, { concurrency: false }, () => {
      let bench: HostBench
      let a: FakeGuest
      let b: FakeGuest
      const ends: (() => void)[] = []
      const apply = async (state: HostNetworkState): Promise<void> => {
        const result = await bench.mechanism.apply(state)
        assert.deepEqual(Object.values(result.ports), ['up', 'up'], JSON.stringify(result))
      }
      before(async () => {
        bench = await createHostBench({ replies })
        a = await bench.plug(portOf(0))
        b = await bench.plug(portOf(1))
        ends.push(await b.serve(22), await b.serve(80), await a.serve(22))
        await apply(twoGroups({}))
        assert.ok(await eventually(() => b.pings('10.1.0.50', 1)), 'the wire is whole')
      })
      after(async () => {
        ends.forEach(end => end())
        await bench.end()
      })

      test('nothing comes in that no rule allows, and replies to what went out do', async () => {
        await apply(twoGroups({}))
        assert.equal(await b.reads('10.1.0.50', 22), null)
        assert.equal(await a.reads('10.1.0.51', 22), null)
        assert.equal(await a.pings('10.1.0.51', 1), false)
        assert.equal(await b.pings('10.1.0.50', 1), true)
      })

      test('one port allowed is one port open', async () => {
        await apply(twoGroups({ b: [...out, ruleOf({ protocol: 'tcp', portMin: 22, portMax: 22 })] }))
        assert.equal(await a.reads('10.1.0.51', 22), b.namespace)
        assert.equal(await a.reads('10.1.0.51', 80), null)
        await apply(
          twoGroups({
            b: [...out, ruleOf({ protocol: 'tcp', portMin: 20, portMax: 90, remote: { cidr: '10.1.0.48/30' } })],
          }),
        )
        assert.equal(await a.reads('10.1.0.51', 80), b.namespace)
        await apply(
          twoGroups({
            b: [...out, ruleOf({ protocol: 'tcp', portMin: 20, portMax: 90, remote: { cidr: '10.1.0.52/30' } })],
          }),
        )
        assert.equal(await a.reads('10.1.0.51', 80), null)
      })

      test('a remote group is its members, and follows them', async () => {
        const state = twoGroups({ b: [...out, ruleOf({ protocol: 'icmp', remote: { addressSet: A } })] })
        await apply(state)
        assert.equal(await a.pings('10.1.0.51'), true)
        await apply({ ...state, addressSets: { [A]: ['10.1.0.77', '10.1.0.0/28', '10.1.0.3'] } })
        assert.equal(await a.pings('10.1.0.51', 1), false)
        await apply({ ...state, addressSets: { [A]: ['10.1.0.0/26', '10.1.0.50'] } })
        assert.equal(await a.pings('10.1.0.51'), true)
      })

      test("without egress rules nothing leaves, except the guest's replies", async () => {
        await apply(twoGroups({ b: [ruleOf({ protocol: 'tcp', portMin: 22, portMax: 22 })] }))
        assert.equal(await b.pings('10.1.0.50', 1), false)
        assert.equal(await b.pings('10.1.0.1', 1), false)
        assert.equal(await a.reads('10.1.0.51', 22), b.namespace)
        await apply(
          twoGroups({ b: [ruleOf({ direction: 'egress', protocol: 'icmp', remote: { cidr: '10.1.0.50/32' } })] }),
        )
        assert.equal(await b.pings('10.1.0.50'), true)
        assert.equal(await b.pings('10.1.0.1', 1), false)
      })

      test('taking a rule away cuts the connections it had let in', async () => {
        const open = twoGroups({ b: [...out, ruleOf({ protocol: 'tcp', portMin: 7000, portMax: 7000 })] })
        await apply(open)
        const echo = await bench.fabric.listen(b.namespace, { host: '0.0.0.0', port: 7000 })
        let heard = ''
        echo.on('connection', socket =>
          socket.on('data', data => (heard += data.toString())).on('error', () => undefined),
        )
        ends.push(() => echo.close())
        const talk = bench.fabric.execIn(a.namespace).talk(['busybox', 'nc', '10.1.0.51', '7000'])
        talk.stdin?.on('error', () => undefined)
        talk.stdin?.write('one ')
        assert.ok(await eventually(() => Promise.resolve(heard === 'one ')))
        await apply(twoGroups({}))
        talk.stdin?.write('two ')
        await pause(700)
        assert.equal(heard, 'one ')
        await apply(open)
        assert.ok(await eventually(() => Promise.resolve(heard === 'one two ')), 'TCP says it again, and now it passes')
        talk.kill()
      })

      test('a group without state needs a rule for each direction', async () => {
        const ping = (direction: 'ingress' | 'egress') => ruleOf({ direction, protocol: 'icmp' })
        await apply(twoGroups({ stateful: false, a: [ping('egress')], b: [ping('ingress'), ping('egress')] }))
        assert.equal(await a.pings('10.1.0.51', 1), false, 'the reply has no rule at a')
        await apply(
          twoGroups({ stateful: false, a: [ping('egress'), ping('ingress')], b: [ping('ingress'), ping('egress')] }),
        )
        assert.equal(await a.pings('10.1.0.51'), true)
      })

      test('a guest speaks only from its own addresses and the pairs it was allowed', async () => {
        await apply(twoGroups({}))
        await b.run(['ip', 'addr', 'add', '10.1.0.99/24', 'dev', 'eth0'])
        const spoofed = async () =>
          (await b.run(['ping', '-c2', '-i', '0.2', '-W', '0.4', '-I', '10.1.0.99', '10.1.0.50'])).code === 0
        assert.equal(await spoofed(), false)
        for (const ip of ['10.1.0.99', '10.1.0.96/28', '10.1.0.99/32']) {
          await apply(twoGroups({ ports: [{}, { allowedAddressPairs: [{ ip }] }] }))
          assert.equal(await spoofed(), true, `pair ${ip}`)
        }
        await apply(
          twoGroups({ ports: [{}, { allowedAddressPairs: [{ ip: '10.1.0.99', mac: 'fa:16:3e:00:00:99' }] }] }),
        )
        assert.equal(await spoofed(), false, 'a pair for another MAC')
        await apply(twoGroups({ ports: [{}, { portSecurity: false, securityGroupIds: [] }] }))
        assert.equal(await spoofed(), true, 'without port security')
        await b.run(['ip', 'addr', 'del', '10.1.0.99/24', 'dev', 'eth0'])
      })

      test('a guest speaks only from its own MAC', async () => {
        await apply(twoGroups({}))
        const other = 'fa:16:3e:00:00:77'
        await b.run(['ip', 'link', 'set', 'eth0', 'address', other])
        assert.equal(await b.pings('10.1.0.50', 2), false)
        await apply(twoGroups({ ports: [{}, { allowedAddressPairs: [{ ip: '10.1.0.51', mac: other }] }] }))
        assert.equal(await b.pings('10.1.0.50'), true)
        await b.run(['ip', 'link', 'set', 'eth0', 'address', portOf(1).mac])
      })

      test("a guest cannot claim another's address by ARP", async () => {
        const claim = () => b.run(['busybox', 'arping', '-U', '-c', '3', '-I', 'eth0', '-s', '10.1.0.1', '10.1.0.1'])
        const seen = async () => (await a.run(['ip', '-o', 'neigh', 'show', '10.1.0.1'])).stdout
        await apply(twoGroups({}))
        await b.run(['ip', 'addr', 'add', '10.1.0.1/32', 'dev', 'eth0'])
        assert.equal(await a.pings('10.1.0.1'), true)
        const honest = await seen()
        await claim()
        assert.match(honest, /fa:16:3e:00:00:01/)
        assert.match(await seen(), /fa:16:3e:00:00:01/)
        await apply(twoGroups({ ports: [{}, { portSecurity: false, securityGroupIds: [] }] }))
        await claim()
        assert.match(await seen(), /fa:16:3e:00:00:51/, 'the same claim arrives when nothing guards')
        await b.run(['ip', 'addr', 'del', '10.1.0.1/32', 'dev', 'eth0'])
      })

      test('a guest is neither DHCP server nor router', async () => {
        const dark = (state: HostNetworkState): HostNetworkState => ({
          ...state,
          networks: state.networks.map(network => ({
            ...network,
            subnets: network.subnets.map(subnet => ({ ...subnet, dhcp: false })),
          })),
        })
        const rogue = bench.fabric
          .execIn(b.namespace)
          .talk([
            'dnsmasq',
            '--keep-in-foreground',
            '--port=0',
            '--conf-file=/dev/null',
            '--pid-file=',
            '--user=root',
            '--group=',
            '--log-facility=/dev/null',
            '--interface=eth0',
            '--bind-interfaces',
            '--no-ping',
            '--enable-ra',
            '--ra-param=eth0,4',
            '--dhcp-range=10.1.0.200,10.1.0.210,1h',
            '--dhcp-range=fd99::,ra-only',
            '--dhcp-leasefile=/dev/null',
          ])
        await b.run(['ip', 'addr', 'add', 'fd99::1/64', 'dev', 'eth0', 'nodad'])
        const asks = () =>
          a.run(['busybox', 'udhcpc', '-i', 'eth0', '-n', '-q', '-f', '-t', '3', '-T', '1', '-s', '/bin/true'])
        const believes = async () =>
          (await a.run(['ip', '-6', '-o', 'addr', 'show', 'dev', 'eth0'])).stdout.includes('fd99:')
        const solicit = async () => {
          await a.run(['tee', '/proc/sys/net/ipv6/conf/eth0/accept_ra'], '2')
          await a.run(['ip', 'link', 'set', 'eth0', 'down'])
          await a.run(['ip', 'link', 'set', 'eth0', 'up'])
          await a.run(['ip', 'route', 'replace', 'default', 'via', '10.1.0.1'])
        }
        try {
          await apply(dark(twoGroups({})))
          await solicit()
          assert.notEqual((await asks()).code, 0, 'no offer arrives')
          await pause(2_500)
          assert.equal(await believes(), false, 'no router is believed')
          const ipv6 = ruleOf({ ethertype: 'IPv6' })
          await apply(
            dark(
              twoGroups({
                a: [...out, ruleOf({ protocol: 'icmp' }), ipv6],
                ports: [{}, { portSecurity: false, securityGroupIds: [] }],
              }),
            ),
          )
          assert.ok(await eventually(async () => (await asks()).code === 0), 'an offer arrives when nothing guards')
          await solicit()
          assert.ok(await eventually(believes), 'an advertisement arrives when nothing guards')
        } finally {
          rogue.kill()
        }
      })

      test('a port that is down is off the wire', async () => {
        await apply(twoGroups({}))
        assert.ok(await eventually(() => b.pings('10.1.0.50', 1)))
        await bench.mechanism.apply(twoGroups({ ports: [{}, { adminUp: false }] }))
        assert.equal(await b.pings('10.1.0.50', 1), false)
        await apply(twoGroups({}))
        assert.ok(await eventually(() => b.pings('10.1.0.50', 1)))
      })
    })
  }
})
