// The stock tests on each of Cinder's sagas.
import {
  diesAfterEveryCrossing,
  runsTwiceWithoutHarm,
  undoTwiceIsHarmless,
  unwindsFromEveryStep,
} from '#kernel/saga/saga.suite.ts'
import { createSnapshot } from '#services/cinder/sagas/create-snapshot.ts'
import { createVolume, type CreateVolume } from '#services/cinder/sagas/create-volume.ts'
import { deleteSnapshot } from '#services/cinder/sagas/delete-snapshot.ts'
import { deleteVolume } from '#services/cinder/sagas/delete-volume.ts'
import { extendVolume } from '#services/cinder/sagas/extend-volume.ts'
import {
  IMAGE,
  never,
  POOL,
  SERVER,
  SNAPSHOT,
  snapshotRow,
  SOURCE,
  VOLUME,
  volumeRow,
  worldOf,
} from '#services/cinder/sagas/world-for-tests.ts'

// create-volume: of nothing, of an image, and of a volume
for (const source of [
  { from: 'nothing' },
  { from: 'image', imageId: IMAGE, metadata: { image_id: IMAGE } },
  { from: 'volume', volumeId: SOURCE },
] as const satisfies readonly CreateVolume['source'][]) {
  const input: CreateVolume = { volumeId: VOLUME, sizeGb: 1, source }
  const world = worldOf<CreateVolume, never>(
    input,
    {
      volume: volumeRow(source.from === 'volume' ? { sourceVolumeId: SOURCE } : {}),
      ...(source.from === 'volume'
        ? {
            others: [volumeRow({ id: SOURCE, status: 'available', host: POOL })],
            prepare: backend => backend.create(SOURCE, 1, { from: 'nothing' }, never),
          }
        : {}),
    },
    { enter: true, unstable: ['creating', 'downloading', 'error'] },
  )
  const saga = createVolume as never
  runsTwiceWithoutHarm(saga, world)
  unwindsFromEveryStep(saga, world)
  undoTwiceIsHarmless(saga, world)
  diesAfterEveryCrossing(saga, world)
}

const made = async (backend: Parameters<NonNullable<Parameters<typeof worldOf>[1]['prepare']>>[0]): Promise<void> =>
  backend.create(VOLUME, 1, { from: 'nothing' }, never)

{
  const input = { volumeId: VOLUME, host: POOL, fromGb: 1, toGb: 2, status: 'in-use', serverIds: [SERVER] }
  const volume = volumeRow({ status: 'extending', host: POOL, claimedGb: 2 })
  const world = worldOf<typeof input, never>(
    input,
    { volume, prepare: made },
    { unstable: ['extending', 'in-use', 'error_extending'] },
  )
  const saga = extendVolume as never
  runsTwiceWithoutHarm(saga, world)
  unwindsFromEveryStep(saga, world)
  undoTwiceIsHarmless(saga, world)
  diesAfterEveryCrossing(saga, world)
}
{
  const input = { snapshotId: SNAPSHOT, volumeId: VOLUME, host: POOL }
  const volume = volumeRow({ status: 'available', host: POOL })
  const world = worldOf<typeof input, never>(
    input,
    { volume, snapshot: snapshotRow(), prepare: made },
    { unstable: ['creating', 'error'] },
  )
  const saga = createSnapshot as never
  runsTwiceWithoutHarm(saga, world)
  unwindsFromEveryStep(saga, world)
  undoTwiceIsHarmless(saga, world)
  diesAfterEveryCrossing(saga, world)
}
// The two that only go forward.
{
  const input = { volumeId: VOLUME, host: POOL }
  const world = worldOf<typeof input, never>(input, {
    volume: volumeRow({ status: 'deleting', host: POOL }),
    snapshot: snapshotRow({ status: 'deleting' }),
    prepare: async backend => {
      await made(backend)
      await backend.createSnapshot(VOLUME, SNAPSHOT)
    },
  })
  runsTwiceWithoutHarm(deleteVolume as never, world)
  diesAfterEveryCrossing(deleteVolume as never, world)
}
{
  const input = { snapshotId: SNAPSHOT, volumeId: VOLUME, host: POOL }
  const world = worldOf<typeof input, never>(input, {
    volume: volumeRow({ status: 'available', host: POOL }),
    snapshot: snapshotRow({ status: 'deleting' }),
    prepare: async backend => {
      await made(backend)
      await backend.createSnapshot(VOLUME, SNAPSHOT)
    },
  })
  runsTwiceWithoutHarm(deleteSnapshot as never, world)
  diesAfterEveryCrossing(deleteSnapshot as never, world)
}
