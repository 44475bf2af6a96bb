// Traits: what a provider is, beside how much it has.
import { del, get, put } from '#kernel/contract/route.ts'
import { may, must, object } from '#kernel/contract/shape.ts'
import { list, text } from '#kernel/contract/shapes.ts'
import { faults } from '#services/placement/contract/faults.ts'
import { rules } from '#services/placement/contract/rules.ts'
import { generation } from '#services/placement/contract/shapes.ts'

const names = list(text({ min: 1, max: 255 }))
const ProviderTraits = object({ traits: must(names), resource_provider_generation: must(generation) })

export const traits = {
  list: get('/traits', {
    policy: rules.traitsList,
    since: '1.6',
    query: object({ name: may(text()), associated: may(text()) }),
    reply: object({ traits: must(names) }),
    faults: [faults.BadParameter],
  }),
  show: get('/traits/{name}', { policy: rules.traitsShow, since: '1.6', status: 204, faults: [faults.TraitNotFound] }),
  /** Makes it (201), or says that it is there (204). */
  ensure: put('/traits/{name}', { policy: rules.traitsUpdate, since: '1.6', status: 204, faults: [faults.BadTrait] }),
  delete: del('/traits/{name}', {
    policy: rules.traitsDelete,
    since: '1.6',
    faults: [faults.TraitNotFound, faults.StandardTraitKept, faults.TraitInUse],
  }),
}

export const providerTraits = {
  list: get('/resource_providers/{uuid}/traits', {
    policy: rules.resourceProvidersTraitsList,
    since: '1.6',
    reply: ProviderTraits,
    faults: [faults.ProviderNotFound],
  }),
  set: put('/resource_providers/{uuid}/traits', {
    policy: rules.resourceProvidersTraitsUpdate,
    since: '1.6',
    body: ProviderTraits,
    reply: ProviderTraits,
    faults: [faults.ProviderNotFound, faults.GenerationChanged, faults.UnknownTrait, faults.ConcurrentUpdate],
  }),
  clear: del('/resource_providers/{uuid}/traits', {
    policy: rules.resourceProvidersTraitsDelete,
    since: '1.6',
    faults: [faults.ProviderNotFound, faults.ConcurrentUpdate],
  }),
}
