// The verbs of images: create, list, change, delete, and the two directions of their bytes.
import { Fault } from '#kernel/contract/fault.ts'
import type { Clock } from '#kernel/lib/clock.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import type { Ids } from '#kernel/lib/ids.ts'
import {
  BASE,
  CONTAINER_FORMATS,
  DISK_FORMATS,
  READ_ONLY,
  RESERVED,
  VISIBILITIES,
} from '#services/glance/contract/images.ts'
import { faults } from '#services/glance/contract/faults.ts'
import { RESERVED_NAMESPACE, STORE } from '#services/glance/contract/imports.ts'
import { rules } from '#services/glance/contract/rules.ts'
import { imagesDb, type Image } from '#services/glance/db/images.ts'
import { holdImage, type AccessTools, type Held } from '#services/glance/domain/access.ts'
import type { CacheDomain } from '#services/glance/domain/cache.ts'
import { demandQuota, mebibytes, type Quotas } from '#services/glance/domain/quotas.ts'
import { applyPatch } from '#services/glance/domain/patch.ts'

/** What the domain needs of a store; the driver port is drivers/store.ts. */
export interface Store {
  put(
    id: string,
    bytes: AsyncIterable<Uint8Array>,
    options: { declared: string | null; wrapped?: boolean; maxBytes: number },
  ): Promise<{ size: number; md5: string; sha512: string; virtualSize: number }>
  has(id: string): Promise<number | null>
  get(id: string, offset?: number, length?: number | null): AsyncIterable<Uint8Array>
  remove(id: string): Promise<void>
}
export interface ImagesTools extends AccessTools {
  readonly clock: Clock
  readonly ids: Ids
  readonly store: Store
  readonly staging: Store
  readonly quotas: Quotas
  readonly cache: Pick<CacheDomain, 'bytesOf' | 'forget'>
  /** Calls off an import under way. */
  readonly cancelImport: (id: string) => Promise<unknown>
  readonly limits: {
    readonly maxBytes: number
    readonly properties: number
    readonly tags: number
    readonly members: number
  }
  readonly warn: (ctx: Ctx, says: string) => void
}
export interface ImageWithTags {
  readonly image: Image
  readonly tags: readonly string[]
}

export const createImagesDomain = (tools: ImagesTools) => {
  const { database, policy, clock, ids, store, limits, quotas } = tools
  const about = (ctx: Ctx, id: string): Ctx => ({ ...ctx, subject: id })
  const tagsOf = async (ctx: Ctx, id: string): Promise<string[]> =>
    (await database.read(ctx, 'tags-of-image', q => imagesDb(q).tagsOf([id]))).get(id) ?? []
  const demandVisibility = (ctx: Ctx, visibility: string, target: Readonly<Record<string, unknown>>): void => {
    const rule =
      visibility === 'public' ? rules.publicizeImage : visibility === 'community' ? rules.communitizeImage : null
    if (rule !== null && !policy.allows(ctx.who, rule, target))
      throw new Fault('Forbidden', 403, 'You are not authorized to complete this action.')
  }
  const demandCounts = (properties: Readonly<Record<string, unknown>>, tags: readonly string[]): void => {
    const many = Object.keys(properties).length
    if (limits.properties >= 0 && many > limits.properties)
      throw faults.OverQuota({ reason: `the number of properties is ${many}, the limit ${limits.properties}` })
    if (limits.tags >= 0 && new Set(tags).size > limits.tags)
      throw faults.OverQuota({ reason: `the number of tags is ${tags.length}, the limit ${limits.tags}` })
  }

  return {
    hold: (ctx: Ctx, id: string, rule = rules.getImage): Promise<Held> => holdImage(tools, ctx, id, rule),
    async show(ctx: Ctx, id: string): Promise<ImageWithTags> {
      const { image } = await holdImage(tools, ctx, id, rules.getImage)
      return { image, tags: await tagsOf(ctx, image.id) }
    },

    /** A new image without bytes: `queued`. Throws 400, 403, 409, 413. */
    async create(ctx: Ctx, given: Readonly<Record<string, unknown>>): Promise<ImageWithTags> {
      const projectId = ctx.who?.projectId ?? null
      for (const name of Object.keys(given)) {
        if (READ_ONLY.includes(name)) throw faults.ReadOnly({ name })
        if (RESERVED.includes(name) || name.startsWith(RESERVED_NAMESPACE)) throw faults.Reserved({ name })
      }
      const owner = given['owner'] === undefined ? projectId : (given['owner'] as string | null)
      const target = { project_id: projectId, owner }
      if (!policy.allows(ctx.who, rules.addImage, target))
        throw new Fault('Forbidden', 403, 'You are not permitted to create images owned by another project.')
      const visibility = (given['visibility'] as string | undefined) ?? 'shared'
      demandVisibility(ctx, visibility, target)
      const properties = Object.fromEntries(Object.entries(given).filter(([name]) => !BASE.includes(name))) as Record<
        string,
        string | null
      >
      for (const name of Object.keys(properties))
        if (name.length > 255) throw faults.BadRequest({ reason: 'A property name is longer than 255 characters.' })
      const tags = (given['tags'] as string[] | undefined) ?? []
      demandCounts(properties, tags)
      const now = clock.now()
      const image: Image = {
        id: ((given['id'] as string | undefined) ?? ids.uuid()).toLowerCase(),
        name: (given['name'] as string | null | undefined) ?? null,
        owner,
        status: 'queued',
        visibility,
        diskFormat: (given['disk_format'] as string | null | undefined) ?? null,
        containerFormat: (given['container_format'] as string | null | undefined) ?? null,
        size: null,
        virtualSize: null,
        minDisk: (given['min_disk'] as number | undefined) ?? 0,
        minRam: (given['min_ram'] as number | undefined) ?? 0,
        isProtected: given['protected'] === true,
        osHidden: given['os_hidden'] === true,
        checksum: null,
        hashAlgo: null,
        hashValue: null,
        properties,
        savingSince: null,
        importState: null,
        createdAt: now,
        updatedAt: now,
      }
      demandFormats(image)
      const held = owner === null ? null : await quotas.of(ctx, owner)
      await database.tx(about(ctx, image.id), 'create-image', async q => {
        if (owner !== null && held !== null)
          demandQuota(held, await imagesDb(q).usage(owner), owner, 'image_count_total', 1)
        if (await imagesDb(q).everById(image.id)) throw faults.DuplicateImage({ id: image.id })
        await imagesDb(q).add(image)
        await imagesDb(q).setTags(image.id, tags)
      })
      return { image, tags: [...new Set(tags)].sort() }
    },

    /** JSON patch. Throws 400, 403, 404, 409. */
    async update(
      ctx: Ctx,
      id: string,
      operations: readonly Readonly<Record<string, unknown>>[],
    ): Promise<ImageWithTags> {
      const { image, target } = await holdImage(tools, ctx, id, rules.modifyImage)
      const before = { image, tags: await tagsOf(ctx, image.id) }
      const after = applyPatch(before, operations)
      if (after.image.visibility !== image.visibility) {
        if (!VISIBILITIES.includes(after.image.visibility as never))
          throw faults.BadRequest({ reason: `Invalid visibility value: ${after.image.visibility}` })
        demandVisibility(ctx, after.image.visibility, target)
      }
      if (after.image.owner !== image.owner && ctx.who?.roles.includes('admin') !== true)
        throw new Fault('Forbidden', 403, 'You are not permitted to modify the owner of an image.')
      const formats =
        after.image.diskFormat !== image.diskFormat || after.image.containerFormat !== image.containerFormat
      if (formats && image.status !== 'queued')
        throw faults.Forbidden({ reason: 'Attribute container_format can be only replaced for a queued image.' })
      demandFormats(after.image)
      demandCounts(after.image.properties, after.tags)
      const changed = { ...after.image, updatedAt: clock.now() }
      await database.tx(about(ctx, image.id), 'update-image', async q => {
        if (!(await imagesDb(q).replace(changed, image.status)))
          throw faults.Conflict({ reason: `Image ${id} changed meanwhile.` })
        await imagesDb(q).setTags(image.id, after.tags)
      })
      return { image: changed, tags: [...new Set(after.tags)].sort() }
    },

    /** The row goes first, then the bytes: what is left after a crash is a stray file that the audit names and start removes. */
    async remove(ctx: Ctx, id: string): Promise<void> {
      const { image } = await holdImage(tools, ctx, id, rules.deleteImage)
      if (image.isProtected) throw faults.Protected({ id })
      await database.tx(about(ctx, image.id), 'delete-image', q => imagesDb(q).remove(image.id, clock.now()))
      if (image.status === 'importing') await tools.cancelImport(image.id)
      await tools.cache.forget(ctx, image.id)
      await tools.staging.remove(image.id)
      await store.remove(image.id)
    },

    /** Takes the bytes of a queued image. Throws 400, 404, 409, 413; the image is `queued` again then. */
    async upload(
      ctx: Ctx,
      id: string,
      bytes: AsyncIterable<Uint8Array>,
      announced: number | null,
      storeHeader: string | undefined,
    ): Promise<void> {
      if (storeHeader !== undefined && storeHeader !== STORE)
        throw faults.BadRequest({ reason: `Unknown scheme '${storeHeader}' found in URI` })
      const { image } = await holdImage(tools, ctx, id, rules.uploadImage)
      if (image.diskFormat === null || image.containerFormat === null) throw faults.NotUploadable()
      const to = (status: string, from: readonly string[]): Promise<boolean> =>
        database.tx(about(ctx, image.id), `image-${status}`, q =>
          imagesDb(q).enter(image.id, from, status, clock.now(), null),
        )
      const { owner } = image
      const held = owner === null ? null : await quotas.of(ctx, owner)
      await database.tx(about(ctx, image.id), 'image-saving', async q => {
        if (owner !== null && held !== null) {
          const used = await imagesDb(q).usage(owner)
          demandQuota(held, used, owner, 'image_size_total', mebibytes(announced ?? 0))
        }
        if (!(await imagesDb(q).enter(image.id, ['queued'], 'saving', clock.now(), clock.now())))
          throw faults.StatusTransition({ from: image.status, to: 'saving' })
        if (owner !== null && held !== null)
          demandQuota(held, await imagesDb(q).usage(owner), owner, 'image_count_uploading')
      })
      try {
        const stored = await store.put(image.id, bytes, {
          declared: image.diskFormat,
          wrapped: image.containerFormat !== 'bare',
          maxBytes: limits.maxBytes,
        })
        const done = await database.tx(about(ctx, image.id), 'image-active', async q => {
          const now = await imagesDb(q).byId(image.id)
          return (
            now !== undefined &&
            imagesDb(q).replace(
              {
                ...now,
                status: 'active',
                size: stored.size,
                virtualSize: stored.virtualSize,
                checksum: stored.md5,
                hashAlgo: 'sha512',
                hashValue: stored.sha512,
                savingSince: null,
                updatedAt: clock.now(),
              },
              'saving',
            )
          )
        })
        if (done) return
        await store.remove(image.id)
        throw faults.ImageNotFound({ id })
      } catch (error) {
        await to('queued', ['saving']).catch((failure: unknown) =>
          tools.warn(ctx, `image ${id} stays in saving: ${(failure as Error).message}`),
        )
        switch ((error as { code?: string }).code) {
          case 'refused':
            throw faults.Refused({ reason: (error as Error).message }, { cause: error })
          case 'too-large':
            throw faults.TooLarge({ limit: limits.maxBytes }, { cause: error })
          case 'full':
            throw faults.StoreFull({ cause: error })
          case 'ECONNRESET':
          case 'ERR_STREAM_PREMATURE_CLOSE':
            throw faults.BadRequest({ reason: 'The upload was cut off.' }, { cause: error })
          default:
            throw error
        }
      }
    },

    /** The bytes, or null when it has none yet. Throws 403 for a deactivated image. */
    async download(
      ctx: Ctx,
      id: string,
    ): Promise<{ image: Image; bytes: (offset: number, length: number | null) => AsyncIterable<Uint8Array> } | null> {
      const { image } = await holdImage(tools, ctx, id, rules.downloadImage)
      if (image.status === 'deactivated' && ctx.who?.roles.includes('admin') !== true) throw faults.Deactivated()
      if (image.size === null || !['active', 'deactivated'].includes(image.status)) return null
      const cached = await tools.cache.bytesOf(ctx, image.id)
      return { image, bytes: cached ?? ((offset, length) => store.get(image.id, offset, length)) }
    },

    async activate(ctx: Ctx, id: string, active: boolean): Promise<void> {
      const { image } = await holdImage(tools, ctx, id, active ? rules.reactivate : rules.deactivate)
      const to = active ? 'active' : 'deactivated'
      const won = await database.tx(about(ctx, image.id), `image-${to}`, q =>
        imagesDb(q).enter(image.id, ['active', 'deactivated'], to, clock.now(), null),
      )
      if (!won)
        throw faults.Forbidden({
          reason: `Not allowed to ${active ? 're' : 'de'}activate image in status '${image.status}'`,
        })
    },

    async setTag(ctx: Ctx, id: string, tag: string, there: boolean): Promise<void> {
      const { image } = await holdImage(tools, ctx, id, rules.modifyImage)
      if (tag.length > 255) throw faults.BadRequest({ reason: 'A tag is longer than 255 characters.' })
      await database.tx(about(ctx, image.id), 'tag-image', async q => {
        const tags = (await imagesDb(q).tagsOf([image.id])).get(image.id) ?? []
        if (!there && !tags.includes(tag)) throw faults.TagNotFound({ tag })
        const next = there ? [...tags, tag] : tags.filter(one => one !== tag)
        demandCounts({}, next)
        await imagesDb(q).setTags(image.id, next)
      })
    },
  }
}
export type ImagesDomain = ReturnType<typeof createImagesDomain>

function demandFormats(image: Image): void {
  const { diskFormat, containerFormat } = image
  if (diskFormat !== null && !DISK_FORMATS.includes(diskFormat as never))
    throw faults.BadRequest({ reason: `Invalid disk format '${diskFormat}' for image.` })
  if (containerFormat !== null && !CONTAINER_FORMATS.includes(containerFormat as never))
    throw faults.BadRequest({ reason: `Invalid container format '${containerFormat}' for image.` })
}
