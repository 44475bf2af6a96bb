// Files that are put into a config drive, until 2.56: as many, as long and as large as the quota says.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { testNova } from '#services/nova/test-nova.ts'

test('files reach the config drive, and more than fit are refused with nothing made', async () => {
  const t = await testNova({
    neighbours: {
      neutron: () => ({ json: { networks: [], ports: [] } }),
      glance: (_method, path) => ({
        json: { id: path.split('/').at(-1), status: 'active', min_disk: 0, min_ram: 0, size: 1, virtual_size: 1 },
      }),
    },
  })
  await t.database.tx(t.ctx(), 'flavor', async q => {
    await q
      .insertInto('flavors')
      .values({
        ...{ id: '1', name: 'tiny', vcpus: 1, ram_mb: 1, disk_gb: 1, ephemeral_gb: 0, swap_mb: 0, rxtx_factor: 1 },
        ...{ is_public: 1, disabled: 0, description: null, extra_specs: '{}' as never },
        ...{ created_at: '2026-01-01T00:00:00.000Z' as never, updated_at: null },
      })
      .execute()
  })
  const create = (personality: unknown) =>
    t.call('POST', '/v2.1/servers', {
      body: {
        server: {
          ...{ name: 'one', flavorRef: '1', imageRef: '11111111-1111-4111-8111-111111111111' },
          ...{ networks: [], config_drive: true, personality },
        },
      },
    })
  const file = { path: '/etc/motd', contents: 'aGVsbG8=' }
  for (const [files, says] of [
    [Array.from({ length: 6 }, () => file), /Personality file limit exceeded/],
    [[{ ...file, path: `/${'x'.repeat(255)}` }], /Personality file path exceeds maximum 255/],
    [[{ ...file, contents: 'aaaa'.repeat(2561) }], /Personality file content exceeds maximum 10240/],
  ] as const) {
    const answer = await create(files)
    assert.equal(answer.status, 403)
    assert.match(JSON.stringify(answer.json), says)
  }
  assert.equal((await create([{ path: '/x', contents: 'no base 64!' }])).status, 400)
  const { rows } = await t.database.read(t.ctx(), 'rows', async q => ({
    rows: await q.selectFrom('servers').select('id').execute(),
  }))
  assert.deepEqual(rows, [])
  const made = await create([file, { path: '/b', contents: 'Yg==' }])
  assert.equal(made.status, 202, JSON.stringify(made.json))
  const { id } = (made.json as { server: { id: string } }).server
  const files = await t.nova.metadata.files(t.ctx(), id, [])
  assert.equal(files['openstack/content/0000'], 'hello')
  assert.deepEqual((JSON.parse(files['openstack/latest/meta_data.json'] ?? '{}') as { files: unknown }).files, [
    { path: '/etc/motd', content_path: '/content/0000' },
    { path: '/b', content_path: '/content/0001' },
  ])
  await t.close()
})
