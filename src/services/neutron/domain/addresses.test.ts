import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  canonicalIp,
  canonicalMac,
  defaultPools,
  eui64,
  formatCidr,
  formatIp,
  fromKey,
  hostRange,
  keyOf,
  overlap,
  parseCidr,
  parseIp,
  usable,
} from '#services/neutron/domain/addresses.ts'

const cidr = (text: string) => parseCidr(text) ?? assert.fail(text)

test('addresses are read and printed', () => {
  assert.deepEqual(parseIp('10.0.0.1'), { version: 4, value: 0x0a000001n })
  for (const bad of [
    '',
    '1.2.3',
    '1.2.3.256',
    '01.2.3.4',
    '1.2.3.4/8',
    ':',
    ':::',
    'fe80::1%eth0',
    '1'.repeat(60),
    '::g',
    ' 1.2.3.4',
  ])
    assert.equal(parseIp(bad), null, bad)
  assert.equal(canonicalIp('2001:DB8:0:0::5'), '2001:db8::5')
  assert.equal(canonicalIp('no address'), 'no address')
})
test('reading what was printed gives the same, and keys sort as numbers do', () => {
  fc.assert(
    fc.property(
      fc.bigInt({ min: 0n, max: 2n ** 32n - 1n }),
      fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }),
      fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }),
      (four, six, other) => {
        assert.deepEqual(parseIp(formatIp(4, four)), { version: 4, value: four })
        assert.deepEqual(parseIp(formatIp(6, six)), { version: 6, value: six })
        assert.equal(fromKey(keyOf(6, six)), six)
        assert.equal(keyOf(6, six) < keyOf(6, other), six < other)
      },
    ),
  )
})
test('CIDRs', () => {
  assert.deepEqual([formatCidr(cidr('10.0.0.77/24')), cidr('10.0.0.77/24').ip], ['10.0.0.0/24', 0x0a00004dn])
  for (const bad of ['10.0.0.0', '10.0.0.0/33', '10.0.0.0/', '10.0.0.0/-1', '10.0.0.0/2 4', '::/129', 'x/8'])
    assert.equal(parseCidr(bad), null, bad)
  assert.equal(parseCidr('1.2.3.4', { bare: true })?.prefix, 32)
  assert.ok(overlap(cidr('10.0.0.0/8'), cidr('10.9.0.0/16')))
  assert.ok(!overlap(cidr('10.0.0.0/24'), cidr('10.0.1.0/24')))
  assert.ok(!overlap(cidr('0.0.0.0/0'), cidr('::/0')))
})
test('pools leave out the gateway and what is no host', () => {
  const shown = (text: string, gateway: string | null) =>
    defaultPools(cidr(text), gateway === null ? null : (parseIp(gateway)?.value ?? null)).map(
      pool => `${formatIp(cidr(text).version, pool.first)}-${formatIp(cidr(text).version, pool.last)}`,
    )
  assert.deepEqual(shown('10.0.0.0/30', '10.0.0.1'), ['10.0.0.2-10.0.0.2'])
  assert.deepEqual(shown('10.0.0.0/29', '10.0.0.6'), ['10.0.0.1-10.0.0.5'])
  assert.deepEqual(shown('10.0.0.0/29', '10.0.0.3'), ['10.0.0.1-10.0.0.2', '10.0.0.4-10.0.0.6'])
  assert.deepEqual(shown('10.0.0.0/31', null), ['10.0.0.0-10.0.0.1'])
  assert.deepEqual(shown('10.0.0.4/32', null), ['10.0.0.4-10.0.0.4'])
  assert.deepEqual(shown('2001:db8::/126', '2001:db8::1'), ['2001:db8::2-2001:db8::3'])
  fc.assert(
    fc.property(
      fc.integer({ min: 8, max: 32 }),
      fc.integer({ min: 0, max: 2 ** 32 - 1 }),
      fc.integer({ min: 0, max: 255 }),
      (prefix, base, offset) => {
        const net = cidr(`${formatIp(4, BigInt(base))}/${prefix}`)
        const gateway = net.first + BigInt(offset) > net.last ? net.first : net.first + BigInt(offset)
        const { first, last } = hostRange(net)
        for (const pool of defaultPools(net, gateway)) {
          assert.ok(pool.first >= first && pool.last <= last && pool.first <= pool.last)
          assert.ok(gateway < pool.first || gateway > pool.last)
        }
      },
    ),
  )
})
test('what a port may have', () => {
  const can = (text: string, ip: string, router = false) => usable(cidr(text), parseIp(ip) ?? assert.fail(ip), router)
  assert.deepEqual(
    [
      can('10.0.0.0/24', '10.0.0.0'),
      can('10.0.0.0/24', '10.0.0.255'),
      can('10.0.0.0/24', '10.0.0.1'),
      can('10.0.0.0/31', '10.0.0.0'),
      can('10.0.0.0/24', '10.0.1.1'),
    ],
    [false, false, true, true, false],
  )
  assert.deepEqual(
    [can('2001:db8::/64', '2001:db8::'), can('2001:db8::/64', '2001:db8::', true), can('2001:db8::/64', '2001:db8::1')],
    [false, true, true],
  )
})
test('hardware addresses', () => {
  assert.equal(canonicalMac('FA-16-3E-00-00-01'), 'fa:16:3e:00:00:01')
  assert.equal(canonicalMac('fa16.3e00.0001'), 'fa:16:3e:00:00:01')
  assert.equal(canonicalMac('fa:16:3e:00:00'), null)
  assert.equal(formatIp(6, eui64(cidr('2001:db8::/64'), 'fa:16:3e:00:00:01')), '2001:db8::f816:3eff:fe00:1')
})
