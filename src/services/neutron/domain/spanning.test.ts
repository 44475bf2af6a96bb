// Networks that span hosts: each host knows what of its networks is on the others, and hears when that moves.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { HostNetworkState, Mechanism } from '#services/neutron/drivers/mechanism.ts'
import { createSimulatedMechanism } from '#services/neutron/drivers/mechanism-simulated/mechanism-simulated.ts'
import { neutronForTests } from '#services/neutron/test-neutron.ts'

const member = 'member,reader@p1'
const admin = 'admin@admin'

function watched(tunnelIp: string): { mechanism: Mechanism; told: () => HostNetworkState | null } {
  const mechanism = createSimulatedMechanism({ tunnelIp })
  let last: HostNetworkState | null = null
  return {
    told: () => last,
    mechanism: {
      ...mechanism,
      apply(desired, options) {
        last = desired
        return mechanism.apply(desired, options)
      },
    },
  }
}

test('each host knows what is on the others', async () => {
  await using neutron = await neutronForTests({ hosts: [] })
  const [one, two] = [watched('192.0.2.1'), watched('192.0.2.2')]
  await neutron.host('h1', one.mechanism)
  await neutron.host('h2', two.mechanism)
  const network = await neutron.ok(member, 'POST', '/networks', { network: {} })
  await neutron.ok(member, 'POST', '/subnets', {
    subnet: { network_id: network.id, ip_version: 4, cidr: '10.9.0.0/24' },
  })
  const port = (host: string) =>
    neutron.ok(admin, 'POST', '/ports', {
      port: { network_id: network.id, 'binding:host_id': host, device_owner: 'compute:nova', device_id: host },
    })
  const [a, b] = [await port('h1'), await port('h2')]
  await neutron.neutron.settled()
  const remotes = (of: typeof one): [string, string][] =>
    (of.told()?.networks.find(it => it.id === network.id)?.remotes ?? []).map(it => [it.mac, it.host])
  const dhcp = (await neutron.list(admin, '/ports?device_owner=network:dhcp'))[0]
  assert.ok(dhcp)
  const sorted = (pairs: [unknown, string][]) => pairs.sort((x, y) => (String(x[0]) < String(y[0]) ? -1 : 1))
  assert.deepEqual(remotes(one), [[b['mac_address'], '192.0.2.2']])
  assert.deepEqual(
    remotes(two),
    sorted([
      [a['mac_address'], '192.0.2.1'],
      [dhcp['mac_address'], '192.0.2.1'],
    ]),
  )
  // The second guest moves to the first host: neither has anything to send out for it.
  await neutron.ok(admin, 'PUT', `/ports/${b.id}`, { port: { 'binding:host_id': 'h1' } })
  await neutron.neutron.settled()
  assert.deepEqual(remotes(one), [])
  await neutron.ok(admin, 'PUT', `/ports/${a.id}`, { port: { 'binding:host_id': 'h2' } })
  await neutron.neutron.settled()
  assert.deepEqual(remotes(one), [[a['mac_address'], '192.0.2.2']])
  await neutron.ok(admin, 'DELETE', `/ports/${a.id}`)
  await neutron.neutron.settled()
  assert.deepEqual(remotes(one), [])
  assert.deepEqual(await neutron.neutron.audit(), [])
})
