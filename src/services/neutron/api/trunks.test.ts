// Trunks through the API: parents and subports, who may be which, status by what hosts say, and ports that cannot go.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { neutronForTests, type TestNeutron, type Thing } from '#services/neutron/test-neutron.ts'

const member = 'member,reader@p1'
const admin = 'admin@admin'
const stranger = 'member,reader@p2'
const GONE = '00000000-0000-4000-8000-000000000000'

const port = async (neutron: TestNeutron, body: Record<string, unknown> = {}, token = member): Promise<Thing> => {
  const network = await neutron.ok(token, 'POST', '/networks', { network: {} })
  return neutron.ok(token, 'POST', '/ports', { port: { network_id: network.id, ...body } })
}
const sub = (it: Thing, number: number) => ({ port_id: it.id, segmentation_type: 'vlan', segmentation_id: number })

test('a trunk comes, changes and goes', async () => {
  await using neutron = await neutronForTests()
  const [parent, one, two] = [await port(neutron), await port(neutron), await port(neutron)]
  const made = await neutron.ok(member, 'POST', '/trunks', {
    trunk: { name: 't', port_id: parent.id, sub_ports: [sub(one, 100)] },
  })
  assert.deepEqual(
    [made['name'], made['status'], made['admin_state_up'], made['sub_ports']],
    ['t', 'DOWN', true, [sub(one, 100)]],
  )
  const more = await neutron.ok(member, 'PUT', `/trunks/${made.id}/add_subports`, { sub_ports: [sub(two, 101)] })
  assert.deepEqual(more['sub_ports'], [sub(one, 100), sub(two, 101)])
  assert.deepEqual(await neutron.ok(member, 'GET', `/trunks/${made.id}/get_subports`), {
    sub_ports: [sub(one, 100), sub(two, 101)],
  })
  const shown = await neutron.ok(member, 'GET', `/ports/${parent.id}`)
  const details = shown['trunk_details'] as unknown as { trunk_id: string; sub_ports: Record<string, unknown>[] }
  assert.equal(details.trunk_id, made.id)
  assert.deepEqual(details.sub_ports[0], { ...sub(one, 100), mac_address: one['mac_address'] })
  assert.equal((await neutron.ok(member, 'GET', `/ports/${one.id}`))['device_owner'], 'trunk:subport')
  for (const id of [one.id, parent.id])
    assert.match((await neutron.refused(member, 'DELETE', `/ports/${id}`))[1], /^PortInUseAs(SubPort|TrunkParent)$/)
  await neutron.ok(member, 'PUT', `/trunks/${made.id}/remove_subports`, { sub_ports: [{ port_id: one.id }] })
  assert.equal((await neutron.ok(member, 'GET', `/ports/${one.id}`))['device_owner'], '')
  await neutron.ok(member, 'DELETE', `/ports/${one.id}`)
  await neutron.ok(member, 'PUT', `/trunks/${made.id}`, { trunk: { admin_state_up: false } })
  assert.equal((await neutron.refused(member, 'DELETE', `/trunks/${made.id}`))[1], 'TrunkDisabled')
  await neutron.ok(member, 'PUT', `/trunks/${made.id}`, { trunk: { admin_state_up: true, name: 'u' } })
  assert.deepEqual(await neutron.list(stranger, '/trunks'), [])
  assert.equal((await neutron.refused(stranger, 'GET', `/trunks/${made.id}`))[1], 'TrunkNotFound')
  assert.deepEqual(
    (await neutron.list(member, '/trunks?name=u')).map(it => it.id),
    [made.id],
  )
  await neutron.ok(member, 'DELETE', `/trunks/${made.id}`)
  await neutron.ok(member, 'DELETE', `/ports/${parent.id}`)
  assert.equal((await neutron.refused(member, 'GET', `/trunks/${made.id}`))[0], 404)
})

test('what cannot be a trunk', async () => {
  await using neutron = await neutronForTests()
  const [parent, one, two] = [await port(neutron), await port(neutron), await port(neutron)]
  const refuse = async (subports: unknown, portId: unknown = parent.id) =>
    (await neutron.refused(member, 'POST', '/trunks', { trunk: { port_id: portId, sub_ports: subports } })).slice(0, 2)
  assert.deepEqual(await refuse([], GONE), [404, 'PortNotFound'])
  assert.deepEqual(await refuse([], 7), [400, 'HTTPBadRequest'])
  for (const bad of [
    'x',
    [7],
    [{}],
    [{ port_id: 'nonsense' }],
    [{ port_id: one.id, segmentation_type: 'vlan' }],
    [sub(one, 5), sub(one, 6)],
    [sub(one, 5), sub(two, 5)],
  ])
    assert.equal((await refuse(bad))[0], 400, JSON.stringify(bad))
  assert.deepEqual(await refuse([sub(one, 0)]), [400, 'InvalidInput'])
  assert.deepEqual(await refuse([sub(one, 4095)]), [400, 'InvalidInput'])
  assert.deepEqual(await refuse([{ ...sub(one, 4), segmentation_type: 'gre' }]), [400, 'InvalidInput'])
  assert.deepEqual(await refuse([sub(parent, 4)]), [409, 'ParentPortInUse'])
  assert.deepEqual(await refuse([sub(await port(neutron, {}, stranger), 4)]), [404, 'PortNotFound'])
  const used = await port(neutron, { device_id: 'somebody' })
  assert.deepEqual(await refuse([sub(used, 4)]), [409, 'PortInUse'])
  const made = await neutron.ok(member, 'POST', '/trunks', { trunk: { port_id: parent.id, sub_ports: [sub(one, 4)] } })
  assert.deepEqual(await refuse([]), [409, 'ParentPortInUse'])
  assert.deepEqual(await refuse([], one.id), [409, 'TrunkPortInUse'])
  const add = async (subports: unknown) =>
    (await neutron.refused(member, 'PUT', `/trunks/${made.id}/add_subports`, { sub_ports: subports })).slice(0, 2)
  assert.deepEqual(await add([sub(two, 4)]), [409, 'DuplicateSubPort'])
  assert.deepEqual(await add([sub(one, 9)]), [409, 'TrunkPortInUse'])
  assert.deepEqual(await add('x'), [400, 'InvalidInput'])
  assert.equal((await neutron.refused(member, 'PUT', `/trunks/${made.id}/add_subports`))[0], 400)
  assert.deepEqual(
    (
      await neutron.refused(member, 'PUT', `/trunks/${made.id}/remove_subports`, { sub_ports: [{ port_id: two.id }] })
    ).slice(0, 2),
    [404, 'SubPortNotFound'],
  )
})

test('subports go where their parent is bound, and the trunk is as they are', async () => {
  await using neutron = await neutronForTests({ hosts: ['h1', 'h2'] })
  const [parent, one] = [await port(neutron), await port(neutron)]
  const made = await neutron.ok(member, 'POST', '/trunks', { trunk: { port_id: parent.id, sub_ports: [sub(one, 7)] } })
  const bind = async (host: string): Promise<void> => {
    await neutron.ok(admin, 'PUT', `/ports/${parent.id}`, {
      port: { 'binding:host_id': host, device_owner: 'compute:nova', device_id: host === '' ? '' : 'server' },
    })
    await neutron.neutron.settled()
  }
  for (const host of ['h1', 'h2']) {
    await bind(host)
    const bound = await neutron.ok(admin, 'GET', `/ports/${one.id}`)
    assert.deepEqual([bound['binding:host_id'], bound['status']], [host, 'ACTIVE'])
    assert.equal((await neutron.ok(member, 'GET', `/trunks/${made.id}`))['status'], 'ACTIVE')
  }
  assert.equal((await neutron.refused(member, 'DELETE', `/trunks/${made.id}`))[1], 'TrunkInUse')
  const late = await port(neutron)
  await neutron.ok(member, 'PUT', `/trunks/${made.id}/add_subports`, { sub_ports: [sub(late, 8)] })
  await neutron.neutron.settled()
  assert.equal((await neutron.ok(admin, 'GET', `/ports/${late.id}`))['binding:host_id'], 'h2')
  assert.equal((await neutron.ok(member, 'GET', `/trunks/${made.id}`))['status'], 'ACTIVE')
  await bind('')
  assert.equal((await neutron.ok(member, 'GET', `/trunks/${made.id}`))['status'], 'DOWN')
  await neutron.ok(member, 'DELETE', `/trunks/${made.id}`)
  assert.deepEqual(await neutron.neutron.audit(), [])
})
