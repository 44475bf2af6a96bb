// Nova from Cinder's side, by its public API: external events, assisted snapshots, and whether a server still has a volume.
import { Fault } from '#kernel/contract/fault.ts'
import { RemoteFault, type Transport } from '#kernel/http/client.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import { restTo } from '#services/cinder/actors/neighbours/rest.ts'
import type { SchedulerTools } from '#services/cinder/sagas/tools.ts'

/** `ctx` carries cinder's own token. */
export const novaNeighbour =
  (transport: Transport) =>
  (ctx: Ctx): SchedulerTools['nova'] => {
    const rest = restTo(transport, 'compute 2.60')
    return {
      async volumeExtended(volumeId, serverIds, needed) {
        const path = '/v2.1/os-server-external-events'
        let codes: readonly number[]
        try {
          const answer = await rest.json<{ events?: { code?: number }[] } | null>(ctx, 'POST', path, path, {
            body: {
              events: serverIds.map(server => ({ name: 'volume-extended', server_uuid: server, tag: volumeId })),
            },
          })
          codes = (answer?.events ?? []).map(event => event.code ?? 200)
        } catch (error) {
          // Its guests do not need to be told: the bytes are there already.
          if (!needed && error instanceof RemoteFault && error.status < 500) return
          if (!needed && error instanceof RemoteFault && error.status === 501) return
          throw error
        }
        if (needed && codes.length > 0 && codes.every(code => code >= 400))
          throw new Fault('ComputeRefused', 409, `Compute service failed to extend volume ${volumeId}.`)
      },
      async volumeReimaged(volumeId, serverIds) {
        const path = '/v2.1/os-server-external-events'
        const events = serverIds.map(server => ({ name: 'volume-reimaged', server_uuid: server, tag: volumeId }))
        await restTo(transport, 'compute 2.93').json(ctx, 'POST', path, path, { body: { events }, fine: [400, 404] })
      },
      async snapshot(volumeId, snapshotId, live) {
        const path = '/v2.1/os-assisted-volume-snapshots'
        await rest.json(ctx, 'POST', path, path, {
          body: {
            snapshot: {
              volume_id: volumeId,
              create_info: { snapshot_id: snapshotId, new_file: live.overlay, type: 'qcow2' },
            },
          },
        })
      },
    }
  }

/** What the API asks of Nova before it lets go of an attachment that a server uses. */
export interface NovaLook {
  /** The attachment by which the server has the volume, or null when it has not. `ctx` is the caller's own. */
  attachmentOf(ctx: Ctx, serverId: string, volumeId: string): Promise<string | null>
}
export function novaLook(transport: Transport): NovaLook {
  const rest = restTo(transport, 'compute 2.89')
  return {
    async attachmentOf(ctx, serverId, volumeId) {
      const answer = await rest.json<{ volumeAttachment: { attachment_id?: string } } | null>(
        ctx,
        'GET',
        '/v2.1/servers/{server_id}/os-volume_attachments/{volume_id}',
        `/v2.1/servers/${serverId}/os-volume_attachments/${volumeId}`,
        { fine: [404] },
      )
      return answer?.volumeAttachment.attachment_id ?? null
    },
  }
}
