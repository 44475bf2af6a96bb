// Subnets: handlers and presenter.
import { handlers, type HandlerTable } from '#kernel/http/handlers.ts'
import { needs, presenter } from '#kernel/http/presenter.ts'
import { ipv6Modes, subnet, subnets } from '#services/neutron/contract/subnets.ts'
import { noun, seconds } from '#services/neutron/api/noun.ts'
import type { Looks } from '#services/neutron/domain/looks.ts'
import { subnetTarget, type SubnetOfNetwork, type Subnets } from '#services/neutron/domain/subnets.ts'

interface Loaded {
  readonly tags: ReadonlyMap<string, readonly string[]>
}
const mode = (text: string | null): (typeof ipv6Modes)[number] | null => ipv6Modes.find(one => one === text) ?? null

export const subnetHandlers = (domain: Subnets, looks: Looks): HandlerTable => {
  const present = presenter<SubnetOfNetwork, Loaded>()(
    subnet.view,
    {
      id: s => s.id,
      name: s => s.name,
      project_id: s => s.projectId,
      tenant_id: s => s.projectId,
      network_id: s => s.networkId,
      ip_version: s => s.ipVersion,
      subnetpool_id: s => s.subnetPoolId,
      segment_id: s => s.segmentId,
      cidr: s => s.cidr,
      gateway_ip: s => s.gatewayIp,
      allocation_pools: s => s.allocationPools.map(pool => ({ start: pool.start, end: pool.end })),
      dns_nameservers: s => [...s.dnsNameservers],
      host_routes: s => s.hostRoutes.map(route => ({ destination: route.destination, nexthop: route.nexthop })),
      enable_dhcp: s => s.enableDhcp,
      ipv6_ra_mode: s => mode(s.ipv6RaMode),
      ipv6_address_mode: s => mode(s.ipv6AddressMode),
      service_types: s => [...s.serviceTypes],
      description: s => s.description,
      created_at: s => seconds(s.createdAt),
      updated_at: s => seconds(s.updatedAt),
      revision_number: s => s.revision,
      tags: needs(['tags'], (s, { tags }) => [...(tags.get(s.id) ?? [])]),
    },
    {
      loaders: {
        tags: (ctx, all) =>
          looks.tags(
            ctx,
            all.map(one => one.id),
          ),
      },
      target: subnetTarget,
    },
  )
  const it = noun<SubnetOfNetwork>({ of: subnet, present })
  return handlers(subnets, {
    list: call => it.list(call, domain.list),
    show: call => it.show(call, domain.show),
    create: call => it.create(call, domain.create),
    update: call => it.update(call, domain.update),
    remove: call => it.remove(call, domain.remove),
  })
}
