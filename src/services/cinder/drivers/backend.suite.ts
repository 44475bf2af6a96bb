// What every back end keeps of the port's promises: run by each driver's own test.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BackendFault, type Backend, type Filling, type ImageBytes } from '#services/cinder/drivers/backend.ts'

export interface BackendBench {
  readonly backend: Backend
  /** An image of `megabytes` that the driver accepts, its promises kept. */
  image(megabytes: number): ImageBytes
  close(): Promise<void>
}

const GIB = 2 ** 30
const id = (n: number): string => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`
const V1 = id(1)
const V2 = id(2)
const V3 = id(3)
const S1 = id(101)
const S2 = id(102)
const never = new AbortController().signal
const NOTHING: Filling = { from: 'nothing' }
const fault =
  (...codes: string[]) =>
  (error: unknown): boolean =>
    error instanceof BackendFault && codes.includes(error.code)

/** Each test gets a bench of its own. */
export function backendSuite(name: string, makeBench: () => Promise<BackendBench>): void {
  const on = (says: string, deed: (bench: BackendBench) => Promise<void>): void => {
    test(`${name}: ${says}`, async () => {
      const bench = await makeBench()
      try {
        await bench.backend.start()
        await deed(bench)
      } finally {
        await bench.backend.close()
        await bench.close()
      }
    })
  }
  const found = async (backend: Backend) =>
    (await backend.inventory()).volumes.toSorted((a, b) => (a.volumeId < b.volumeId ? -1 : 1))

  on('makes, finds, grows and removes a volume, each as often as one likes', async ({ backend }) => {
    for (let i = 0; i < 2; i += 1) await backend.create(V1, 1, NOTHING, never)
    assert.deepEqual(await found(backend), [{ volumeId: V1, sizeBytes: GIB, snapshots: [] }])
    for (let i = 0; i < 2; i += 1) assert.deepEqual(await backend.resize(V1, 2), { grown: true })
    assert.equal(await backend.sizeBytes(V1), 2 * GIB)
    assert.deepEqual(await backend.resize(V1, 1), { grown: true }, 'it is large enough')
    assert.equal(await backend.sizeBytes(V1), 2 * GIB)
    await backend.resize(V1, 1, { shrink: true })
    assert.equal(await backend.sizeBytes(V1), GIB)
    for (let i = 0; i < 2; i += 1) await backend.remove(V1)
    assert.deepEqual(await backend.inventory(), { volumes: [], exports: [], leftovers: [] })
    await assert.rejects(backend.sizeBytes(V1), fault('not-found'))
    await assert.rejects(backend.resize(V1, 2), fault('not-found'))
    await assert.rejects(backend.createSnapshot(V1, S1), fault('not-found'))
    await assert.rejects(backend.connect(V1, 1, { host: 'node-1' }, 'rw'), fault('not-found'))
  })

  on('keeps snapshots, in any order of removal', async ({ backend }) => {
    await backend.create(V1, 1, NOTHING, never)
    for (let i = 0; i < 2; i += 1) assert.deepEqual(await backend.createSnapshot(V1, S1), { live: null })
    await backend.createSnapshot(V1, S2)
    assert.deepEqual((await found(backend))[0]?.snapshots.toSorted(), [S1, S2])
    for (let i = 0; i < 2; i += 1) await backend.removeSnapshot(V1, S1)
    assert.deepEqual((await found(backend))[0]?.snapshots, [S2])
    await backend.removeSnapshot(V1, S2)
    assert.deepEqual(await found(backend), [{ volumeId: V1, sizeBytes: GIB, snapshots: [] }])
    await backend.createSnapshot(V1, S1)
    await backend.remove(V1)
    assert.deepEqual(await found(backend), [], 'its snapshots went with it')
  })

  on('makes volumes of volumes, snapshots and images', async ({ backend, image }) => {
    await backend.create(V1, 1, NOTHING, never)
    await backend.createSnapshot(V1, S1)
    await backend.create(V2, 2, { from: 'volume', volumeId: V1 }, never)
    await backend.create(V3, 1, { from: 'snapshot', volumeId: V1, snapshotId: S1 }, never)
    await backend.remove(V1)
    assert.deepEqual(await found(backend), [
      { volumeId: V2, sizeBytes: 2 * GIB, snapshots: [] },
      { volumeId: V3, sizeBytes: GIB, snapshots: [] },
    ])
    await backend.create(V1, 3, { from: 'image', image: image(1) }, never)
    assert.equal(await backend.sizeBytes(V1), 3 * GIB)
    await assert.rejects(
      backend.create(id(9), 1, { from: 'snapshot', volumeId: V1, snapshotId: S2 }, never),
      fault('not-found'),
    )
    await assert.rejects(backend.create(id(9), 1, { from: 'volume', volumeId: id(8) }, never), fault('not-found'))
    assert.equal((await backend.inventory()).leftovers.length, 0)
  })

  on('an image that cannot be had leaves nothing', async ({ backend, image }) => {
    const broken: ImageBytes = {
      ...image(1),
      download: async () =>
        (async function* () {
          yield new Uint8Array(1024)
          throw new Error('the connection ended')
        })(),
    }
    await assert.rejects(backend.create(V1, 1, { from: 'image', image: broken }, never), /the connection ended/)
    const stop = new AbortController()
    stop.abort(new Error('enough'))
    await assert.rejects(backend.create(V1, 1, { from: 'image', image: image(1) }, stop.signal), /enough/)
    assert.deepEqual(await backend.inventory(), { volumes: [], exports: [], leftovers: [] })
  })

  on('connects and disconnects its own host', async ({ backend }) => {
    await backend.create(V1, 1, NOTHING, never)
    const first = await backend.connect(V1, 1, { host: 'node-1' }, 'rw')
    assert.ok(['file', 'local'].includes(first.driver_volume_type))
    assert.equal(typeof first.data['device_path'], 'string')
    assert.equal(first.data['access_mode'], 'rw')
    assert.deepEqual(await backend.connect(V1, 1, { host: 'node-1' }, 'rw'), first)
    for (let i = 0; i < 2; i += 1) await backend.disconnect(V1, { host: 'node-1' })
    await backend.disconnect(V1, null)
    await backend.disconnect(V2, { host: 'node-1' })
    await backend.connect(V1, 2, { host: 'node-1' }, 'ro')
    assert.equal(await backend.sizeBytes(V1), 2 * GIB, 'a growth that was promised is made up for')
  })

  on('gets other contents, and is as it was at its latest snapshot again', async ({ backend, image }) => {
    await backend.create(V1, 1, NOTHING, never)
    await backend.createSnapshot(V1, S1)
    for (let i = 0; i < 2; i += 1) await backend.replace(V1, 1, { from: 'image', image: image(1) }, never)
    for (let i = 0; i < 2; i += 1) await backend.revert(V1, S1)
    assert.deepEqual(await found(backend), [{ volumeId: V1, sizeBytes: GIB, snapshots: [S1] }])
    await assert.rejects(backend.revert(V1, S2), fault('not-found'))
    await assert.rejects(backend.replace(V2, 1, NOTHING, never), fault('not-found'))
    for (const format of ['raw', 'qcow2', 'vmdk'] as const)
      await backend.exported(
        { volumeId: V1, snapshotId: null },
        format,
        async file => {
          let length = 0
          for await (const chunk of file.bytes()) length += chunk.length
          assert.equal(length, file.sizeBytes)
        },
        never,
      )
    const from = { volumeId: V1, snapshotId: S1 }
    await backend.exported(from, 'raw', ({ path }) => backend.create(V2, 1, { from: 'file', path }, never), never)
    const nothing = async (): Promise<void> => undefined
    await assert.rejects(backend.exported({ ...from, snapshotId: S2 }, 'raw', nothing, never), fault('not-found'))
    await backend.removeSnapshot(V1, S1)
    await backend.remove(V1)
    await backend.remove(V2)
    assert.deepEqual(await backend.inventory(), { volumes: [], exports: [], leftovers: [] })
  })

  on('lets go of volumes and snapshots, and takes them up by other ids', async ({ backend }) => {
    await backend.create(V1, 2, NOTHING, never)
    await backend.createSnapshot(V1, S1)
    await assert.rejects(backend.unmanage(V1), fault('unsupported'))
    for (let i = 0; i < 2; i += 1) await backend.unmanageSnapshot(V1, S1)
    assert.deepEqual((await found(backend))[0]?.snapshots, [])
    assert.deepEqual((await backend.unmanaged()).snapshots, [{ volumeId: V1, snapshotId: S1, sizeBytes: 2 * GIB }])
    for (let i = 0; i < 2; i += 1) await backend.manageSnapshot(V1, S1, S2)
    assert.deepEqual(await backend.unmanaged(), { volumes: [], snapshots: [] })
    assert.deepEqual((await found(backend))[0]?.snapshots, [S2])
    await assert.rejects(backend.manageSnapshot(V1, S1, id(103)), fault('not-found'))
    await backend.create(V3, 2, { from: 'snapshot', volumeId: V1, snapshotId: S2 }, never)
    await backend.removeSnapshot(V1, S2)
    for (let i = 0; i < 2; i += 1) await backend.unmanage(V1)
    assert.deepEqual(
      (await found(backend)).map(one => one.volumeId),
      [V3],
    )
    assert.deepEqual((await backend.unmanaged()).volumes, [{ name: `volume-${V1}`, sizeBytes: 2 * GIB, unsafe: null }])
    for (let i = 0; i < 2; i += 1) assert.deepEqual(await backend.manage(`volume-${V1}`, V2), { sizeGb: 2 })
    assert.deepEqual(
      (await found(backend)).map(one => one.volumeId),
      [V2, V3],
    )
    await assert.rejects(backend.manage('volume-none', id(9)), fault('not-found'))
    assert.deepEqual(await backend.unmanaged(), { volumes: [], snapshots: [] })
  })

  on('says how much room there is', async ({ backend }) => {
    const room = await backend.room()
    assert.ok(room.totalGb > 0 && room.freeGb > 0 && room.freeGb <= room.totalGb)
  })
}
