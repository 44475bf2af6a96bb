// Bindings of ports: handlers and presenter.
import { handlers, type HandlerTable } from '#kernel/http/handlers.ts'
import { presenter } from '#kernel/http/presenter.ts'
import { faults } from '#services/neutron/contract/faults.ts'
import { portBinding, portBindings } from '#services/neutron/contract/port-bindings.ts'
import { vnicTypes } from '#services/neutron/contract/ports.ts'
import { fieldsOf, onlyFields } from '#services/neutron/api/listing.ts'
import { smallList } from '#services/neutron/api/small-list.ts'
import type { PortBinding } from '#services/neutron/db/port-bindings.ts'
import type { PortBindings } from '#services/neutron/domain/port-bindings.ts'

const present = presenter<PortBinding>()(portBinding.view, {
  host: b => b.host,
  vif_type: b => b.vifType,
  vif_details: b => ({ ...b.vifDetails }),
  vnic_type: b => vnicTypes.find(type => type === b.vnicType) ?? 'normal',
  profile: b => ({ ...b.profile }),
  status: b => b.status,
  project_id: () => undefined,
})
/** The one thing in a body. @throws HTTPBadRequest when it is not there */
const bodyOf = <B>(body: Partial<Record<string, B | B[]>> | undefined): B => {
  const one = body?.['binding']
  if (one === undefined || Array.isArray(one))
    throw faults.HTTPBadRequest({ reason: "Unable to find 'binding' in request body" })
  return one
}

export const portBindingHandlers = (domain: PortBindings): HandlerTable =>
  handlers(portBindings, {
    list: async call =>
      smallList(portBinding, call, await call.list(present, await domain.list(call.ctx, call.params.id)), 'host'),
    show: async call => {
      const shown = await call.show(present, await domain.show(call.ctx, call.params.id, call.params.host))
      return { binding: onlyFields([shown], fieldsOf(call.query))[0] ?? {} }
    },
    create: async call => ({
      binding: await call.show(present, await domain.create(call.ctx, call.params.id, bodyOf(call.body))),
    }),
    update: async call => ({
      binding: await call.show(
        present,
        await domain.update(call.ctx, call.params.id, call.params.host, bodyOf(call.body)),
      ),
    }),
    activate: async call => call.show(present, await domain.activate(call.ctx, call.params.id, call.params.host)),
    remove: call => domain.remove(call.ctx, call.params.id, call.params.host),
  })
