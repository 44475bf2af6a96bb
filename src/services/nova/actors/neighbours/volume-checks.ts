// Questions to Cinder with the person's own token, before a server is made.
import type { Transport } from '#kernel/http/client.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import { restTo } from '#services/nova/actors/neighbours/rest.ts'

export interface VolumeFacts {
  readonly id: string
  readonly status: string
  readonly size: number
  readonly bootable: string
  readonly multiattach: boolean
  readonly migration_status?: string | null
  readonly availability_zone: string
  readonly volume_image_metadata?: Readonly<Record<string, string>>
  readonly attachments: readonly { readonly server_id: string }[]
}
export function volumeChecks(cinder: Transport): {
  volume(ctx: Ctx, id: string): Promise<VolumeFacts>
  snapshot(ctx: Ctx, id: string): Promise<{ id: string; status: string; size: number }>
  /** An attachment without a connector: the volume is this server's from now on. Its id. */
  reserve(ctx: Ctx, volumeId: string, serverId: string): Promise<string>
  beginDetach(ctx: Ctx, volumeId: string): Promise<void>
} {
  const rest = restTo(cinder, 'volume 3.70')
  return {
    volume: async (ctx, id) =>
      (
        await rest.json<{ volume: VolumeFacts }>(
          ctx,
          'GET',
          '/v3/volumes/{id}',
          `/v3/volumes/${encodeURIComponent(id)}`,
        )
      ).volume,
    snapshot: async (ctx, id) =>
      (
        await rest.json<{ snapshot: { id: string; status: string; size: number } }>(
          ctx,
          'GET',
          '/v3/snapshots/{id}',
          `/v3/snapshots/${encodeURIComponent(id)}`,
        )
      ).snapshot,
    reserve: async (ctx, volumeId, serverId) =>
      (
        await rest.json<{ attachment: { id: string } }>(ctx, 'POST', '/v3/attachments', '/v3/attachments', {
          body: { attachment: { volume_uuid: volumeId, instance_uuid: serverId } },
        })
      ).attachment.id,
    beginDetach: async (ctx, volumeId) =>
      void (await rest.json(ctx, 'POST', '/v3/volumes/{id}/action', `/v3/volumes/${volumeId}/action`, {
        body: { 'os-begin_detaching': null },
      })),
  }
}
