// Groups and who is in them.
import type { Ctx } from '#kernel/lib/context.ts'
import { faults } from '#services/keystone/contract/faults.ts'
import { rules } from '#services/keystone/contract/rules.ts'
import type { ListQuery } from '#services/keystone/db/filters.ts'
import {
  addMember,
  findGroup,
  insertGroup,
  isMember,
  listGroups,
  removeMember,
  updateGroup,
  type GroupEntity,
} from '#services/keystone/db/groups.ts'
import type { Query } from '#services/keystone/db/ledger.ts'
import { findProject } from '#services/keystone/db/projects.ts'
import { findUser, listUsers, type ExpiryFilter, type UserEntity } from '#services/keystone/db/users.ts'
import { mergeExtras, unique } from '#services/keystone/domain/common.ts'
import { removeGroupWhole } from '#services/keystone/domain/removal.ts'
import type { Tokens } from '#services/keystone/domain/tokens.ts'
import { bearer, enforce, type DomainTools } from '#services/keystone/domain/tools.ts'
import { userTarget } from '#services/keystone/domain/users.ts'

export interface GroupWish {
  readonly name?: string | undefined
  readonly description?: string | null | undefined
  readonly domainId?: string | undefined
  readonly extra: Readonly<Record<string, unknown>>
}
export interface Groups {
  list(ctx: Ctx, list: ListQuery): Promise<GroupEntity[]>
  find(ctx: Ctx, id: string): Promise<GroupEntity>
  create(ctx: Ctx, wish: GroupWish & { readonly name: string }): Promise<GroupEntity>
  update(ctx: Ctx, id: string, wish: GroupWish): Promise<GroupEntity>
  remove(ctx: Ctx, id: string): Promise<void>
  users(ctx: Ctx, id: string, list: ListQuery, expiries: readonly ExpiryFilter[]): Promise<UserEntity[]>
  addUser(ctx: Ctx, id: string, userId: string): Promise<void>
  /** Throws 404 when he is not in it. */
  hasUser(ctx: Ctx, id: string, userId: string): Promise<void>
  removeUser(ctx: Ctx, id: string, userId: string): Promise<void>
}

export const groupTarget = (group: GroupEntity | null): Record<string, unknown> =>
  group === null ? {} : { 'target.group.id': group.id, 'target.group.domain_id': group.domainId }

export function createGroups(tools: DomainTools, tokens: Tokens): Groups {
  const { ledger, ids } = tools
  type AnyRule = (typeof rules)[keyof typeof rules]

  const loadFor = async (ctx: Ctx, q: Query, id: string, rule: AnyRule): Promise<GroupEntity> => {
    const group = await findGroup(q, id)
    enforce(tools, ctx, rule, groupTarget(group))
    if (group === null) throw faults.GroupNotFound({ id })
    return group
  }
  const loadBothFor = async (ctx: Ctx, q: Query, id: string, userId: string, rule: AnyRule): Promise<void> => {
    const group = await findGroup(q, id)
    const user = await findUser(q, userId)
    enforce(tools, ctx, rule, { ...groupTarget(group), ...userTarget(user) })
    if (group === null) throw faults.GroupNotFound({ id })
    if (user === null) throw faults.UserNotFound({ id: userId })
  }

  return {
    async list(ctx, list) {
      const domainId = bearer(ctx).domainId
      enforce(tools, ctx, rules.listGroups, domainId === null ? {} : { 'target.group.domain_id': domainId })
      return ledger.read(ctx, 'list-groups', q => listGroups(q, list, { domainId: domainId ?? undefined }))
    },
    find: (ctx, id) => ledger.read(ctx, 'find-group', q => loadFor(ctx, q, id, rules.getGroup)),

    async create(ctx, wish) {
      const domainId = wish.domainId ?? bearer(ctx).domainId ?? 'default'
      enforce(tools, ctx, rules.createGroup, { 'target.group.domain_id': domainId })
      const group: GroupEntity = {
        id: ids.hex(),
        domainId,
        name: wish.name,
        description: wish.description ?? '',
        extra: mergeExtras({}, wish.extra),
      }
      await ledger.write(ctx, 'create-group', async q => {
        const domain = await findProject(q, domainId)
        if (domain === null || !domain.isDomain) throw faults.DomainNotFound({ id: domainId })
        await unique('group', group, () => insertGroup(q, group))
      })
      return group
    },
    update: (ctx, id, wish) =>
      ledger.write(ctx, 'update-group', async q => {
        const old = await loadFor(ctx, q, id, rules.updateGroup)
        if (wish.domainId !== undefined && wish.domainId !== old.domainId)
          throw faults.ValidationError({ detail: 'Cannot change Domain ID' })
        const group: GroupEntity = {
          ...old,
          name: wish.name ?? old.name,
          description: wish.description === undefined ? old.description : (wish.description ?? ''),
          extra: mergeExtras(old.extra, wish.extra),
        }
        await unique('group', group, () => updateGroup(q, group))
        return group
      }),
    async remove(ctx, id) {
      await ledger.write(ctx, 'remove-group', async q => {
        await loadFor(ctx, q, id, rules.deleteGroup)
        await removeGroupWhole(q, id, tokens.end)
      })
    },

    users: (ctx, id, list, expiries) =>
      ledger.read(ctx, 'list-users-in-group', async q => {
        await loadFor(ctx, q, id, rules.listUsersInGroup)
        return listUsers(q, list, { groupId: id, domainId: bearer(ctx).domainId ?? undefined, expiries })
      }),
    async addUser(ctx, id, userId) {
      await ledger.write(ctx, 'add-user-to-group', async q => {
        await loadBothFor(ctx, q, id, userId, rules.addUserToGroup)
        await addMember(q, id, userId)
      })
    },
    hasUser: (ctx, id, userId) =>
      ledger.read(ctx, 'find-user-in-group', async q => {
        await loadBothFor(ctx, q, id, userId, rules.checkUserInGroup)
        if (!(await isMember(q, id, userId))) throw faults.MembershipNotFound({ userId, groupId: id })
      }),
    async removeUser(ctx, id, userId) {
      await ledger.write(ctx, 'remove-user-from-group', async q => {
        await loadBothFor(ctx, q, id, userId, rules.removeUserFromGroup)
        if (!(await isMember(q, id, userId))) throw faults.MembershipNotFound({ userId, groupId: id })
        await removeMember(q, id, userId)
        await tokens.end(q, 'user', userId)
      })
    },
  }
}
