// Rows of ended tokens. A row names one thing that tokens carry, and ends those issued until a moment.
import { upsert } from '#kernel/db/helpers.ts'
import type { Query } from '#services/keystone/db/ledger.ts'

/** What of a token a revocation can name. */
export interface Revocable {
  readonly auditIds: readonly string[]
  readonly userId: string
  readonly projectId: string | null
  readonly trustId: string | null
  readonly trustorId: string | null
  readonly issuedAt: number
}
/** `audit` one token; `chain` it and all made from it; the others all tokens of that. */
export type RevocationKind = 'audit' | 'chain' | 'user' | 'project' | 'trust'
const subjectOf = (kind: RevocationKind, id: string): string => `${kind}:${id}`

/** Ends tokens issued at or before `until`; the row may be forgotten after `purgeAfter`. */
export const addRevocation = (
  q: Query,
  kind: RevocationKind,
  id: string,
  until: number,
  purgeAfter: number,
): Promise<void> =>
  upsert(q, 'revocations', { subject: subjectOf(kind, id), issued_before: until, purge_after: purgeAfter }, ['subject'])

export async function isRevoked(q: Query, token: Revocable): Promise<boolean> {
  const subjects = [
    subjectOf('audit', token.auditIds[0] ?? ''),
    subjectOf('chain', token.auditIds.at(-1) ?? ''),
    subjectOf('user', token.userId),
    subjectOf('user', token.trustorId ?? token.userId),
    subjectOf('project', token.projectId ?? ''),
    subjectOf('trust', token.trustId ?? ''),
  ]
  const row = await q
    .selectFrom('revocations')
    .select('subject')
    .where('subject', 'in', subjects)
    .where('issued_before', '>=', token.issuedAt)
    .limit(1)
    .executeTakeFirst()
  return row !== undefined
}
/** The last moment anything was revoked for; 0 when nothing is. */
export async function lastRevocation(q: Query): Promise<number> {
  const row = await q
    .selectFrom('revocations')
    .select(eb => eb.fn.max('issued_before').as('at'))
    .executeTakeFirst()
  return Number(row?.at ?? 0)
}
/** How many rows were forgotten. */
export async function purgeRevocations(q: Query, now: number): Promise<number> {
  const result = await q.deleteFrom('revocations').where('purge_after', '<', now).executeTakeFirstOrThrow()
  return Number(result.numDeletedRows)
}
/** What was ended, newest first; `after`: only what was ended since that moment. */
export async function listRevocations(
  q: Query,
  after: number | null,
): Promise<{ kind: string; id: string; until: number }[]> {
  let query = q.selectFrom('revocations').select(['subject', 'issued_before'])
  if (after !== null) query = query.where('issued_before', '>=', after)
  const rows = await query.orderBy('issued_before', 'desc').orderBy('subject').limit(10_000).execute()
  return rows.map(row => {
    const colon = row.subject.indexOf(':')
    return { kind: row.subject.slice(0, colon), id: row.subject.slice(colon + 1), until: Number(row.issued_before) }
  })
}
