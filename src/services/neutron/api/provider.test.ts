// Provider attributes: VLAN networks by physical network and number, taken from ranges; who may say so.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { neutronForTests } from '#services/neutron/test-neutron.ts'

const admin = 'admin@admin'
const segment = (it: Record<string, unknown>): unknown[] => [
  it['provider:network_type'],
  it['provider:physical_network'],
  it['provider:segmentation_id'],
]

test('VLAN networks have numbers of their physical network, from its ranges or asked for', async () => {
  await using neutron = await neutronForTests({ set: { 'neutron.vlanRanges': 'physnet1:100:101,physnet2' } })
  const make = (body: Record<string, unknown>) =>
    neutron.ok(admin, 'POST', '/networks', { network: { 'provider:network_type': 'vlan', ...body } })
  const refuse = async (body: Record<string, unknown>, token = admin) =>
    neutron.refused(token, 'POST', '/networks', { network: { 'provider:network_type': 'vlan', ...body } })
  assert.deepEqual(segment(await make({})), ['vlan', 'physnet1', 100])
  assert.deepEqual(segment(await make({ 'provider:physical_network': 'physnet1' })), ['vlan', 'physnet1', 101])
  const named = { 'provider:physical_network': 'physnet2', 'provider:segmentation_id': 100 }
  const made = await make(named)
  assert.deepEqual([segment(made), made['mtu']], [['vlan', 'physnet2', 100], 1500])
  assert.deepEqual(await refuse(named), [
    409,
    'VlanIdInUse',
    'Unable to create the network. The VLAN 100 on physical network physnet2 is in use.',
  ])
  for (const [body, says] of [
    [{ 'provider:segmentation_id': 5 }, /requires physical_network/],
    [{ 'provider:physical_network': 'nowhere' }, /'nowhere' unknown for VLAN provider network/],
    [{ 'provider:physical_network': 'physnet2', 'provider:segmentation_id': 4095 }, /out of range \(1 through 4094\)/],
  ] as const) {
    const [status, type, message] = await refuse(body)
    assert.deepEqual([status, type], [400, 'InvalidInput'])
    assert.match(message, says)
  }
  assert.equal((await refuse({}, 'member,reader@p1'))[0], 403)
  const seen = await neutron.ok('member,reader@p1', 'POST', '/networks', { network: {} })
  assert.equal(seen['provider:network_type'], undefined)
})
