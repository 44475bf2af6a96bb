// Wires from Neutron's public API, with nova's service account: made for the server's project, found again on a repeat.
import { Fault } from '#kernel/contract/fault.ts'
import type { Transport } from '#kernel/http/client.ts'
import type { Clock } from '#kernel/lib/clock.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import { restTo } from '#services/nova/actors/neighbours/rest.ts'
import type { NicRecord, ServerToBuild } from '#services/nova/rpc.ts'
import type { NeutronTools } from '#services/nova/sagas/tools.ts'
import type { RequestedNic } from '#services/nova/sagas/wires.ts'

export interface Port {
  readonly id: string
  readonly name: string
  readonly network_id: string
  readonly mac_address: string
  readonly status: string
  readonly device_id: string
  readonly device_owner: string
  readonly fixed_ips: readonly { readonly subnet_id: string; readonly ip_address: string }[]
  readonly 'binding:vif_type'?: string
  readonly 'binding:host_id'?: string
}
interface Network {
  readonly id: string
  readonly name: string
  readonly mtu?: number
  readonly tenant_id: string
  readonly shared: boolean
  readonly 'router:external'?: boolean
  readonly subnets: readonly string[]
}

export interface NeutronNeighbour extends NeutronTools {
  /** Ports of a server with their networks' names and floating addresses: the info cache anew. */
  describe(serverId: string, known: readonly NicRecord[]): Promise<NicRecord[]>
}

export interface NeutronParts {
  readonly transport: Transport
  readonly clock: Clock
  /** Resolves early when Neutron said that a port is wired; the poll is only the net below. */
  readonly wired?: (portId: string, signal: AbortSignal) => Promise<void>
  readonly wiringTimeoutMs: number
}

const MARK = 'koto-request:'

/** `ctx` carries nova's own token. */
export const neutronNeighbour =
  (parts: NeutronParts) =>
  (ctx: Ctx): NeutronNeighbour => {
    const rest = restTo(parts.transport)
    const ports = async (query: Record<string, string>): Promise<Port[]> =>
      (
        await rest.json<{ ports: Port[] }>(ctx, 'GET', '/v2.0/ports', '/v2.0/ports', {
          query: new URLSearchParams(query).toString(),
        })
      ).ports
    const network = async (id: string): Promise<Network> =>
      (await rest.json<{ network: Network }>(ctx, 'GET', '/v2.0/networks/{id}', `/v2.0/networks/${id}`)).network

    const floatingOf = async (portIds: readonly string[]): Promise<Map<string, string[]>> => {
      const found = new Map<string, string[]>()
      if (portIds.length === 0) return found
      const query = new URLSearchParams(portIds.map((id): [string, string] => ['port_id', id]))
      const { floatingips } = await rest.json<{
        floatingips: { fixed_ip_address: string; floating_ip_address: string }[]
      }>(ctx, 'GET', '/v2.0/floatingips', '/v2.0/floatingips', { query: query.toString() })
      for (const one of floatingips)
        found.set(one.fixed_ip_address, [...(found.get(one.fixed_ip_address) ?? []), one.floating_ip_address])
      return found
    }
    const record = (
      port: Port,
      net: Network,
      floating: Map<string, string[]>,
      more: { ours: boolean; tag: string | null },
    ): NicRecord => ({
      portId: port.id,
      networkId: port.network_id,
      networkLabel: net.name,
      mac: port.mac_address,
      mtu: net.mtu ?? 1450,
      tap: `tap${port.id.slice(0, 11)}`,
      ours: more.ours,
      tag: more.tag,
      addresses: port.fixed_ips.map(ip => ({
        address: ip.ip_address,
        version: ip.ip_address.includes(':') ? 6 : 4,
        subnetId: ip.subnet_id,
        floating: floating.get(ip.ip_address) ?? [],
      })),
      vifType: port['binding:vif_type'] ?? 'bridge',
    })

    /** `auto`: the one network of the project that has subnets, else none. */
    const networksFor = async (server: ServerToBuild): Promise<RequestedNic[]> => {
      if (server.requestedNetworks === 'none') return []
      if (server.requestedNetworks !== 'auto') return [...server.requestedNetworks]
      const list = await rest.json<{ networks: Network[] }>(ctx, 'GET', '/v2.0/networks', '/v2.0/networks', {
        query: new URLSearchParams({
          tenant_id: server.projectId,
          'router:external': 'False',
          admin_state_up: 'True',
        }).toString(),
      })
      const own = list.networks.filter(one => one.subnets.length > 0)
      const usable =
        own.length > 0
          ? own
          : (
              await rest.json<{ networks: Network[] }>(ctx, 'GET', '/v2.0/networks', '/v2.0/networks', {
                query: 'shared=True&router%3Aexternal=False',
              })
            ).networks.filter(one => one.subnets.length > 0)
      const first = usable[0]
      if (usable.length > 1)
        throw new Fault(
          'NetworkAmbiguous',
          409,
          'Multiple possible networks found, use a Network ID to be more specific.',
        )
      return first === undefined ? [] : [{ networkId: first.id, portId: null, fixedIp: null, tag: null }]
    }

    const groupIds = async (server: ServerToBuild): Promise<string[] | null> => {
      if (server.securityGroups.length === 0) return null
      const { security_groups } = await rest.json<{ security_groups: { id: string; name: string }[] }>(
        ctx,
        'GET',
        '/v2.0/security-groups',
        '/v2.0/security-groups',
        { query: new URLSearchParams({ tenant_id: server.projectId }).toString() },
      )
      if (server.securityGroups.length === 1 && server.securityGroups[0] === 'default') return null
      return server.securityGroups.map(wanted => {
        const byId = security_groups.find(group => group.id === wanted)
        const named = security_groups.filter(group => group.name === wanted)
        const found = byId ?? named[0]
        if (found === undefined) throw new Fault('BuildAborted', 400, `Security group ${wanted} not found.`)
        if (byId === undefined && named.length > 1)
          throw new Fault(
            'BuildAborted',
            409,
            `Multiple security groups found matching '${wanted}'. Use an ID to be more specific.`,
          )
        return found.id
      })
    }

    const owner = (server: ServerToBuild): string => `compute:${server.availabilityZone ?? 'nova'}`
    const takeOver = async (server: ServerToBuild, host: string, portId: string): Promise<Port> =>
      (
        await rest.json<{ port: Port }>(ctx, 'PUT', '/v2.0/ports/{id}', `/v2.0/ports/${portId}`, {
          body: { port: { device_id: server.serverId, device_owner: owner(server), 'binding:host_id': host } },
        })
      ).port
    const make = async (
      server: ServerToBuild,
      host: string,
      wanted: RequestedNic,
      mark: string,
      groups: string[] | null,
    ): Promise<Port> =>
      (
        await rest.json<{ port: Port }>(ctx, 'POST', '/v2.0/ports', '/v2.0/ports', {
          body: {
            port: {
              network_id: wanted.networkId,
              tenant_id: server.projectId,
              admin_state_up: true,
              device_id: server.serverId,
              device_owner: owner(server),
              'binding:host_id': host,
              'binding:profile': { mark },
              ...(wanted.fixedIp === null ? {} : { fixed_ips: [{ ip_address: wanted.fixedIp }] }),
              ...(groups === null ? {} : { security_groups: groups }),
            },
          },
        })
      ).port

    const one = async (
      server: ServerToBuild,
      host: string,
      wanted: RequestedNic,
      mark: string,
      there: readonly Port[],
      groups: string[] | null,
    ): Promise<NicRecord> => {
      const ours = wanted.portId === null
      const known = there.find(port =>
        ours
          ? (port as unknown as { 'binding:profile'?: { mark?: string } })['binding:profile']?.mark === mark
          : port.id === wanted.portId && port.device_id === server.serverId,
      )
      const port =
        known !== undefined && known['binding:host_id'] === host
          ? known
          : known !== undefined || wanted.portId !== null
            ? await takeOver(server, host, known?.id ?? wanted.portId ?? '')
            : await make(server, host, wanted, mark, groups)
      return record(port, await network(port.network_id), new Map(), { ours, tag: wanted.tag })
    }

    return {
      async allocate(server, host) {
        const wanted = await networksFor(server)
        if (wanted.length === 0) return []
        const there = await ports({ device_id: server.serverId })
        const groups = wanted.some(nic => nic.portId === null) ? await groupIds(server) : null
        const nics: NicRecord[] = []
        for (const [index, nic] of wanted.entries())
          nics.push(await one(server, host, nic, `${MARK}${index}`, there, groups))
        return nics
      },
      async allocateOne(server, host, wanted) {
        const there = await ports({ device_id: server.serverId })
        let nic: RequestedNic = wanted
        if (wanted.networkId === null && wanted.portId === null) {
          const auto = await networksFor({ ...server, requestedNetworks: 'auto' })
          nic = { ...wanted, networkId: auto[0]?.networkId ?? null }
        }
        return one(
          server,
          host,
          nic,
          `${MARK}${ctx.requestId}`,
          there,
          nic.portId === null ? await groupIds(server) : null,
        )
      },
      async release(serverId, nics) {
        const there = await ports({ device_id: serverId })
        for (const port of there) {
          const known = nics?.find(nic => nic.portId === port.id)
          const marked =
            (port as unknown as { 'binding:profile'?: { mark?: string } })['binding:profile']?.mark?.startsWith(
              MARK,
            ) === true
          if (known?.ours ?? marked)
            await rest.json(ctx, 'DELETE', '/v2.0/ports/{id}', `/v2.0/ports/${port.id}`, { fine: [404] })
          else await unbind(port.id)
        }
      },
      async releaseOne(_serverId, nic) {
        if (nic.ours) await rest.json(ctx, 'DELETE', '/v2.0/ports/{id}', `/v2.0/ports/${nic.portId}`, { fine: [404] })
        else await unbind(nic.portId)
      },
      async awaitActive(serverId, portIds, signal) {
        if (portIds.length === 0) return
        const end = parts.clock.monotonic() + parts.wiringTimeoutMs
        for (let pause = 15; ; pause = Math.min(pause * 2, 1000)) {
          const there = await ports({ device_id: serverId })
          const waiting = portIds.filter(id => there.some(port => port.id === id && port.status !== 'ACTIVE'))
          if (waiting.length === 0) return
          if (parts.clock.monotonic() > end) {
            throw new Fault(
              'VirtualInterfaceCreateException',
              500,
              `Virtual Interface creation failed: port ${waiting.join(', ')} was not wired in time`,
            )
          }
          const first = waiting[0] ?? ''
          await Promise.race([
            parts.clock.sleep(pause, signal),
            ...(parts.wired === undefined ? [] : [parts.wired(first, signal)]),
          ])
        }
      },
      async describe(serverId, known) {
        const there = await ports({ device_id: serverId })
        const floating = await floatingOf(there.map(port => port.id))
        const order = (port: Port): number => {
          const index = known.findIndex(nic => nic.portId === port.id)
          return index < 0 ? known.length : index
        }
        const nics: NicRecord[] = []
        for (const port of [...there].sort((a, b) => order(a) - order(b))) {
          const before = known.find(nic => nic.portId === port.id)
          nics.push(
            record(port, await network(port.network_id), floating, {
              ours: before?.ours ?? false,
              tag: before?.tag ?? null,
            }),
          )
        }
        return nics
      },
    }

    async function unbind(portId: string): Promise<void> {
      await rest.json(ctx, 'PUT', '/v2.0/ports/{id}', `/v2.0/ports/${portId}`, {
        body: { port: { device_id: '', device_owner: '', 'binding:host_id': null, 'binding:profile': {} } },
        fine: [404],
      })
    }
  }
