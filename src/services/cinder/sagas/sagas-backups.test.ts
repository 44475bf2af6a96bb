// The stock tests on the sagas about backups.
import {
  diesAfterEveryCrossing,
  runsTwiceWithoutHarm,
  undoTwiceIsHarmless,
  unwindsFromEveryStep,
} from '#kernel/saga/saga.suite.ts'
import type { Backend } from '#services/cinder/drivers/backend.ts'
import type { BackupStore } from '#services/cinder/drivers/backups.ts'
import { createBackup } from '#services/cinder/sagas/create-backup.ts'
import { createVolume, type CreateVolume } from '#services/cinder/sagas/create-volume.ts'
import { deleteBackup } from '#services/cinder/sagas/delete-backup.ts'
import { importBackup } from '#services/cinder/sagas/import-backup.ts'
import { restoreBackup } from '#services/cinder/sagas/restore-backup.ts'
import {
  BACKUP,
  backupRow,
  MACHINE,
  never,
  POOL,
  SNAPSHOT,
  snapshotRow,
  SOURCE,
  VOLUME,
  volumeRow,
  worldOf,
} from '#services/cinder/sagas/world-for-tests.ts'

const made = (backend: Backend): Promise<void> => backend.create(VOLUME, 1, { from: 'nothing' }, never)
const raw = async () => ({ path: '/dev/null', extents: [] })
const kept =
  (id: string) =>
  async (store: BackupStore): Promise<void> =>
    void (await store.keep(id, null, { raw }, () => undefined, never))

const all = (saga: never, world: never): void => {
  runsTwiceWithoutHarm(saga, world)
  unwindsFromEveryStep(saga, world)
  undoTwiceIsHarmless(saga, world)
  diesAfterEveryCrossing(saga, world)
}

// Of a volume at rest, of one in use, and of a snapshot.
for (const [inUse, snapshotId] of [
  [false, null],
  [true, null],
  [false, SNAPSHOT],
] as const) {
  const input = {
    backupId: BACKUP,
    parentId: null,
    volumeId: VOLUME,
    host: POOL,
    snapshotId,
    inUse,
    backupHost: MACHINE,
  }
  const world = worldOf<typeof input, never>(
    input,
    {
      volume: volumeRow({ status: snapshotId === null ? 'backing-up' : 'available', host: POOL }),
      ...(snapshotId === null ? {} : { snapshot: snapshotRow({ status: 'backing-up' }) }),
      backups: [backupRow({ snapshotId })],
      async prepare(backend) {
        await made(backend)
        if (snapshotId !== null) await backend.createSnapshot(VOLUME, snapshotId)
      },
    },
    { unstable: ['backing-up', 'available', 'creating', 'error'] },
  )
  all(createBackup as never, world as never)
}
{
  const input: CreateVolume = {
    volumeId: VOLUME,
    sizeGb: 1,
    source: { from: 'backup', backupId: BACKUP, backupHost: MACHINE },
  }
  const world = worldOf<CreateVolume, never>(
    input,
    {
      volume: volumeRow(),
      backups: [backupRow({ status: 'restoring', restoreVolumeId: VOLUME, volumeId: SOURCE })],
      prepareBackups: kept(BACKUP),
    },
    { enter: true, unstable: ['creating', 'downloading', 'restoring-backup', 'error', 'restoring', 'available'] },
  )
  runsTwiceWithoutHarm(createVolume as never, world as never)
  diesAfterEveryCrossing(createVolume as never, world as never)
}
{
  const input = { backupId: BACKUP, backupHost: MACHINE, volumeId: VOLUME, host: POOL, sizeGb: 1 }
  const world = worldOf<typeof input, never>(input, {
    volume: volumeRow({ status: 'restoring-backup', host: POOL }),
    backups: [backupRow({ status: 'restoring', restoreVolumeId: VOLUME })],
    prepare: made,
    prepareBackups: kept(BACKUP),
  })
  runsTwiceWithoutHarm(restoreBackup as never, world as never)
  diesAfterEveryCrossing(restoreBackup as never, world as never)
}
{
  const input = { backupId: BACKUP, backupHost: MACHINE }
  const world = worldOf<typeof input, never>(input, {
    volume: volumeRow({ status: 'available', host: POOL }),
    backups: [backupRow({ status: 'deleting' })],
    prepare: made,
    prepareBackups: kept(BACKUP),
  })
  runsTwiceWithoutHarm(deleteBackup as never, world as never)
  diesAfterEveryCrossing(deleteBackup as never, world as never)
}
{
  const input = { backupId: BACKUP, keptAs: SOURCE, backupHost: MACHINE }
  const world = worldOf<typeof input, never>(
    input,
    {
      volume: volumeRow({ status: 'available', host: POOL }),
      backups: [backupRow()],
      prepare: made,
      prepareBackups: kept(SOURCE),
    },
    { unstable: ['creating', 'available', 'error'] },
  )
  all(importBackup as never, world as never)
}
