// Subnet pools: handlers and presenter.
import { handlers, type HandlerTable } from '#kernel/http/handlers.ts'
import { needs, presenter } from '#kernel/http/presenter.ts'
import { subnetPool, subnetPools } from '#services/neutron/contract/subnet-pools.ts'
import { noun, seconds } from '#services/neutron/api/noun.ts'
import type { SubnetPool } from '#services/neutron/db/subnet-pools.ts'
import type { Looks } from '#services/neutron/domain/looks.ts'
import type { SubnetPools } from '#services/neutron/domain/subnet-pools.ts'

export const subnetPoolHandlers = (domain: SubnetPools, looks: Looks): HandlerTable => {
  const present = presenter<SubnetPool, { readonly tags: ReadonlyMap<string, readonly string[]> }>()(
    subnetPool.view,
    {
      id: p => p.id,
      name: p => p.name,
      project_id: p => p.projectId,
      tenant_id: p => p.projectId,
      prefixes: p => [...p.prefixes],
      default_quota: p => p.defaultQuota,
      ip_version: p => p.ipVersion,
      default_prefixlen: p => String(p.defaultPrefixlen),
      min_prefixlen: p => String(p.minPrefixlen),
      max_prefixlen: p => String(p.maxPrefixlen),
      is_default: p => p.isDefault,
      shared: p => p.shared,
      address_scope_id: p => p.addressScopeId,
      description: p => p.description,
      created_at: p => seconds(p.createdAt),
      updated_at: p => seconds(p.updatedAt),
      revision_number: p => p.revision,
      tags: needs(['tags'], (p, { tags }) => [...(tags.get(p.id) ?? [])]),
    },
    {
      loaders: {
        tags: (ctx, all) =>
          looks.tags(
            ctx,
            all.map(one => one.id),
          ),
      },
    },
  )
  const it = noun<SubnetPool>({ of: subnetPool, present })
  return handlers(subnetPools, {
    list: call => it.list(call, domain.list),
    show: call => it.show(call, domain.show),
    create: call => it.create(call, domain.create),
    update: call => it.update(call, domain.update),
    remove: call => it.remove(call, domain.remove),
    onboard: async call => domain.onboard(call.ctx, call.params.id, call.body.network_id),
    addPrefixes: async call => ({ prefixes: await domain.addPrefixes(call.ctx, call.params.id, call.body.prefixes) }),
    removePrefixes: async call => ({
      prefixes: await domain.removePrefixes(call.ctx, call.params.id, call.body.prefixes),
    }),
  })
}
