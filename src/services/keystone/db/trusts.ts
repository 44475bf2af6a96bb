// Rows of trusts: what one user lets another do in his name. Deleted ones stay as rows.
import { flag, fromJson, isSet, json } from '#kernel/db/codecs.ts'
import { momentOf, type Moment } from '#services/keystone/db/moment.ts'
import type { Query } from '#services/keystone/db/ledger.ts'
import type { Extra, TrustsTable } from '#services/keystone/db/tables.ts'

export interface TrustEntity {
  readonly id: string
  readonly trustorId: string
  readonly trusteeId: string
  readonly projectId: string | null
  readonly impersonation: boolean
  readonly expiresAt: Moment | null
  readonly deletedAt: number | null
  readonly remainingUses: number | null
  readonly redelegatedTrustId: string | null
  readonly redelegationCount: number | null
  readonly roleIds: readonly string[]
  readonly extra: Extra
}
const fromRow = (row: TrustsTable): TrustEntity => ({
  id: row.id,
  trustorId: row.trustor_id,
  trusteeId: row.trustee_id,
  projectId: row.project_id,
  impersonation: isSet(row.impersonation),
  expiresAt: row.expires_at === null ? null : momentOf(row.expires_at),
  deletedAt: row.deleted_at,
  remainingUses: row.remaining_uses,
  redelegatedTrustId: row.redelegated_trust_id,
  redelegationCount: row.redelegation_count,
  roleIds: fromJson(row.role_ids),
  extra: fromJson(row.extra),
})

/** Null for a deleted one. */
export async function findTrust(q: Query, id: string): Promise<TrustEntity | null> {
  const row = await q
    .selectFrom('trusts')
    .selectAll()
    .where('id', '=', id)
    .where('deleted_at', 'is', null)
    .executeTakeFirst()
  return row === undefined ? null : fromRow(row)
}
export async function listTrusts(
  q: Query,
  of: { trustorId?: string | undefined; trusteeId?: string | undefined; projectId?: string | undefined },
): Promise<TrustEntity[]> {
  let query = q.selectFrom('trusts').selectAll().where('deleted_at', 'is', null)
  if (of.trustorId !== undefined) query = query.where('trustor_id', '=', of.trustorId)
  if (of.trusteeId !== undefined) query = query.where('trustee_id', '=', of.trusteeId)
  if (of.projectId !== undefined) query = query.where('project_id', '=', of.projectId)
  return (await query.orderBy('id').execute()).map(fromRow)
}
/** Trusts made from this one. */
export async function redelegationsOf(q: Query, id: string): Promise<TrustEntity[]> {
  const rows = await q
    .selectFrom('trusts')
    .selectAll()
    .where('redelegated_trust_id', '=', id)
    .where('deleted_at', 'is', null)
    .execute()
  return rows.map(fromRow)
}
export const insertTrust = (q: Query, trust: TrustEntity): Promise<unknown> =>
  q
    .insertInto('trusts')
    .values({
      id: trust.id,
      trustor_id: trust.trustorId,
      trustee_id: trust.trusteeId,
      project_id: trust.projectId,
      impersonation: flag(trust.impersonation),
      expires_at: trust.expiresAt?.text ?? null,
      deleted_at: trust.deletedAt,
      remaining_uses: trust.remainingUses,
      redelegated_trust_id: trust.redelegatedTrustId,
      redelegation_count: trust.redelegationCount,
      role_ids: json(trust.roleIds),
      extra: json(trust.extra),
    })
    .execute()
export async function markTrustDeleted(q: Query, id: string, now: number): Promise<void> {
  await q.updateTable('trusts').set({ deleted_at: now }).where('id', '=', id).where('deleted_at', 'is', null).execute()
}
/** False when none is left. A trust without a number of uses has any number. */
export async function takeUse(q: Query, id: string): Promise<boolean> {
  const result = await q
    .updateTable('trusts')
    .set(eb => ({ remaining_uses: eb('remaining_uses', '-', 1) }))
    .where('id', '=', id)
    .where('deleted_at', 'is', null)
    .where('remaining_uses', '>', 0)
    .executeTakeFirstOrThrow()
  return result.numUpdatedRows > 0n
}
