// Resource classes: names of things that can be counted.
import { del, get, post, put } from '#kernel/contract/route.ts'
import { must, object } from '#kernel/contract/shape.ts'
import { list, text } from '#kernel/contract/shapes.ts'
import { faults } from '#services/placement/contract/faults.ts'
import { rules } from '#services/placement/contract/rules.ts'
import { customName, Link } from '#services/placement/contract/shapes.ts'

export const ResourceClass = object({ name: must(text()), links: must(list(Link)) })
export const NewResourceClass = object({ name: must(customName) })

export const resourceClasses = {
  list: get('/resource_classes', {
    policy: rules.resourceClassesList,
    since: '1.2',
    reply: object({ resource_classes: must(list(ResourceClass)) }),
  }),
  create: post('/resource_classes', {
    policy: rules.resourceClassesCreate,
    since: '1.2',
    body: NewResourceClass,
    faults: [faults.ResourceClassExists],
  }),
  show: get('/resource_classes/{name}', {
    policy: rules.resourceClassesShow,
    since: '1.2',
    reply: ResourceClass,
    faults: [faults.ResourceClassNotFound],
  }),
  rename: put('/resource_classes/{name}', {
    policy: rules.resourceClassesUpdate,
    since: '1.2',
    until: '1.6',
    body: NewResourceClass,
    reply: ResourceClass,
    faults: [faults.ResourceClassNotFound, faults.ResourceClassNameTaken, faults.StandardClassUnchanged],
  }),
  /** Makes it, or says that it is there. */
  ensure: put('/resource_classes/{name}', {
    policy: rules.resourceClassesUpdate,
    since: '1.7',
    status: 204,
    faults: [faults.ValidationError],
  }),
  delete: del('/resource_classes/{name}', {
    policy: rules.resourceClassesDelete,
    since: '1.2',
    faults: [faults.ResourceClassNotFound, faults.StandardClassKept, faults.ResourceClassInUse],
  }),
}
