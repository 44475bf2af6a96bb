// The stock tests on the sagas that change a volume as a whole.
import { diesAfterEveryCrossing, runsTwiceWithoutHarm } from '#kernel/saga/saga.suite.ts'
import type { Backend } from '#services/cinder/drivers/backend.ts'
import { manageSnapshot, unmanageSnapshot } from '#services/cinder/sagas/manage-snapshot.ts'
import { manageVolume } from '#services/cinder/sagas/manage-volume.ts'
import { reimageVolume } from '#services/cinder/sagas/reimage-volume.ts'
import { revertVolume } from '#services/cinder/sagas/revert-volume.ts'
import { unmanageVolume } from '#services/cinder/sagas/unmanage-volume.ts'
import { uploadVolume } from '#services/cinder/sagas/upload-volume.ts'
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

const made = (backend: Backend): Promise<void> => backend.create(VOLUME, 1, { from: 'nothing' }, never)
const kept = async (backend: Backend): Promise<void> => {
  await made(backend)
  await backend.createSnapshot(VOLUME, SNAPSHOT)
}
const forward = (saga: unknown, world: unknown): void => {
  runsTwiceWithoutHarm(saga as never, world as never)
  diesAfterEveryCrossing(saga as never, world as never)
}
const volume = (status: string) => volumeRow({ status, host: POOL })

forward(
  uploadVolume,
  worldOf(
    { volumeId: VOLUME, host: POOL, imageId: IMAGE, format: 'raw' },
    { volume: volume('uploading'), prepare: made },
  ),
)
forward(
  revertVolume,
  worldOf(
    { volumeId: VOLUME, snapshotId: SNAPSHOT, host: POOL },
    { volume: volume('reverting'), snapshot: snapshotRow({ status: 'restoring' }), prepare: kept },
  ),
)
forward(
  reimageVolume,
  worldOf(
    { volumeId: VOLUME, host: POOL, sizeGb: 1, imageId: IMAGE, metadata: { image_id: IMAGE }, serverIds: [SERVER] },
    { volume: volume('downloading'), prepare: made },
  ),
)
forward(
  manageVolume,
  worldOf(
    { volumeId: VOLUME, host: POOL, name: `volume-${SOURCE}` },
    {
      volume: volume('managing'),
      async prepare(backend) {
        await backend.create(SOURCE, 1, { from: 'nothing' }, never)
        await backend.unmanage(SOURCE)
      },
    },
  ),
)
forward(unmanageVolume, worldOf({ volumeId: VOLUME, host: POOL }, { volume: volume('unmanaging'), prepare: made }))
forward(
  manageSnapshot,
  worldOf(
    { snapshotId: SNAPSHOT, volumeId: VOLUME, host: POOL, fromId: SOURCE },
    {
      volume: volume('available'),
      snapshot: snapshotRow(),
      async prepare(backend) {
        await made(backend)
        await backend.createSnapshot(VOLUME, SOURCE)
        await backend.unmanageSnapshot(VOLUME, SOURCE)
      },
    },
  ),
)
forward(
  unmanageSnapshot,
  worldOf(
    { snapshotId: SNAPSHOT, volumeId: VOLUME, host: POOL },
    { volume: volume('available'), snapshot: snapshotRow({ status: 'unmanaging' }), prepare: kept },
  ),
)
