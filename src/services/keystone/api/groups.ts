// Groups over HTTP.
import { handlers, type HandlerTable } from '#kernel/http/handlers.ts'
import { expiryFilters } from '#services/keystone/api/expiry.ts'
import { collection, listQuery, selfLink, type ListSettings } from '#services/keystone/api/lists.ts'
import { showGroup, showUser } from '#services/keystone/api/show.ts'
import { groups } from '#services/keystone/contract/groups.ts'
import type { GroupEntity } from '#services/keystone/db/groups.ts'
import { extrasOf, owned } from '#services/keystone/domain/common.ts'
import type { Groups, GroupWish } from '#services/keystone/domain/groups.ts'

interface Body {
  readonly name?: string
  readonly description?: string | null
  readonly domain_id?: string
}
const wishOf = (body: Body): GroupWish => ({
  name: body.name,
  description: body.description,
  domainId: body.domain_id,
  extra: extrasOf(body, ['name', 'description', 'domain_id']),
})

export const groupHandlers = (verbs: Groups, settings: ListSettings): HandlerTable => {
  const show = (call: { base: string }, group: GroupEntity): object => ({
    group: showGroup(group, selfLink(call, 'groups', group.id)),
  })
  return handlers(groups, {
    list: async call => {
      const list = listQuery(call, ['domain_id', 'name'], settings)
      const rows = await verbs.list(call.ctx, list)
      return collection(call, 'groups', rows, row => showGroup(row, selfLink(call, 'groups', row.id)), list)
    },
    create: async call => {
      const { group } = call.body
      return show(call, await verbs.create(call.ctx, { ...wishOf(group), name: group.name }))
    },
    show: async call => show(call, await verbs.find(call.ctx, call.params.group_id)),
    update: async call =>
      show(
        call,
        await verbs.update(call.ctx, call.params.group_id, wishOf(owned(call.body.group, call.params.group_id))),
      ),
    remove: call => verbs.remove(call.ctx, call.params.group_id),
    users: async call => {
      const list = listQuery(call, ['domain_id', 'enabled', 'name'], settings)
      const rows = await verbs.users(call.ctx, call.params.group_id, list, expiryFilters(call.query))
      return collection(call, 'users', rows, row => showUser(row, selfLink(call, 'users', row.id)), list)
    },
    addUser: call => verbs.addUser(call.ctx, call.params.group_id, call.params.user_id),
    hasUser: call => verbs.hasUser(call.ctx, call.params.group_id, call.params.user_id),
    removeUser: call => verbs.removeUser(call.ctx, call.params.group_id, call.params.user_id),
  })
}
