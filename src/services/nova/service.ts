// Nova put together: API, conductor, scheduler and the compute hosts of this process, from what main hands in.
import type { Kysely } from 'kysely'

import type { Bus, Served } from '#kernel/bus/bus.ts'
import type { Routes } from '#kernel/contract/route.ts'
import type { Settings } from '#kernel/config/config.ts'
import type { Cross } from '#kernel/crossing/crossing.ts'
import type { Database } from '#kernel/db/database.ts'
import type { Handle } from '#kernel/http/call.ts'
import type { Transport } from '#kernel/http/client.ts'
import type { HandlerTable } from '#kernel/http/handlers.ts'
import { createPipeline, type Authenticate, type PipelineTools } from '#kernel/http/pipeline.ts'
import type { ServiceDefinition } from '#kernel/http/service.ts'
import type { ServiceIdentity } from '#kernel/http/service-identity.ts'
import type { Clock } from '#kernel/lib/clock.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import type { Ids } from '#kernel/lib/ids.ts'
import type { Log } from '#kernel/lib/log.ts'
import { createEnforcer } from '#kernel/policy/enforcer.ts'
import { createEngine, local, remote, type Engine } from '#kernel/saga/engine.ts'
import type { Reconciling } from '#kernel/reconciler/reconciler.ts'
import { sagaReconcilers } from '#kernel/saga/reconcilers.ts'
import { sagaLogDb } from '#kernel/saga/db-log.ts'
import { createCompute, type Compute, type HostFiles } from '#services/nova/actors/compute.ts'
import { cinderNeighbour } from '#services/nova/actors/neighbours/cinder.ts'
import { glanceNeighbour } from '#services/nova/actors/neighbours/glance.ts'
import { placementMoves, volumeMoves, wireMoves } from '#services/nova/actors/neighbours/moving.ts'
import { cinderVolumes } from '#services/nova/actors/neighbours/cinder-volumes.ts'
import { glanceImages } from '#services/nova/actors/neighbours/glance-images.ts'
import { wireTools } from '#services/nova/actors/neighbours/wires.ts'
import { neutronNeighbour } from '#services/nova/actors/neighbours/neutron.ts'
import { placementNeighbour } from '#services/nova/actors/neighbours/placement.ts'
import { serveScheduler } from '#services/nova/actors/scheduler.ts'
import { apiTables, type ApiTables } from '#services/nova/compose-api.ts'
import type { novaConfig } from '#services/nova/config.ts'
import { faults } from '#services/nova/contract/faults.ts'
import { baseRules, rules } from '#services/nova/contract/rules.ts'
import { surface } from '#services/nova/contract/surface.ts'
import { versions } from '#services/nova/contract/versions.ts'
import { hostsDb } from '#services/nova/db/hosts.ts'
import { serversDb } from '#services/nova/db/servers.ts'
import type { NovaTables } from '#services/nova/db/tables.ts'
import { novaDialect } from '#services/nova/dialect.ts'
import { serveConductor } from '#services/nova/domain/conductor/serve.ts'
import { hostIsBack } from '#services/nova/domain/conductor/move-progress.ts'
import { conductorMoves } from '#services/nova/domain/conductor/moves.ts'
import { mendGuest } from '#services/nova/domain/conductor/mend.ts'
import { conductorTools, type ConductorParts } from '#services/nova/domain/conductor/tools.ts'
import { decide } from '#services/nova/domain/scheduling/decide.ts'
import { diskGbOf } from '#services/nova/domain/scheduling/filters.ts'
import type { SshKeys } from '#services/nova/domain/key-pairs.ts'
import type { Hypervisor } from '#services/nova/drivers/hypervisor.ts'
import { reclaimServers } from '#services/nova/reconcilers/reclaim-servers.ts'
import { confirmResizes } from '#services/nova/reconcilers/confirm-resizes.ts'
import { offloadShelved } from '#services/nova/reconcilers/offload-shelved.ts'
import { healAddresses } from '#services/nova/reconcilers/heal-addresses.ts'
import { finishDeletes } from '#services/nova/reconcilers/finish-deletes.ts'
import { attachInterface, detachInterface } from '#services/nova/sagas/attach-interface.ts'
import { attachVolume, detachVolume } from '#services/nova/sagas/attach-volume.ts'
import { bootServer } from '#services/nova/sagas/boot-server.ts'
import { changePower } from '#services/nova/sagas/change-power.ts'
import { createBackup, createImage, createVolumeImage } from '#services/nova/sagas/create-image.ts'
import { rebuildServer } from '#services/nova/sagas/rebuild-server.ts'
import { rescueServer, unrescueServer } from '#services/nova/sagas/rescue-server.ts'
import { offloadServer, shelveServer, unshelveHere, unshelveServer } from '#services/nova/sagas/shelve-server.ts'
import { blockDevicesDb } from '#services/nova/db/block-devices.ts'
import { deleteServer } from '#services/nova/sagas/delete-server.ts'
import { restoreServer, softDelete } from '#services/nova/sagas/soft-delete.ts'
import { evacuateServer } from '#services/nova/sagas/evacuate-server.ts'
import { landServer, liveMigrate } from '#services/nova/sagas/live-migrate.ts'
import { resizeServer } from '#services/nova/sagas/resize-server.ts'
import { confirmResize, revertResize } from '#services/nova/sagas/settle-resize.ts'
import type { ConductorTools } from '#services/nova/sagas/tools.ts'

export const definition: ServiceDefinition = {
  name: 'nova',
  actor: 'nova-api',
  types: ['compute'],
  prefix: '/compute',
  catalogPath: '/v2.1',
  classicPort: 8774,
  versions,
  legacyVersionHeader: 'x-openstack-nova-api-version',
  dialect: novaDialect,
  rules: Object.values(rules),
  baseRules,
  surface,
  requestIdHeaders: ['x-compute-request-id'],
  strictSlashes: true,
  normalizePath: path => {
    // /v2 is the older name of the same API; a project's id may stand behind the version.
    // Alone it is a document of its own.
    const folded = path.replace(/^\/v2(?=\/[^/])/, '/v2.1')
    // os-volumes_boot is servers under another name.
    return folded
      .replace(/^\/v2\.1\/[0-9a-f]{32}(?=\/|$)/, '/v2.1')
      .replace(/^\/v2\.1\/os-volumes_boot(?=(\/[^/]+(\/action)?)?$)/, '/v2.1/servers')
  },
  /** A project in the path must be the token's own. */
  admit(call, ctx) {
    const inPath = /^\/v2(?:\.1)?\/([0-9a-f]{32})(?:\/|$)/.exec(call.path)?.[1]
    const own = ctx.who?.projectId ?? 'None'
    if (inPath !== undefined && inPath !== own)
      throw faults.BadRequest({
        reason: `Malformed request URL: URL's project_id '${inPath}' doesn't match Context's project_id '${own}'`,
      })
  },
  bodyLimit: 1_048_576,
}

/** One compute host of this process. */
export interface HostParts {
  readonly host: string
  readonly hostIp: string
  readonly hypervisor: Hypervisor
  readonly files: HostFiles
  /** Every guest here is given a config drive; default: those that ask, or all by `forceConfigDrive`. */
  readonly driveForAll?: boolean
}

export interface NovaTools {
  readonly database: Database<NovaTables>
  readonly bus: Bus
  readonly clock: Clock
  readonly ids: Ids
  readonly cross: Cross
  readonly log: Log
  readonly authenticate: Authenticate
  readonly identity: ServiceIdentity
  readonly settings: Settings<(typeof novaConfig)['options']>
  readonly neighbours: {
    readonly glance: Transport
    readonly neutron: Transport
    readonly cinder: Transport
    readonly placement: Transport
    /** Asked whether a project exists that a client names. Without it every name is taken. */
    readonly keystone?: Transport
  }
  readonly hosts: readonly HostParts[]
  readonly policyOverrides?: Readonly<Record<string, string>>
  readonly pipeline?: Pick<PipelineTools, 'refused' | 'unavailable'>
  /** SHA-224 as hex, of the platform: for `hostId`. */
  readonly sha224: (text: string) => string
  readonly sha256: (text: string) => string
  readonly md5: (bytes: Uint8Array) => string
  readonly sshKeys: SshKeys
}

/** What API tables and other rooms are given. */
export interface NovaRooms extends NovaTools {
  readonly engine: Engine<Kysely<NovaTables>>
  readonly policy: ReturnType<typeof createEnforcer>
  readonly glance: ReturnType<typeof glanceNeighbour>
  readonly glanceImages: ReturnType<typeof glanceImages>
  readonly neutron: ReturnType<typeof neutronNeighbour>
  readonly cinder: ReturnType<typeof cinderNeighbour>
  readonly placement: ReturnType<typeof placementNeighbour>
}

export interface Nova {
  readonly handle: Handle
  readonly routes: readonly Routes[]
  readonly engine: Engine<Kysely<NovaTables>>
  readonly rooms: NovaRooms
  readonly metadata: ApiTables['metadata']
  readonly serverParts: ApiTables['parts']
  start(): Promise<void>
  /** Lets steps reach a boundary. Guests run on, unless it is said how many milliseconds each has to shut itself down. */
  stop(options?: { readonly shutDownMs?: number }): Promise<void>
  readonly computes: readonly Compute[]
  /** Hands its reconcilers to the loop. */
  reconcile(reconciling: Reconciling): void
}

export function createNova(tools: NovaTools): Nova {
  const { database, bus, clock, ids, cross, log, settings } = tools
  const policy = createEnforcer(definition.rules, baseRules, tools.policyOverrides)
  const engine = createEngine<Kysely<NovaTables>>({
    log: sagaLogDb(database as never) as never,
    bus,
    clock,
    ids,
    cross,
    actor: 'nova-conductor',
    db: 'nova-db',
    onTrouble: (says, error) => log.error(null, says, error),
  })
  const glance = glanceNeighbour(tools.neighbours.glance)
  const placement = placementNeighbour(tools.neighbours.placement)
  const neutron = neutronNeighbour({
    transport: tools.neighbours.neutron,
    clock,
    wiringTimeoutMs: settings.vifPluggingTimeoutS * 1000,
  })
  const connector = (host: string) => ({
    host,
    ip: tools.hosts.find(one => one.host === host)?.hostIp ?? '127.0.0.1',
    platform: 'x86_64',
    os_type: 'linux',
    multipath: false,
    do_local_attach: false,
  })
  const cinder = cinderNeighbour({
    transport: tools.neighbours.cinder,
    clock,
    volumeTimeoutMs: settings.volumeTimeoutS * 1000,
    connector,
  })
  const pictures = glanceImages(tools.neighbours.glance)
  const wires = wireTools(tools.neighbours.neutron)
  const volumes = cinderVolumes({
    transport: tools.neighbours.cinder,
    clock,
    volumeTimeoutMs: settings.volumeTimeoutS * 1000,
  })
  const rooms: NovaRooms = { ...tools, engine, policy, glance, glanceImages: pictures, neutron, cinder, placement }

  const asService = (ctx: Ctx): Promise<Ctx> => tools.identity.ctx(ctx.actor, ctx)
  const parts: ConductorParts = {
    database,
    bus,
    clock,
    ids,
    placement: {
      claim: async (ctx, spec, destination) => {
        const server = await database.read(ctx, 'owner-of-server', q => serversDb(q).byId(spec.serverId))
        await placement.claim(await asService(ctx), spec, destination, diskGbOf(spec), server?.userId ?? spec.projectId)
      },
      release: async (ctx, serverId) => placement.release(await asService(ctx), serverId),
    },
    neutron: ctx => deferred(() => asService(ctx), neutron),
    cinder: ctx => deferred(() => asService(ctx), cinder),
    moves: conductorMoves({
      database,
      clock,
      ids,
      asService,
      placement: placementMoves(tools.neighbours.placement),
      wires: wireMoves(tools.neighbours.neutron),
      volumes: volumeMoves(tools.neighbours.cinder, connector),
      disconnect: (ctx, id) => cinder(ctx).disconnect(id),
      complete: (ctx, id) => cinder(ctx).complete(id),
      land: { prepare: (q, input, ctx) => engine.prepare(q, landServer, input, ctx), go: id => engine.go(id) },
    }),
    wires: ctx => deferred(() => asService(ctx), wires),
    volumes: ctx =>
      deferred(
        () => asService(ctx),
        service =>
          volumes(service, ctx, async (serverId, volumeId, attachmentId) => {
            await database.tx(ctx, 'park-volume', q => blockDevicesDb(q).parked(serverId, volumeId, attachmentId))
          }),
      ),
    images: {
      glance: pictures,
      asService,
      warn: (ctx, says) => log.warn(ctx, says),
      go: saga => engine.go(saga),
      prepareOffload: (q, ctx, serverId, host) =>
        engine.prepare(q, offloadServer, { serverId, host, running: false }, { ...ctx, subject: serverId }),
    },
  }
  const conductor = conductorTools(parts)
  const places = {
    conductor: local<ConductorTools>('nova-conductor', run => conductor(run.ctx)),
    compute: remote('nova-compute'),
  }
  /** The task column is the lock; a server being deleted is lost to everybody else. */
  const enter = (subject: string, from: string | null, to: string | null): Promise<boolean> =>
    database.tx({ cross: (_c, next) => next(), actor: 'nova-conductor', requestId: '' }, 'enter', q =>
      serversDb(q).enter(subject, { taskState: from }, { taskState: to }, clock.now()),
    )
  engine.register(bootServer, { places, enter })
  engine.register(deleteServer, { places })
  engine.register(softDelete, { places })
  engine.register(restoreServer, { places })
  engine.register(changePower, { places })
  for (const one of [createImage, createBackup]) engine.register(one, { places, enter })
  engine.register(rebuildServer, { places, enter })
  engine.register(shelveServer, { places, enter })
  engine.register(unshelveServer, { places, enter })
  engine.register(unshelveHere, { places, enter })
  engine.register(createVolumeImage, { places })
  engine.register(offloadServer, { places })
  engine.register(rescueServer, { places })
  engine.register(unrescueServer, { places })
  engine.register(attachVolume, { places })
  engine.register(detachVolume, { places })
  engine.register(attachInterface, { places })
  engine.register(detachInterface, { places })
  engine.register(resizeServer, { places, enter })
  engine.register(confirmResize, { places })
  engine.register(revertResize, { places })
  engine.register(liveMigrate, { places })
  engine.register(landServer, { places })
  engine.register(evacuateServer, { places, enter })

  const {
    tables,
    configDriveFiles,
    finishDelete,
    reclaim,
    offloadOld,
    metadata,
    parts: serverParts,
    moves,
    healAddresses: healRound,
  } = apiTables(rooms)
  const handle = createPipeline(definition, tables as HandlerTable[], {
    authenticate: tools.authenticate,
    policy,
    cross,
    ids,
    report: (ctx, error) => log.error(ctx, 'nova-api could not answer', error),
    ...tools.pipeline,
  })
  const computes = tools.hosts.map(host =>
    createCompute({
      host: host.host,
      node: host.host,
      hostIp: host.hostIp,
      bus,
      clock,
      ids,
      log,
      cross,
      hypervisor: host.hypervisor,
      files: host.files,
      driveForAll: host.driveForAll === true || settings.forceConfigDrive,
      identity: tools.identity,
      glance,
      glanceImages: pictures,
      wires,
      volumes: (service, person) => volumes(service, person),
      neutron,
      cinder,
      reportMs: settings.reportIntervalS * 1000,
      shutdownGraceMs: settings.shutdownTimeoutS * 1000,
    }),
  )
  const served: Served[] = []
  let stopSigns = (): void => undefined

  const signs = async (): Promise<void> => {
    await database.tx(
      { cross: (_c, next) => next(), actor: 'nova-conductor', requestId: '' },
      'signs-of-life',
      async q => {
        for (const binary of ['nova-conductor', 'nova-scheduler']) {
          await hostsDb(q).seen({ id: ids.uuid(), host: tools.hosts[0]?.host ?? 'koto', binary }, clock.now())
        }
      },
    )
  }
  const keepSigning = (): void => {
    stopSigns = clock.after(settings.reportIntervalS * 1000, () => {
      void signs()
        .catch((error: unknown) => log.warn(null, `signs of life could not be written: ${(error as Error).message}`))
        .then(keepSigning)
    })
  }

  return {
    handle,
    routes: (tables as HandlerTable[]).map(table => table.routes),
    engine,
    rooms,
    metadata,
    serverParts,
    computes,
    async start() {
      await signs()
      served.push(
        await serveConductor(bus, {
          database,
          clock,
          ids,
          ratios: {
            cpu: settings.cpuAllocationRatio,
            ram: settings.ramAllocationRatio,
            disk: settings.diskAllocationRatio,
            reservedMemoryMb: settings.reservedHostMemoryMb,
          },
          downAfterMs: settings.serviceDownTimeS * 1000,
          warn: says => log.warn(null, says),
          hostIsBack: (ctx, host, guests) =>
            hostIsBack(
              { database, clock, release: async (about, id) => placement.release(await asService(about), id) },
              ctx,
              host,
              guests,
            ),
          mend: (ctx, serverId, host, verb) => mendGuest({ database, engine, clock, ids }, ctx, serverId, host, verb),
          provide: async (ctx, node) => placement.provide(await asService(ctx), node, node.ratios),
          configDriveFiles,
        }),
        await serveScheduler(bus, decide),
      )
      await engine.start()
      for (const compute of computes) await compute.start()
      await engine.adopt({ force: true })
      keepSigning()
    },
    reconcile(reconciling) {
      for (const one of sagaReconcilers('nova')) reconciling.add(one, () => ({ engine: engine as never, clock }))
      reconciling.add(confirmResizes, ctx => ({
        ctx: { ...ctx, actor: 'nova-conductor', cross },
        windowMs: settings.resizeConfirmWindowS * 1000,
        moves,
      }))
      // What is found dying at the start goes on at once.
      const later = (error: unknown): void => log.warn(null, `a delete goes on later: ${(error as Error).message}`)
      reconciling.add(finishDeletes, ctx => ({
        database,
        ctx: { ...ctx, actor: 'nova-conductor', cross },
        story: deleteServer.name,
        finish: (about, id) => void finishDelete(about, id).catch(later),
      }))
      reconciling.add(reclaimServers, ctx => ({
        database,
        clock,
        ctx: { ...ctx, actor: 'nova-conductor', cross },
        afterMs: settings.reclaimInstanceIntervalS * 1000,
        remove: reclaim,
      }))
      reconciling.add(healAddresses, ctx => ({ ctx: { ...ctx, actor: 'nova-conductor' }, heal: healRound }))
      reconciling.add(offloadShelved, ctx => ({
        offloadOld: () => offloadOld({ ...ctx, actor: 'nova-conductor', cross }),
      }))
      void reconciling.run(finishDeletes.name).catch(later)
    },
    async stop(options = {}) {
      stopSigns()
      await engine.stop()
      const { shutDownMs } = options
      if (shutDownMs !== undefined) await Promise.all(computes.map(compute => compute.shutDownGuests(shutDownMs)))
      for (const compute of computes) await compute.stop()
      for (const one of served.splice(0)) await one.close()
    },
  }
}

/** Tools whose context needs a token fetched at the first use. */
function deferred<T extends object>(ctx: () => Promise<Ctx>, make: (ctx: Ctx) => T): T {
  let made: Promise<T> | undefined
  return new Proxy({} as T, {
    get:
      (_target, verb) =>
      async (...args: unknown[]) => {
        made ??= ctx().then(make)
        return ((await made) as Record<PropertyKey, (...given: unknown[]) => unknown>)[verb]?.(...args)
      },
  })
}
