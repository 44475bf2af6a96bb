// Trunks: handlers and presenter.
import { handlers, type HandlerTable } from '#kernel/http/handlers.ts'
import { needs, presenter } from '#kernel/http/presenter.ts'
import { trunk, trunks } from '#services/neutron/contract/trunks.ts'
import { noun, seconds } from '#services/neutron/api/noun.ts'
import type { Subport, Trunk } from '#services/neutron/db/trunks.ts'
import type { Looks } from '#services/neutron/domain/looks.ts'
import type { Trunks } from '#services/neutron/domain/trunks.ts'

const subportView = (one: Subport): Record<string, unknown> => ({
  port_id: one.portId,
  segmentation_type: one.segmentationType,
  segmentation_id: one.segmentationId,
})

export const trunkHandlers = (domain: Trunks, looks: Looks): HandlerTable => {
  interface Loaded {
    readonly tags: ReadonlyMap<string, readonly string[]>
    readonly subports: ReadonlyMap<string, readonly Subport[]>
  }
  const ids = (all: readonly Trunk[]): string[] => all.map(one => one.id)
  const present = presenter<Trunk, Loaded>()(
    trunk.view,
    {
      id: t => t.id,
      name: t => t.name,
      project_id: t => t.projectId,
      tenant_id: t => t.projectId,
      admin_state_up: t => t.adminStateUp,
      port_id: t => t.portId,
      status: t => t.status,
      sub_ports: needs(['subports'], (t, { subports }) => (subports.get(t.id) ?? []).map(subportView)),
      description: t => t.description,
      created_at: t => seconds(t.createdAt),
      updated_at: t => seconds(t.updatedAt),
      revision_number: t => t.revision,
      tags: needs(['tags'], (t, { tags }) => [...(tags.get(t.id) ?? [])]),
    },
    {
      loaders: {
        tags: (ctx, all) => looks.tags(ctx, ids(all)),
        subports: (ctx, all) => domain.subportsOf(ctx, ids(all)),
      },
    },
  )
  const it = noun<Trunk>({ of: trunk, present })
  return handlers(trunks, {
    list: call => it.list(call, domain.list),
    show: call => it.show(call, domain.show),
    create: call => it.create(call, domain.create),
    update: call => it.update(call, domain.update),
    remove: call => it.remove(call, domain.remove),
    subports: async call => ({ sub_ports: (await domain.subports(call.ctx, call.params.id)).map(subportView) }),
    // compat: these two answer with the trunk itself, under no key.
    addSubports: async call => call.show(present, await domain.addSubports(call.ctx, call.params.id, call.body)),
    removeSubports: async call => call.show(present, await domain.removeSubports(call.ctx, call.params.id, call.body)),
  })
}
