// The verbs of interoperable import: stage, and import by one of three methods.
import type { Kysely } from 'kysely'

import { Fault } from '#kernel/contract/fault.ts'
import type { Clock } from '#kernel/lib/clock.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import type { Ids } from '#kernel/lib/ids.ts'
import type { Engine } from '#kernel/saga/engine.ts'
import { faults } from '#services/glance/contract/faults.ts'
import { IMPORT_METHODS, STORE } from '#services/glance/contract/imports.ts'
import { rules } from '#services/glance/contract/rules.ts'
import { imagesDb, type Image } from '#services/glance/db/images.ts'
import type { GlanceTables } from '#services/glance/db/tables.ts'
import { tasksDb, type Task } from '#services/glance/db/tasks.ts'
import { holdImage, type AccessTools } from '#services/glance/domain/access.ts'
import type { Store } from '#services/glance/domain/images.ts'
import { permitsText, type UriRules } from '#services/glance/domain/import-uri.ts'
import { spoken } from '#services/glance/domain/import-tools.ts'
import { demandQuota, mebibytes, type Quotas } from '#services/glance/domain/quotas.ts'
import { importImage } from '#services/glance/sagas/import-image.ts'

export interface ImportsTools extends AccessTools {
  readonly clock: Clock
  readonly ids: Ids
  readonly engine: Engine<Kysely<GlanceTables>>
  readonly staging: Store
  readonly quotas: Quotas
  readonly uriRules: UriRules
  readonly maxBytes: number
  readonly warn: (ctx: Ctx, says: string) => void
}
type Given = Readonly<Record<string, unknown>>

/** The stores a request names. Throws 400, 409. */
export function storesOf(body: Given, header: string | undefined): { stores: string[]; all: boolean } {
  const all = body['all_stores'] === true
  const named = body['stores']
  if (all && (named !== undefined || header !== undefined))
    throw faults.BadRequest({
      reason: "All_stores parameter can't be used with x-image-meta-store header or stores parameter",
    })
  if (named !== undefined && header !== undefined)
    throw faults.BadRequest({ reason: "Stores parameter and x-image-meta-store header can't be both specified" })
  if (named !== undefined && (!Array.isArray(named) || named.length === 0 || named.length > 100))
    throw faults.BadRequest({ reason: "'stores' must be a list of store identifiers" })
  const stores = all ? [STORE] : ((named as unknown[] | undefined) ?? [header ?? STORE])
  for (const store of stores)
    if (store !== STORE) throw faults.Conflict({ reason: `Unknown scheme '${String(store)}' found in URI` })
  return { stores: [...new Set(stores as string[])], all }
}

export const createImportsDomain = (tools: ImportsTools) => {
  const { database, policy, clock, ids, engine, staging, quotas, maxBytes } = tools
  const about = (ctx: Ctx, id: string): Ctx => ({ ...ctx, subject: id })

  const demandUri = (uri: unknown): void => {
    if (!permitsText(tools.uriRules, uri))
      throw faults.BadRequest({ reason: `URI for web-download does not pass filtering: ${String(uri)}` })
  }
  /** Writes the task, takes the image and begins the story, or none of it. */
  const start = async (
    ctx: Ctx,
    image: Image,
    task: { type: string; input: Given },
    how: { from: string; uri: string | null; stores: readonly string[] },
  ): Promise<Task> => {
    const now = clock.now()
    const made: Task = {
      id: ids.uuid(),
      type: task.type,
      status: 'pending',
      owner: ctx.who?.projectId ?? '',
      input: task.input,
      result: null,
      message: '',
      imageId: image.id,
      requestId: ctx.requestId,
      userId: ctx.who?.userId ?? null,
      expiresAt: null,
      createdAt: now,
      updatedAt: now,
    }
    const held = image.owner === null ? null : await quotas.of(ctx, image.owner)
    const mine = about(ctx, image.id)
    const story = await database.tx(mine, 'begin-import', async q => {
      const state = { task: made.id, importing: [...how.stores], failed: [] }
      if (!(await imagesDb(q).enterImport(image.id, [how.from], { status: 'importing', state }, now)))
        throw faults.Conflict({
          reason: `New operation on image '${image.id}' is not permitted as prior operation is still in progress`,
        })
      if (image.owner !== null) {
        const used = await imagesDb(q).usage(image.owner)
        demandQuota(held, used, image.owner, 'image_size_total')
        demandQuota(held, used, image.owner, 'image_count_uploading')
      }
      await tasksDb(q).add(made)
      return engine.prepare(q as never, importImage, { imageId: image.id, taskId: made.id, uri: how.uri }, mine)
    })
    engine.go(story)
    return made
  }

  return {
    demandUri,
    /** Begins to fetch a queued image's bytes. */
    fetchFor: (ctx: Ctx, image: Image, type: string, input: Given, uri: string): Promise<Task> =>
      start(ctx, image, { type, input }, { from: 'queued', uri, stores: [STORE] }),

    /** Takes bytes that an import will use. Throws 404, 403, 409, 413; the image is `queued` again then. */
    async stage(ctx: Ctx, id: string, bytes: AsyncIterable<Uint8Array>, announced: number | null): Promise<void> {
      const { image } = await holdImage(tools, ctx, id, rules.modifyImage)
      const held = image.owner === null ? null : await quotas.of(ctx, image.owner)
      await database.tx(about(ctx, image.id), 'image-uploading', async q => {
        if (image.owner !== null)
          demandQuota(
            held,
            await imagesDb(q).usage(image.owner),
            image.owner,
            'image_stage_total',
            mebibytes(announced ?? 0),
          )
        if (!(await imagesDb(q).enterImport(image.id, ['queued'], { status: 'uploading' }, clock.now())))
          throw faults.StatusTransition({ from: image.status, to: 'uploading' })
        if (image.owner !== null)
          demandQuota(held, await imagesDb(q).usage(image.owner), image.owner, 'image_count_uploading')
      })
      try {
        const { size } = await staging.put(image.id, bytes, { declared: null, maxBytes }).catch(spoken(maxBytes))
        const there = await database.tx(about(ctx, image.id), 'image-staged', q =>
          imagesDb(q).enterImport(image.id, ['uploading'], { status: 'uploading', size }, clock.now()),
        )
        if (there) return
        throw faults.ImageNotFound({ id })
      } catch (error) {
        await staging.remove(image.id)
        await database
          .tx(about(ctx, image.id), 'image-queued', q =>
            imagesDb(q).enterImport(image.id, ['uploading'], { status: 'queued', size: null }, clock.now()),
          )
          .catch((failure: unknown) => tools.warn(ctx, `image ${id} stays in uploading: ${(failure as Error).message}`))
        const { code } = error as { code?: string }
        if (!(error instanceof Fault) && (code === 'ECONNRESET' || code === 'ERR_STREAM_PREMATURE_CLOSE'))
          throw faults.BadRequest({ reason: 'The upload was cut off.' }, { cause: error })
        throw error
      }
    },

    /** Begins an import. Throws 400, 403, 404, 409, 413. */
    async importImage(ctx: Ctx, id: string, body: Given, storeHeader: string | undefined): Promise<void> {
      const method = methodOf(body)
      const { image, target } = await holdImage(tools, ctx, id, rules.getImage)
      const copying = method.name === 'copy-image'
      const conflict = (reason: string): Fault => faults.Conflict({ reason })
      if (image.status === 'active' && !copying) throw conflict('Image with status active cannot be target for import')
      if (image.status !== 'active' && copying)
        throw conflict('Only images with status active can be targeted for copying')
      if (image.status !== 'queued' && method.name === 'web-download')
        throw conflict(`Image needs to be in 'queued' state to use '${method.name}' method`)
      const staged = method.name === 'glance-direct' && image.status === 'uploading'
      if (method.name === 'glance-direct' && (!staged || (await staging.has(image.id)) === null))
        throw conflict("Image needs to be staged before 'glance-direct' method can be used")
      if (image.containerFormat === null) throw conflict("'container_format' needs to be set before import")
      if (image.diskFormat === null) throw conflict("'disk_format' needs to be set before import")
      const rule = copying ? rules.copyImage : rules.modifyImage
      const verdict = policy.check(ctx.who, rule, target)
      if (!verdict.ok)
        throw new Fault('Forbidden', 403, 'You are not authorized to complete this action.', {
          because: verdict.because,
        })
      const { stores, all } = storesOf(body, storeHeader)
      if (copying) {
        if (all) {
          // It is in every store there is: done as soon as asked, and the image says so.
          const state = { importing: [], failed: [] }
          await database.tx(about(ctx, image.id), 'image-copied', q =>
            imagesDb(q).enterImport(image.id, ['active'], { status: 'active', state }, clock.now()),
          )
          return
        }
        throw faults.BadRequest({ reason: `Image is already present at store '${STORE}'` })
      }
      if (method.name === 'web-download') demandUri(method.uri)
      const uri = method.name === 'web-download' ? (method.uri as string) : null
      const input = { image_id: image.id, import_req: body, backend: stores }
      await start(ctx, image, { type: 'api_image_import', input }, { from: image.status, uri, stores })
    },
  }
}
export type ImportsDomain = ReturnType<typeof createImportsDomain>

function methodOf(body: Given): { name: (typeof IMPORT_METHODS)[number]; uri: unknown } {
  const method = body['method'] as Given | undefined
  if (typeof method !== 'object' || method === null || Array.isArray(method))
    throw faults.BadRequest({ reason: "Import request requires a 'method' field." })
  const name = method['name']
  if (name === undefined) throw faults.BadRequest({ reason: "Import request requires a 'name' field." })
  if (!IMPORT_METHODS.includes(name as never))
    throw faults.BadRequest({ reason: `Unknown import method name '${String(name)}'.` })
  for (const key of ['all_stores_must_succeed', 'all_stores'])
    if (body[key] !== undefined && typeof body[key] !== 'boolean')
      throw faults.BadRequest({ reason: `'${key}' must be boolean value only` })
  return { name: name as (typeof IMPORT_METHODS)[number], uri: method['uri'] }
}
