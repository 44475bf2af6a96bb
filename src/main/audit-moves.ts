// Servers that move: what two hosts, Placement and the quota hold for one server while it is on its way, or waits for a word after it.
import type { Kysely } from 'kysely'

import type { Violation } from '#kernel/lib/violation.ts'
import type { Cloud } from '#main/create-cloud.ts'
import { movesDb, OVER, type Move } from '#services/nova/db/moves.ts'
import type { Server } from '#services/nova/db/servers.ts'
import type { NovaTables } from '#services/nova/db/tables.ts'

/** Moves that hold something, by their ids: they are consumers of Placement beside the servers. */
export async function openMoves(q: Kysely<NovaTables>): Promise<Map<string, Move>> {
  const open = (await movesDb(q).underWay()).map(move => [move.id, move] as const)
  return new Map(open)
}

const LIMIT_CONFIRM_MS = 600_000

/**
 * - I-40: a move that is over holds a host's resources or is charged to a project.
 * - I-41: a server in VERIFY_RESIZE without a finished move, or whose old disks are gone; a finished move whose server waits for nothing.
 * - I-42: disks put aside for nobody.
 */
export async function auditMoves(cloud: Cloud, servers: ReadonlyMap<string, Server>): Promise<Violation[]> {
  const { nova, machine, platform } = cloud
  const q = nova.rooms.database.kysely
  const found: Violation[] = []
  const add = (ledger: string, subject: string, says: string): void => void found.push({ ledger, subject, says })
  const leaks = await q
    .selectFrom('server_moves')
    .select(['id', 'server_id', 'status'])
    .where('status', 'in', [...OVER])
    .where(eb => eb.or([eb('held_host', 'is not', null), eb('charged_cores', '!=', 0), eb('charged_ram_mb', '!=', 0)]))
    .execute()
  for (const leak of leaks) {
    // One that was aborted still holds what its unwinding gives back.
    if (servers.get(leak.server_id)?.taskState === 'migrating') continue
    add('I-40', leak.server_id, `migration ${leak.id} is ${leak.status} and still holds resources`)
  }

  const open = await openMoves(q)
  const asides = new Map<string, Set<string>>()
  for (const host of machine.hosts) asides.set(host.name, new Set(await host.hypervisor.asides()))
  for (const move of open.values()) {
    const server = servers.get(move.serverId)
    if (server === undefined) {
      add('I-40', move.serverId, `migration ${move.id} is ${move.status}, its server does not exist`)
      continue
    }
    const waits = server.vmState === 'resized'
    if (move.status === 'finished' && !waits && server.vmState !== 'soft-delete')
      add('I-41', server.id, `migration ${move.id} waits for a word, the server is ${server.vmState}`)
    const since = platform.clock.now() - (move.updatedAt ?? move.createdAt)
    if ((move.status === 'confirming' || move.status === 'reverting') && since > LIMIT_CONFIRM_MS)
      add('I-41', server.id, `migration ${move.id} has been ${move.status} for more than ten minutes`)
    const there = asides.get(move.source.host)
    if (move.status === 'finished' && there !== undefined && !there.has(server.id))
      add('I-41', server.id, `it waits to be confirmed, its old disks on ${move.source.host} are gone`)
  }
  for (const server of servers.values()) {
    if (server.vmState !== 'resized' || server.taskState !== null) continue
    const known = [...open.values()].some(
      move => move.serverId === server.id && (move.status === 'finished' || move.status === 'confirming'),
    )
    if (!known) add('I-41', server.id, 'it is in VERIFY_RESIZE, and nothing is there to confirm')
  }
  for (const [host, ids] of asides)
    for (const id of ids) {
      const wanted = [...open.values()].some(move => move.serverId === id && move.source.host === host)
      const busy = (servers.get(id)?.taskState ?? null) !== null
      if (!wanted && !busy) add('I-42', id, `disks put aside on ${host} belong to no migration`)
    }
  return found
}
