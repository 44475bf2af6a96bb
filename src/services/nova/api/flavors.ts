// Flavors over HTTP.
import { handlers, type Call, type HandlerTable } from '#kernel/http/handlers.ts'
import { linksRow } from '#kernel/http/paging.ts'
import { presenter, type View } from '#kernel/http/presenter.ts'
import type { Enforcer } from '#kernel/policy/enforcer.ts'
import { flavors, FlavorSummary, FlavorView } from '#services/nova/contract/flavors.ts'
import { rules } from '#services/nova/contract/rules.ts'
import type { Flavor } from '#services/nova/db/flavors.ts'
import { ownTarget } from '#services/nova/domain/caller.ts'
import type { Flavors } from '#services/nova/domain/flavors.ts'

const links = (view: Pick<View, 'base'>, id: string): { rel: string; href: string }[] => [
  { rel: 'self', href: `${view.base}/v2.1/flavors/${id}` },
  { rel: 'bookmark', href: `${view.base}/flavors/${id}` },
]
const accessBody = (id: string, projects: readonly string[]): object => ({
  flavor_access: projects.map(project => ({ flavor_id: id, tenant_id: project })),
})
const queryOf = (query: {
  limit?: number[]
  marker?: string[]
  is_public?: string[]
  minRam?: string[]
  minDisk?: string[]
  sort_key?: (string | null)[]
  sort_dir?: (string | null)[]
}) => ({
  limit: query.limit?.at(-1) ?? null,
  marker: query.marker?.at(-1) ?? null,
  isPublic: query.is_public?.at(-1) ?? null,
  minRam: query.minRam?.at(-1) ?? null,
  minDisk: query.minDisk?.at(-1) ?? null,
  sortKey: query.sort_key?.at(-1) ?? 'flavorid',
  direction: query.sort_dir?.at(-1) === 'desc' ? ('desc' as const) : ('asc' as const),
})

const summary = presenter<Flavor>()(FlavorSummary, {
  id: f => f.id,
  name: f => f.name,
  links: (f, _loaded, view) => links(view, f.id),
  description: f => f.description,
})

export function flavorHandlers({ domain, policy }: { domain: Flavors; policy: Enforcer }): HandlerTable {
  const whole = presenter<Flavor>()(FlavorView, {
    id: f => f.id,
    name: f => f.name,
    ram: f => f.ramMb,
    disk: f => f.diskGb,
    swap: (f, _loaded, view) => (f.swapMb === 0 && view.at < 2075 ? '' : f.swapMb),
    'OS-FLV-EXT-DATA:ephemeral': f => f.ephemeralGb,
    'OS-FLV-DISABLED:disabled': f => f.disabled,
    vcpus: f => f.vcpus,
    'os-flavor-access:is_public': f => f.isPublic,
    rxtx_factor: f => f.rxtxFactor,
    links: (f, _loaded, view) => links(view, f.id),
    description: f => f.description,
    extra_specs: (f, _loaded, view) =>
      policy.allows(view.ctx.who, rules.flavorExtraSpecsIndex, ownTarget(view.ctx.who)) ? f.extraSpecs : undefined,
  })
  const nextOf = (call: Pick<Call, 'base' | 'path' | 'rawQuery'>, found: { flavors: Flavor[]; isFull: boolean }) =>
    linksRow(call, 'flavors', found.isFull ? (found.flavors.at(-1)?.id ?? null) : null)

  return handlers(flavors, {
    list: async call => {
      const found = await domain.list(call.ctx, queryOf(call.query))
      return { flavors: await call.list(summary, found.flavors), ...nextOf(call, found) }
    },
    detail: async call => {
      const found = await domain.list(call.ctx, queryOf(call.query))
      return { flavors: await call.list(whole, found.flavors), ...nextOf(call, found) }
    },
    show: async call => ({ flavor: await call.show(whole, await domain.find(call.ctx, call.params.id)) }),
    create: async call => {
      const given = call.body.flavor
      const made = await domain.create(call.ctx, {
        id: given.id ?? null,
        name: given.name,
        ramMb: given.ram,
        vcpus: given.vcpus,
        diskGb: given.disk,
        ephemeralGb: given['OS-FLV-EXT-DATA:ephemeral'] ?? 0,
        swapMb: given.swap ?? 0,
        rxtxFactor: given.rxtx_factor ?? 1,
        isPublic: given['os-flavor-access:is_public'] ?? true,
        description: given.description ?? null,
      })
      return { flavor: await call.show(whole, made) }
    },
    update: async call => ({
      flavor: await call.show(whole, await domain.describe(call.ctx, call.params.id, call.body.flavor.description)),
    }),
    remove: call => domain.remove(call.ctx, call.params.id),

    specs: async call => ({ extra_specs: (await domain.find(call.ctx, call.params.id)).extraSpecs }),
    addSpecs: async call => {
      await domain.addSpecs(call.ctx, call.params.id, call.body.extra_specs, call.has('validated'))
      return call.body
    },
    spec: async call => ({ [call.params.key]: await domain.spec(call.ctx, call.params.id, call.params.key) }),
    setSpec: async call => {
      await domain.setSpec(call.ctx, call.params.id, call.params.key, call.body, call.has('validated'))
      return call.body
    },
    removeSpec: call => domain.removeSpec(call.ctx, call.params.id, call.params.key),

    access: async call => accessBody(call.params.id, await domain.access(call.ctx, call.params.id)),
    addAccess: async call =>
      accessBody(
        call.params.id,
        await domain.openTo(call.ctx, call.params.id, call.body.tenant, call.has('privateOnly')),
      ),
    removeAccess: async call =>
      accessBody(call.params.id, await domain.closeTo(call.ctx, call.params.id, call.body.tenant)),
  })
}
