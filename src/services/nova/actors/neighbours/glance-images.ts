// Images that Nova makes, from Glance's public API: their rows, their bytes, their end.
import { RemoteFault, wordsOf, type Transport } from '#kernel/http/client.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import type { Image } from '#services/nova/actors/neighbours/glance.ts'
import { restTo } from '#services/nova/actors/neighbours/rest.ts'
import type { NewImage } from '#services/nova/sagas/image-tools.ts'

export interface GlanceImages {
  /** Throws RemoteFault: 409 when there is one of that id. `owned`: by a service account, for somebody else. */
  create(ctx: Ctx, image: NewImage, owned: boolean): Promise<void>
  /** Undefined when there is none. */
  find(ctx: Ctx, id: string): Promise<Image | undefined>
  /** Adds or replaces fields and properties. */
  change(ctx: Ctx, id: string, fields: Readonly<Record<string, unknown>>): Promise<void>
  upload(ctx: Ctx, id: string, bytes: AsyncIterable<Uint8Array> | Uint8Array): Promise<void>
  /** Harmless when there is none. */
  remove(ctx: Ctx, id: string): Promise<void>
  /** Oldest last. */
  backups(ctx: Ctx, serverId: string, kind: string): Promise<Image[]>
}

/** Keys that an image has of its own: no property of a snapshot can take their place. */
const OWN = new Set([
  'id',
  'name',
  'owner',
  'visibility',
  'min_disk',
  'min_ram',
  'disk_format',
  'container_format',
  'tags',
  'protected',
])

export function glanceImages(transport: Transport): GlanceImages {
  const rest = restTo(transport)
  const path = (id: string): string => `/v2/images/${encodeURIComponent(id)}`
  return {
    async create(ctx, image, owned) {
      const properties = Object.fromEntries(Object.entries(image.properties).filter(([key]) => !OWN.has(key)))
      await rest.json(ctx, 'POST', '/v2/images', '/v2/images', {
        body: {
          ...properties,
          id: image.id,
          name: image.name,
          visibility: image.visibility,
          min_disk: image.minDiskGb,
          min_ram: image.minRamMb,
          ...(image.diskFormat === null ? {} : { disk_format: image.diskFormat }),
          ...(image.containerFormat === null ? {} : { container_format: image.containerFormat }),
          ...(owned ? { owner: image.owner } : {}),
        },
      })
      if (image.sharedWith !== null)
        await rest.json(ctx, 'POST', '/v2/images/{id}/members', `${path(image.id)}/members`, {
          body: { member: image.sharedWith },
          fine: [409],
        })
    },
    find: async (ctx, id) =>
      (await rest.json<Image | null>(ctx, 'GET', '/v2/images/{id}', path(id), { fine: [404] })) ?? undefined,
    async change(ctx, id, fields) {
      const answer = await send(ctx, 'PATCH', '/v2/images/{id}', path(id), {
        type: 'application/openstack-images-v2.1-json-patch',
        body: JSON.stringify(Object.entries(fields).map(([key, value]) => ({ op: 'add', path: `/${key}`, value }))),
      })
      if (answer.status >= 400) throw new RemoteFault(transport.to, answer.status, wordsOf(answer))
    },
    async upload(ctx, id, bytes) {
      const answer = await send(ctx, 'PUT', '/v2/images/{id}/file', `${path(id)}/file`, {
        type: 'application/octet-stream',
        body: bytes,
      })
      if (answer.status >= 400) throw new RemoteFault(transport.to, answer.status, wordsOf(answer))
    },
    async remove(ctx, id) {
      await rest.json(ctx, 'DELETE', '/v2/images/{id}', path(id), { fine: [404] })
    },
    async backups(ctx, serverId, kind) {
      const query = new URLSearchParams({
        image_type: 'backup',
        backup_type: kind,
        instance_uuid: serverId,
        sort_key: 'created_at',
        sort_dir: 'desc',
        limit: '1000',
      })
      return (await rest.json<{ images: Image[] }>(ctx, 'GET', '/v2/images', '/v2/images', { query: query.toString() }))
        .images
    },
  }

  function send(
    ctx: Ctx,
    method: string,
    name: string,
    at: string,
    given: { type: string; body: string | Uint8Array | AsyncIterable<Uint8Array> },
  ) {
    return ctx.cross(
      {
        kind: 'rest',
        side: 'send',
        from: ctx.actor,
        to: transport.to,
        name: `${method} ${name}`,
        requestId: ctx.requestId,
        ...(ctx.subject === undefined ? {} : { subject: ctx.subject }),
      },
      () =>
        transport.send(
          ctx.actor,
          {
            method,
            path: at,
            query: '',
            headers: {
              'x-auth-token': ctx.who?.token ?? '',
              'x-openstack-request-id': ctx.requestId,
              'content-type': given.type,
            },
            body: given.body,
          },
          ctx.signal,
        ),
    )
  }
}
