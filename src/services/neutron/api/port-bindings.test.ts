// Several bindings of one port: life, who may, refusals, and that what is in force is what its host is told.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { neutronForTests, type TestNeutron, type Thing } from '#services/neutron/test-neutron.ts'

const admin = 'admin@ops'
const member = 'member@demo'
const service = 'service,admin@service'
const NOBODY = '11111111-2222-4333-8444-555555555555'

async function portOn(neutron: TestNeutron, host: string, owner = 'compute:nova'): Promise<Thing> {
  const network = await neutron.ok(member, 'POST', '/networks', { network: { name: 'n' } })
  await neutron.ok(member, 'POST', '/subnets', {
    subnet: { network_id: network.id, ip_version: 4, cidr: '10.5.0.0/24' },
  })
  const port = await neutron.ok(service, 'POST', '/ports', {
    port: { network_id: network.id, project_id: 'demo', device_owner: owner, device_id: NOBODY },
  })
  return host === '' ? port : neutron.ok(service, 'PUT', `/ports/${port.id}`, { port: { 'binding:host_id': host } })
}

test('a second binding stands ready, comes into force, and goes', async () => {
  await using neutron = await neutronForTests({ hosts: ['h1', 'h2'] })
  const port = await portOn(neutron, 'h1')
  const path = `/ports/${port.id}/bindings`
  const made = await neutron.ok(service, 'POST', path, { binding: { host: 'h2', profile: { a: 1 } } })
  assert.deepEqual(
    [made['host'], made['vif_type'], made['vnic_type'], made['profile'], made['status']],
    ['h2', 'other', 'normal', { a: 1 }, 'INACTIVE'],
  )
  assert.deepEqual(
    (await neutron.list(admin, path)).map(one => [one['host'], one['status']]),
    [
      ['h1', 'ACTIVE'],
      ['h2', 'INACTIVE'],
    ],
  )
  assert.deepEqual(await neutron.list(admin, `${path}?status=INACTIVE&fields=host`), [{ host: 'h2' }])
  assert.equal((await neutron.ok(admin, 'GET', `${path}/h2`))['status'], 'INACTIVE')

  const answer = await neutron.call('PUT', `/v2.0${path}/h2/activate`, { token: service, body: {} })
  assert.equal(answer.status, 200)
  assert.equal((answer.json as unknown as Thing)['status'], 'ACTIVE')
  assert.equal((answer.json as unknown as Thing)['host'], 'h2')
  await neutron.neutron.settled()
  const moved = await neutron.ok(admin, 'GET', `/ports/${port.id}`)
  assert.deepEqual(
    [moved['binding:host_id'], moved['binding:profile'], moved['status']],
    ['h2', { a: 1 }, 'ACTIVE'],
    'the new host wired it',
  )
  const old = await neutron.ok(admin, 'GET', `${path}/h1`)
  assert.deepEqual([old['status'], old['vif_type']], ['INACTIVE', 'unbound'])
  assert.deepEqual((await neutron.refused(service, 'PUT', `${path}/h2/activate`)).slice(0, 2), [
    409,
    'PortBindingAlreadyActive',
  ])
  await neutron.ok(service, 'DELETE', `${path}/h1`)
  assert.equal((await neutron.list(admin, path)).length, 1)
  // A port that is bound to where a binding stood ready has one binding to that host.
  await neutron.ok(service, 'POST', path, { binding: { host: 'h1' } })
  await neutron.ok(service, 'PUT', `/ports/${port.id}`, { port: { 'binding:host_id': 'h1' } })
  assert.equal((await neutron.list(admin, path)).length, 1)
  await neutron.ok(service, 'PUT', `${path}/h1`, { binding: { vnic_type: 'normal', profile: { b: 2 } } })
  assert.deepEqual((await neutron.ok(admin, 'GET', `/ports/${port.id}`))['binding:profile'], { b: 2 })
  await neutron.ok(service, 'DELETE', `${path}/h1`)
  assert.equal((await neutron.ok(admin, 'GET', `/ports/${port.id}`))['binding:vif_type'], 'unbound')
  await neutron.ok(service, 'POST', path, { binding: { host: 'h2' } })
  await neutron.ok(service, 'DELETE', `/ports/${port.id}`)
  const left = await neutron.database.kysely.selectFrom('port_bindings').selectAll().execute()
  assert.deepEqual(left, [], 'bindings go with their port')
})

test('who may, and what is refused', async () => {
  await using neutron = await neutronForTests({ hosts: ['h1', 'h2'] })
  const port = await portOn(neutron, 'h1')
  const path = `/ports/${port.id}/bindings`
  assert.deepEqual(await neutron.list(member, path), [])
  assert.deepEqual((await neutron.refused('member@alien', 'GET', path)).slice(0, 2), [404, 'PortNotFound'])
  assert.deepEqual((await neutron.refused(member, 'POST', path, { binding: { host: 'h2' } })).slice(0, 2), [
    403,
    'PolicyNotAuthorized',
  ])
  assert.deepEqual((await neutron.refused(admin, 'POST', path, { binding: { host: 'h2' } })).slice(0, 2), [
    403,
    'PolicyNotAuthorized',
  ])
  for (const [body, status, type] of [
    [{ binding: { host: 'h1' } }, 409, 'PortBindingAlreadyExists'],
    [{ binding: { host: 'nowhere' } }, 409, 'PortBindingError'],
    [{ binding: {} }, 400, 'HTTPBadRequest'],
    [{ binding: { host: 'h2', vnic_type: 'paper' } }, 400, 'HTTPBadRequest'],
    [{ binding: { host: 'h2', profile: 'x' } }, 400, 'HTTPBadRequest'],
    [{ binding: { host: 'h2', profile: { x: 'y'.repeat(5000) } } }, 400, 'InvalidInput'],
    [{ binding: { host: 'h'.repeat(256) } }, 400, 'HTTPBadRequest'],
    [{ binding: { host: 'h2', vif_type: 'ovs' } }, 400, 'HTTPBadRequest'],
    [{}, 400, 'HTTPBadRequest'],
    [{ binding: [] }, 400, 'HTTPBadRequest'],
  ] as const)
    assert.deepEqual((await neutron.refused(service, 'POST', path, body)).slice(0, 2), [status, type])
  const missing = [404, 'PortBindingNotFound']
  assert.deepEqual((await neutron.refused(service, 'PUT', `${path}/h2/activate`)).slice(0, 2), missing)
  assert.deepEqual((await neutron.refused(service, 'DELETE', `${path}/h2`)).slice(0, 2), missing)
  assert.deepEqual((await neutron.refused(service, 'GET', `${path}/h2`)).slice(0, 2), missing)
  assert.deepEqual((await neutron.refused(service, 'GET', `/ports/${NOBODY}/bindings`)).slice(0, 2), [
    404,
    'PortNotFound',
  ])
  const other = await portOn(neutron, '', 'network:something')
  assert.deepEqual(
    (await neutron.refused(service, 'POST', `/ports/${other.id}/bindings`, { binding: { host: 'h2' } })).slice(0, 2),
    [400, 'BadRequest'],
  )
})
