// Group types and their specs over HTTP.
import { handlers, type Call, type HandlerTable } from '#kernel/http/handlers.ts'
import { presenter } from '#kernel/http/presenter.ts'
import { faults } from '#services/cinder/contract/faults.ts'
import { groupFaults } from '#services/cinder/contract/group-faults.ts'
import { groupSpecs, groupTypes, GroupTypeView } from '#services/cinder/contract/group-types.ts'
import type { GroupType } from '#services/cinder/db/group-types.ts'
import { lastOf, listRequest, pageLinks } from '#services/cinder/api/listing.ts'
import { isPublicOf } from '#services/cinder/api/types.ts'
import type { GroupTypesDomain } from '#services/cinder/domain/group-types.ts'

export function groupTypeHandlers(api: { domain: GroupTypesDomain; maxLimit: number }): HandlerTable[] {
  const { domain } = api
  /** The rule of the specs is asked of the caller's own project. */
  const own = (call: Pick<Call, 'ctx'>) =>
    presenter<GroupType>()(
      GroupTypeView,
      {
        id: t => t.id,
        name: t => t.name,
        description: t => t.description,
        is_public: t => t.isPublic,
        group_specs: t => ({ ...t.specs }),
      },
      { target: () => ({ project_id: call.ctx.who?.projectId ?? '' }) },
    )
  return [
    handlers(groupTypes, {
      list: async call => {
        const { page, more } = await domain.list(
          call.ctx,
          isPublicOf(lastOf(call.query)['is_public']),
          listRequest(call, api.maxLimit),
        )
        return {
          group_types: await call.list(own(call), page),
          ...pageLinks(call, 'group_type', more, page.at(-1)?.id),
        }
      },
      show: async call => ({ group_type: await call.show(own(call), await domain.find(call.ctx, call.params.id)) }),
      theDefault: async call => ({ group_type: await call.show(own(call), await domain.theDefault(call.ctx)) }),
      create: async call => {
        const given = call.body.group_type
        const made = await domain.create(call.ctx, {
          name: given.name,
          description: given.description ?? null,
          isPublic: given.is_public ?? true,
          specs: given.group_specs ?? {},
        })
        return { group_type: await call.show(own(call), made) }
      },
      update: async call => {
        const given = call.body.group_type
        const changed = await domain.update(call.ctx, call.params.id, {
          name: given.name ?? null,
          description: given.description ?? null,
          isPublic: given.is_public ?? null,
        })
        return { group_type: await call.show(own(call), changed) }
      },
      remove: call => domain.remove(call.ctx, call.params.id),
    }),
    handlers(groupSpecs, {
      list: async call => ({ group_specs: { ...(await domain.find(call.ctx, call.params.group_type_id)).specs } }),
      create: async call => {
        await domain.setSpecs(call.ctx, call.params.group_type_id, call.body.group_specs)
        return call.body
      },
      show: async call => {
        const { group_type_id, key } = call.params
        const { specs } = await domain.find(call.ctx, group_type_id)
        if (!Object.hasOwn(specs, key)) throw groupFaults.GroupSpecMissing({ id: group_type_id, key })
        return { [key]: specs[key] }
      },
      set: async call => {
        if (!Object.hasOwn(call.body, call.params.key))
          throw faults.BadRequest({ reason: 'Request body and URI mismatch' })
        await domain.setSpecs(call.ctx, call.params.group_type_id, call.body)
        return call.body
      },
      remove: call => domain.dropSpec(call.ctx, call.params.group_type_id, call.params.key),
    }),
  ]
}
