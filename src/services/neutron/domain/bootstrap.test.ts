import assert from 'node:assert/strict'
import { test } from 'node:test'
import { crossings } from '#kernel/crossing/crossing.ts'
import { inProcess } from '#kernel/http/client.ts'
import { testWho } from '#kernel/http/test-caller.ts'
import { bootstrapNetwork } from '#services/neutron/domain/bootstrap.ts'
import { neutronForTests } from '#services/neutron/test-neutron.ts'

test('first networks: made once, left alone afterwards', async () => {
  await using neutron = await neutronForTests()
  const wish = {
    neutron: inProcess(neutron.neutron.handle, 'neutron-server', 'http://127.0.0.1/networking'),
    ctx: {
      requestId: 'req-00000000-0000-4000-8000-000000000000',
      who: testWho('admin@admin'),
      actor: 'main',
      cross: crossings([]),
    },
    demoProjectId: 'demo',
  }
  await bootstrapNetwork(wish)
  const seen = async () => ({
    networks: (await neutron.list('member@demo', '/networks?sort_key=name&sort_dir=asc')).map(one => one['name']),
    subnets: (await neutron.list('admin@admin', '/subnets?sort_key=name&sort_dir=asc')).map(one => [
      one['cidr'],
      one['enable_dhcp'],
      one['project_id'],
    ]),
    routers: (await neutron.list('member@demo', '/routers')).map(one => one['name']),
  })
  const first = await seen()
  assert.deepEqual(first, {
    networks: ['private', 'public', 'shared'],
    subnets: [
      ['10.0.0.0/26', true, 'demo'],
      ['172.24.4.0/24', false, 'admin'],
      ['192.168.233.0/24', true, 'admin'],
    ],
    routers: ['router1'],
  })
  await bootstrapNetwork(wish)
  assert.deepEqual(await seen(), first)
  assert.deepEqual(await neutron.neutron.audit(), [])
})
