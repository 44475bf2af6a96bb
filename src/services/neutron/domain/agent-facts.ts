// What Neutron knows of a host's network from its agent.
import { fromJson } from '#kernel/db/codecs.ts'
import type { Q } from '#services/neutron/db/standard.ts'
import { BRIDGE_AGENT } from '#services/neutron/domain/network-host.ts'

export interface AgentFacts {
  /** `linux`, `simulated`: the mechanism's own word. */
  readonly driver: string
  /** What Nova is told to plug: `bridge` for a real host, `other` where nothing is plugged. */
  readonly vifType: string
  readonly portFilter: boolean
}
interface Configurations {
  readonly driver?: string
  readonly vif_type?: string
  readonly port_filter?: boolean
}

/** Null when no such agent ever said hello. */
export async function agentFactsOf(q: Q, host: string): Promise<AgentFacts | null> {
  const row = await q
    .selectFrom('agents')
    .select('configurations')
    .where('agent_type', '=', BRIDGE_AGENT)
    .where('host', '=', host)
    .executeTakeFirst()
  if (row === undefined) return null
  const says = fromJson(row.configurations) as Configurations
  return { driver: says.driver ?? 'linux', vifType: says.vif_type ?? 'bridge', portFilter: says.port_filter ?? true }
}
