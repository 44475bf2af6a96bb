// Users: made, changed, removed; and what that does to their tokens.
import { RE2JS } from 're2js'
import type { Ctx } from '#kernel/lib/context.ts'
import { faults } from '#services/keystone/contract/faults.ts'
import { rules } from '#services/keystone/contract/rules.ts'
import { truth, type ListQuery } from '#services/keystone/db/filters.ts'
import { listGroups, type GroupEntity } from '#services/keystone/db/groups.ts'
import type { Query } from '#services/keystone/db/ledger.ts'
import { findProject } from '#services/keystone/db/projects.ts'
import {
  findUser,
  insertUser,
  keepOldPassword,
  listUsers,
  oldPasswords,
  updateUser,
  type ExpiryFilter,
  type UserEntity,
} from '#services/keystone/db/users.ts'
import type { Authentication } from '#services/keystone/domain/authentication.ts'
import { mergeExtras, mergeOptions, unique } from '#services/keystone/domain/common.ts'
import { projectsOfUser, withTags, type TaggedProject } from '#services/keystone/domain/reach.ts'
import { removeUserWhole } from '#services/keystone/domain/removal.ts'
import type { Tokens } from '#services/keystone/domain/tokens.ts'
import { bearer, enforce, type DomainTools } from '#services/keystone/domain/tools.ts'
import { passwordExpiry } from '#services/keystone/domain/user-state.ts'

/** What a client may say of a user. */
export interface UserWish {
  readonly name?: string | undefined
  readonly domainId?: string | undefined
  readonly enabled?: boolean | undefined
  readonly defaultProjectId?: string | null | undefined
  readonly password?: string | null | undefined
  readonly options?: object | undefined
  readonly extra: Readonly<Record<string, unknown>>
}
export interface Users {
  list(ctx: Ctx, list: ListQuery, expiries: readonly ExpiryFilter[]): Promise<UserEntity[]>
  find(ctx: Ctx, id: string): Promise<UserEntity>
  create(ctx: Ctx, wish: UserWish & { readonly name: string }): Promise<UserEntity>
  update(ctx: Ctx, id: string, wish: UserWish): Promise<UserEntity>
  remove(ctx: Ctx, id: string): Promise<void>
  changePassword(ctx: Ctx, id: string, original: string, wanted: string): Promise<void>
  projects(ctx: Ctx, id: string, list: ListQuery): Promise<TaggedProject[]>
  groups(ctx: Ctx, id: string, list: ListQuery): Promise<GroupEntity[]>
}

/** What policy knows of a user; empty for one who is not there. */
export const userTarget = (user: UserEntity | null): Record<string, unknown> =>
  user === null ? {} : { 'target.user.id': user.id, 'target.user.domain_id': user.domainId }

const DAY_MS = 86_400_000

export function createUsers(tools: DomainTools, tokens: Tokens, authentication: Authentication): Users {
  const { ledger, ids, clock, passwords, settings } = tools

  async function hashOf(password: string): Promise<string> {
    if (password.length > settings.maxPasswordLength) throw faults.PasswordTooLong({ size: settings.maxPasswordLength })
    if (settings.passwordRegex !== '' && !RE2JS.compile(settings.passwordRegex).matcher(password).lookingAt())
      throw faults.PasswordRequirements({ detail: settings.passwordRegexDescription })
    return passwords.hash(password)
  }
  /** A password given by an administrator. */
  const given = (
    user: Pick<UserEntity, 'options'>,
    hash: string | null,
  ): Pick<UserEntity, 'passwordHash' | 'passwordCreatedAt' | 'passwordExpiresAt' | 'passwordSelfService'> => {
    const now = clock.now()
    const mustChange =
      settings.changePasswordUponFirstUse && user.options['ignore_change_password_upon_first_use'] !== true
    return {
      passwordHash: hash,
      passwordCreatedAt: hash === null ? null : now,
      passwordExpiresAt: hash === null ? null : mustChange ? now : passwordExpiry(user, settings, now),
      passwordSelfService: false,
    }
  }
  async function checkDefaultProject(q: Query, id: string | null | undefined): Promise<void> {
    if (id === undefined || id === null) return
    const project = await findProject(q, id)
    if (project?.isDomain === true)
      throw faults.ValidationError({
        detail: `User's default project ID cannot be a domain ID: ${id}`,
      })
  }
  /** Asks whether the bearer may, of what is there; then whether it is there. */
  const loadFor = async (
    ctx: Ctx,
    q: Query,
    id: string,
    rule: (typeof rules)[keyof typeof rules],
    more: (user: UserEntity | null) => Record<string, unknown> = () => ({}),
  ): Promise<UserEntity> => {
    const user = await findUser(q, id)
    enforce(tools, ctx, rule, { ...userTarget(user), ...more(user) })
    if (user === null) throw faults.UserNotFound({ id })
    return user
  }

  return {
    async list(ctx, list, expiries) {
      const domainId = bearer(ctx).domainId
      enforce(tools, ctx, rules.listUsers, domainId === null ? {} : { 'target.domain_id': domainId })
      return ledger.read(ctx, 'list-users', q => listUsers(q, list, { domainId: domainId ?? undefined, expiries }))
    },
    find: (ctx, id) => ledger.read(ctx, 'find-user', q => loadFor(ctx, q, id, rules.getUser)),

    async create(ctx, wish) {
      const domainId = wish.domainId ?? bearer(ctx).domainId ?? 'default'
      enforce(tools, ctx, rules.createUser, { 'target.user.domain_id': domainId })
      const hash = typeof wish.password === 'string' ? await hashOf(wish.password) : null
      const options = mergeOptions({}, wish.options)
      const user: UserEntity = {
        id: ids.hex(),
        domainId,
        name: wish.name.trim(),
        enabled: wish.enabled ?? true,
        defaultProjectId: wish.defaultProjectId ?? null,
        ...given({ options }, hash),
        failedCount: 0,
        failedAt: null,
        lastActiveOn: null,
        createdAt: clock.now(),
        options,
        extra: mergeExtras({}, wish.extra),
      }
      await ledger.write(ctx, 'create-user', async q => {
        const domain = await findProject(q, domainId)
        if (domain === null || !domain.isDomain) throw faults.DomainNotFound({ id: domainId })
        await checkDefaultProject(q, user.defaultProjectId)
        await unique('user', user, () => insertUser(q, user))
        if (hash !== null) await keepOldPassword(q, user.id, hash, clock.now(), settings.uniqueLastPasswordCount)
      })
      return user
    },

    async update(ctx, id, wish) {
      await ledger.read(ctx, 'find-user', q => loadFor(ctx, q, id, rules.updateUser))
      const hash = typeof wish.password === 'string' ? await hashOf(wish.password) : null
      return ledger.write(ctx, 'update-user', async q => {
        const old = await loadFor(ctx, q, id, rules.updateUser)
        if (wish.domainId !== undefined && wish.domainId !== old.domainId)
          throw faults.ValidationError({ detail: 'Cannot change Domain ID' })
        await checkDefaultProject(q, wish.defaultProjectId)
        const options = mergeOptions(old.options, wish.options)
        const enabled = wish.enabled ?? old.enabled
        const user: UserEntity = {
          ...old,
          name: wish.name?.trim() ?? old.name,
          enabled,
          defaultProjectId: wish.defaultProjectId === undefined ? old.defaultProjectId : wish.defaultProjectId,
          options,
          extra: mergeExtras(old.extra, wish.extra),
          ...(wish.password === undefined ? {} : given({ options }, hash)),
          ...(wish.password === undefined ? {} : { failedCount: 0, failedAt: null }),
          // Enabled again by hand: the days of disuse count anew.
          ...(wish.enabled === true && !old.enabled
            ? { lastActiveOn: new Date(clock.now()).toISOString().slice(0, 10), failedCount: 0, failedAt: null }
            : {}),
        }
        await unique('user', user, () => updateUser(q, user))
        if (hash !== null) await keepOldPassword(q, id, hash, clock.now(), settings.uniqueLastPasswordCount)
        if (wish.password !== undefined || (old.enabled && !enabled)) await tokens.end(q, 'user', id)
        return user
      })
    },

    async remove(ctx, id) {
      await ledger.write(ctx, 'remove-user', async q => {
        await loadFor(ctx, q, id, rules.deleteUser)
        await removeUserWhole(q, id, clock.now(), tokens.end)
      })
    },

    async changePassword(ctx, id, original, wanted) {
      const user = await authentication.checkPassword(ctx, id, original)
      if (user.options['lock_password'] === true) throw faults.PasswordSelfServiceDisabled()
      const now = clock.now()
      const readyAt = (user.passwordCreatedAt ?? 0) + settings.minimumPasswordAgeDays * DAY_MS
      if (user.passwordSelfService && now < readyAt)
        throw faults.PasswordAge({
          minAgeDays: settings.minimumPasswordAgeDays,
          daysLeft: Math.floor((readyAt - now) / DAY_MS),
        })
      const count = settings.uniqueLastPasswordCount
      if (count > 0) {
        const old = await ledger.read(ctx, 'list-old-passwords', q => oldPasswords(q, id, count))
        for (const hash of old) if (await passwords.verify(wanted, hash)) throw faults.PasswordHistory({ count })
      }
      const hash = await hashOf(wanted)
      await ledger.write(ctx, 'change-password', async q => {
        const current = await findUser(q, id)
        // Somebody else was faster, or he is gone: the old password proves nothing any more.
        if (current === null || current.passwordHash !== user.passwordHash) throw faults.Unauthorized()
        await updateUser(q, {
          ...current,
          passwordHash: hash,
          passwordCreatedAt: now,
          passwordExpiresAt: passwordExpiry(current, settings, now),
          passwordSelfService: true,
          failedCount: 0,
          failedAt: null,
        })
        await keepOldPassword(q, id, hash, now, count)
        await tokens.end(q, 'user', id)
      })
    },

    projects: (ctx, id, list) =>
      ledger.read(ctx, 'list-projects-of-user', async q => {
        await loadFor(ctx, q, id, rules.listUserProjects)
        const wanted = (project: TaggedProject): boolean =>
          list.filters.every(filter => {
            if (filter.comparator !== 'equals') return true
            if (filter.name === 'enabled') return project.enabled === truth(filter.value)
            return filter.name === 'name' ? project.name === filter.value : project.domainId === filter.value
          })
        return (await withTags(q, await projectsOfUser(q, id))).filter(wanted)
      }),

    groups: (ctx, id, list) =>
      ledger.read(ctx, 'list-groups-of-user', async q => {
        await loadFor(ctx, q, id, rules.listGroupsForUser, user => (user === null ? {} : { user_id: user.id }))
        return listGroups(q, list, { userId: id, domainId: bearer(ctx).domainId ?? undefined })
      }),
  }
}
