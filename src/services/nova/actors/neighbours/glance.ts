// Images from Glance's public API: what they are, and their bytes as a stream.
import { Fault } from '#kernel/contract/fault.ts'
import { RemoteFault, wordsOf, type Transport } from '#kernel/http/client.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import { restTo } from '#services/nova/actors/neighbours/rest.ts'

/** An image as Glance shows it. Custom properties stand beside the named ones. */
export interface Image {
  readonly id: string
  readonly name: string | null
  readonly status: string
  readonly disk_format: string | null
  readonly container_format: string | null
  readonly size: number | null
  readonly virtual_size: number | null
  readonly min_disk: number
  readonly min_ram: number
  readonly checksum: string | null
  readonly os_hash_algo: string | null
  readonly os_hash_value: string | null
  readonly kernel_id?: string | null
  readonly ramdisk_id?: string | null
  readonly os_command_line?: string
  readonly [property: string]: unknown
}

export interface GlanceNeighbour {
  /** The image as it is, whatever its status. Throws RemoteFault. */
  look(ctx: Ctx, id: string): Promise<Image>
  /** Throws `BuildAborted` when it is gone or not active. */
  image(ctx: Ctx, id: string): Promise<Image>
  bytes(ctx: Ctx, id: string): Promise<AsyncIterable<Uint8Array>>
}

export function glanceNeighbour(transport: Transport): GlanceNeighbour {
  const rest = restTo(transport)
  return {
    look: (ctx, id) => rest.json<Image>(ctx, 'GET', '/v2/images/{id}', `/v2/images/${encodeURIComponent(id)}`),
    async image(ctx, id) {
      const image = await rest.json<Image | null>(ctx, 'GET', '/v2/images/{id}', `/v2/images/${id}`, { fine: [404] })
      if (image === null) throw new Fault('BuildAborted', 404, `Image ${id} could not be found.`)
      if (image.status !== 'active') throw new Fault('BuildAborted', 400, `Image ${id} is not active.`)
      return image
    },
    async bytes(ctx, id) {
      const answer = await ctx.cross(
        {
          kind: 'rest',
          side: 'send',
          from: ctx.actor,
          to: transport.to,
          name: 'GET /v2/images/{id}/file',
          requestId: ctx.requestId,
          ...(ctx.subject === undefined ? {} : { subject: ctx.subject }),
        },
        () =>
          transport.send(
            ctx.actor,
            {
              method: 'GET',
              path: `/v2/images/${id}/file`,
              query: '',
              body: null,
              headers: { 'x-auth-token': ctx.who?.token ?? '', 'x-openstack-request-id': ctx.requestId },
            },
            ctx.signal,
          ),
      )
      if (answer.status !== 200) throw new RemoteFault(transport.to, answer.status, wordsOf(answer))
      const { body } = answer
      if (body === null) return (async function* () {})()
      if (typeof body === 'string')
        return (async function* () {
          yield new TextEncoder().encode(body)
        })()
      if (body instanceof Uint8Array)
        return (async function* () {
          yield body
        })()
      return body
    },
  }
}
