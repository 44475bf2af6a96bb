// What agents ask of the server: hear my hello, write down what is so, answer this guest.
import type { Implementation } from '#kernel/bus/rpc.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import type { Agents } from '#services/neutron/domain/agents.ts'
import type { Metadata } from '#services/neutron/domain/metadata.ts'
import { BRIDGE_AGENT, DHCP_AGENT, networkHost } from '#services/neutron/domain/network-host.ts'
import { DHCP } from '#services/neutron/domain/owners.ts'
import type { DomainTools } from '#services/neutron/domain/tools.ts'
import type { HostWiring } from '#services/neutron/domain/wiring.ts'
import type { serverRpc } from '#services/neutron/rpc.ts'

export function pluginServer(
  tools: Pick<DomainTools, 'database'>,
  parts: { readonly agents: Agents; readonly wiring: HostWiring; readonly metadata: Metadata },
): Implementation<typeof serverRpc.verbs> {
  /** DHCP ports that were made before any agent lived get their place now. */
  async function claimDhcpPorts(ctx: Ctx): Promise<void> {
    const homeless = (q: typeof tools.database.kysely) =>
      q.selectFrom('ports').select(['id', 'network_id']).where('device_owner', '=', DHCP).where('host_id', '=', '')
    const waiting = await tools.database.read(ctx, 'homeless-dhcp-ports', q => homeless(q).execute())
    if (waiting.length === 0) return
    await tools.database.tx(ctx, 'claim-dhcp-ports', async q => {
      const home = await networkHost(q, DHCP_AGENT)
      if (home === null) return
      for (const port of await homeless(q).execute())
        await q
          .updateTable('ports')
          .set({ host_id: home.host, device_id: `dhcp${home.agentId}-${port.network_id}` })
          .where('id', '=', port.id)
          .execute()
    })
  }
  return {
    async hello(ctx, { host, started, number, agents }) {
      await parts.agents.hello(
        ctx,
        agents.map(agent => ({ ...agent, host, started })),
      )
      if (agents.some(agent => agent.agentType === DHCP_AGENT)) await claimDhcpPorts(ctx)
      const tunnelIp = agents.find(agent => agent.agentType === BRIDGE_AGENT)?.configurations['tunneling_ip']
      parts.wiring.hello(host, number, started, typeof tunnelIp === 'string' ? tunnelIp : null)
    },
    wired: (ctx, { host, report }) => parts.wiring.report(ctx, host, report),
    metadata: (ctx, ask) => parts.metadata.answer(ctx, ask),
  }
}
