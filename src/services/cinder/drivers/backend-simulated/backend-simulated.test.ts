// The simulated back end keeps the port's promises, and remembers.
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { test } from 'node:test'
import { backendSuite } from '#services/cinder/drivers/backend.suite.ts'
import { createSimulatedBackend } from '#services/cinder/drivers/backend-simulated/backend-simulated.ts'

backendSuite('simulated', async () => ({
  backend: createSimulatedBackend({ totalGb: 30 }),
  image: megabytes => ({
    id: 'image',
    diskFormat: 'raw',
    sizeBytes: megabytes * 2 ** 20,
    hashAlgorithm: null,
    hashValue: null,
    checksum: null,
    download: async () =>
      (async function* () {
        yield new Uint8Array(megabytes * 2 ** 20)
      })(),
  }),
  close: async () => undefined,
}))

test('simulated: what it keeps outlives the process', async () => {
  const folder = await mkdtemp(`${tmpdir()}/koto-cinder-`)
  try {
    const file = `${folder}/volumes.json`
    const volumeId = '00000000-0000-4000-8000-000000000001'
    const before = createSimulatedBackend({ totalGb: 30, file })
    await before.start()
    await before.create(volumeId, 5, { from: 'nothing' }, new AbortController().signal)
    await before.createSnapshot(volumeId, 's')
    await before.close()
    const again = createSimulatedBackend({ totalGb: 30, file })
    await again.start()
    assert.deepEqual((await again.inventory()).volumes, [{ volumeId, sizeBytes: 5 * 2 ** 30, snapshots: ['s'] }])
  } finally {
    await rm(folder, { recursive: true })
  }
})
