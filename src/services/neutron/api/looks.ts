// The small read-only nouns: handlers.
import type { AnyResource } from '#kernel/contract/resource.ts'
import { handlers, type HandlerTable } from '#kernel/http/handlers.ts'
import { rules } from '#services/neutron/contract/rules.ts'
import {
  availabilityZone,
  floatingIpPool,
  looks,
  networkIpAvailability,
  serviceProvider,
} from '#services/neutron/contract/agents.ts'
import { listCall, onlyFields } from '#services/neutron/api/listing.ts'
import type { Access } from '#services/neutron/domain/access.ts'
import type { NetworkUsage, Usage } from '#services/neutron/domain/usage.ts'

type Query = Readonly<Record<string, string | string[]>>
type Shown = Record<string, unknown>

/** Filters what is small enough to be made whole. */
function pick(of: AnyResource, query: Query, all: readonly Shown[]): { [key: string]: Shown[] } {
  const { listing, fields } = listCall(of, query)
  const found = all.filter(one =>
    Object.entries(listing.filters).every(([key, values]) => {
      const value = one[key]
      return values.some(wanted => wanted === value || wanted === (value === true ? 1 : value === false ? 0 : value))
    }),
  )
  return { [of.plural]: onlyFields(found, fields) }
}
/** Numbers of addresses are as large as IPv6 is; JSON has no larger whole numbers than this. */
const count = (value: bigint): number => Number(value)

const usageView = (usage: NetworkUsage): Shown => ({
  network_id: usage.network.id,
  network_name: usage.network.name,
  tenant_id: usage.network.projectId,
  project_id: usage.network.projectId,
  subnet_ip_availability: usage.subnets.map(one => ({
    subnet_id: one.subnet.id,
    subnet_name: one.subnet.name,
    cidr: one.subnet.cidr,
    ip_version: one.subnet.ipVersion,
    used_ips: one.used,
    total_ips: count(one.total),
  })),
  used_ips: usage.subnets.reduce((sum, one) => sum + one.used, 0),
  total_ips: count(usage.subnets.reduce((sum, one) => sum + one.total, 0n)),
})
const ZONES: readonly Shown[] = [
  { name: 'nova', resource: 'network', state: 'available' },
  { name: 'nova', resource: 'router', state: 'available' },
]
const PROVIDERS: readonly Shown[] = [{ service_type: 'L3_ROUTER_NAT', name: 'single_node', default: true }]

export const lookHandlers = (usage: Usage, access: Access): HandlerTable =>
  handlers(looks, {
    zones: call =>
      pick(availabilityZone, call.query, access.allows(call.ctx, rules.getAvailabilityZone, {}) ? ZONES : []),
    providers: call =>
      pick(serviceProvider, call.query, access.allows(call.ctx, rules.getServiceProvider, {}) ? PROVIDERS : []),
    pools: async call =>
      pick(
        floatingIpPool,
        call.query,
        (await usage.floatingIpPools(call.ctx)).map(({ subnet, network }) => ({
          subnet_id: subnet.id,
          subnet_name: subnet.name,
          tenant_id: network.projectId,
          project_id: network.projectId,
          network_id: network.id,
          cidr: subnet.cidr,
        })),
      ),
    availabilities: async call => {
      const { ip_version: _, ...query } = call.query
      const versions = listCall(networkIpAvailability, call.query).listing.filters['ip_version']
      const found = (await usage.list(call.ctx)).flatMap(one => {
        if (versions === undefined) return [one]
        const subnets = one.subnets.filter(({ subnet }) => versions.includes(subnet.ipVersion))
        return subnets.length === 0 ? [] : [{ ...one, subnets }]
      })
      return pick(networkIpAvailability, query, found.map(usageView))
    },
    availability: async call => ({ network_ip_availability: usageView(await usage.show(call.ctx, call.params.id)) }),
  })
