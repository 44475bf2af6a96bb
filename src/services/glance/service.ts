// Glance put together from what main hands in.
import type { Routes } from '#kernel/contract/route.ts'
import type { Settings } from '#kernel/config/config.ts'
import type { Cross } from '#kernel/crossing/crossing.ts'
import type { Database } from '#kernel/db/database.ts'
import type { Handle } from '#kernel/http/call.ts'
import { createPipeline, type Authenticate, type PipelineTools } from '#kernel/http/pipeline.ts'
import type { ServiceDefinition } from '#kernel/http/service.ts'
import type { Clock } from '#kernel/lib/clock.ts'
import type { Ids } from '#kernel/lib/ids.ts'
import type { Log } from '#kernel/lib/log.ts'
import type { Violation } from '#kernel/lib/violation.ts'
import { createEnforcer } from '#kernel/policy/enforcer.ts'
import { aboutHandlers } from '#services/glance/api/about.ts'
import { imageHandlers } from '#services/glance/api/images.ts'
import { metadefHandlers } from '#services/glance/api/metadefs.ts'
import { memberHandlers } from '#services/glance/api/members.ts'
import type { glanceConfig } from '#services/glance/config.ts'
import { baseRules, rules } from '#services/glance/contract/rules.ts'
import { surface } from '#services/glance/contract/surface.ts'
import { imagesDb } from '#services/glance/db/images.ts'
import type { GlanceTables } from '#services/glance/db/tables.ts'
import { glanceDialect } from '#services/glance/dialect.ts'
import { createImagesDomain } from '#services/glance/domain/images.ts'
import { pageOfImages } from '#services/glance/domain/list.ts'
import { createContentsDomain } from '#services/glance/domain/metadef-contents.ts'
import { createNamespacesDomain } from '#services/glance/domain/metadef-namespaces.ts'
import { createMembersDomain } from '#services/glance/domain/members.ts'
import type { ImageStore } from '#services/glance/drivers/store.ts'

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
  readonly clock: Clock
  readonly ids: Ids
  readonly cross: Cross
  readonly log: Log
  readonly authenticate: Authenticate
  readonly settings: Settings<(typeof glanceConfig)['options']>
  readonly store: ImageStore
  readonly policyOverrides?: Readonly<Record<string, string>>
  readonly pipeline?: Pick<PipelineTools, 'refused' | 'unavailable'>
}
export interface Glance {
  readonly handle: Handle
  readonly routes: readonly Routes[]
  /** Ends uploads that a killed process left open and removes their bytes. */
  start(): Promise<void>
  audit(): Promise<readonly Violation[]>
}

export function createGlance(tools: GlanceTools): Glance {
  const { database, clock, ids, cross, log, settings, store } = tools
  const policy = createEnforcer(definition.rules, baseRules, tools.policyOverrides)
  const access = { database, policy }
  const domain = createImagesDomain({
    ...access,
    clock,
    ids,
    store,
    limits: {
      maxBytes: settings.imageSizeCapGb * 1024 ** 3,
      properties: settings.imagePropertyQuota,
      tags: settings.imageTagQuota,
      members: settings.imageMemberQuota,
    },
    warn: (ctx, says) => log.warn(ctx, says),
  })
  const limits = { defaultLimit: settings.limitParamDefault, maxLimit: settings.apiLimitMax }
  const metadefs = { ...access, clock, ids, ...limits }
  const tables = [
    aboutHandlers(),
    imageHandlers({
      domain,
      page: (ctx, query) => pageOfImages({ ...access, ...limits }, ctx, query),
    }),
    ...metadefHandlers(createNamespacesDomain(metadefs), createContentsDomain(metadefs)),
    memberHandlers(createMembersDomain({ ...access, clock, most: settings.imageMemberQuota })),
  ]
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
      const kept = new Set((await imagesDb(database.kysely).all()).map(image => image.id))
      for (const image of await imagesDb(database.kysely).all()) {
        if (image.status === 'saving')
          await imagesDb(database.kysely).enter(image.id, ['saving'], 'queued', clock.now(), null)
      }
      // Bytes whose row is gone: deleted, and the process ended between the two.
      for (const id of (await store.list()).images.keys()) if (!kept.has(id)) await store.remove(id)
    },
    async audit() {
      const found: Violation[] = []
      const { images: files, strays } = await store.list()
      const rows = await imagesDb(database.kysely).all()
      for (const image of rows) {
        const size = files.get(image.id)
        const wants = image.status === 'active' || image.status === 'deactivated'
        if (wants && size === undefined)
          found.push({ ledger: 'I-25', subject: image.id, says: `the image is ${image.status} and has no bytes` })
        else if (wants && size !== image.size)
          found.push({
            ledger: 'I-25',
            subject: image.id,
            says: `the image says ${image.size} bytes, the store has ${size}`,
          })
        else if (!wants && image.status === 'queued' && size !== undefined)
          found.push({ ledger: 'I-25', subject: image.id, says: 'the image is queued and has bytes' })
        if (
          image.status === 'saving' &&
          image.savingSince !== null &&
          clock.now() - image.savingSince > settings.uploadTimeoutS * 1000
        ) {
          found.push({ ledger: 'I-25', subject: image.id, says: 'its upload has not ended for too long' })
        }
      }
      const known = new Set(rows.map(row => row.id))
      const saving = new Set(rows.filter(row => row.status === 'saving').map(row => row.id))
      for (const id of files.keys())
        if (!known.has(id)) found.push({ ledger: 'I-25', subject: id, says: 'bytes in the store belong to no image' })
      for (const name of strays)
        if (![...saving].some(id => name.endsWith(id)))
          found.push({ ledger: 'I-25', subject: name, says: 'a file in the store belongs to no image' })
      return found
    },
  }
}
