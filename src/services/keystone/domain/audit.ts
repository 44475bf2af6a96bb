// The ledgers of identity against each other: what is granted, to whom, on what, and what refers to things that are gone.
import { sql } from 'kysely'
import type { Clock } from '#kernel/lib/clock.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import type { Audit, Violation } from '#kernel/lib/violation.ts'
import type { Ledger, Query } from '#services/keystone/db/ledger.ts'

const LEDGER = 'I-33'

export const createAudit =
  (ledger: Ledger, ctx: () => Ctx, clock: Clock): Audit =>
  () =>
    ledger.read(ctx(), 'audit-identity', async q => [
      ...(await danglingAssignments(q)),
      ...(await danglingReferences(q)),
      ...(await futureRevocations(q, clock.now())),
    ])

async function danglingAssignments(q: Query): Promise<Violation[]> {
  const { rows } = await sql<{
    actor_kind: string
    actor_id: string
    target_kind: string
    target_id: string
    role_id: string
    actor: string | null
    target: string | null
    role: string | null
  }>`
    select a.*, coalesce(u.id, g.id) as actor, case when a.target_kind = 'system' then 'system' else p.id end as target, r.id as role
    from assignments a
    left join users u on a.actor_kind = 'user' and u.id = a.actor_id
    left join groups g on a.actor_kind = 'group' and g.id = a.actor_id
    left join projects p on p.id = a.target_id and p.is_domain = case when a.target_kind = 'domain' then 1 else p.is_domain end
    left join roles r on r.id = a.role_id`.execute(q)
  return rows.flatMap(row => {
    const says = (what: string): Violation => ({
      ledger: LEDGER,
      subject: row.actor_id,
      says: `role ${row.role_id} is assigned to ${row.actor_kind} ${row.actor_id} on ${row.target_kind} ${row.target_id}, but ${what} is not there`,
    })
    return [
      ...(row.actor === null ? [says(`the ${row.actor_kind}`)] : []),
      ...(row.target === null ? [says(`the ${row.target_kind}`)] : []),
      ...(row.role === null ? [says('the role')] : []),
    ]
  })
}

/** Table, column, what it refers to. Foreign keys hold the others. */
const REFERENCES: readonly (readonly [table: string, column: string, to: string, where?: string])[] = [
  ['users', 'domain_id', 'projects'],
  ['groups', 'domain_id', 'projects'],
  ['projects', 'domain_id', 'projects', "domain_id <> ''"],
  ['projects', 'parent_id', 'projects', 'parent_id is not null'],
  ['roles', 'domain_id', 'projects', "domain_id <> ''"],
  ['endpoints', 'region_id', 'regions', 'region_id is not null'],
  ['regions', 'parent_id', 'regions', 'parent_id is not null'],
  ['application_credentials', 'project_id', 'projects'],
  ['credentials', 'user_id', 'users'],
  ['trusts', 'trustor_id', 'users', 'deleted_at is null'],
  ['trusts', 'trustee_id', 'users', 'deleted_at is null'],
  ['limits', 'registered_limit_id', 'registered_limits'],
]
async function danglingReferences(q: Query): Promise<Violation[]> {
  const found: Violation[] = []
  for (const [table, column, to, where] of REFERENCES) {
    const { rows } = await sql<{ id: string; target: string }>`
      select id, ${sql.ref(column)} as target from ${sql.table(table)}
      where ${sql.raw(where ?? '1 = 1')} and ${sql.ref(column)} not in (select id from ${sql.table(to)})`.execute(q)
    for (const row of rows)
      found.push({
        ledger: LEDGER,
        subject: row.id,
        says: `${table} ${row.id} names ${column} ${row.target}, which is not in ${to}`,
      })
  }
  return found
}

/** A revocation from the future would end tokens that nobody ended. */
async function futureRevocations(q: Query, now: number): Promise<Violation[]> {
  const rows = await q
    .selectFrom('revocations')
    .selectAll()
    .where('issued_before', '>', now + 60_000)
    .execute()
  return rows.map(row => ({
    ledger: LEDGER,
    subject: row.subject,
    says: `tokens are ended until ${new Date(row.issued_before).toISOString()}, which is yet to come`,
  }))
}
