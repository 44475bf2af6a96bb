// Wishes about where a server should go: zone, host, group, neighbours. Resolved from rows before anything is written.
import type { Kysely } from 'kysely'

import { Fault } from '#kernel/contract/fault.ts'
import type { Who } from '#kernel/lib/context.ts'
import type { Enforcer } from '#kernel/policy/enforcer.ts'
import { faults } from '#services/nova/contract/faults.ts'
import { rules } from '#services/nova/contract/rules.ts'
import { hostsDb } from '#services/nova/db/hosts.ts'
import type { NovaTables } from '#services/nova/db/tables.ts'
import { DEFAULT_ZONE } from '#services/nova/domain/conductor/host-states.ts'
import type { RequestSpec } from '#services/nova/rpc.ts'

/** `zone`, or an administrator's `zone:host`. Throws 400 for a zone nobody is in. */
export async function zoneOf(
  q: Kysely<NovaTables>,
  wanted: string | null,
): Promise<{ zone: string | null; host: string | null }> {
  if (wanted === null) return { zone: null, host: null }
  const [zone = '', host = ''] = wanted.split(':')
  const db = hostsDb(q)
  if (zone !== '') {
    const zones = new Set((await db.aggregates()).flatMap(aggregate => aggregate.metadata['availability_zone'] ?? []))
    zones.add(DEFAULT_ZONE)
    if (!zones.has(zone)) throw faults.BadRequest({ reason: 'The requested availability zone is not available' })
  }
  if (host !== '' && (await db.nodeOf(host)) === undefined)
    throw faults.BadRequest({ reason: `Compute host ${host} could not be found.` })
  return { zone: zone === '' ? null : zone, host: host === '' ? null : host }
}

/** The group of a hint, with where its members are. Throws 400 for one that the caller does not have. */
export async function groupForScheduling(
  q: Kysely<NovaTables>,
  hint: unknown,
  who: Who,
  policy: Enforcer,
): Promise<{ id: string; scheduling: NonNullable<RequestSpec['group']> } | null> {
  if (hint === undefined || hint === null) return null
  if (typeof hint !== 'string') throw faults.BadRequest({ reason: 'Server group scheduler hint must be a UUID.' })
  const group = await q.selectFrom('server_groups').selectAll().where('id', '=', hint).executeTakeFirst()
  if (group === undefined || !policy.allows(who, rules.serverGroupsShow, { project_id: group.project_id })) {
    throw new Fault('InvalidServerGroup', 400, `ServerGroup ${hint} could not be found.`)
  }
  const members = await q
    .selectFrom('server_group_members as m')
    .innerJoin('servers as s', 's.id', 'm.server_id')
    .select('s.host')
    .where('m.group_id', '=', group.id)
    .where('s.deleted_at', 'is', null)
    .where('s.host', 'is not', null)
    .execute()
  const hosts: Record<string, number> = {}
  for (const { host } of members) if (host !== null) hosts[host] = (hosts[host] ?? 0) + 1
  return { id: group.id, scheduling: { policy: group.policy, maxPerHost: group.max_server_per_host, hosts } }
}

/** Hints that name servers, as the hosts those servers are on. */
export async function hostsOfHints(
  q: Kysely<NovaTables>,
  hints: Readonly<Record<string, unknown>>,
): Promise<Record<string, string[]>> {
  const found: Record<string, string[]> = {}
  for (const key of ['different_host', 'same_host'] as const) {
    const value = hints[key]
    if (value === undefined) continue
    const ids = (Array.isArray(value) ? value : [value]).filter(one => typeof one === 'string')
    const rows = await q
      .selectFrom('servers')
      .select('host')
      .where('id', 'in', ids.length === 0 ? [''] : ids)
      .where('deleted_at', 'is', null)
      .execute()
    found[`${key}_hosts`] = rows.flatMap(row => (row.host === null ? [] : [row.host]))
  }
  return found
}
