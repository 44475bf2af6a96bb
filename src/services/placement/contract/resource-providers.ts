// Resource providers: hosts, pools, devices; anything that has some of a resource.
import { del, get, post, put } from '#kernel/contract/route.ts'
import { may, must, object } from '#kernel/contract/shape.ts'
import { int, list, nullable, repeated, text, uuid } from '#kernel/contract/shapes.ts'
import { faults } from '#services/placement/contract/faults.ts'
import { rules } from '#services/placement/contract/rules.ts'
import { Link } from '#services/placement/contract/shapes.ts'

export const ResourceProvider = object({
  uuid: must(uuid),
  name: must(text()),
  generation: must(int()),
  parent_provider_uuid: must(nullable(uuid)).since('1.14'),
  root_provider_uuid: must(uuid).since('1.14'),
  links: must(list(Link)),
})

const name = text({ max: 200 })
const parent = nullable(uuid)

export const resourceProviders = {
  list: get('/resource_providers', {
    policy: rules.resourceProvidersList,
    query: object({
      name: may(text()),
      uuid: may(uuid),
      member_of: may(repeated(text())).since('1.3'),
      resources: may(text()).since('1.4'),
      in_tree: may(uuid).since('1.14'),
      required: may(repeated(text())).since('1.18'),
    }),
    reply: object({ resource_providers: must(list(ResourceProvider)) }),
    faults: [faults.BadParameter, faults.UnknownClassInQuery, faults.UnknownTraitInQuery],
  }),
  create: post('/resource_providers', {
    policy: rules.resourceProvidersCreate,
    body: object({
      name: must(name),
      uuid: may(uuid),
      parent_provider_uuid: may(parent).since('1.14'),
    }),
    status: { '1.0': 201, '1.20': 200 },
    reply: ResourceProvider,
    switches: { showsWhatItMade: '1.20' },
    faults: [faults.ProviderExists, faults.CannotCreateProvider],
  }),
  show: get('/resource_providers/{uuid}', {
    policy: rules.resourceProvidersShow,
    reply: ResourceProvider,
    faults: [faults.ProviderNotFound],
  }),
  update: put('/resource_providers/{uuid}', {
    policy: rules.resourceProvidersUpdate,
    body: object({ name: must(name), parent_provider_uuid: may(parent).since('1.14') }),
    reply: ResourceProvider,
    switches: { mayMove: '1.37' },
    faults: [faults.ProviderNotFound, faults.ProviderExists, faults.CannotSaveProvider],
  }),
  delete: del('/resource_providers/{uuid}', {
    policy: rules.resourceProvidersDelete,
    faults: [faults.ProviderNotFoundForDelete, faults.ProviderHasChildren, faults.ProviderInUse],
  }),
}
