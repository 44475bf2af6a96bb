// Networks, floating addresses, ports and security groups for the proxies of old versions, asked of Neutron with the
// person's own token.
import type { Transport } from '#kernel/http/client.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import { restTo } from '#services/nova/actors/neighbours/rest.ts'

export interface ProxyNetwork {
  readonly id: string
  readonly name: string
  readonly subnets: readonly string[]
}
export interface ProxyFloatingIp {
  readonly id: string
  readonly floating_ip_address: string
  readonly fixed_ip_address: string | null
  readonly floating_network_id: string
  readonly port_id: string | null
}
export interface ProxyPort {
  readonly id: string
  readonly network_id: string
  readonly device_id: string
  readonly fixed_ips: readonly { readonly subnet_id: string; readonly ip_address: string }[]
}
export interface ProxyRule {
  readonly id: string
  readonly direction: string
  readonly security_group_id: string
  readonly protocol: string | null
  readonly port_range_min: number | null
  readonly port_range_max: number | null
  readonly remote_group_id: string | null
  readonly remote_ip_prefix: string | null
}
export interface ProxyGroup {
  readonly id: string
  readonly name: string
  readonly description: string
  readonly tenant_id: string
  readonly security_group_rules: readonly ProxyRule[]
}
type Query = readonly (readonly [string, string])[]
const PAGE = 200

export type NeutronProxy = ReturnType<typeof neutronProxy>
/** Every verb throws RemoteFault. Ids are asked for in portions, so that no address grows too long. */
export const neutronProxy = (transport: Transport) => {
  const rest = restTo(transport)
  const list = async <T>(ctx: Ctx, kind: string, query: Query): Promise<T[]> =>
    (
      await rest.json<Record<string, T[]>>(ctx, 'GET', `/v2.0/${kind}`, `/v2.0/${kind}`, {
        query: new URLSearchParams(query.map(([key, value]) => [key, value])).toString(),
      })
    )[kind.replaceAll('-', '_')] ?? []
  const byIds = async <T>(ctx: Ctx, kind: string, key: string, ids: readonly string[]): Promise<T[]> => {
    const found: T[] = []
    for (let from = 0; from < ids.length; from += PAGE)
      found.push(
        ...(await list<T>(
          ctx,
          kind,
          ids.slice(from, from + PAGE).map(id => [key, id] as const),
        )),
      )
    return found
  }
  const at = (kind: string, id: string): [string, string] => [
    `/v2.0/${kind}/{id}`,
    `/v2.0/${kind}/${encodeURIComponent(id)}`,
  ]
  const one = async <T>(ctx: Ctx, kind: string, word: string, id: string): Promise<T> =>
    (await rest.json<Record<string, T>>(ctx, 'GET', ...at(kind, id)))[word] as T

  return {
    network: (ctx: Ctx, id: string): Promise<ProxyNetwork> => one(ctx, 'networks', 'network', id),
    /** All that the person may see. */
    networks: (ctx: Ctx): Promise<ProxyNetwork[]> => list(ctx, 'networks', []),
    pools: (ctx: Ctx): Promise<ProxyNetwork[]> => list(ctx, 'networks', [['router:external', 'True']]),
    networksById: (ctx: Ctx, ids: readonly string[]): Promise<ProxyNetwork[]> => byIds(ctx, 'networks', 'id', ids),
    subnetsOf: (ctx: Ctx, networkId: string): Promise<{ id: string }[]> =>
      list(ctx, 'subnets', [['network_id', networkId]]),

    floatingIp: (ctx: Ctx, id: string): Promise<ProxyFloatingIp> => one(ctx, 'floatingips', 'floatingip', id),
    floatingIps: (ctx: Ctx, query: Query): Promise<ProxyFloatingIp[]> => list(ctx, 'floatingips', query),
    makeFloatingIp: async (ctx: Ctx, networkId: string): Promise<ProxyFloatingIp> =>
      (
        await rest.json<{ floatingip: ProxyFloatingIp }>(ctx, 'POST', '/v2.0/floatingips', '/v2.0/floatingips', {
          body: { floatingip: { floating_network_id: networkId, tenant_id: ctx.who?.projectId ?? '' } },
        })
      ).floatingip,
    changeFloatingIp: (ctx: Ctx, id: string, change: object): Promise<unknown> =>
      rest.json(ctx, 'PUT', ...at('floatingips', id), { body: { floatingip: change } }),
    removeFloatingIp: (ctx: Ctx, id: string): Promise<unknown> => rest.json(ctx, 'DELETE', ...at('floatingips', id)),

    portsById: (ctx: Ctx, ids: readonly string[]): Promise<ProxyPort[]> => byIds(ctx, 'ports', 'id', ids),
    portsOf: (ctx: Ctx, serverId: string): Promise<ProxyPort[]> => list(ctx, 'ports', [['device_id', serverId]]),
    changePort: (ctx: Ctx, id: string, change: object): Promise<unknown> =>
      rest.json(ctx, 'PUT', ...at('ports', id), { body: { port: change } }),

    group: (ctx: Ctx, id: string): Promise<ProxyGroup> => one(ctx, 'security-groups', 'security_group', id),
    groups: (ctx: Ctx, query: Query): Promise<ProxyGroup[]> => list(ctx, 'security-groups', query),
    groupsById: (ctx: Ctx, ids: readonly string[]): Promise<ProxyGroup[]> => byIds(ctx, 'security-groups', 'id', ids),
    makeGroup: async (ctx: Ctx, given: { name: string; description: string }): Promise<ProxyGroup> =>
      (
        await rest.json<{ security_group: ProxyGroup }>(ctx, 'POST', '/v2.0/security-groups', '/v2.0/security-groups', {
          body: { security_group: given },
        })
      ).security_group,
    changeGroup: async (ctx: Ctx, id: string, given: { name: string; description: string }): Promise<ProxyGroup> =>
      (
        await rest.json<{ security_group: ProxyGroup }>(ctx, 'PUT', ...at('security-groups', id), {
          body: { security_group: given },
        })
      ).security_group,
    removeGroup: (ctx: Ctx, id: string): Promise<unknown> => rest.json(ctx, 'DELETE', ...at('security-groups', id)),
    makeRule: async (ctx: Ctx, given: object): Promise<ProxyRule> =>
      (
        await rest.json<{ security_group_rule: ProxyRule }>(
          ctx,
          'POST',
          '/v2.0/security-group-rules',
          '/v2.0/security-group-rules',
          { body: { security_group_rule: given } },
        )
      ).security_group_rule,
    removeRule: (ctx: Ctx, id: string): Promise<unknown> => rest.json(ctx, 'DELETE', ...at('security-group-rules', id)),
  }
}
