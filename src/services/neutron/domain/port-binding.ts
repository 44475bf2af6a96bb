// Where a port is plugged in. The host names the way of plugging; an unknown host cannot plug anything.
import { json } from '#kernel/db/codecs.ts'
import type { Q } from '#services/neutron/db/standard.ts'
import type { PortTable } from '#services/neutron/db/tables.ts'
import { agentFactsOf } from '#services/neutron/domain/agent-facts.ts'

export type BindingColumns = Pick<PortTable, 'host_id' | 'vif_type' | 'vif_details'>

export const UNBOUND: BindingColumns = { host_id: '', vif_type: 'unbound', vif_details: json({}) }

/** The binding of a port to a host: unbound for '', `binding_failed` when no agent of that host is known. */
export async function bindTo(q: Q, host: string, vnicType: string): Promise<BindingColumns> {
  if (host === '') return UNBOUND
  const facts = vnicType === 'normal' ? await agentFactsOf(q, host) : null
  if (facts === null) return { host_id: host, vif_type: 'binding_failed', vif_details: json({}) }
  return {
    host_id: host,
    vif_type: facts.vifType,
    vif_details: json({ port_filter: facts.portFilter, connectivity: 'l2', bound_drivers: { '0': facts.driver } }),
  }
}
