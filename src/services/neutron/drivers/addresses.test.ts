import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  contains,
  disjoint,
  hex128,
  linkLocal,
  netmask,
  networkAddress,
  prefixOf,
  toNumber,
} from '#services/neutron/drivers/addresses.ts'

test('addresses as numbers, in every way they are written', () => {
  assert.equal(toNumber('10.1.0.50'), 0x0a010032n)
  assert.equal(toNumber('::'), 0n)
  assert.equal(toNumber('::1'), 1n)
  assert.equal(toNumber('fd00::1'), (0xfd00n << 112n) | 1n)
  assert.equal(toNumber('1:2:3:4:5:6:7:8'), 0x00010002000300040005000600070008n)
  assert.equal(toNumber('::ffff:10.1.0.50'), 0xffff0a010032n)
  assert.equal(hex128('fe80::1'), '0xfe800000000000000000000000000001')
})

test('subnets: what is in them, their address and mask', () => {
  assert.equal(contains('10.1.0.0/24', '10.1.0.255'), true)
  assert.equal(contains('10.1.0.0/24', '10.1.1.0'), false)
  assert.equal(contains('fd00::/64', 'fd00::ffff'), true)
  assert.equal(contains('::/0', '10.1.0.1'), false)
  assert.deepEqual(
    [networkAddress('10.1.0.77/26'), netmask(26), netmask(0), prefixOf('10.0.0.1')],
    ['10.1.0.64', '255.255.255.192', '0.0.0.0', 32],
  )
})

test('only ranges that do not lie in one another remain', () => {
  assert.deepEqual(disjoint(['10.0.0.5', '10.0.0.0/24', '10.0.0.5', '10.0.1.0/24', '10.0.0.0/25']), [
    '10.0.0.0/24',
    '10.0.1.0/24',
  ])
  assert.deepEqual(disjoint(['0.0.0.0', '0.0.0.0/0']), ['0.0.0.0/0'])
  assert.deepEqual(disjoint(['fd00::1', 'fd00:0::1', 'fe80::/10']), ['fd00::1', 'fe80::/10'])
  assert.deepEqual(disjoint([]), [])
})

test("a device's own link-local address", () => {
  assert.equal(linkLocal('fa:16:3e:00:00:50'), 'fe80::f816:3eff:fe00:50')
})
