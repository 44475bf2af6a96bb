// Cinder put together: API, scheduler and the back ends of this process, from what main hands in.
import type { Kysely } from 'kysely'

import type { Bus, Served } from '#kernel/bus/bus.ts'
import { Fault } from '#kernel/contract/fault.ts'
import type { Routes } from '#kernel/contract/route.ts'
import type { Settings } from '#kernel/config/config.ts'
import type { Cross } from '#kernel/crossing/crossing.ts'
import type { Database } from '#kernel/db/database.ts'
import { DatabaseUnavailable } from '#kernel/db/errors.ts'
import type { Handle, HttpCall } from '#kernel/http/call.ts'
import type { Transport } from '#kernel/http/client.ts'
import { createPipeline, type Authenticate, type PipelineTools } from '#kernel/http/pipeline.ts'
import type { ServiceDefinition } from '#kernel/http/service.ts'
import type { ServiceIdentity } from '#kernel/http/service-identity.ts'
import type { Clock } from '#kernel/lib/clock.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import type { Ids } from '#kernel/lib/ids.ts'
import type { Log } from '#kernel/lib/log.ts'
import type { Audit } from '#kernel/lib/violation.ts'
import { createEnforcer } from '#kernel/policy/enforcer.ts'
import type { Reconciling } from '#kernel/reconciler/reconciler.ts'
import { sagaLogDb } from '#kernel/saga/db-log.ts'
import { createEngine, local, remote, type Engine } from '#kernel/saga/engine.ts'
import { sagaReconcilers } from '#kernel/saga/reconcilers.ts'
import { createBackupActor } from '#services/cinder/actors/backup.ts'
import { createVolumeActor, type VolumeActor } from '#services/cinder/actors/volume.ts'
import { glanceNeighbour } from '#services/cinder/actors/neighbours/glance.ts'
import { keystoneLook } from '#services/cinder/actors/neighbours/keystone.ts'
import { novaLook, novaNeighbour } from '#services/cinder/actors/neighbours/nova.ts'
import { apiTables } from '#services/cinder/compose-api.ts'
import type { cinderConfig } from '#services/cinder/config.ts'
import { baseRules, rules } from '#services/cinder/contract/rules.ts'
import { surface } from '#services/cinder/contract/surface.ts'
import { versions } from '#services/cinder/contract/versions.ts'
import { groupSnapshotsDb } from '#services/cinder/db/group-snapshots.ts'
import { groupsDb } from '#services/cinder/db/groups.ts'
import { backupsDb } from '#services/cinder/db/backups.ts'
import { servicesDb } from '#services/cinder/db/services.ts'
import { snapshotsDb } from '#services/cinder/db/snapshots.ts'
import type { CinderTables } from '#services/cinder/db/tables.ts'
import { volumesDb } from '#services/cinder/db/volumes.ts'
import { cinderDialect } from '#services/cinder/dialect.ts'
import { createAudit } from '#services/cinder/domain/audit.ts'
import { bootstrapGroupTypes, bootstrapTypes } from '#services/cinder/domain/bootstrap.ts'
import { createLogLevels } from '#services/cinder/domain/log-levels.ts'
import { schedulerTools } from '#services/cinder/domain/scheduler/tools.ts'
import { serveScheduler } from '#services/cinder/domain/scheduler/serve.ts'
import type { DomainTools } from '#services/cinder/domain/tools.ts'
import type { BackupStore } from '#services/cinder/drivers/backups.ts'
import type { Backend } from '#services/cinder/drivers/backend.ts'
import { forgetMessages } from '#services/cinder/reconcilers/forget-messages.ts'
import { createGroupSnapshot } from '#services/cinder/sagas/create-group-snapshot.ts'
import { createGroup } from '#services/cinder/sagas/create-group.ts'
import { createSnapshot } from '#services/cinder/sagas/create-snapshot.ts'
import { createVolume } from '#services/cinder/sagas/create-volume.ts'
import { deleteGroupSnapshot } from '#services/cinder/sagas/delete-group-snapshot.ts'
import { deleteGroup } from '#services/cinder/sagas/delete-group.ts'
import { deleteSnapshot } from '#services/cinder/sagas/delete-snapshot.ts'
import { deleteVolume } from '#services/cinder/sagas/delete-volume.ts'
import { extendVolume } from '#services/cinder/sagas/extend-volume.ts'
import { fillGroup } from '#services/cinder/sagas/fill-group.ts'
import { createBackup } from '#services/cinder/sagas/create-backup.ts'
import { deleteBackup } from '#services/cinder/sagas/delete-backup.ts'
import { importBackup } from '#services/cinder/sagas/import-backup.ts'
import { restoreBackup } from '#services/cinder/sagas/restore-backup.ts'
import { manageSnapshot, unmanageSnapshot } from '#services/cinder/sagas/manage-snapshot.ts'
import { manageVolume } from '#services/cinder/sagas/manage-volume.ts'
import { migrateVolume } from '#services/cinder/sagas/migrate-volume.ts'
import { reimageVolume } from '#services/cinder/sagas/reimage-volume.ts'
import { revertVolume } from '#services/cinder/sagas/revert-volume.ts'
import { unmanageVolume } from '#services/cinder/sagas/unmanage-volume.ts'
import { uploadVolume } from '#services/cinder/sagas/upload-volume.ts'
import type { SchedulerTools } from '#services/cinder/sagas/tools.ts'

/** `/v3/PROJECT/…`: what upstream takes for a project's id. */
const PROJECT = /^\/v3\/([0-9a-f-]+)(?=\/)/

export const definition: ServiceDefinition = {
  name: 'cinder',
  actor: 'cinder-api',
  types: ['volumev3', 'block-storage'],
  prefix: '/volume',
  catalogPath: '/v3',
  classicPort: 8776,
  versions,
  dialect: cinderDialect,
  rules: Object.values(rules),
  baseRules,
  surface,
  requestIdHeaders: ['x-compute-request-id'],
  strictSlashes: true,
  /** A project in the URL must be the token's own. */
  admit(call, ctx) {
    const inUrl = /\/v3\/([^/]+)$/.exec(call.base)?.[1]
    if (inUrl !== undefined && inUrl !== ctx.who?.projectId)
      throw new Fault('MalformedUrl', 400, 'Malformed request url')
  },
}

/** One back end of this process. */
export interface BackendParts {
  /** The machine: `node-1`. */
  readonly host: string
  /** `file`, as in `node-1@file`; also the `volume_backend_name` of extra specs. */
  readonly name: string
  readonly backend: Backend
}

export interface CinderTools {
  readonly database: Database<CinderTables>
  readonly bus: Bus
  readonly clock: Clock
  readonly ids: Ids
  readonly cross: Cross
  readonly log: Log
  readonly authenticate: Authenticate
  /** The account `cinder` of the service project, with roles admin and service. */
  readonly identity: ServiceIdentity
  readonly settings: Settings<(typeof cinderConfig)['options']>
  readonly neighbours: { readonly glance: Transport; readonly nova: Transport; readonly keystone?: Transport }
  readonly backends: readonly BackendParts[]
  /** What keeps the backups of this machine's volumes. */
  readonly backups: BackupStore
  readonly policyOverrides?: Readonly<Record<string, string>>
  readonly pipeline?: Pick<PipelineTools, 'refused' | 'unavailable'>
  /** Hex of the text's MD5: for ETags. */
  readonly md5: (text: string) => string
}

export interface Cinder {
  readonly handle: Handle
  readonly routes: readonly Routes[]
  readonly engine: Engine<Kysely<CinderTables>>
  readonly audit: Audit
  readonly volumes: readonly VolumeActor[]
  start(): Promise<void>
  /** Lets steps reach a boundary; exports live on. */
  stop(): Promise<void>
  /** Adds what looks after Cinder from time to time. */
  reconcile(reconciling: Reconciling): void
}

export function createCinder(tools: CinderTools): Cinder {
  const { database, bus, clock, ids, cross, settings } = tools
  const logLevels = createLogLevels()
  const log = logLevels.filter(tools.log, 'cinder-api')
  const policy = createEnforcer(definition.rules, baseRules, tools.policyOverrides)
  const engine = createEngine<Kysely<CinderTables>>({
    log: sagaLogDb(database as never) as never,
    bus,
    clock,
    ids,
    cross,
    actor: 'cinder-scheduler',
    db: 'cinder-db',
    onTrouble: (says, error) => log.error(null, says, error),
  })
  const downAfterMs = settings.serviceDownTimeS * 1000
  const glance = glanceNeighbour(tools.neighbours.glance)
  const domain: DomainTools = {
    database,
    policy,
    engine,
    bus,
    clock,
    ids,
    log,
    glance,
    nova: novaLook(tools.neighbours.nova),
    keystone: keystoneLook(tools.neighbours.keystone),
    logLevels,
    md5: tools.md5,
    settings: {
      defaultVolumeType: settings.defaultVolumeType,
      defaultGroupType: settings.defaultGroupType,
      availabilityZone: settings.availabilityZone,
      maxLimit: settings.maxLimit,
      downAfterMs,
      maxOverSubscriptionRatio: settings.maxOverSubscriptionRatio,
      quotas: {
        volumes: settings.quotaVolumes,
        snapshots: settings.quotaSnapshots,
        gigabytes: settings.quotaGigabytes,
        per_volume_gigabytes: settings.perVolumeSizeLimit,
        groups: settings.quotaGroups,
        backups: settings.quotaBackups,
        backup_gigabytes: settings.quotaBackupGigabytes,
      },
      backupService: tools.backups.service,
    },
  }
  const nova = novaNeighbour(tools.neighbours.nova)
  const scheduler = schedulerTools({
    database,
    clock,
    ids,
    log,
    settings: {
      maxOverSubscriptionRatio: settings.maxOverSubscriptionRatio,
      downAfterMs,
      messageTtlMs: settings.messageTtlS * 1000,
    },
    nova: ctx => ({
      volumeExtended: async (...args) => nova(await tools.identity.ctx(ctx.actor, ctx)).volumeExtended(...args),
      volumeReimaged: async (...args) => nova(await tools.identity.ctx(ctx.actor, ctx)).volumeReimaged(...args),
      snapshot: async (...args) => nova(await tools.identity.ctx(ctx.actor, ctx)).snapshot(...args),
    }),
  })
  const places = {
    scheduler: local<SchedulerTools>('cinder-scheduler', run => scheduler(run.ctx)),
    volume: remote('cinder-volume'),
    backup: remote('cinder-backup'),
  }
  /** The status is the lock; a volume that somebody deletes is lost to everybody else. */
  const quiet = {
    cross: <T>(_crossing: unknown, next: () => Promise<T>) => next(),
    actor: 'cinder-scheduler',
    requestId: '',
  }
  const enterVolume = (id: string, from: string | null, to: string | null): Promise<boolean> =>
    database.tx(quiet, 'enter', q =>
      volumesDb(q).enter(id, from ?? '', to === null || to === from ? {} : { status: to }, clock.now()),
    )
  engine.register(createVolume, { places, enter: enterVolume })
  engine.register(extendVolume, { places })
  engine.register(deleteVolume, { places })
  engine.register(createSnapshot, { places })
  engine.register(deleteSnapshot, { places })
  for (const one of [createGroup, deleteGroup, createGroupSnapshot, deleteGroupSnapshot, fillGroup])
    engine.register(one as typeof deleteGroup, { places })

  engine.register(uploadVolume, { places })
  engine.register(revertVolume, { places })
  engine.register(reimageVolume, { places })
  engine.register(migrateVolume, { places })
  engine.register(manageVolume, { places })
  engine.register(unmanageVolume, { places })
  engine.register(manageSnapshot, { places })
  engine.register(unmanageSnapshot, { places })
  engine.register(createBackup, { places })
  engine.register(restoreBackup, { places })
  engine.register(deleteBackup, { places })
  engine.register(importBackup, { places })

  const { tables, volumes, snapshots, groups, groupSnapshots, backups } = apiTables(domain)
  const inner = createPipeline(definition, tables, {
    authenticate: tools.authenticate,
    policy,
    cross,
    ids,
    report: (ctx, error) => log.error(ctx, 'cinder-api could not answer', error),
    unavailable: error =>
      error instanceof DatabaseUnavailable ? 'The volume database is not available just now.' : null,
    ...tools.pipeline,
  })
  // The project in the URL moves to the base, so that links come back as the client wrote them.
  const handle: Handle = (call: HttpCall) => {
    const project = PROJECT.exec(call.path)?.[1]
    const path = project === undefined ? call.path : call.path.replace(PROJECT, '/v3')
    const base = `${call.base}${path.startsWith('/v3') ? '/v3' : ''}${project === undefined ? '' : `/${project}`}`
    return inner({ ...call, path, base })
  }
  const actors = tools.backends.map(({ host, name, backend }) =>
    createVolumeActor({
      host: `${host}@${name}`,
      backendName: name,
      pool: name,
      availabilityZone: settings.availabilityZone,
      backend,
      bus,
      clock,
      ids,
      log: logLevels.filter(tools.log, 'cinder-volume'),
      cross,
      identity: tools.identity,
      glance,
      reportMs: settings.reportIntervalS * 1000,
    }),
  )
  const keeper = createBackupActor({
    host: tools.backends[0]?.host ?? 'koto',
    store: tools.backups,
    backends: new Map(tools.backends.map(({ host, name, backend }) => [`${host}@${name}`, backend])),
    availabilityZone: settings.availabilityZone,
    bus,
    clock,
    ids,
    log,
    cross,
    reportMs: settings.reportIntervalS * 1000,
  })
  const served: Served[] = []
  let stopSigns = (): void => undefined
  const own = (): Ctx => ({ requestId: `req-${ids.uuid()}`, who: null, actor: 'cinder-scheduler', cross })
  const signs = (): Promise<void> =>
    database.tx(quiet, 'signs-of-life', q =>
      servicesDb(q).seen(
        {
          id: ids.uuid(),
          binary: 'cinder-scheduler',
          host: tools.backends[0]?.host ?? 'koto',
          availabilityZone: settings.availabilityZone,
          stats: null,
        },
        clock.now(),
      ),
    )
  const keepSigning = (): void => {
    stopSigns = clock.after(settings.reportIntervalS * 1000, () => {
      void signs()
        .catch((error: unknown) => log.warn(null, `signs of life could not be written: ${(error as Error).message}`))
        .then(keepSigning)
    })
  }
  /** Deletions that were accepted and whose story had not begun when the process ended. */
  const finishDeletions = async (): Promise<void> => {
    const ctx = own()
    const [dyingVolumes, dyingSnapshots, dyingBackups] = await database.read(ctx, 'what-is-being-deleted', async q => [
      await volumesDb(q).stuckSince(['deleting'], Number.MAX_SAFE_INTEGER / 2 ** 10),
      await snapshotsDb(q).stuckSince(['deleting'], Number.MAX_SAFE_INTEGER / 2 ** 10),
      await backupsDb(q).inStatus('deleting'),
    ])
    const dyingGroups = await database.read(ctx, 'which-groups-are-being-deleted', async q => ({
      groups: await groupsDb(q).stuckSince(['deleting'], Number.MAX_SAFE_INTEGER / 2 ** 10),
      snapshots: await groupSnapshotsDb(q).stuckSince(['deleting'], Number.MAX_SAFE_INTEGER / 2 ** 10),
    }))
    for (const { id } of dyingGroups.groups) await groups.finishDelete({ ...ctx, subject: id }, id)
    for (const { id } of dyingGroups.snapshots) await groupSnapshots.finishDelete({ ...ctx, subject: id }, id)
    for (const volume of dyingVolumes) await volumes.finishDelete({ ...ctx, subject: volume.id }, volume.id)
    for (const backup of dyingBackups) await backups.finishDelete({ ...ctx, subject: backup.id }, backup.id)
    for (const snapshot of dyingSnapshots) await snapshots.finishDelete({ ...ctx, subject: snapshot.id }, snapshot.id)
  }

  return {
    handle,
    routes: tables.map(table => table.routes),
    engine,
    volumes: actors,
    audit: createAudit({ database, bus, clock, downAfterMs, ctx: own }),
    async start() {
      await bootstrapTypes({ database, clock, ids }, own(), [settings.defaultVolumeType])
      await bootstrapGroupTypes({ database, clock, ids }, own())
      await signs()
      served.push(await serveScheduler(bus, { database, clock, ids }))
      for (const actor of actors) await actor.start()
      await keeper.start()
      await engine.start()
      await engine.adopt({ force: true })
      await finishDeletions()
      keepSigning()
    },
    async stop() {
      stopSigns()
      await engine.stop()
      await keeper.stop()
      for (const actor of actors) await actor.stop()
      for (const one of served.splice(0)) await one.close()
    },
    reconcile(reconciling) {
      for (const one of sagaReconcilers('cinder')) reconciling.add(one, () => ({ engine: engine as never, clock }))
      reconciling.add(forgetMessages, ctx => ({ database, clock, ctx }))
    },
  }
}
