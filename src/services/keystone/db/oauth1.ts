// Rows of OAuth request and access tokens.
import { fromJson, json } from '#kernel/db/codecs.ts'
import type { AccessTokensTable, RequestTokensTable } from '#services/keystone/db/extension-tables.ts'
import type { Query } from '#services/keystone/db/ledger.ts'

/** A program's wish to act for somebody. Times are milliseconds since 1970. */
export interface RequestToken {
  readonly id: string
  /** Sealed. */
  readonly secret: string
  readonly consumerId: string
  readonly projectId: string
  /** Null until somebody has authorised it. */
  readonly verifier: string | null
  readonly userId: string | null
  readonly roleIds: readonly string[]
  readonly expiresAt: number | null
}
/** What a program got: some of a user's roles on a project. */
export interface AccessToken {
  readonly id: string
  /** Sealed. */
  readonly secret: string
  readonly consumerId: string
  readonly projectId: string
  readonly userId: string
  readonly roleIds: readonly string[]
  readonly expiresAt: number | null
}

const requestToken = (row: RequestTokensTable): RequestToken => ({
  id: row.id,
  secret: row.secret,
  consumerId: row.consumer_id,
  projectId: row.project_id,
  verifier: row.verifier,
  userId: row.user_id,
  roleIds: row.role_ids === null ? [] : fromJson(row.role_ids),
  expiresAt: row.expires_at === null ? null : Number(row.expires_at),
})
const accessToken = (row: AccessTokensTable): AccessToken => ({
  id: row.id,
  secret: row.secret,
  consumerId: row.consumer_id,
  projectId: row.project_id,
  userId: row.user_id,
  roleIds: fromJson(row.role_ids),
  expiresAt: row.expires_at === null ? null : Number(row.expires_at),
})

export async function findRequestToken(q: Query, id: string): Promise<RequestToken | null> {
  const row = await q.selectFrom('request_tokens').selectAll().where('id', '=', id).executeTakeFirst()
  return row === undefined ? null : requestToken(row)
}
export const insertRequestToken = (q: Query, it: RequestToken): Promise<unknown> =>
  q
    .insertInto('request_tokens')
    .values({
      id: it.id,
      secret: it.secret,
      consumer_id: it.consumerId,
      project_id: it.projectId,
      verifier: it.verifier,
      user_id: it.userId,
      role_ids: json(it.roleIds),
      expires_at: it.expiresAt,
    })
    .execute()
export const authorizeRequestToken = (
  q: Query,
  id: string,
  by: { readonly userId: string; readonly roleIds: readonly string[]; readonly verifier: string },
): Promise<unknown> =>
  q
    .updateTable('request_tokens')
    .set({ user_id: by.userId, role_ids: json(by.roleIds), verifier: by.verifier })
    .where('id', '=', id)
    .execute()
/** False when somebody else has taken it away: it is good for one access token. */
export async function takeRequestToken(q: Query, id: string): Promise<boolean> {
  return (await q.deleteFrom('request_tokens').where('id', '=', id).executeTakeFirstOrThrow()).numDeletedRows > 0n
}
export const purgeRequestTokens = async (q: Query, now: number): Promise<void> =>
  void (await q.deleteFrom('request_tokens').where('expires_at', '<', now).execute())

export async function findAccessToken(q: Query, id: string): Promise<AccessToken | null> {
  const row = await q.selectFrom('access_tokens').selectAll().where('id', '=', id).executeTakeFirst()
  return row === undefined ? null : accessToken(row)
}
export const listAccessTokens = async (q: Query, userId: string): Promise<AccessToken[]> =>
  (await q.selectFrom('access_tokens').selectAll().where('user_id', '=', userId).orderBy('id').execute()).map(
    accessToken,
  )
export const insertAccessToken = (q: Query, it: AccessToken): Promise<unknown> =>
  q
    .insertInto('access_tokens')
    .values({
      id: it.id,
      secret: it.secret,
      consumer_id: it.consumerId,
      project_id: it.projectId,
      user_id: it.userId,
      role_ids: json(it.roleIds),
      expires_at: it.expiresAt,
    })
    .execute()
export async function removeAccessToken(q: Query, id: string): Promise<void> {
  await q.deleteFrom('access_tokens').where('id', '=', id).execute()
}
