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
  readonly availability_zone: string
  readonly attachments: readonly { readonly server_id: string }[]
}
export function volumeChecks(cinder: Transport): {
  volume(ctx: Ctx, id: string): Promise<VolumeFacts>
  snapshot(ctx: Ctx, id: string): Promise<{ id: string; status: string; size: number }>
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
  }
}
