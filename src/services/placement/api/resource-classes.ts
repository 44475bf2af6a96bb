// Resource classes on the wire.
import { handlers } from '#kernel/http/handlers.ts'
import { presenter } from '#kernel/http/presenter.ts'
import { createValidator } from '#kernel/http/validation.ts'
import type { Clock } from '#kernel/lib/clock.ts'
import { dated, located, mount } from '#services/placement/api/headers.ts'
import { NewResourceClass, ResourceClass, resourceClasses } from '#services/placement/contract/resource-classes.ts'
import { placementDialect } from '#services/placement/dialect.ts'
import type { ResourceClass as Entity, ResourceClasses } from '#services/placement/domain/resource-classes.ts'

const pathOf = (name: string): string => `/resource_classes/${name}`

const present = presenter<Entity>()(ResourceClass, {
  name: one => one.name,
  links: (one, _loaded, view) => [{ rel: 'self', href: `${mount(view.base)}${pathOf(one.name)}` }],
})

export const resourceClassHandlers = (tools: { readonly resourceClasses: ResourceClasses; readonly clock: Clock }) => {
  const { clock } = tools
  const domain = tools.resourceClasses
  const validator = createValidator()
  return handlers(resourceClasses, {
    list: async call => {
      const found = await domain.list(call.ctx)
      dated(
        call,
        clock,
        found.map(one => one.since),
      )
      return { resource_classes: await call.list(present, found) }
    },
    create: async call => {
      await domain.create(call.ctx, call.body.name)
      located(call, pathOf(call.body.name))
    },
    show: async call => {
      const found = await domain.find(call.ctx, call.params.name)
      dated(call, clock, [found.since])
      return call.show(present, found)
    },
    rename: async call => {
      await domain.rename(call.ctx, call.params.name, call.body.name)
      return call.show(present, { name: call.body.name, since: null })
    },
    ensure: async call => {
      const { name } = call.params
      const wrong = validator.problem(NewResourceClass, { name }, call.at)
      if (wrong !== null) throw placementDialect.invalidBody(wrong)
      if (await domain.ensure(call.ctx, name)) call.status(201)
      located(call, pathOf(name))
    },
    delete: call => domain.remove(call.ctx, call.params.name),
  })
}
