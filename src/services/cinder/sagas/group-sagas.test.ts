// The stock tests on the sagas of groups.
import type { Kysely } from 'kysely'

import {
  diesAfterEveryCrossing,
  runsTwiceWithoutHarm,
  undoTwiceIsHarmless,
  unwindsFromEveryStep,
} from '#kernel/saga/saga.suite.ts'
import { groupSnapshotsDb } from '#services/cinder/db/group-snapshots.ts'
import { groupTypesDb } from '#services/cinder/db/group-types.ts'
import { groupsDb, type Group } from '#services/cinder/db/groups.ts'
import type { CinderTables } from '#services/cinder/db/tables.ts'
import { createGroupSnapshot } from '#services/cinder/sagas/create-group-snapshot.ts'
import { createGroup } from '#services/cinder/sagas/create-group.ts'
import { deleteGroupSnapshot } from '#services/cinder/sagas/delete-group-snapshot.ts'
import { deleteGroup } from '#services/cinder/sagas/delete-group.ts'
import { fillGroup } from '#services/cinder/sagas/fill-group.ts'
import {
  never,
  POOL,
  SNAPSHOT,
  snapshotRow,
  SOURCE,
  TYPE,
  VOLUME,
  volumeRow,
  worldOf,
  type Fixture,
} from '#services/cinder/sagas/world-for-tests.ts'

const GROUP = '00000000-0000-4000-8000-000000000501'
const KEPT = '00000000-0000-4000-8000-000000000601'
const KIND = '00000000-0000-4000-8000-000000000701'
type Backend = Parameters<NonNullable<Fixture['prepare']>>[0]

const group = (change: Partial<Group>): Group => ({
  id: GROUP,
  projectId: 'p1',
  userId: 'u1',
  name: null,
  description: null,
  status: 'creating',
  host: POOL,
  availabilityZone: 'nova',
  groupTypeId: KIND,
  groupSnapshotId: null,
  sourceGroupId: null,
  createdAt: 0,
  updatedAt: null,
  statusAt: 0,
  ...change,
})
const rows =
  (change: Partial<Group>, members: readonly string[], kept: string | null = null) =>
  async (q: Kysely<CinderTables>): Promise<void> => {
    await groupTypesDb(q).insert({
      id: KIND,
      name: 'g',
      description: null,
      isPublic: true,
      specs: {},
      createdAt: 0,
      updatedAt: null,
    })
    await groupsDb(q).insert(group(change), [TYPE])
    await groupsDb(q).addVolumes(GROUP, members)
    if (kept !== null)
      await groupSnapshotsDb(q).insert(
        {
          id: KEPT,
          groupId: GROUP,
          projectId: 'p1',
          userId: 'u1',
          name: null,
          description: null,
          status: kept,
          groupTypeId: KIND,
          createdAt: 0,
          updatedAt: null,
          statusAt: 0,
        },
        [SNAPSHOT],
      )
  }
const whole = (saga: never, world: never): void => {
  runsTwiceWithoutHarm(saga, world)
  unwindsFromEveryStep(saga, world)
  undoTwiceIsHarmless(saga, world)
  diesAfterEveryCrossing(saga, world)
}
const forward = (saga: never, world: never): void => {
  runsTwiceWithoutHarm(saga, world)
  diesAfterEveryCrossing(saga, world)
}
const made = (id: string) => (backend: Backend) => backend.create(id, 1, { from: 'nothing' }, never)
const unstable = { unstable: ['creating', 'error'] }

whole(
  createGroup as never,
  worldOf<{ groupId: string }, never>(
    { groupId: GROUP },
    { volume: volumeRow(), rows: rows({ host: null }, []) },
    unstable,
  ) as never,
)
{
  const input = { groupSnapshotId: KEPT, host: POOL, members: [{ volumeId: VOLUME, snapshotId: SNAPSHOT }] }
  const volume = volumeRow({ status: 'available', host: POOL })
  const fixture = { volume, prepare: made(VOLUME) }
  const begun = { snapshot: snapshotRow(), rows: rows({ status: 'available' }, [VOLUME], 'creating') }
  whole(createGroupSnapshot as never, worldOf<typeof input, never>(input, { ...fixture, ...begun }, unstable) as never)
  const going = {
    volume,
    snapshot: snapshotRow({ status: 'deleting' }),
    rows: rows({ status: 'available' }, [VOLUME], 'deleting'),
    prepare: async (backend: Backend) => {
      await made(VOLUME)(backend)
      await backend.createSnapshot(VOLUME, SNAPSHOT)
    },
  }
  forward(deleteGroupSnapshot as never, worldOf<typeof input, never>(input, going) as never)
}
// A group made of a group, and of a snapshot of one.
for (const snapshotId of [null, SNAPSHOT]) {
  const input = {
    groupId: GROUP,
    host: POOL,
    copies: [{ volumeId: VOLUME, sizeGb: 1, sourceVolumeId: SOURCE, snapshotId }],
  }
  const fixture: Fixture = {
    volume: volumeRow({ host: POOL }),
    others: [volumeRow({ id: SOURCE, status: 'available', host: POOL })],
    rows: rows({}, [VOLUME]),
    prepare: async backend => {
      await made(SOURCE)(backend)
      if (snapshotId !== null) await backend.createSnapshot(SOURCE, snapshotId)
    },
  }
  whole(fillGroup as never, worldOf<typeof input, never>(input, fixture, unstable) as never)
}
{
  const input = { groupId: GROUP, host: POOL, volumes: [{ volumeId: VOLUME, host: POOL }] }
  const fixture: Fixture = {
    volume: volumeRow({ status: 'deleting', host: POOL }),
    rows: rows({ status: 'deleting' }, [VOLUME]),
    prepare: made(VOLUME),
  }
  forward(deleteGroup as never, worldOf<typeof input, never>(input, fixture) as never)
}
