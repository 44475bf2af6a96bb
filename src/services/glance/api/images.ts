// Images over HTTP: translate, never decide.
import { isoSeconds } from '#kernel/lib/clock.ts'
import { answer, handlers, type HandlerTable } from '#kernel/http/handlers.ts'
import { presenter } from '#kernel/http/presenter.ts'
import { faults } from '#services/glance/contract/faults.ts'
import { IMPORT_METHODS, STORE } from '#services/glance/contract/imports.ts'
import { announcedBytes, demandOctets } from '#services/glance/api/octets.ts'
import { images, ImageView } from '#services/glance/contract/images.ts'
import type { ImagesDomain, ImageWithTags } from '#services/glance/domain/images.ts'
import type { ListQuery } from '#services/glance/domain/list.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import type { Image } from '#services/glance/db/images.ts'

const presentImage = presenter<ImageWithTags>()(ImageView, {
  id: ({ image }) => image.id,
  name: ({ image }) => image.name,
  status: ({ image }) => image.status,
  visibility: ({ image }) => image.visibility,
  protected: ({ image }) => image.isProtected,
  os_hidden: ({ image }) => image.osHidden,
  owner: ({ image }) => image.owner,
  container_format: ({ image }) => image.containerFormat,
  disk_format: ({ image }) => image.diskFormat,
  min_ram: ({ image }) => image.minRam,
  min_disk: ({ image }) => image.minDisk,
  size: ({ image }) => image.size,
  virtual_size: ({ image }) => image.virtualSize,
  checksum: ({ image }) => image.checksum,
  os_hash_algo: ({ image }) => image.hashAlgo,
  os_hash_value: ({ image }) => image.hashValue,
  tags: ({ tags }) => [...tags],
  created_at: ({ image }) => isoSeconds(image.createdAt),
  updated_at: ({ image }) => isoSeconds(image.updatedAt),
  self: ({ image }) => `/v2/images/${image.id}`,
  file: ({ image }) => `/v2/images/${image.id}/file`,
  schema: () => '/v2/schemas/image',
})

export interface ImagesApi {
  readonly domain: ImagesDomain
  readonly page: (
    ctx: Ctx,
    query: ListQuery,
  ) => Promise<{ images: Image[]; more: boolean; tags: Map<string, string[]> }>
}

/** `bytes=0-99`, `bytes=100-`, `bytes=-50` of a size; null: the whole, `bad`: nothing of it is there. */
function rangeOf(header: string | undefined, size: number): { from: number; to: number } | null | 'bad' {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? '')
  if (match === null || (match[1] === '' && match[2] === '')) return null
  const from = match[1] === '' ? Math.max(0, size - Number(match[2])) : Number(match[1])
  const to = match[1] === '' || match[2] === '' ? size - 1 : Math.min(Number(match[2]), size - 1)
  return from > to || from >= size ? 'bad' : { from, to }
}

/** What stands beside an image's own fields: its properties, what it shows of an import, its store. */
function besides(image: Image | undefined): Record<string, unknown> {
  if (image === undefined) return {}
  const { importState: state } = image
  return {
    ...image.properties,
    ...(state?.task === undefined ? {} : { os_glance_import_task: state.task }),
    ...(state === null
      ? {}
      : {
          os_glance_importing_to_stores: state.importing.join(','),
          os_glance_failed_import: state.failed.join(','),
        }),
    ...(['active', 'deactivated'].includes(image.status) ? { stores: STORE } : {}),
  }
}

export function imageHandlers(api: ImagesApi): HandlerTable {
  const { domain } = api
  const whole = async (
    call: { show: (presenter: typeof presentImage, entity: ImageWithTags) => Promise<Record<string, unknown>> },
    entity: ImageWithTags,
  ) => ({
    ...besides(entity.image),
    ...(await call.show(presentImage, entity)),
  })
  return handlers(images, {
    list: async call => {
      const { images: found, more, tags } = await api.page(call.ctx, call.query as ListQuery)
      const entities = found.map(image => ({ image, tags: tags.get(image.id) ?? [] }))
      const shown = await call.list(presentImage, entities)
      const link = (marker: string | null): string => {
        const query = new URLSearchParams(call.rawQuery)
        query.delete('marker')
        if (marker !== null) query.set('marker', marker)
        const text = query.toString()
        return text === '' ? '/v2/images' : `/v2/images?${text}`
      }
      return {
        images: shown.map((view, index) => ({ ...besides(entities[index]?.image), ...view })),
        first: link(null),
        schema: '/v2/schemas/images',
        ...(more ? { next: link(found.at(-1)?.id ?? null) } : {}),
      }
    },
    create: async call => {
      const made = await domain.create(call.ctx, call.body)
      call.header('location', `${call.base}/v2/images/${made.image.id}`)
      call.header('openstack-image-import-methods', IMPORT_METHODS.join(','))
      call.header('openstack-image-store-ids', STORE)
      return whole(call, made)
    },
    show: async call => whole(call, await domain.show(call.ctx, call.params.id)),
    update: async call => whole(call, await domain.update(call.ctx, call.params.id, call.body)),
    remove: call => domain.remove(call.ctx, call.params.id),
    upload: async call => {
      demandOctets(call.headers)
      const store = call.headers['x-image-meta-store']
      return domain.upload(call.ctx, call.params.id, call.stream, announcedBytes(call.headers), store)
    },
    download: async call => {
      const found = await domain.download(call.ctx, call.params.id)
      if (found === null) return answer(204, {})
      const { image, bytes } = found
      const size = image.size ?? 0
      const range = rangeOf(call.headers['range'], size)
      const headers = {
        'content-type': 'application/octet-stream',
        'accept-ranges': 'bytes',
        ...(image.checksum === null ? {} : { 'content-md5': image.checksum }),
      }
      if (range === 'bad') throw faults.BadRequest({ reason: 'The range cannot be satisfied.' })
      if (range === null)
        return answer(200, { ...headers, 'content-length': String(size) }, size === 0 ? null : bytes(0, null))
      const length = range.to - range.from + 1
      return answer(
        206,
        { ...headers, 'content-length': String(length), 'content-range': `bytes ${range.from}-${range.to}/${size}` },
        bytes(range.from, length),
      )
    },
    deactivate: call => domain.activate(call.ctx, call.params.id, false),
    reactivate: call => domain.activate(call.ctx, call.params.id, true),
    addTag: call => domain.setTag(call.ctx, call.params.id, call.params.tag, true),
    removeTag: call => domain.setTag(call.ctx, call.params.id, call.params.tag, false),
  })
}
