// Rows of credentials (sealed) and of policy files.
import { fromJson, json } from '#kernel/db/codecs.ts'
import { listPage, type Columns, type ListQuery } from '#services/keystone/db/filters.ts'
import type { Query } from '#services/keystone/db/ledger.ts'
import type { CredentialsTable, Extra, PoliciesTable } from '#services/keystone/db/tables.ts'

export interface CredentialEntity {
  readonly id: string
  readonly userId: string
  readonly projectId: string | null
  readonly type: string
  /** Sealed: only the domain opens it. */
  readonly sealed: string
  readonly extra: Extra
}
const credentialOf = (row: CredentialsTable): CredentialEntity => ({
  id: row.id,
  userId: row.user_id,
  projectId: row.project_id,
  type: row.type,
  sealed: row.blob,
  extra: fromJson(row.extra),
})
const credentialRow = (c: CredentialEntity): CredentialsTable => ({
  id: c.id,
  user_id: c.userId,
  project_id: c.projectId,
  type: c.type,
  blob: c.sealed,
  extra: json(c.extra),
})

export async function findCredential(q: Query, id: string): Promise<CredentialEntity | null> {
  const row = await q.selectFrom('credentials').selectAll().where('id', '=', id).executeTakeFirst()
  return row === undefined ? null : credentialOf(row)
}
export const CREDENTIAL_FILTERS: Columns = {
  user_id: { column: 'credentials.user_id' },
  type: { column: 'credentials.type' },
}
/** Only one user's, only one project's, where said. One row more than the limit. */
export async function listCredentials(
  q: Query,
  list: ListQuery,
  only: { userId?: string | undefined; projectId?: string | undefined } = {},
): Promise<CredentialEntity[]> {
  let query = q.selectFrom('credentials').selectAll('credentials')
  if (only.userId !== undefined) query = query.where('user_id', '=', only.userId)
  if (only.projectId !== undefined) query = query.where('project_id', '=', only.projectId)
  return (await listPage(q, query, CREDENTIAL_FILTERS, list, 'credentials')).map(credentialOf)
}
export async function countCredentials(q: Query, userId: string): Promise<number> {
  const row = await q
    .selectFrom('credentials')
    .select(eb => eb.fn.countAll().as('count'))
    .where('user_id', '=', userId)
    .executeTakeFirst()
  return Number(row?.count ?? 0)
}
/** Throws DuplicateKey. */
export const insertCredential = (q: Query, it: CredentialEntity): Promise<unknown> =>
  q.insertInto('credentials').values(credentialRow(it)).execute()
export const updateCredential = (q: Query, it: CredentialEntity): Promise<unknown> =>
  q.updateTable('credentials').set(credentialRow(it)).where('id', '=', it.id).execute()
export async function removeCredential(q: Query, id: string): Promise<void> {
  await q.deleteFrom('credentials').where('id', '=', id).execute()
}
export async function removeCredentialsOf(q: Query, of: { userId: string } | { projectId: string }): Promise<void> {
  const query = q.deleteFrom('credentials')
  await (
    'userId' in of ? query.where('user_id', '=', of.userId) : query.where('project_id', '=', of.projectId)
  ).execute()
}

export interface PolicyEntity {
  readonly id: string
  readonly type: string
  readonly blob: string
  readonly extra: Extra
}
const policyOf = (row: PoliciesTable): PolicyEntity => ({
  id: row.id,
  type: row.type,
  blob: row.blob,
  extra: fromJson(row.extra),
})
const policyRow = (p: PolicyEntity): PoliciesTable => ({ id: p.id, type: p.type, blob: p.blob, extra: json(p.extra) })

export async function findPolicy(q: Query, id: string): Promise<PolicyEntity | null> {
  const row = await q.selectFrom('policies').selectAll().where('id', '=', id).executeTakeFirst()
  return row === undefined ? null : policyOf(row)
}
export const POLICY_FILTERS: Columns = { type: { column: 'policies.type' } }
export const listPolicies = async (q: Query, list: ListQuery): Promise<PolicyEntity[]> =>
  (await listPage(q, q.selectFrom('policies').selectAll('policies'), POLICY_FILTERS, list, 'policies')).map(policyOf)
export const insertPolicy = (q: Query, it: PolicyEntity): Promise<unknown> =>
  q.insertInto('policies').values(policyRow(it)).execute()
export const updatePolicy = (q: Query, it: PolicyEntity): Promise<unknown> =>
  q.updateTable('policies').set(policyRow(it)).where('id', '=', it.id).execute()
export async function removePolicy(q: Query, id: string): Promise<void> {
  await q.deleteFrom('policies').where('id', '=', id).execute()
}
