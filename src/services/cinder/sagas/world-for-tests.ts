// A small cinder in which one saga can be played, killed and played on: real rows, the simulated back end, a clock moved by hand.
import type { Kysely } from 'kysely'
import { createBus } from '#kernel/bus/bus.ts'
import { memoryTransport } from '#kernel/bus/memory-transport.ts'
import { crossings, type Hook } from '#kernel/crossing/crossing.ts'
import { migrate } from '#kernel/db/migrations.ts'
import { testWho } from '#kernel/http/test-caller.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import { randomIds } from '#kernel/lib/ids.ts'
import { silentLog } from '#kernel/lib/log.ts'
import { virtualClock } from '#kernel/lib/virtual-clock.ts'
import { sagaLogDb } from '#kernel/saga/db-log.ts'
import { createEngine, local, remote, type Ended, type Engine } from '#kernel/saga/engine.ts'
import { atPlace, serveLegs } from '#kernel/saga/legs.ts'
import type { Saga } from '#kernel/saga/saga.ts'
import type { MakeWorld } from '#kernel/saga/saga.suite.ts'
import { openSqlite } from '#host/node/sqlite.ts'
import { backupTools } from '#services/cinder/actors/backup.ts'
import { volumeTools } from '#services/cinder/actors/volume-tools.ts'
import { migrations } from '#services/cinder/db/migrations.ts'
import { backupsDb, type Backup } from '#services/cinder/db/backups.ts'
import { servicesDb } from '#services/cinder/db/services.ts'
import { snapshotsDb, type Snapshot } from '#services/cinder/db/snapshots.ts'
import type { CinderTables } from '#services/cinder/db/tables.ts'
import { typesDb } from '#services/cinder/db/types.ts'
import { volumesDb, type Volume } from '#services/cinder/db/volumes.ts'
import { schedulerTools } from '#services/cinder/domain/scheduler/tools.ts'
import type { BackupStore } from '#services/cinder/drivers/backups.ts'
import type { Backend } from '#services/cinder/drivers/backend.ts'
import { createSimulatedBackend } from '#services/cinder/drivers/backend-simulated/backend-simulated.ts'
import { createSimulatedBackups } from '#services/cinder/drivers/backups-simulated/backups-simulated.ts'
import type { SchedulerTools, Tools } from '#services/cinder/sagas/tools.ts'

export const VOLUME = '00000000-0000-4000-8000-000000000001'
export const SNAPSHOT = '00000000-0000-4000-8000-000000000101'
export const BACKUP = '00000000-0000-4000-8000-000000000501'
export const SOURCE = '00000000-0000-4000-8000-000000000002'
export const SERVER = '00000000-0000-4000-8000-000000000201'
export const MACHINE = 'node-1'
export const HOST = `${MACHINE}@file`
export const POOL = `${HOST}#file`
export const IMAGE = '00000000-0000-4000-8000-000000000301'
export const TYPE = '00000000-0000-4000-8000-000000000401'

export const volumeRow = (change: Partial<Volume> = {}): Volume => ({
  id: VOLUME,
  projectId: 'p1',
  userId: 'u1',
  name: null,
  description: null,
  status: 'creating',
  attachStatus: 'detached',
  sizeGb: 1,
  claimedGb: 1,
  availabilityZone: 'nova',
  host: null,
  typeId: TYPE,
  snapshotId: null,
  sourceVolumeId: null,
  bootable: false,
  multiattach: false,
  readonly: null,
  attachedMode: null,
  migrationStatus: null,
  imageMetadata: null,
  createdAt: 0,
  updatedAt: null,
  statusAt: 0,
  launchedAt: null,
  ...change,
})
export const snapshotRow = (change: Partial<Snapshot> = {}): Snapshot => ({
  id: SNAPSHOT,
  volumeId: VOLUME,
  projectId: 'p1',
  userId: 'u1',
  name: null,
  description: null,
  status: 'creating',
  progress: '0%',
  sizeGb: 1,
  typeId: TYPE,
  imageMetadata: null,
  createdAt: 0,
  updatedAt: null,
  statusAt: 0,
  ...change,
})

export const backupRow = (change: Partial<Backup> = {}): Backup => ({
  id: BACKUP,
  projectId: 'p1',
  userId: 'u1',
  volumeId: VOLUME,
  snapshotId: null,
  parentId: null,
  restoreVolumeId: null,
  name: null,
  description: null,
  status: 'creating',
  failReason: null,
  sizeGb: 1,
  objectCount: 0,
  container: null,
  availabilityZone: 'nova',
  host: MACHINE,
  service: null,
  volumeFacts: null,
  dataAt: 0,
  createdAt: 0,
  updatedAt: null,
  statusAt: 0,
  ...change,
})

export interface Fixture {
  readonly volume: Volume
  readonly snapshot?: Snapshot
  readonly others?: readonly Volume[]
  /** More rows, after those of the volume and the snapshot. */
  rows?(q: Kysely<CinderTables>): Promise<void>
  readonly backups?: readonly Backup[]
  /** What is kept before. */
  prepareBackups?(store: BackupStore): Promise<void>
  /** What lies in the back end before. */
  prepare?(backend: Backend): Promise<void>
}
export const never = new AbortController().signal

/** What Nova was told, in order and once each. */
interface Told {
  readonly nova: Set<string>
}

/** Worlds for one saga: `unstable` names statuses that count as the one of the beginning, since a failure is told by the status. */
export const worldOf =
  <Input, S>(
    input: Input,
    fixture: Fixture,
    options: { readonly unstable?: readonly string[]; readonly enter?: boolean } = {},
  ): MakeWorld<Saga<Tools, Input, S>> =>
  async (saga, hooks) => {
    const clock = virtualClock()
    const ids = randomIds()
    const database = openSqlite<CinderTables>({ file: ':memory:', name: 'cinder', clock })
    await migrate(database, migrations, clock)
    const backend = createSimulatedBackend({ totalGb: 30 })
    await fixture.prepare?.(backend)
    const store = createSimulatedBackups()
    await fixture.prepareBackups?.(store)
    const q = database.kysely
    await typesDb(q).insert({
      id: TYPE,
      name: '__DEFAULT__',
      description: null,
      isPublic: true,
      extraSpecs: {},
      createdAt: 0,
      updatedAt: null,
    })
    for (const other of fixture.others ?? []) await volumesDb(q).insert(other, {})
    await volumesDb(q).insert(fixture.volume, {})
    for (const backup of fixture.backups ?? []) await backupsDb(q).insert(backup, {})
    if (fixture.snapshot !== undefined) await snapshotsDb(q).insert(fixture.snapshot, {})
    await fixture.rows?.(q)
    const stats = {
      backend: 'file',
      pool: 'file',
      vendor: 'Koto',
      driverVersion: '1',
      protocol: 'simulated',
      totalGb: 30,
      freeGb: 30,
      thin: true,
      multiattach: true,
      onlineExtend: true,
    }
    await servicesDb(q).seen(
      { id: ids.uuid(), binary: 'cinder-volume', host: HOST, availabilityZone: 'nova', stats },
      clock.now() + 10 ** 12,
    )
    const told: Told = { nova: new Set() }
    let engine: Engine<Kysely<CinderTables>>
    const process = async (own: readonly Hook[]): Promise<Ctx> => {
      const cross = crossings(own)
      const bus = createBus({ transport: memoryTransport(clock), cross, ids })
      engine = createEngine<Kysely<CinderTables>>({
        log: sagaLogDb(database as never) as never,
        bus,
        clock,
        ids,
        cross,
        actor: 'cinder-scheduler',
        db: 'cinder-db',
      })
      const nova = (name: string) => async (): Promise<void> => void told.nova.add(name)
      const scheduler = schedulerTools({
        database,
        clock,
        ids,
        log: silentLog,
        settings: { maxOverSubscriptionRatio: 1, downAfterMs: 10 ** 15, messageTtlMs: 1000 },
        nova: () => ({
          volumeExtended: nova('volume-extended'),
          volumeReimaged: nova('volume-reimaged'),
          snapshot: nova('snapshot'),
        }),
      })
      const tools = volumeTools({
        host: HOST,
        backend,
        clock,
        identity: { ctx: async actor => ({ requestId: 'req-1', who: testWho('admin@service'), actor, cross }) },
        glance: {
          image: async () => ({
            id: IMAGE,
            name: 'i',
            status: 'active',
            disk_format: 'raw',
            container_format: 'bare',
            size: 3,
            checksum: null,
            os_hash_algo: null,
            os_hash_value: null,
          }),
          upload: async () => undefined,
          remove: async () => undefined,
          bytes: async () =>
            (async function* () {
              yield new Uint8Array(3)
            })(),
        },
      })
      engine.register(saga, {
        places: {
          scheduler: local<SchedulerTools>('cinder-scheduler', run => scheduler(run.ctx)),
          volume: remote('cinder-volume'),
          backup: remote('cinder-backup'),
        } as never,
        ...(options.enter === true
          ? {
              enter: (id: string, from: string | null, to: string | null) =>
                volumesDb(q).enter(id, from ?? '', to === from ? {} : { status: to ?? '' }, clock.now()),
            }
          : {}),
      })
      await engine.start()
      await serveLegs({
        bus,
        clock,
        actor: 'cinder-volume',
        host: HOST,
        sagas: [atPlace(saga, 'volume', run => tools(run.ctx))],
      })
      const keeper = backupTools({ host: MACHINE, store, backends: new Map([[HOST, backend]]), clock })
      await serveLegs({
        bus,
        clock,
        actor: 'cinder-backup',
        host: MACHINE,
        sagas: [atPlace(saga, 'backup', run => keeper(run.ctx))],
      })
      return { requestId: 'req-1', who: null, actor: 'cinder-api', cross }
    }
    const ctx = await process(hooks)
    return {
      begin: (): Promise<Ended> => clock.during(engine.run(saga, input, ctx)),
      async snapshot() {
        const volume = await volumesDb(q).byId(VOLUME)
        const snapshot = await snapshotsDb(q).byId(SNAPSHOT)
        const status = (of: string): string => (options.unstable?.includes(of) === true ? 'as before' : of)
        return {
          volume: volume === undefined ? null : [status(volume.status), volume.host, volume.sizeGb, volume.bootable],
          snapshot: snapshot === undefined ? null : [status(snapshot.status), snapshot.progress],
          groups: (await q.selectFrom('groups').select(['status', 'host']).execute()).map(row => [
            status(row.status),
            row.host,
          ]),
          groupSnapshots: (await q.selectFrom('group_snapshots').select('status').execute()).map(row =>
            status(row.status),
          ),
          bytes: await backend.inventory(),
          backups: (await backupsDb(q).all()).map(one => [one.id, status(one.status), one.restoreVolumeId]),
          kept: await store.inventory(),
        }
      },
      async reborn() {
        await process([])
        await clock.during(engine.adopt({ force: true }))
        await clock.during(engine.idle())
      },
      close: () => database.close(),
    }
  }
