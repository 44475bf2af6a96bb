// Rows of users and their passwords.
import { sql } from 'kysely'
import { flag, fromJson, isSet, json } from '#kernel/db/codecs.ts'
import { inChunks } from '#kernel/db/helpers.ts'
import { listPage, type Columns, type ListQuery } from '#services/keystone/db/filters.ts'
import type { Query } from '#services/keystone/db/ledger.ts'
import type { Extra, Options, UsersTable } from '#services/keystone/db/tables.ts'

export interface UserEntity {
  readonly id: string
  readonly domainId: string
  readonly name: string
  readonly enabled: boolean
  readonly defaultProjectId: string | null
  readonly passwordHash: string | null
  readonly passwordCreatedAt: number | null
  readonly passwordExpiresAt: number | null
  readonly passwordSelfService: boolean
  readonly failedCount: number
  readonly failedAt: number | null
  /** `2026-11-22` */
  readonly lastActiveOn: string | null
  readonly createdAt: number
  readonly options: Options
  readonly extra: Extra
}

const fromRow = (row: UsersTable): UserEntity => ({
  id: row.id,
  domainId: row.domain_id,
  name: row.name,
  enabled: isSet(row.enabled),
  defaultProjectId: row.default_project_id,
  passwordHash: row.password_hash,
  passwordCreatedAt: row.password_created_at,
  passwordExpiresAt: row.password_expires_at,
  passwordSelfService: isSet(row.password_self_service),
  failedCount: row.failed_count,
  failedAt: row.failed_at,
  lastActiveOn: row.last_active_on,
  createdAt: row.created_at,
  options: fromJson(row.options),
  extra: fromJson(row.extra),
})
const toRow = (user: UserEntity): UsersTable => ({
  id: user.id,
  domain_id: user.domainId,
  name: user.name,
  enabled: flag(user.enabled),
  default_project_id: user.defaultProjectId,
  password_hash: user.passwordHash,
  password_created_at: user.passwordCreatedAt,
  password_expires_at: user.passwordExpiresAt,
  password_self_service: flag(user.passwordSelfService),
  failed_count: user.failedCount,
  failed_at: user.failedAt,
  last_active_on: user.lastActiveOn,
  created_at: user.createdAt,
  options: json(user.options),
  extra: json(user.extra),
})

export async function findUser(q: Query, id: string): Promise<UserEntity | null> {
  const row = await q.selectFrom('users').selectAll().where('id', '=', id).executeTakeFirst()
  return row === undefined ? null : fromRow(row)
}
export async function findUserByName(q: Query, name: string, domainId: string): Promise<UserEntity | null> {
  const row = await q
    .selectFrom('users')
    .selectAll()
    .where('domain_id', '=', domainId)
    .where('name', '=', name)
    .executeTakeFirst()
  return row === undefined ? null : fromRow(row)
}
export async function findUsers(q: Query, ids: Iterable<string>): Promise<UserEntity[]> {
  const rows = await inChunks(ids, some =>
    q
      .selectFrom('users')
      .selectAll()
      .where('id', 'in', [...some])
      .execute(),
  )
  return rows.map(fromRow)
}

export const USER_FILTERS: Columns = {
  id: { column: 'users.id' },
  name: { column: 'users.name' },
  domain_id: { column: 'users.domain_id' },
  enabled: { column: 'users.enabled', as: 'flag' },
}
export type ExpiryOperator = 'eq' | 'neq' | 'lt' | 'lte' | 'gt' | 'gte'
export interface ExpiryFilter {
  readonly operator: ExpiryOperator
  readonly at: number
}
const SIGN = { eq: '=', neq: '!=', lt: '<', lte: '<=', gt: '>', gte: '>=' } as const

/** One row more than the limit. */
export async function listUsers(
  q: Query,
  list: ListQuery,
  only: { groupId?: string; domainId?: string | undefined; expiries?: readonly ExpiryFilter[] } = {},
): Promise<UserEntity[]> {
  let query = q.selectFrom('users').selectAll('users')
  if (only.domainId !== undefined) query = query.where('domain_id', '=', only.domainId)
  if (only.groupId !== undefined)
    query = query.where(
      'users.id',
      'in',
      q.selectFrom('memberships').select('user_id').where('group_id', '=', only.groupId),
    )
  for (const expiry of only.expiries ?? [])
    query = query.where(sql<boolean>`password_expires_at ${sql.raw(SIGN[expiry.operator])} ${expiry.at}`)
  return (await listPage(q, query, USER_FILTERS, list, 'users')).map(fromRow)
}
/** Throws DuplicateKey when the name is taken. */
export const insertUser = (q: Query, user: UserEntity): Promise<unknown> =>
  q.insertInto('users').values(toRow(user)).execute()
/** Throws DuplicateKey when the new name is taken. */
export const updateUser = (q: Query, user: UserEntity): Promise<unknown> =>
  q.updateTable('users').set(toRow(user)).where('id', '=', user.id).execute()
export async function removeUser(q: Query, id: string): Promise<void> {
  await q.deleteFrom('users').where('id', '=', id).execute()
}
/** Counts a failed log-in. */
export const countFailure = (q: Query, id: string, now: number): Promise<unknown> =>
  q
    .updateTable('users')
    .set({ failed_count: sql<number>`failed_count + 1`, failed_at: now })
    .where('id', '=', id)
    .execute()
export const clearFailures = (q: Query, id: string): Promise<unknown> =>
  q.updateTable('users').set({ failed_count: 0, failed_at: null }).where('id', '=', id).execute()
/** `day`: `2026-11-22`. */
export const markActive = (q: Query, id: string, day: string): Promise<unknown> =>
  q.updateTable('users').set({ last_active_on: day }).where('id', '=', id).execute()

/** Hashes of earlier passwords, newest first. */
export async function oldPasswords(q: Query, userId: string, limit: number): Promise<string[]> {
  const rows = await q
    .selectFrom('old_passwords')
    .select('hash')
    .where('user_id', '=', userId)
    .orderBy('created_at', 'desc')
    .limit(limit)
    .execute()
  return rows.map(row => row.hash)
}
/** Adds one and forgets all but the newest `keep`. */
export async function keepOldPassword(q: Query, userId: string, hash: string, at: number, keep: number): Promise<void> {
  if (keep > 0) await q.insertInto('old_passwords').values({ user_id: userId, hash, created_at: at }).execute()
  const rest = await q
    .selectFrom('old_passwords')
    .select('created_at')
    .where('user_id', '=', userId)
    .orderBy('created_at', 'desc')
    .execute()
  const oldest = rest[keep]
  if (oldest !== undefined)
    await q
      .deleteFrom('old_passwords')
      .where('user_id', '=', userId)
      .where('created_at', '<=', oldest.created_at)
      .execute()
}
