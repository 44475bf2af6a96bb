// Images for the proxies of old versions: asked of Glance with the person's own token, one page at a time.
import type { Transport } from '#kernel/http/client.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import type { Image } from '#services/nova/actors/neighbours/glance.ts'
import { restTo } from '#services/nova/actors/neighbours/rest.ts'
import { propertiesOfImage } from '#services/nova/contract/image-proxies.ts'

const PATCH = 'application/openstack-images-v2.1-json-patch'
const pointer = (key: string): string => `/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`

export type GlanceProxy = ReturnType<typeof glanceProxy>
/** Every verb throws RemoteFault. */
export const glanceProxy = (transport: Transport) => {
  const rest = restTo(transport)
  const path = (id: string): string => `/v2/images/${encodeURIComponent(id)}`
  return {
    show: (ctx: Ctx, id: string): Promise<Image> => rest.json(ctx, 'GET', '/v2/images/{id}', path(id)),
    remove: (ctx: Ctx, id: string): Promise<void> => rest.json(ctx, 'DELETE', '/v2/images/{id}', path(id)),
    /** At most `limit` images that pass Glance's own filters. */
    async page(
      ctx: Ctx,
      filters: Readonly<Record<string, string>>,
      marker: string | null,
      limit: number,
    ): Promise<Image[]> {
      const found: Image[] = []
      let from = marker
      while (found.length < limit) {
        const query = new URLSearchParams({ ...filters, limit: String(limit - found.length) })
        if (from !== null) query.set('marker', from)
        const answer = await rest.json<{ images: Image[]; next?: string }>(ctx, 'GET', '/v2/images', '/v2/images', {
          query: query.toString(),
        })
        found.push(...answer.images)
        const last = answer.images.at(-1)
        if (last === undefined || answer.next === undefined) break
        from = last.id
      }
      return found
    },
    /** Makes the properties these and no others. The image as it is then. */
    async setProperties(ctx: Ctx, image: Image, wanted: Readonly<Record<string, string>>): Promise<Image> {
      const now = propertiesOfImage(image)
      const patch = [
        ...Object.keys(now)
          .filter(key => !(key in wanted))
          .map(key => ({ op: 'remove', path: pointer(key) })),
        ...Object.entries(wanted)
          .filter(([key, value]) => now[key] !== value)
          .map(([key, value]) => ({ op: key in now ? 'replace' : 'add', path: pointer(key), value })),
      ]
      if (patch.length === 0) return image
      return rest.json(ctx, 'PATCH', '/v2/images/{id}', path(image.id), { body: patch, type: PATCH })
    },
  }
}
