// Resource providers on the wire.
import { versionNumber, type VersionNumber } from '#kernel/contract/version.ts'
import { handlers } from '#kernel/http/handlers.ts'
import { presenter } from '#kernel/http/presenter.ts'
import type { Clock } from '#kernel/lib/clock.ts'
import { dated, located, mount } from '#services/placement/api/headers.ts'
import { parseMemberOf, parseRequired, parseResources } from '#services/placement/api/parameters.ts'
import { ResourceProvider, resourceProviders } from '#services/placement/contract/resource-providers.ts'
import type { Provider } from '#services/placement/db/providers.ts'
import type { Providers } from '#services/placement/domain/providers.ts'

const LINKS: readonly (readonly [rel: string, since: VersionNumber])[] = [
  ['inventories', 0],
  ['usages', 0],
  ['aggregates', versionNumber('1.1')],
  ['traits', versionNumber('1.6')],
  ['allocations', versionNumber('1.11')],
]
const pathOf = (provider: Provider): string => `/resource_providers/${provider.id}`

export const presentProvider = presenter<Provider>()(ResourceProvider, {
  uuid: provider => provider.id,
  name: provider => provider.name,
  generation: provider => provider.generation,
  parent_provider_uuid: provider => provider.parentId,
  root_provider_uuid: provider => provider.rootId,
  links: (provider, _loaded, view) => {
    const self = `${mount(view.base)}${pathOf(provider)}`
    const more = LINKS.filter(([, since]) => view.at >= since)
    return [{ rel: 'self', href: self }, ...more.map(([rel]) => ({ rel, href: `${self}/${rel}` }))]
  },
})

export const resourceProviderHandlers = (tools: { readonly providers: Providers; readonly clock: Clock }) => {
  const { providers, clock } = tools
  return handlers(resourceProviders, {
    list: async call => {
      const { query } = call
      const found = await providers.list(call.ctx, {
        name: query.name ?? null,
        id: query.uuid ?? null,
        inTree: query.in_tree ?? null,
        resources: query.resources === undefined ? new Map() : parseResources(query.resources),
        ...parseMemberOf(query.member_of ?? [], call.at),
        ...parseRequired(query.required ?? [], call.at),
      })
      dated(
        call,
        clock,
        found.map(provider => provider.updatedAt),
      )
      return { resource_providers: await call.list(presentProvider, found) }
    },
    create: async call => {
      const made = await providers.create(call.ctx, {
        id: call.body.uuid ?? null,
        name: call.body.name,
        parentId: call.body.parent_provider_uuid ?? null,
      })
      located(call, pathOf(made))
      if (!call.has('showsWhatItMade')) return null
      dated(call, clock, [made.updatedAt])
      return call.show(presentProvider, made)
    },
    show: async call => {
      const provider = await providers.find(call.ctx, call.params.uuid)
      dated(call, clock, [provider.updatedAt])
      return call.show(presentProvider, provider)
    },
    update: async call => {
      const provider = await providers.update(call.ctx, call.params.uuid, {
        name: call.body.name,
        parentId: call.body.parent_provider_uuid,
        mayMove: call.has('mayMove'),
      })
      dated(call, clock, [provider.updatedAt])
      return call.show(presentProvider, provider)
    },
    delete: call => providers.remove(call.ctx, call.params.uuid),
  })
}
