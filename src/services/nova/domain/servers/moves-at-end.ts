// A server that is to go while it moves, or waits for a word after it has: what its moves have begun is unwound or taken along.
import type { Kysely } from 'kysely'

import type { Database } from '#kernel/db/database.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import type { Engine } from '#kernel/saga/engine.ts'
import { hostsDb } from '#services/nova/db/hosts.ts'
import { movesDb, OVER } from '#services/nova/db/moves.ts'
import type { NovaTables } from '#services/nova/db/tables.ts'
import { evacuateServer } from '#services/nova/sagas/evacuate-server.ts'
import { landServer, liveMigrate } from '#services/nova/sagas/live-migrate.ts'
import { resizeServer } from '#services/nova/sagas/resize-server.ts'
import { confirmResize, revertResize } from '#services/nova/sagas/settle-resize.ts'

/** Ends the stories about a server that moves. */
export async function cancelMoves(engine: Engine<Kysely<NovaTables>>, serverId: string): Promise<void> {
  for (const saga of [resizeServer, liveMigrate, landServer, evacuateServer, confirmResize, revertResize])
    await engine.cancel(serverId, saga.name)
}

/** Ends that need not have tidied up everything: the story may have been cut short. */
const DOUBTFUL: ReadonlySet<string> = new Set(['error', 'cancelled', 'failed', 'reverted'])

/** Where else there may be something of the server, and what holds resources for it beside itself. */
export async function tracesOfMoves(
  tools: { readonly database: Database<NovaTables> },
  ctx: Ctx,
  serverId: string,
  host: string | null,
): Promise<{ otherHost: string | null; moveIds: string[] }> {
  return tools.database.read(ctx, 'migrations-of-server', async q => {
    const all = await movesDb(q).of(serverId)
    const traces = all.filter(
      (move, index) =>
        !OVER.has(move.status) || move.held !== null || (index === all.length - 1 && DOUBTFUL.has(move.status)),
    )
    // A dead host is not waited for: its report will show a guest that is no server's.
    const dead = new Set((await hostsDb(q).services()).filter(one => one.forcedDown).map(one => one.host))
    const others = traces
      .filter(move => move.kind !== 'evacuation' || move.status !== 'done')
      .flatMap(move => [move.source.host, move.dest?.host ?? null])
      .filter(one => one !== null && one !== '' && one !== host && !dead.has(one))
    return { otherHost: others.at(-1) ?? null, moveIds: traces.map(move => move.id) }
  })
}

/**
 * An administrator says what state a server is in while it waits for a word about its resize: the word can never come. What was put aside
 * goes, as if it had been confirmed. In the transaction that writes the state; returns the story to begin, or null.
 */
export async function confirmLeftOver(
  engine: Engine<Kysely<NovaTables>>,
  q: Kysely<NovaTables>,
  ctx: Ctx,
  serverId: string,
  now: number,
): Promise<string | null> {
  const move = await movesDb(q).withStatus(serverId, 'finished')
  if (move === undefined || !(await movesDb(q).enter(move.id, 'finished', 'confirming', now))) return null
  return engine.prepare(q, confirmResize, { serverId, moveId: move.id, from: move.source.host }, ctx)
}
