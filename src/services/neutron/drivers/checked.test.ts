import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Unfit, cidr, dhcpOption, domain, id, ip, label, mac } from '#services/neutron/drivers/checked.ts'

const GATES = { id, mac, ip, cidr, label, domain, option: (value: string) => dhcpOption({ name: 'x', value }).value }

test('what passes a gate is one plain line', () => {
  const text = fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.ipV4(), fc.ipV6(), fc.uuid(), fc.domain())
  fc.assert(
    fc.property(text, fc.constantFrom('', '\n', ' ', ';', '"', '}', '#', '\0', '\\', ' drop'), (value, tail) => {
      for (const [name, gate] of Object.entries(GATES)) {
        try {
          assert.match(gate(value + tail), name === 'option' ? /^[ !#-[\]-~]*$/ : /^[A-Za-z0-9.:/-]+$/)
        } catch (error) {
          assert.ok(error instanceof Unfit, String(error))
        }
      }
    }),
    { numRuns: 500 },
  )
})

test('good values pass, bad ones say what they are', () => {
  assert.equal(mac('FA:16:3E:00:00:01'), 'fa:16:3e:00:00:01')
  assert.equal(cidr('FD00::/64'), 'fd00::/64')
  assert.equal(domain('cloud.example.'), 'cloud.example')
  for (const bad of [
    '10.0.0.0/33',
    '10.0.0.0/',
    '10.0.0.0/1e1',
    '10.0.0.0/8/8',
    'fd00::/129',
    '010.0.0.1',
    '10.0.0',
    'fe80::1%eth0',
    '',
  ]) {
    assert.throws(() => cidr(bad), Unfit, bad)
  }
  assert.throws(
    () => dhcpOption({ name: 'tftp-server', value: 'x\ndhcp-script=/bin/sh' }),
    /a DHCP option value is not usable/,
  )
  assert.throws(() => dhcpOption({ name: 'a,b', value: 'x' }), Unfit)
})
