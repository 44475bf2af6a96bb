// Rows of who has which role on what.
import { flag, isSet } from '#kernel/db/codecs.ts'
import { insertIfAbsent } from '#kernel/db/helpers.ts'
import type { Query } from '#services/keystone/db/ledger.ts'
import type { ActorKind, AssignmentsTable, TargetKind } from '#services/keystone/db/tables.ts'

export interface Assignment {
  readonly actorKind: ActorKind
  readonly actorId: string
  readonly targetKind: TargetKind
  /** `system` for the system. */
  readonly targetId: string
  readonly roleId: string
  /** Holds for the projects below the target, not for the target itself. */
  readonly inherited: boolean
}
/** The system as a target. */
export const SYSTEM = 'system'

const fromRow = (row: AssignmentsTable): Assignment => ({
  actorKind: row.actor_kind,
  actorId: row.actor_id,
  targetKind: row.target_kind,
  targetId: row.target_id,
  roleId: row.role_id,
  inherited: isSet(row.inherited),
})
const toRow = (a: Assignment): AssignmentsTable => ({
  actor_kind: a.actorKind,
  actor_id: a.actorId,
  target_kind: a.targetKind,
  target_id: a.targetId,
  role_id: a.roleId,
  inherited: flag(a.inherited),
})

export type AssignmentFilter = { readonly [K in keyof Assignment]?: Assignment[K] | undefined }

/** Assignments that agree with every given part, in a stable order. */
export async function listAssignments(q: Query, of: AssignmentFilter): Promise<Assignment[]> {
  let query = q.selectFrom('assignments').selectAll()
  if (of.actorId !== undefined) query = query.where('actor_id', '=', of.actorId)
  if (of.actorKind !== undefined) query = query.where('actor_kind', '=', of.actorKind)
  if (of.targetId !== undefined) query = query.where('target_id', '=', of.targetId)
  if (of.targetKind !== undefined) query = query.where('target_kind', '=', of.targetKind)
  if (of.roleId !== undefined) query = query.where('role_id', '=', of.roleId)
  if (of.inherited !== undefined) query = query.where('inherited', '=', flag(of.inherited))
  const rows = await query.orderBy('actor_id').orderBy('target_id').orderBy('role_id').orderBy('inherited').execute()
  return rows.map(fromRow)
}
/** All of a user and of the groups he is in. */
export async function assignmentsOfUser(q: Query, userId: string): Promise<Assignment[]> {
  const rows = await q
    .selectFrom('assignments')
    .selectAll()
    .where(eb =>
      eb.or([
        eb.and([eb('actor_kind', '=', 'user'), eb('actor_id', '=', userId)]),
        eb.and([
          eb('actor_kind', '=', 'group'),
          eb('actor_id', 'in', eb.selectFrom('memberships').select('group_id').where('user_id', '=', userId)),
        ]),
      ]),
    )
    .execute()
  return rows.map(fromRow)
}
export const addAssignment = (q: Query, assignment: Assignment): Promise<boolean> =>
  insertIfAbsent(q, 'assignments', toRow(assignment), [
    'actor_id',
    'actor_kind',
    'target_id',
    'target_kind',
    'role_id',
    'inherited',
  ])
/** False when there was none. */
export async function removeAssignment(q: Query, a: Assignment): Promise<boolean> {
  const row = toRow(a)
  const result = await q
    .deleteFrom('assignments')
    .where('actor_id', '=', row.actor_id)
    .where('actor_kind', '=', row.actor_kind)
    .where('target_id', '=', row.target_id)
    .where('target_kind', '=', row.target_kind)
    .where('role_id', '=', row.role_id)
    .where('inherited', '=', row.inherited)
    .executeTakeFirstOrThrow()
  return result.numDeletedRows > 0n
}
export async function removeAssignmentsOfActor(q: Query, kind: ActorKind, id: string): Promise<void> {
  await q.deleteFrom('assignments').where('actor_kind', '=', kind).where('actor_id', '=', id).execute()
}
/** A project or domain goes: whatever kind of target it was. */
export async function removeAssignmentsOnTarget(q: Query, id: string): Promise<void> {
  await q.deleteFrom('assignments').where('target_id', '=', id).where('target_kind', '!=', 'system').execute()
}
