// The host that serves DHCP, routers and metadata: where the first agent for it lives.
import type { Q } from '#services/neutron/db/standard.ts'

export const DHCP_AGENT = 'DHCP agent'
export const L3_AGENT = 'L3 agent'
export const METADATA_AGENT = 'Metadata agent'
export const BRIDGE_AGENT = 'Linux bridge agent'

export interface NetworkHost {
  readonly host: string
  readonly agentId: string
}
/** Null until an agent has said hello. */
export async function networkHost(q: Q, agentType: string = DHCP_AGENT): Promise<NetworkHost | null> {
  const row = await q
    .selectFrom('agents')
    .select(['id', 'host'])
    .where('agent_type', '=', agentType)
    .orderBy('created_at')
    .orderBy('id')
    .limit(1)
    .executeTakeFirst()
  return row === undefined ? null : { host: row.host, agentId: row.id }
}
