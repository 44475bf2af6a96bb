// Volumes and snapshots for the proxies of old versions, asked of Cinder with the person's own token.
import type { Transport } from '#kernel/http/client.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import { restTo } from '#services/nova/actors/neighbours/rest.ts'

export interface ProxyVolume {
  readonly id: string
  readonly status: string
  readonly size: number
  readonly availability_zone: string | null
  readonly created_at: string
  readonly name: string | null
  readonly description: string | null
  readonly volume_type: string | null
  readonly snapshot_id: string | null
  readonly metadata: Readonly<Record<string, string>>
  readonly attachments: readonly { readonly server_id: string; readonly device: string | null }[]
}
export interface ProxySnapshot {
  readonly id: string
  readonly volume_id: string
  readonly status: string
  readonly size: number
  readonly created_at: string
  readonly name: string | null
  readonly description: string | null
}
interface Page {
  readonly limit: number
  readonly offset: number
}

export type CinderProxy = ReturnType<typeof cinderProxy>
/** Every verb throws RemoteFault. */
export const cinderProxy = (transport: Transport) => {
  const rest = restTo(transport, 'volume 3.70')
  const page = ({ limit, offset }: Page): string =>
    new URLSearchParams({ limit: String(limit), ...(offset === 0 ? {} : { offset: String(offset) }) }).toString()
  const at = (kind: string, id: string): [string, string] => [
    `/v3/${kind}/{id}`,
    `/v3/${kind}/${encodeURIComponent(id)}`,
  ]
  return {
    volumes: async (ctx: Ctx, of: Page): Promise<ProxyVolume[]> =>
      (
        await rest.json<{ volumes: ProxyVolume[] }>(ctx, 'GET', '/v3/volumes/detail', '/v3/volumes/detail', {
          query: page(of),
        })
      ).volumes,
    volume: async (ctx: Ctx, id: string): Promise<ProxyVolume> =>
      (await rest.json<{ volume: ProxyVolume }>(ctx, 'GET', ...at('volumes', id))).volume,
    makeVolume: async (ctx: Ctx, given: object): Promise<ProxyVolume> =>
      (await rest.json<{ volume: ProxyVolume }>(ctx, 'POST', '/v3/volumes', '/v3/volumes', { body: { volume: given } }))
        .volume,
    removeVolume: (ctx: Ctx, id: string): Promise<unknown> => rest.json(ctx, 'DELETE', ...at('volumes', id)),
    snapshots: async (ctx: Ctx, of: Page): Promise<ProxySnapshot[]> =>
      (
        await rest.json<{ snapshots: ProxySnapshot[] }>(ctx, 'GET', '/v3/snapshots/detail', '/v3/snapshots/detail', {
          query: page(of),
        })
      ).snapshots,
    snapshot: async (ctx: Ctx, id: string): Promise<ProxySnapshot> =>
      (await rest.json<{ snapshot: ProxySnapshot }>(ctx, 'GET', ...at('snapshots', id))).snapshot,
    makeSnapshot: async (ctx: Ctx, given: object): Promise<ProxySnapshot> =>
      (
        await rest.json<{ snapshot: ProxySnapshot }>(ctx, 'POST', '/v3/snapshots', '/v3/snapshots', {
          body: { snapshot: given },
        })
      ).snapshot,
    removeSnapshot: (ctx: Ctx, id: string): Promise<unknown> => rest.json(ctx, 'DELETE', ...at('snapshots', id)),
  }
}
