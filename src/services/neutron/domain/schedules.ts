// Operators look at and change which agent serves what. There is one agent of each kind that serves; taken from it, a network has no DHCP
// and a router does not forward until it is given back.
import type { Rule } from '#kernel/contract/rule.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import { faults } from '#services/neutron/contract/faults.ts'
import { rules } from '#services/neutron/contract/rules.ts'
import { everything } from '#services/neutron/db/listing.ts'
import { networksDb, type Network } from '#services/neutron/db/networks.ts'
import { floatingIpsDb, routersDb, type Router } from '#services/neutron/db/routers.ts'
import { schedulesDb } from '#services/neutron/db/schedules.ts'
import type { Q } from '#services/neutron/db/standard.ts'
import type { Agent, Agents } from '#services/neutron/domain/agents.ts'
import { DHCP_AGENT, L3_AGENT, networkHost } from '#services/neutron/domain/network-host.ts'
import { DHCP } from '#services/neutron/domain/owners.ts'
import type { DomainTools } from '#services/neutron/domain/tools.ts'

const nobody = async (): Promise<never> => {
  throw new Error('a list without pages has no marker')
}

export const createSchedules = (tools: DomainTools, agents: Agents) => {
  const { database, access, wiring } = tools
  const must = (ctx: Ctx, rule: Rule): void => {
    if (!access.allows(ctx, rule, {})) throw faults.HTTPNotFound()
  }
  /** @throws AgentNotFound */
  const isServing = async (q: Q, agentId: string, type: string): Promise<boolean> =>
    (await networkHost(q, type))?.agentId === agentId
  const served = async (q: Q): Promise<ReadonlySet<string>> => {
    const rows = await q.selectFrom('ports').select('network_id').where('device_owner', '=', DHCP).execute()
    return new Set(rows.map(row => row.network_id))
  }
  async function networksHosted(q: Q, all: readonly Network[]): Promise<Network[]> {
    const dhcp = await served(q)
    const said = await schedulesDb.of(
      q,
      all.map(one => one.id),
    )
    return all.filter(one => said.get(one.id) ?? dhcp.has(one.id))
  }
  async function routersHosted(q: Q, all: readonly Router[]): Promise<Router[]> {
    const said = await schedulesDb.of(
      q,
      all.map(one => one.id),
    )
    return all.filter(one => said.get(one.id) ?? true)
  }
  const theAgent = async (ctx: Ctx, type: string): Promise<Agent[]> => {
    const home = await database.read(ctx, 'network-host', q => networkHost(q, type))
    return home === null ? [] : [await agents.show(ctx, home.agentId)]
  }

  return {
    async agentsOfNetwork(ctx: Ctx, id: string): Promise<Agent[]> {
      must(ctx, rules.getDhcpAgents)
      const hosted = await database.read(ctx, 'dhcp-agents-of-network', async q => {
        const network = await networksDb.byId(q, id)
        if (network === null) throw faults.NetworkNotFound({ net_id: id })
        return (await networksHosted(q, [network])).length > 0
      })
      return hosted ? theAgent(ctx, DHCP_AGENT) : []
    },
    async networksOfAgent(ctx: Ctx, agentId: string): Promise<Network[]> {
      must(ctx, rules.getDhcpNetworks)
      return database.read(ctx, 'networks-of-dhcp-agent', async q =>
        (await isServing(q, agentId, DHCP_AGENT))
          ? networksHosted(q, await networksDb.list(q, everything, [], nobody))
          : [],
      )
    },
    /** `hosted` false: takes it away. */
    async setNetwork(ctx: Ctx, agentId: string, networkId: string, hosted: boolean): Promise<void> {
      must(ctx, hosted ? rules.createDhcpNetwork : rules.deleteDhcpNetwork)
      await agents.show(ctx, agentId)
      await database.tx(ctx, 'schedule-network', async q => {
        const network = await networksDb.byId(q, networkId)
        if (network === null) throw faults.NetworkNotFound({ net_id: networkId })
        if (!(await isServing(q, agentId, DHCP_AGENT))) throw faults.InvalidDHCPAgent({ id: agentId })
        const is = (await networksHosted(q, [network])).length > 0
        if (is && hosted) throw faults.NetworkHostedByDHCPAgent({ network_id: networkId, agent_id: agentId })
        if (!is && !hosted) throw faults.NetworkNotHostedByDhcpAgent({ network_id: networkId, agent_id: agentId })
        await schedulesDb.set(q, networkId, hosted)
      })
      wiring.touch({ networks: [networkId] })
    },
    async agentsOfRouter(ctx: Ctx, id: string): Promise<Agent[]> {
      must(ctx, rules.getL3Agents)
      const hosted = await database.read(ctx, 'l3-agents-of-router', async q => {
        const router = await routersDb.byId(q, id)
        if (router === null) throw faults.RouterNotFound({ router_id: id })
        return (await routersHosted(q, [router])).length > 0
      })
      return hosted ? theAgent(ctx, L3_AGENT) : []
    },
    async routersOfAgent(ctx: Ctx, agentId: string): Promise<Router[]> {
      must(ctx, rules.getL3Routers)
      return database.read(ctx, 'routers-of-l3-agent', async q =>
        (await isServing(q, agentId, L3_AGENT))
          ? routersHosted(q, await routersDb.list(q, everything, [], nobody))
          : [],
      )
    },
    async setRouter(ctx: Ctx, agentId: string, routerId: string, hosted: boolean): Promise<void> {
      must(ctx, hosted ? rules.createL3Router : rules.deleteL3Router)
      await agents.show(ctx, agentId)
      await database.tx(ctx, 'schedule-router', async q => {
        const router = await routersDb.byId(q, routerId)
        if (router === null) throw faults.RouterNotFound({ router_id: routerId })
        if (!(await isServing(q, agentId, L3_AGENT))) throw faults.InvalidL3Agent({ id: agentId })
        const is = (await routersHosted(q, [router])).length > 0
        if (is && hosted) throw faults.RouterHostedByL3Agent({ router_id: routerId, agent_id: agentId })
        if (!is && !hosted) throw faults.RouterNotHostedByL3Agent({ router_id: routerId, agent_id: agentId })
        await schedulesDb.set(q, routerId, hosted)
        if (hosted) return
        await q.updateTable('ports').set({ status: 'DOWN' }).where('device_id', '=', routerId).execute()
        for (const one of await floatingIpsDb.ofRouters(q, [routerId]))
          await q.updateTable('floatingips').set({ status: 'DOWN' }).where('id', '=', one.id).execute()
      })
      wiring.touch({ routers: [routerId] })
    },
  }
}
export type Schedules = ReturnType<typeof createSchedules>
