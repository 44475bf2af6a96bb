// Glance put together from what main hands in.
import type { Kysely } from 'kysely'

import type { Bus } from '#kernel/bus/bus.ts'
import type { Routes } from '#kernel/contract/route.ts'
import type { Settings } from '#kernel/config/config.ts'
import type { Cross } from '#kernel/crossing/crossing.ts'
import type { Database } from '#kernel/db/database.ts'
import type { Handle } from '#kernel/http/call.ts'
import { createPipeline, type Authenticate, type PipelineTools } from '#kernel/http/pipeline.ts'
import type { ServiceDefinition } from '#kernel/http/service.ts'
import type { Clock } from '#kernel/lib/clock.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import type { Ids } from '#kernel/lib/ids.ts'
import type { Log } from '#kernel/lib/log.ts'
import type { Violation } from '#kernel/lib/violation.ts'
import { createEnforcer } from '#kernel/policy/enforcer.ts'
import type { Reconciling } from '#kernel/reconciler/reconciler.ts'
import { sagaLogDb } from '#kernel/saga/db-log.ts'
import { createEngine, local } from '#kernel/saga/engine.ts'
import { sagaReconcilers } from '#kernel/saga/reconcilers.ts'
import { aboutHandlers } from '#services/glance/api/about.ts'
import { cacheHandlers, importHandlers, storeHandlers, taskHandlers } from '#services/glance/api/imports.ts'
import { imageHandlers } from '#services/glance/api/images.ts'
import { metadefHandlers } from '#services/glance/api/metadefs.ts'
import { memberHandlers } from '#services/glance/api/members.ts'
import type { glanceConfig } from '#services/glance/config.ts'
import { baseRules, rules } from '#services/glance/contract/rules.ts'
import { surface } from '#services/glance/contract/surface.ts'
import { imagesDb } from '#services/glance/db/images.ts'
import type { GlanceTables } from '#services/glance/db/tables.ts'
import { glanceDialect } from '#services/glance/dialect.ts'
import { createAudit } from '#services/glance/domain/audit.ts'
import { createCacheDomain } from '#services/glance/domain/cache.ts'
import { importTools, type Door } from '#services/glance/domain/import-tools.ts'
import { createImportsDomain } from '#services/glance/domain/imports.ts'
import { noQuotas, type Quotas } from '#services/glance/domain/quotas.ts'
import { createStoresDomain } from '#services/glance/domain/stores.ts'
import { createTasksDomain } from '#services/glance/domain/tasks.ts'
import { createImagesDomain } from '#services/glance/domain/images.ts'
import { pageOfImages } from '#services/glance/domain/list.ts'
import { createContentsDomain } from '#services/glance/domain/metadef-contents.ts'
import { createNamespacesDomain } from '#services/glance/domain/metadef-namespaces.ts'
import { createMembersDomain } from '#services/glance/domain/members.ts'
import type { ImageCache, ImageStore } from '#services/glance/drivers/store.ts'
import { forgetTasks } from '#services/glance/reconcilers/forget-tasks.ts'
import { importImage } from '#services/glance/sagas/import-image.ts'
import type { ApiTools } from '#services/glance/sagas/tools.ts'

export const definition: ServiceDefinition = {
  name: 'glance',
  actor: 'glance-api',
  types: ['image'],
  prefix: '/image',
  catalogPath: '',
  classicPort: 9292,
  versions: null,
  dialect: glanceDialect,
  rules: Object.values(rules),
  baseRules,
  surface,
  strictSlashes: true,
}

export interface GlanceTools {
  readonly database: Database<GlanceTables>
  readonly bus: Bus
  readonly clock: Clock
  readonly ids: Ids
  readonly cross: Cross
  readonly log: Log
  readonly authenticate: Authenticate
  readonly settings: Settings<(typeof glanceConfig)['options']>
  readonly store: ImageStore
  /** Where bytes wait for their import. */
  readonly staging: ImageStore
  readonly cache: ImageCache
  /** The door to addresses that users supply. */
  readonly door: Door
  /** Where limits are kept. Absent: nobody is held to any. */
  readonly quotas?: Quotas
  readonly policyOverrides?: Readonly<Record<string, string>>
  readonly pipeline?: Pick<PipelineTools, 'refused' | 'unavailable'>
}
export interface Glance {
  readonly handle: Handle
  readonly routes: readonly Routes[]
  /** Ends uploads that a killed process left open, removes their bytes, and goes on with imports. */
  start(): Promise<void>
  /** Lets imports reach a step boundary. */
  stop(): Promise<void>
  /** Resolves when no import and no filling of the cache is under way here. */
  idle(): Promise<void>
  reconcile(reconciling: Reconciling): void
  audit(): Promise<readonly Violation[]>
}

export function createGlance(tools: GlanceTools): Glance {
  const { database, bus, clock, ids, cross, log, settings, store, staging, door } = tools
  const policy = createEnforcer(definition.rules, baseRules, tools.policyOverrides)
  const access = { database, policy }
  const warn = (ctx: Ctx, says: string): void => log.warn(ctx, says)
  const maxBytes = settings.imageSizeCapGb * 1024 ** 3
  const quotas = settings.useKeystoneLimits ? (tools.quotas ?? noQuotas) : noQuotas
  const uriRules = {
    schemes: settings.importAllowedSchemes,
    hosts: settings.importAllowedHosts.map(host => host.toLowerCase()),
    notHosts: settings.importDisallowedHosts.map(host => host.toLowerCase()),
    ports: settings.importAllowedPorts,
  }
  const engine = createEngine<Kysely<GlanceTables>>({
    log: sagaLogDb(database as never) as never,
    bus,
    clock,
    ids,
    cross,
    actor: 'glance-api',
    db: 'glance-db',
    onTrouble: (says, error) => log.error(null, says, error),
  })
  const taskTtlMs = settings.taskTimeToLiveH * 3_600_000
  const saga = importTools({ database, clock, store, staging, door, uriRules, maxBytes, taskTtlMs })
  engine.register(importImage, { places: { api: local<ApiTools>('glance-api', run => saga(run.ctx)) } })

  const cache = createCacheDomain({
    ...access,
    clock,
    cache: tools.cache,
    maxBytes: settings.imageCacheMaxSizeGb * 1024 ** 3,
    warn,
  })
  const domain = createImagesDomain({
    ...access,
    clock,
    ids,
    store,
    staging,
    quotas,
    cache,
    cancelImport: id => engine.cancel(id),
    limits: {
      maxBytes,
      properties: settings.imagePropertyQuota,
      tags: settings.imageTagQuota,
      members: settings.imageMemberQuota,
    },
    warn,
  })
  const imports = createImportsDomain({ ...access, clock, ids, engine, staging, quotas, uriRules, maxBytes, warn })
  const limits = { defaultLimit: settings.limitParamDefault, maxLimit: settings.apiLimitMax }
  const tasks = createTasksDomain({ ...access, ...limits, images: domain, imports })
  const metadefs = { ...access, clock, ids, ...limits }
  const tables = [
    aboutHandlers(),
    imageHandlers({ domain, page: (ctx, query) => pageOfImages({ ...access, ...limits }, ctx, query) }),
    importHandlers(imports, tasks.ofImage),
    taskHandlers(tasks),
    storeHandlers(createStoresDomain({ ...access, quotas, url: id => store.url(id) }), {
      type: 'file',
      properties: { data_dir: store.url('').replace('file://', ''), chunk_size: 65_536, thin_provisioning: false },
    }),
    cacheHandlers(cache),
    ...metadefHandlers(createNamespacesDomain(metadefs), createContentsDomain(metadefs)),
    memberHandlers(createMembersDomain({ ...access, clock, most: settings.imageMemberQuota })),
  ]
  const own = (): Ctx => ({ requestId: `req-${ids.uuid()}`, who: null, actor: 'glance-api', cross })
  return {
    handle: createPipeline(definition, tables, {
      authenticate: tools.authenticate,
      policy,
      cross,
      ids,
      report: (ctx, error) => log.error(ctx, 'glance-api could not answer', error),
      ...tools.pipeline,
    }),
    routes: tables.map(table => table.routes),
    async start() {
      await store.clean()
      await staging.clean()
      const all = await imagesDb(database.kysely).all()
      const kept = new Map(all.map(image => [image.id, image]))
      for (const image of all) {
        if (image.status === 'saving')
          await imagesDb(database.kysely).enter(image.id, ['saving'], 'queued', clock.now(), null)
        if (image.status === 'uploading' && (image.size === null || (await staging.has(image.id)) === null))
          await imagesDb(database.kysely).enterImport(
            image.id,
            ['uploading'],
            { status: 'queued', size: null },
            clock.now(),
          )
      }
      // Bytes whose row is gone: deleted, and the process ended between the two.
      for (const id of (await store.list()).images.keys()) if (!kept.has(id)) await store.remove(id)
      for (const id of (await staging.list()).images.keys()) {
        const image = kept.get(id)
        const waiting = image?.status === 'importing' || (image?.status === 'uploading' && image.size !== null)
        if (!waiting) await staging.remove(id)
      }
      await engine.start()
      await engine.adopt({ force: true })
      await cache.resume(own())
    },
    async stop() {
      await engine.stop()
      await cache.idle()
    },
    async idle() {
      await engine.idle()
      await cache.idle()
    },
    reconcile(reconciling) {
      for (const one of sagaReconcilers('glance')) reconciling.add(one, () => ({ engine: engine as never, clock }))
      reconciling.add(forgetTasks, ctx => ({ database, clock, ctx }))
    },
    audit: createAudit({
      database,
      clock,
      store,
      staging,
      cache: tools.cache,
      uploadTimeoutMs: settings.uploadTimeoutS * 1000,
    }),
  }
}
