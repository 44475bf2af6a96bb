// Glance's images in Nova's old words.
import { wordTable } from '#kernel/lib/word-table.ts'
import { RemoteFault } from '#kernel/http/client.ts'
import { handlers, type Call, type HandlerTable } from '#kernel/http/handlers.ts'
import { linksRow } from '#kernel/http/paging.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import { faults } from '#services/nova/contract/faults.ts'
import { imageMetadata, images, propertiesOfImage } from '#services/nova/contract/image-proxies.ts'
import type { Images, OldImage as Image } from '#services/nova/domain/proxies.ts'

export interface ImageProxyTools {
  readonly glance: Images
  readonly maxLimit: number
  /** How many properties an image of the caller's project may have; -1 for any number. */
  readonly metadataLimit: (ctx: Ctx) => Promise<number>
}
const STATUS: Readonly<Record<string, string>> = {
  active: 'ACTIVE',
  queued: 'SAVING',
  saving: 'SAVING',
  deleted: 'DELETED',
  pending_delete: 'DELETED',
  killed: 'ERROR',
}
const PROGRESS: Readonly<Record<string, number>> = { queued: 25, saving: 50, active: 100 }
/** The old names of filters, and Glance's. */
const FILTERS: Readonly<Record<string, string>> = wordTable<string>({
  name: 'name',
  status: 'status',
  server: 'instance_uuid',
  type: 'image_type',
  minRam: 'min_ram',
  minDisk: 'min_disk',
})
const filtersOf = (rawQuery: string): Record<string, string> => {
  const found: Record<string, string> = {}
  for (const [key, value] of new URLSearchParams(rawQuery)) {
    const plain = FILTERS[key]
    if (plain !== undefined)
      found[plain] = key === 'status' ? value.toLowerCase() : key === 'server' ? (value.split('/').at(-1) ?? '') : value
    else if (key === 'changes-since') found['updated_at'] = `gte:${value}`
    else if (key.startsWith('property-')) found[key.slice('property-'.length)] = value
  }
  return found
}
const seconds = (time: unknown): string | null => (typeof time === 'string' ? `${time.slice(0, 19)}Z` : null)

export function imageProxyHandlers(tools: ImageProxyTools): HandlerTable[] {
  const { glance } = tools
  const find = async (ctx: Ctx, id: string): Promise<Image> =>
    glance.show(ctx, id).catch((error: unknown) => {
      if (error instanceof RemoteFault && (error.status === 404 || error.status === 400))
        throw faults.NotFound({ reason: 'Image not found.' }, { cause: error })
      throw error
    })
  const basic = (call: Pick<Call, 'base'>, image: Image): Record<string, unknown> => ({
    id: image.id,
    name: image.name,
    links: [
      { rel: 'self', href: `${call.base}/v2.1/images/${image.id}` },
      { rel: 'bookmark', href: `${call.base}/images/${image.id}` },
      {
        rel: 'alternate',
        type: 'application/vnd.openstack.image',
        href: `${call.base.replace(/\/compute$/, '/image')}/images/${image.id}`,
      },
    ],
  })
  const whole = (call: Pick<Call, 'base'>, image: Image): Record<string, unknown> => {
    const metadata = propertiesOfImage(image)
    const server = metadata['instance_uuid']
    const auto = metadata['auto_disk_config']
    return {
      ...basic(call, image),
      minRam: image.min_ram,
      minDisk: image.min_disk,
      metadata,
      created: seconds(image['created_at']),
      updated: seconds(image['updated_at']),
      status: STATUS[image.status] ?? 'UNKNOWN',
      progress: PROGRESS[image.status] ?? 0,
      'OS-EXT-IMG-SIZE:size': image.size ?? 0,
      ...(server === undefined
        ? {}
        : {
            server: {
              id: server,
              links: [
                { rel: 'self', href: `${call.base}/v2.1/servers/${server}` },
                { rel: 'bookmark', href: `${call.base}/servers/${server}` },
              ],
            },
          }),
      ...(auto === undefined
        ? {}
        : { 'OS-DCF:diskConfig': /^(1|t|true|on|y|yes)$/i.test(auto.trim()) ? 'AUTO' : 'MANUAL' }),
    }
  }
  const page = async (
    call: Pick<Call, 'ctx' | 'rawQuery' | 'base' | 'path'> & {
      readonly query: { limit?: number[]; marker?: string[] }
    },
    show: (image: Image) => Record<string, unknown>,
  ): Promise<object> => {
    const given = call.query.limit?.at(-1)
    const limit = Math.min(given ?? tools.maxLimit, tools.maxLimit)
    const found = await glance.page(call.ctx, filtersOf(call.rawQuery), call.query.marker?.at(-1) ?? null, limit)
    return {
      images: found.map(show),
      ...linksRow(call, 'images', found.length === limit ? (found.at(-1)?.id ?? null) : null),
    }
  }
  /** Writes the properties and answers with what they are then. Throws 403 when they are too many. */
  const write = async (
    ctx: Ctx,
    id: string,
    next: (now: Readonly<Record<string, string>>) => Record<string, string>,
  ): Promise<Record<string, string>> => {
    const image = await find(ctx, id)
    const wanted = next(propertiesOfImage(image))
    const limit = await tools.metadataLimit(ctx)
    if (limit >= 0 && Object.keys(wanted).length > limit)
      throw faults.Forbidden({ reason: 'Image metadata limit exceeded' })
    return propertiesOfImage(await glance.setProperties(ctx, image, wanted))
  }
  return [
    handlers(images, {
      list: call => page(call, image => basic(call, image)),
      detail: call => page(call, image => whole(call, image)),
      show: async call => ({ image: whole(call, await find(call.ctx, call.params.id)) }),
      remove: async call => {
        await glance.remove(call.ctx, call.params.id).catch((error: unknown) => {
          if (!(error instanceof RemoteFault)) throw error
          if (error.status === 404 || error.status === 400)
            throw faults.NotFound({ reason: 'Image not found.' }, { cause: error })
          if (error.status === 403)
            throw faults.Forbidden({ reason: 'You are not allowed to delete the image.' }, { cause: error })
          throw error
        })
      },
    }),
    handlers(imageMetadata, {
      list: async call => ({ metadata: propertiesOfImage(await find(call.ctx, call.params.id)) }),
      merge: async call => ({
        metadata: await write(call.ctx, call.params.id, now => ({ ...now, ...call.body.metadata })),
      }),
      replace: async call => ({ metadata: await write(call.ctx, call.params.id, () => ({ ...call.body.metadata })) }),
      show: async call => {
        const value = propertiesOfImage(await find(call.ctx, call.params.id))[call.params.key]
        if (value === undefined) throw faults.NotFound({ reason: 'The resource could not be found.' })
        return { meta: { [call.params.key]: value } }
      },
      set: async call => {
        const { meta } = call.body
        const value = meta[call.params.key]
        if (value === undefined) throw faults.BadRequest({ reason: 'Request body and URI mismatch' })
        await write(call.ctx, call.params.id, now => ({ ...now, [call.params.key]: value }))
        return { meta }
      },
      remove: async call => {
        await write(call.ctx, call.params.id, now => {
          if (now[call.params.key] === undefined) throw faults.NotFound({ reason: 'Invalid metadata key' })
          const { [call.params.key]: _gone, ...rest } = now
          return rest
        })
      },
    }),
  ]
}
