// The audit finds rows that outlived what they belong to.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { neutronForTests } from '#services/neutron/test-neutron.ts'

const GONE = '11111111-2222-4333-8444-555555555555'

test('what outlived its owner is found', async () => {
  await using neutron = await neutronForTests()
  assert.deepEqual(await neutron.neutron.audit(), [])
  const q = neutron.database.kysely
  await q
    .insertInto('port_bindings')
    .values({ port_id: GONE, host: 'h1', vif_type: 'other', vif_details: '{}', vnic_type: 'normal', profile: '{}' })
    .execute()
  await q
    .insertInto('rbac_policies')
    .values({
      id: GONE,
      project_id: 'p1',
      object_type: 'network',
      object_id: GONE,
      target_project: '*',
      action: 'access_as_shared',
    })
    .execute()
  assert.deepEqual((await neutron.neutron.audit()).map(one => one.says).sort(), [
    `a binding of port ${GONE} outlived it`,
    `a policy that shares network ${GONE} outlived it`,
  ])
})
