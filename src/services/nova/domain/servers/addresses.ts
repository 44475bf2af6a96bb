// Fixed and floating addresses of one server, done through Nova as until 2.43: Neutron changes them with the person's own
// token, then what Nova remembers of the server's wires is asked anew.
import type { Ctx } from '#kernel/lib/context.ts'
import { faults } from '#services/nova/contract/faults.ts'
import { rules } from '#services/nova/contract/rules.ts'
import { nicsDb } from '#services/nova/db/nics.ts'
import type { Server } from '#services/nova/db/servers.ts'
import { translated, type Networking } from '#services/nova/domain/proxies.ts'
import { demandUnlocked, findServer, type FindTools } from '#services/nova/domain/servers/find.ts'

export interface AddressTools extends FindTools {
  readonly neutron: Networking
  /** Asks Neutron for the server's wires anew and keeps what it says. */
  readonly refresh: (ctx: Ctx, serverId: string) => Promise<void>
}

export type ServerAddresses = ReturnType<typeof createServerAddresses>
export const createServerAddresses = (tools: AddressTools) => {
  const { database, neutron } = tools
  const find = async (ctx: Ctx, id: string, rule: (typeof rules)[keyof typeof rules]): Promise<Server> => {
    const server = await findServer(tools, ctx, id, rule)
    demandUnlocked(tools, ctx, server)
    return server
  }
  const floating = async (ctx: Ctx, address: string) => {
    const [found] = await neutron.floatingIps(ctx, [['floating_ip_address', address]])
    if (found === undefined) throw faults.NotFound({ reason: 'floating IP not found' })
    return found
  }
  const ownPort = async (ctx: Ctx, serverId: string, address: string) => {
    const ports = await neutron.portsOf(ctx, serverId)
    return ports.find(port => port.fixed_ips.some(one => one.ip_address === address))
  }

  return {
    /** One more address on the server's wire into that network. Throws 404 when it has none there, 400 when none is left. */
    async addFixed(ctx: Ctx, id: string, networkId: string): Promise<void> {
      await find(ctx, id, rules.multinicAdd)
      const port = (await neutron.portsOf(ctx, id)).find(one => one.network_id === networkId)
      const subnets = port === undefined ? [] : await neutron.subnetsOf(ctx, networkId)
      if (port === undefined || subnets.length === 0)
        throw faults.NotFound({ reason: `Network could not be found for instance ${id}.` })
      let refused: unknown
      for (const subnet of subnets) {
        try {
          await neutron.changePort(ctx, port.id, { fixed_ips: [...port.fixed_ips, { subnet_id: subnet.id }] })
          return await tools.refresh(ctx, id)
        } catch (error) {
          // Another subnet of the network may have one left.
          if ((error as { status?: number }).status !== 409) throw error
          refused = error
        }
      }
      throw faults.BadRequest(
        { reason: `No fixed IP addresses available for network: ${networkId}` },
        { cause: refused },
      )
    },
    /** Throws 400 when the server does not have it. */
    async removeFixed(ctx: Ctx, id: string, address: string): Promise<void> {
      await find(ctx, id, rules.multinicRemove)
      const port = await ownPort(ctx, id, address)
      if (port === undefined) throw faults.BadRequest({ reason: `Instance ${id} does not have fixed IP '${address}'.` })
      const fixedIps = port.fixed_ips.filter(one => one.ip_address !== address)
      await neutron.changePort(ctx, port.id, { fixed_ips: fixedIps })
      await tools.refresh(ctx, id)
    },
    /** On the fixed address named, or the first of version 4. Throws 400, 404. */
    async addFloating(ctx: Ctx, id: string, address: string, fixed: string | null): Promise<void> {
      const server = await findServer(tools, ctx, id, rules.floatingIpsAdd)
      const nics = await database.read(ctx, 'nics-of-server', q => nicsDb(q).of(server.id))
      if (nics.length === 0) throw faults.BadRequest({ reason: 'Instance network is not ready yet' })
      const all = nics.flatMap(nic => nic.addresses.map(one => ({ ...one, portId: nic.portId })))
      if (all.length === 0) throw faults.BadRequest({ reason: 'No fixed IPs associated to instance' })
      const wanted = all.find(one => (fixed === null ? one.version === 4 : one.address === fixed))
      if (wanted === undefined)
        throw faults.BadRequest({
          reason:
            fixed === null
              ? `Unable to associate floating IP ${address} to any fixed IPs for instance ${id}. Instance has no fixed IPv4 addresses to associate.`
              : 'Specified fixed address not assigned to instance',
        })
      const found = await floating(ctx, address)
      const failed = (says: string): Error =>
        faults.BadRequest({
          reason: `Unable to associate floating IP ${address} to fixed IP ${wanted.address} for instance ${id}. Error: ${says}`,
        })
      await translated(
        neutron.changeFloatingIp(ctx, found.id, { port_id: wanted.portId, fixed_ip_address: wanted.address }),
        { 400: failed, 404: failed, 409: failed },
      )
      await tools.refresh(ctx, id)
    },
    /** Throws 404 for an address that is not there, 409 for one that is not the server's. */
    async removeFloating(ctx: Ctx, id: string, address: string): Promise<void> {
      const found = await floating(ctx, address)
      const [port] = found.port_id === null ? [] : await neutron.portsById(ctx, [found.port_id])
      if (port?.device_id !== id)
        throw faults.Conflict({ reason: `Floating IP ${address} is not associated with instance ${id}.` })
      await findServer(tools, ctx, id, rules.floatingIpsRemove)
      await neutron.changeFloatingIp(ctx, found.id, { port_id: null })
      await tools.refresh(ctx, id)
    },
    /** What the server's wires are is told anew. */
    async inject(ctx: Ctx, id: string): Promise<void> {
      await find(ctx, id, rules.adminActionsInjectNetworkInfo)
      await tools.refresh(ctx, id)
    },
  }
}
