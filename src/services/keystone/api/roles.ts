// Roles and implications over HTTP.
import { handlers, type Call, type HandlerTable } from '#kernel/http/handlers.ts'
import { collection, listQuery, queryText, selfLink, type ListSettings } from '#services/keystone/api/lists.ts'
import { showRole } from '#services/keystone/api/show.ts'
import { roles } from '#services/keystone/contract/roles.ts'
import { rules } from '#services/keystone/contract/rules.ts'
import type { RoleEntity } from '#services/keystone/db/roles.ts'
import { extrasOf, owned } from '#services/keystone/domain/common.ts'
import type { Roles, RoleWish } from '#services/keystone/domain/roles.ts'

interface Body {
  readonly name?: string
  readonly description?: string | null
  readonly domain_id?: string | null
  readonly options?: { readonly immutable?: boolean | null }
}
const wishOf = (body: Body): RoleWish => ({
  name: body.name,
  description: body.description,
  domainId: body.domain_id,
  options: body.options,
  extra: extrasOf(body, ['name', 'description', 'domain_id', 'options']),
})

export const roleHandlers = (verbs: Roles, settings: ListSettings): HandlerTable => {
  const wire = (call: Pick<Call, 'base'>, role: RoleEntity): object => showRole(role, selfLink(call, 'roles', role.id))
  const brief = (call: Pick<Call, 'base'>, role: RoleEntity): object => ({
    id: role.id,
    name: role.name,
    links: selfLink(call, 'roles', role.id),
  })
  const one = (call: Pick<Call, 'base' | 'path'>, prior: RoleEntity, implied: RoleEntity | undefined): object => ({
    role_inference: {
      prior_role: brief(call, prior),
      ...(implied === undefined ? {} : { implies: brief(call, implied) }),
    },
    links: { self: `${call.base}${call.path}` },
  })
  return handlers(roles, {
    list: async call => {
      const list = listQuery(call, ['name'], settings)
      const domainId = queryText(call.query, 'domain_id')
      const rows = await verbs.list(call.ctx, list, domainId === undefined || domainId === '' ? null : domainId)
      return collection(call, 'roles', rows, row => wire(call, row), list)
    },
    create: async call => {
      const { role } = call.body
      return { role: wire(call, await verbs.create(call.ctx, { ...wishOf(role), name: role.name })) }
    },
    show: async call => ({ role: wire(call, await verbs.find(call.ctx, call.params.role_id)) }),
    update: async call => ({
      role: wire(
        call,
        await verbs.update(call.ctx, call.params.role_id, wishOf(owned(call.body.role, call.params.role_id))),
      ),
    }),
    remove: call => verbs.remove(call.ctx, call.params.role_id),
    implied: async call => {
      const { prior, implied } = await verbs.implied(call.ctx, call.params.prior_role_id)
      return {
        role_inference: { prior_role: brief(call, prior), implies: implied.map(role => brief(call, role)) },
        links: { self: `${call.base}${call.path}` },
      }
    },
    showImplied: async call => {
      const { prior_role_id: priorId, implied_role_id: impliedId } = call.params
      const isCheck = call.method === 'HEAD'
      const rule = isCheck ? rules.checkImpliedRole : rules.getImpliedRole
      const { prior, implied } = await verbs.findImplied(call.ctx, priorId, impliedId, rule)
      if (isCheck) call.status(204)
      return one(call, prior, implied[0])
    },
    imply: async call => {
      const { prior, implied } = await verbs.imply(call.ctx, call.params.prior_role_id, call.params.implied_role_id)
      return one(call, prior, implied[0])
    },
    implyNot: call => verbs.implyNot(call.ctx, call.params.prior_role_id, call.params.implied_role_id),
    inferences: async call => ({
      role_inferences: (await verbs.inferences(call.ctx)).map(({ prior, implied }) => ({
        prior_role: brief(call, prior),
        implies: implied.map(role => brief(call, role)),
      })),
    }),
  })
}
