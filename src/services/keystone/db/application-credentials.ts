// Rows of application credentials and of the access rules they may carry.
import { flag, fromJson, isSet, json } from '#kernel/db/codecs.ts'
import { inChunks } from '#kernel/db/helpers.ts'
import { listPage, type Columns, type ListQuery } from '#services/keystone/db/filters.ts'
import { momentOf, type Moment } from '#services/keystone/db/moment.ts'
import type { Query } from '#services/keystone/db/ledger.ts'
import type { AccessRulesTable, ApplicationCredentialsTable } from '#services/keystone/db/tables.ts'

export interface AccessRule {
  readonly id: string
  readonly service: string
  readonly method: string
  readonly path: string
}
export interface ApplicationCredentialEntity {
  readonly id: string
  readonly userId: string
  readonly projectId: string
  readonly name: string
  readonly description: string | null
  readonly secretHash: string
  readonly expiresAt: Moment | null
  readonly unrestricted: boolean
  readonly roleIds: readonly string[]
  /** Null: it has none and may do all its roles may. An empty list allows nothing. */
  readonly accessRules: readonly AccessRule[] | null
}

const ruleOf = (row: AccessRulesTable): AccessRule => ({
  id: row.id,
  service: row.service,
  method: row.method,
  path: row.path,
})

async function withRules(
  q: Query,
  rows: readonly ApplicationCredentialsTable[],
): Promise<ApplicationCredentialEntity[]> {
  const lists = rows.map(row => (row.rule_ids === null ? null : fromJson(row.rule_ids)))
  const rules = new Map(
    (await findAccessRules(q, new Set(lists.flatMap(list => list ?? [])))).map(rule => [rule.id, rule]),
  )
  return rows.map((row, index) => ({
    id: row.id,
    userId: row.user_id,
    projectId: row.project_id,
    name: row.name,
    description: row.description,
    secretHash: row.secret_hash,
    expiresAt: row.expires_at === null ? null : momentOf(row.expires_at),
    unrestricted: isSet(row.unrestricted),
    roleIds: fromJson(row.role_ids),
    accessRules:
      lists[index] === null || lists[index] === undefined
        ? null
        : lists[index].flatMap(id => {
            const rule = rules.get(id)
            return rule === undefined ? [] : [rule]
          }),
  }))
}

export async function findApplicationCredential(q: Query, id: string): Promise<ApplicationCredentialEntity | null> {
  const rows = await q.selectFrom('application_credentials').selectAll().where('id', '=', id).execute()
  return (await withRules(q, rows))[0] ?? null
}
export const APPLICATION_CREDENTIAL_FILTERS: Columns = { name: { column: 'application_credentials.name' } }
/** One row more than the limit. */
export async function listApplicationCredentials(
  q: Query,
  userId: string,
  list: ListQuery,
): Promise<ApplicationCredentialEntity[]> {
  const query = q
    .selectFrom('application_credentials')
    .selectAll('application_credentials')
    .where('user_id', '=', userId)
  return withRules(q, await listPage(q, query, APPLICATION_CREDENTIAL_FILTERS, list, 'application_credentials'))
}
export async function countApplicationCredentials(q: Query, userId: string): Promise<number> {
  const row = await q
    .selectFrom('application_credentials')
    .select(eb => eb.fn.countAll().as('count'))
    .where('user_id', '=', userId)
    .executeTakeFirst()
  return Number(row?.count ?? 0)
}
/** Its rules must be there already. Throws DuplicateKey when the name is taken. */
export const insertApplicationCredential = (q: Query, it: ApplicationCredentialEntity): Promise<unknown> =>
  q
    .insertInto('application_credentials')
    .values({
      id: it.id,
      user_id: it.userId,
      project_id: it.projectId,
      name: it.name,
      description: it.description,
      secret_hash: it.secretHash,
      expires_at: it.expiresAt?.text ?? null,
      unrestricted: flag(it.unrestricted),
      role_ids: json(it.roleIds),
      rule_ids: it.accessRules === null ? null : json(it.accessRules.map(rule => rule.id)),
    })
    .execute()
export async function removeApplicationCredential(q: Query, id: string): Promise<void> {
  await q.deleteFrom('application_credentials').where('id', '=', id).execute()
}
/** Those of a user, all or of one project. */
export async function removeApplicationCredentialsOf(
  q: Query,
  of: { userId?: string; projectId?: string },
): Promise<void> {
  if (of.userId === undefined && of.projectId === undefined) return
  let query = q.deleteFrom('application_credentials')
  if (of.userId !== undefined) query = query.where('user_id', '=', of.userId)
  if (of.projectId !== undefined) query = query.where('project_id', '=', of.projectId)
  await query.execute()
}

export async function findAccessRules(q: Query, ids: Iterable<string>): Promise<AccessRule[]> {
  const rows = await inChunks(ids, some =>
    q
      .selectFrom('access_rules')
      .selectAll()
      .where('id', 'in', [...some])
      .execute(),
  )
  return rows.map(ruleOf)
}
export const ACCESS_RULE_FILTERS: Columns = {
  service: { column: 'access_rules.service' },
  method: { column: 'access_rules.method' },
  path: { column: 'access_rules.path' },
}
/** One row more than the limit. */
export const listAccessRules = async (q: Query, userId: string, list: ListQuery): Promise<AccessRule[]> =>
  (
    await listPage(
      q,
      q.selectFrom('access_rules').selectAll('access_rules').where('user_id', '=', userId),
      ACCESS_RULE_FILTERS,
      list,
      'access_rules',
    )
  ).map(ruleOf)
export const insertAccessRule = (q: Query, userId: string, rule: AccessRule): Promise<unknown> =>
  q
    .insertInto('access_rules')
    .values({ ...rule, user_id: userId })
    .execute()
export async function removeAccessRule(q: Query, id: string): Promise<void> {
  await q.deleteFrom('access_rules').where('id', '=', id).execute()
}
/** Whether any application credential of the user carries it. */
export async function accessRuleInUse(q: Query, userId: string, ruleId: string): Promise<boolean> {
  const rows = await q.selectFrom('application_credentials').select('rule_ids').where('user_id', '=', userId).execute()
  return rows.some(row => row.rule_ids !== null && fromJson(row.rule_ids).includes(ruleId))
}
