// Networks: handlers and presenter.
import { handlers, type HandlerTable } from '#kernel/http/handlers.ts'
import { needs, presenter, type Presenter } from '#kernel/http/presenter.ts'
import { network, networks } from '#services/neutron/contract/networks.ts'
import { noun, seconds } from '#services/neutron/api/noun.ts'
import type { Network } from '#services/neutron/db/networks.ts'
import type { Looks } from '#services/neutron/domain/looks.ts'
import { networkTarget, type Networks } from '#services/neutron/domain/networks.ts'

interface Loaded {
  readonly tags: ReadonlyMap<string, readonly string[]>
  readonly qos: ReadonlyMap<string, string>
  readonly subnets: ReadonlyMap<string, readonly string[]>
  readonly scopes: ReadonlyMap<string, Readonly<Record<4 | 6, string | null>>>
}
const ids = (entities: readonly Network[]): string[] => entities.map(one => one.id)

export const networkPresenter = (looks: Looks): Presenter<Network> =>
  presenter<Network, Loaded>()(
    network.view,
    {
      id: n => n.id,
      name: n => n.name,
      project_id: n => n.projectId,
      tenant_id: n => n.projectId,
      admin_state_up: n => n.adminStateUp,
      mtu: n => n.mtu,
      status: () => 'ACTIVE',
      subnets: needs(['subnets'], (n, { subnets }) => [...(subnets.get(n.id) ?? [])]),
      shared: n => n.shared,
      availability_zone_hints: n => [...n.availabilityZoneHints],
      availability_zones: needs(['subnets'], (n, { subnets }) =>
        (subnets.get(n.id)?.length ?? 0) > 0 ? ['nova'] : [],
      ),
      'router:external': n => n.external,
      is_default: n => (n.external ? n.isDefault : undefined),
      port_security_enabled: n => n.portSecurityEnabled,
      'provider:network_type': n => n.networkType,
      'provider:physical_network': n => n.physicalNetwork,
      'provider:segmentation_id': n => n.segmentationId,
      dns_domain: n => n.dnsDomain,
      ipv4_address_scope: needs(['scopes'], (n, { scopes }) => scopes.get(n.id)?.[4] ?? null),
      ipv6_address_scope: needs(['scopes'], (n, { scopes }) => scopes.get(n.id)?.[6] ?? null),
      qos_policy_id: needs(['qos'], (n, { qos }) => qos.get(n.id) ?? null),
      description: n => n.description,
      created_at: n => seconds(n.createdAt),
      updated_at: n => seconds(n.updatedAt),
      revision_number: n => n.revision,
      tags: needs(['tags'], (n, { tags }) => [...(tags.get(n.id) ?? [])]),
    },
    {
      loaders: {
        tags: (ctx, all) => looks.tags(ctx, ids(all)),
        scopes: (ctx, all) => looks.scopesOf(ctx, ids(all)),
        qos: (ctx, all) => looks.qosOf(ctx, ids(all)),
        subnets: (ctx, all) => looks.subnetsOf(ctx, ids(all)),
      },
      target: networkTarget,
    },
  )

export const networkHandlers = (domain: Networks, looks: Looks): HandlerTable => {
  const it = noun<Network>({ of: network, present: networkPresenter(looks) })
  return handlers(networks, {
    list: call => it.list(call, domain.list),
    show: call => it.show(call, domain.show),
    create: call => it.create(call, domain.create),
    update: call => it.update(call, domain.update),
    remove: call => it.remove(call, domain.remove),
  })
}
