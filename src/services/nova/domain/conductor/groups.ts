// Server groups at the moment of placing. The request's own look at its group is old by then: others are on their way. Here the choices
// of one group are made one after the other, each knowing those before it; and the row is written only where the policy still holds.
import type { Kysely } from 'kysely'

import { Fault } from '#kernel/contract/fault.ts'
import { locks } from '#kernel/lib/lock.ts'
import type { NovaTables } from '#services/nova/db/tables.ts'
import type { RequestSpec } from '#services/nova/rpc.ts'

type Group = NonNullable<RequestSpec['group']> & { readonly id: string }

/** The group that the server is in and where its other members are; null when it is in none. */
export async function groupAround(q: Kysely<NovaTables>, serverId: string): Promise<Group | null> {
  const group = await q
    .selectFrom('server_groups as g')
    .innerJoin('server_group_members as m', 'm.group_id', 'g.id')
    .select(['g.id', 'g.policy', 'g.max_server_per_host'])
    .where('m.server_id', '=', serverId)
    .executeTakeFirst()
  if (group === undefined) return null
  const others = await q
    .selectFrom('server_group_members as m')
    .innerJoin('servers as s', 's.id', 'm.server_id')
    .select('s.host')
    .where('m.group_id', '=', group.id)
    .where('s.id', '!=', serverId)
    .where('s.deleted_at', 'is', null)
    .where('s.host', 'is not', null)
    .execute()
  const hosts: Record<string, number> = {}
  for (const { host } of others) if (host !== null) hosts[host] = (hosts[host] ?? 0) + 1
  return { id: group.id, policy: group.policy, maxPerHost: group.max_server_per_host, hosts }
}

/** Refuses (another host may do) a place that the policy of the server's group forbids by now. In the transaction that writes the place. */
export async function demandGroupPolicy(q: Kysely<NovaTables>, serverId: string, host: string): Promise<void> {
  const group = await groupAround(q, serverId)
  if (group === null) return
  const here = group.hosts[host] ?? 0
  const broken =
    group.policy === 'anti-affinity'
      ? here >= (group.maxPerHost ?? 1)
      : group.policy === 'affinity' && here === 0 && Object.keys(group.hosts).length > 0
  if (!broken) return
  const name = group.policy === 'affinity' ? 'Affinity' : 'Anti-affinity'
  throw new Fault('GroupAffinityViolation', 500, `${name} instance group policy was violated`)
}

export interface GroupTurns {
  /** Chooses for a member when no other member of its group is being chosen for; `choose` is given the spec with the group as it is now. */
  choose<T extends { readonly hosts: readonly { readonly host: string }[] }>(
    spec: RequestSpec,
    look: () => Promise<Group | null>,
    choose: (spec: RequestSpec) => Promise<T>,
  ): Promise<T>
  /** The rows say where it is, or it will be nowhere. */
  arrived(serverId: string): void
}

/** Who is on his way where is known to this process only: between two conductors {@link demandGroupPolicy} decides. */
export function groupTurns(): GroupTurns {
  const turns = locks()
  const onTheWay = new Map<string, { readonly group: string; readonly host: string }>()
  return {
    async choose(spec, look, choose) {
      const { group } = spec
      if (group === null) return choose(spec)
      const id = (await look())?.id
      if (id === undefined) return choose({ ...spec, group: null })
      return turns.with(id, async () => {
        const now = await look()
        if (now === null) return choose({ ...spec, group: null })
        const hosts = { ...now.hosts }
        for (const [server, way] of onTheWay)
          if (way.group === id && server !== spec.serverId) hosts[way.host] = (hosts[way.host] ?? 0) + 1
        const chosen = await choose({ ...spec, group: { policy: now.policy, maxPerHost: now.maxPerHost, hosts } })
        const first = chosen.hosts[0]
        if (first !== undefined) onTheWay.set(spec.serverId, { group: id, host: first.host })
        return chosen
      })
    },
    arrived: serverId => void onTheWay.delete(serverId),
  }
}
