// A network with a way out, made for a project that asks for "some network".
import { out, resource } from '#kernel/contract/resource.ts'
import { del, get } from '#kernel/contract/route.ts'
import { text } from '#kernel/contract/shapes.ts'
import { faults } from '#services/neutron/contract/faults.ts'
import { moreRules as rules } from '#services/neutron/contract/rules-more.ts'
import { anyQuery } from '#services/neutron/contract/words.ts'

export const autoTopology = resource('auto_allocated_topology', 'auto_allocated_topologies', {
  id: out(text()),
  project_id: out(text()),
  tenant_id: out(text()),
})
const judged = 'domain' as const
export const autoTopologies = {
  show: get('/v2.0/auto-allocated-topology/{project}', {
    policy: rules.getAutoAllocatedTopology,
    judged,
    query: anyQuery,
    faults: [faults.AutoAllocationFailure],
  }),
  remove: del('/v2.0/auto-allocated-topology/{project}', {
    policy: rules.deleteAutoAllocatedTopology,
    judged,
    faults: [faults.AutoAllocationFailure],
  }),
}
