// Users over HTTP.
import { handlers, type HandlerTable } from '#kernel/http/handlers.ts'
import { expiryFilters } from '#services/keystone/api/expiry.ts'
import { collection, listQuery, selfLink, type ListSettings } from '#services/keystone/api/lists.ts'
import { showGroup, showProject, showUser } from '#services/keystone/api/show.ts'
import { users } from '#services/keystone/contract/users.ts'
import type { UserEntity } from '#services/keystone/db/users.ts'
import { extrasOf, owned } from '#services/keystone/domain/common.ts'
import type { Users, UserWish } from '#services/keystone/domain/users.ts'

const KNOWN = ['name', 'domain_id', 'enabled', 'default_project_id', 'password', 'options', 'password_expires_at']
interface Body {
  readonly name?: string
  readonly domain_id?: string
  readonly enabled?: boolean
  readonly default_project_id?: string | null
  readonly password?: string | null
  readonly options?: object
}
const wishOf = (body: Body): UserWish => ({
  name: body.name,
  domainId: body.domain_id,
  enabled: body.enabled,
  defaultProjectId: body.default_project_id,
  password: body.password,
  options: body.options,
  extra: extrasOf(body, KNOWN),
})

export const userHandlers = (verbs: Users, settings: ListSettings): HandlerTable => {
  const show = (call: { base: string }, user: UserEntity): object => ({
    user: showUser(user, selfLink(call, 'users', user.id)),
  })
  return handlers(users, {
    list: async call => {
      const list = listQuery(call, ['domain_id', 'enabled', 'name'], settings)
      const rows = await verbs.list(call.ctx, list, expiryFilters(call.query))
      return collection(call, 'users', rows, row => showUser(row, selfLink(call, 'users', row.id)), list)
    },
    create: async call => {
      const { user } = call.body
      return show(call, await verbs.create(call.ctx, { ...wishOf(user), name: user.name }))
    },
    show: async call => show(call, await verbs.find(call.ctx, call.params.user_id)),
    update: async call =>
      show(call, await verbs.update(call.ctx, call.params.user_id, wishOf(owned(call.body.user, call.params.user_id)))),
    remove: call => verbs.remove(call.ctx, call.params.user_id),
    changePassword: call => {
      const { original_password: original, password } = call.body.user
      return verbs.changePassword(call.ctx, call.params.user_id, original, password)
    },
    projects: async call => {
      const list = listQuery(call, ['domain_id', 'enabled', 'name'], settings)
      const rows = await verbs.projects(call.ctx, call.params.user_id, list)
      return collection(call, 'projects', rows, row => showProject(row, selfLink(call, 'projects', row.id)))
    },
    groups: async call => {
      const list = listQuery(call, ['name'], settings)
      const rows = await verbs.groups(call.ctx, call.params.user_id, list)
      return collection(call, 'groups', rows, row => showGroup(row, selfLink(call, 'groups', row.id)), list)
    },
  })
}
