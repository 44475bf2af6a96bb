// The simulated store keeps the port's promises, also when the process begins anew.
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { test } from 'node:test'
import { createSimulatedBackups } from '#services/cinder/drivers/backups-simulated/backups-simulated.ts'
import { backupsSuite } from '#services/cinder/drivers/backups.suite.ts'

const raw = async () => ({ path: '/dev/null', extents: [] })
backupsSuite('simulated', async () => ({
  store: createSimulatedBackups(),
  raw,
  close: async () => undefined,
}))

test('simulated: remembers', async () => {
  const folder = await mkdtemp(`${tmpdir()}/koto-backups-`)
  const file = `${folder}/backups.json`
  const id = '00000000-0000-4000-8000-000000000001'
  await createSimulatedBackups({ file }).keep(id, null, { raw }, () => undefined, new AbortController().signal)
  const again = createSimulatedBackups({ file })
  await again.start()
  assert.deepEqual((await again.inventory()).backups, [{ backupId: id, needs: [] }])
  await rm(folder, { recursive: true })
})
