// Neutron's networks and floating addresses in Nova's old words.
import { handlers, type HandlerTable } from '#kernel/http/handlers.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import { faults } from '#services/nova/contract/faults.ts'
import { floatingIps, networks, serverAddressActions, tenantNetworks } from '#services/nova/contract/network-proxies.ts'
import { translated, type FloatingIp, type Network, type Networking } from '#services/nova/domain/proxies.ts'
import type { ServerAddresses } from '#services/nova/domain/servers/addresses.ts'

const FIELDS = [
  ...['id', 'cidr', 'netmask', 'gateway', 'broadcast', 'dns1', 'dns2', 'cidr_v6', 'gateway_v6', 'label', 'netmask_v6'],
]
const ADMIN_FIELDS = [
  ...['created_at', 'updated_at', 'deleted_at', 'deleted', 'injected', 'bridge', 'vlan', 'vpn_public_address'],
  ...['vpn_public_port', 'vpn_private_address', 'dhcp_start', 'project_id', 'host', 'bridge_interface', 'multi_host'],
  ...['priority', 'rxtx_base', 'mtu', 'dhcp_server', 'enable_dhcp', 'share_address'],
]
/** Of the thirty fields of old only two are known by now; the others are null. */
const networkBody = (network: Network, admin: boolean): Record<string, unknown> => ({
  ...Object.fromEntries([...FIELDS, ...(admin ? ADMIN_FIELDS : [])].map(field => [field, null])),
  id: network.id,
  label: network.name,
})
// compat: the range was the word None whenever Neutron was asked
const tenantNetworkBody = ({ id, name }: Network): object => ({ id, cidr: 'None', label: name })

export interface NetworkProxyTools {
  readonly neutron: Networking
  readonly servers: ServerAddresses
  readonly isAdmin: (ctx: Ctx) => boolean
}

export function networkProxyHandlers({ neutron, servers, isAdmin }: NetworkProxyTools): HandlerTable[] {
  const network = (ctx: Ctx, id: string): Promise<Network> =>
    translated(neutron.network(ctx, id), { 404: () => faults.NotFound({ reason: 'Network not found' }) })
  const bodies = async (ctx: Ctx, all: readonly FloatingIp[]): Promise<object[]> => {
    const portIds = all.flatMap(one => one.port_id ?? [])
    const ports = new Map((await neutron.portsById(ctx, portIds)).map(port => [port.id, port.device_id]))
    const networkIds = [...new Set(all.map(one => one.floating_network_id))]
    const names = new Map((await neutron.networksById(ctx, networkIds)).map(one => [one.id, one.name]))
    return all.map(one => ({
      fixed_ip: one.fixed_ip_address,
      id: one.id,
      instance_id: (one.port_id === null ? null : ports.get(one.port_id)) || null,
      ip: one.floating_ip_address,
      pool: names.get(one.floating_network_id) || one.floating_network_id,
    }))
  }
  const body = async (ctx: Ctx, one: FloatingIp): Promise<object> => (await bodies(ctx, [one]))[0] ?? {}
  const missing = (id: string) => (): Error => faults.NotFound({ reason: `Floating IP not found for ID ${id}` })

  return [
    handlers(networks, {
      list: async call => ({
        networks: (await neutron.networks(call.ctx)).map(one => networkBody(one, isAdmin(call.ctx))),
      }),
      show: async call => ({ network: networkBody(await network(call.ctx, call.params.id), isAdmin(call.ctx)) }),
    }),
    handlers(tenantNetworks, {
      list: async call => ({ networks: (await neutron.networks(call.ctx)).map(tenantNetworkBody) }),
      show: async call => ({ network: tenantNetworkBody(await network(call.ctx, call.params.id)) }),
    }),
    handlers(floatingIps, {
      pools: async call => ({
        floating_ip_pools: (await neutron.pools(call.ctx)).map(one => ({ name: one.name === '' ? one.id : one.name })),
      }),
      list: async call => {
        const own = await neutron.floatingIps(call.ctx, [['tenant_id', call.ctx.who?.projectId ?? '']])
        return { floating_ips: await bodies(call.ctx, own) }
      },
      show: async call => {
        const { id } = call.params
        const found = await translated(neutron.floatingIp(call.ctx, id), { 404: missing(id) })
        return { floating_ip: await body(call.ctx, found) }
      },
      create: async call => {
        const name = call.body?.pool ?? null
        const pools = await neutron.pools(call.ctx)
        const pool = name === null ? pools[0] : pools.find(one => one.id === name || one.name === name)
        if (pool === undefined) throw faults.NotFound({ reason: 'Floating IP pool not found.' })
        const inPool = name === null ? '' : ` in pool ${name}`
        const made = await translated(neutron.makeFloatingIp(call.ctx, pool.id), {
          400: says => faults.BadRequest({ reason: says }),
          409: says =>
            /quota/i.test(says)
              ? faults.Forbidden({ reason: `IP allocation over quota${inPool}.` })
              : faults.NotFound({
                  reason: name === null ? 'No more floating IPs available.' : `No more floating IPs${inPool}.`,
                }),
        })
        return { floating_ip: await body(call.ctx, made) }
      },
      remove: async call => {
        const { id } = call.params
        await translated(neutron.removeFloatingIp(call.ctx, id), { 404: missing(id) })
      },
    }),
    handlers(serverAddressActions, {
      addFixed: call => servers.addFixed(call.ctx, call.params.id, call.body.networkId),
      removeFixed: call => servers.removeFixed(call.ctx, call.params.id, call.body.address),
      addFloating: call =>
        servers.addFloating(call.ctx, call.params.id, call.body.address, call.body.fixed_address ?? null),
      removeFloating: call => servers.removeFloating(call.ctx, call.params.id, call.body.address),
      inject: call => servers.inject(call.ctx, call.params.id),
    }),
  ]
}
