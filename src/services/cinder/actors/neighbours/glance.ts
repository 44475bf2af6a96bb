// Images from Glance's public API: what they are, and their bytes as a stream.
import { RemoteFault, type Transport } from '#kernel/http/client.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import { restTo } from '#services/cinder/actors/neighbours/rest.ts'

/** An image as Glance shows it. Custom properties stand beside the named ones. */
export interface Image {
  readonly id: string
  readonly name: string | null
  readonly status: string
  readonly disk_format: string | null
  readonly container_format: string | null
  readonly size: number | null
  readonly virtual_size?: number | null
  readonly min_disk?: number
  readonly min_ram?: number
  readonly checksum: string | null
  readonly os_hash_algo: string | null
  readonly os_hash_value: string | null
  readonly [property: string]: unknown
}

export interface GlanceNeighbour {
  /** Null when the caller has none of that id. */
  image(ctx: Ctx, id: string): Promise<Image | null>
  named(ctx: Ctx, name: string): Promise<readonly Image[]>
  /** A new image that waits for its bytes; the words of the refusal, or null when it was made. */
  create(ctx: Ctx, image: Readonly<Record<string, unknown>>): Promise<string | null>
  /** Gives an image its bytes. Throws RemoteFault. */
  upload(ctx: Ctx, id: string, bytes: AsyncIterable<Uint8Array>): Promise<void>
  /** Harmless for one that is not there. */
  remove(ctx: Ctx, id: string): Promise<void>
  /** Throws RemoteFault when the bytes cannot be had. */
  bytes(ctx: Ctx, id: string): Promise<AsyncIterable<Uint8Array>>
}

async function* once(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield bytes
}

export function glanceNeighbour(transport: Transport): GlanceNeighbour {
  const rest = restTo(transport)
  return {
    image: (ctx, id) =>
      rest.json<Image | null>(ctx, 'GET', '/v2/images/{id}', `/v2/images/${encodeURIComponent(id)}`, {
        fine: [400, 403, 404],
      }),
    async named(ctx, name) {
      const query = new URLSearchParams({ name, limit: '2' }).toString()
      return (await rest.json<{ images: Image[] }>(ctx, 'GET', '/v2/images', '/v2/images', { query })).images
    },
    async create(ctx, image) {
      try {
        await rest.json(ctx, 'POST', '/v2/images', '/v2/images', { body: image })
        return null
      } catch (error) {
        if (error instanceof RemoteFault && error.status < 500) return error.message
        throw error
      }
    },
    async upload(ctx, id, bytes) {
      const path = `/v2/images/${encodeURIComponent(id)}/file`
      await rest.raw(ctx, 'PUT', '/v2/images/{id}/file', path, { bytes })
    },
    async remove(ctx, id) {
      const path = `/v2/images/${encodeURIComponent(id)}`
      await rest.raw(ctx, 'DELETE', '/v2/images/{id}', path, { fine: [404] })
    },
    async bytes(ctx, id) {
      const answer = await rest.raw(ctx, 'GET', '/v2/images/{id}/file', `/v2/images/${encodeURIComponent(id)}/file`)
      if (answer.status !== 200) throw new RemoteFault(transport.to, answer.status, `Image ${id} has no data.`)
      const { body } = answer
      if (body === null) return once(new Uint8Array(0))
      if (typeof body === 'string') return once(new TextEncoder().encode(body))
      return body instanceof Uint8Array ? once(body) : body
    },
  }
}
