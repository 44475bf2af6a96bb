// A server that is to go while it moves, or waits for a word after it has: what its moves have begun is unwound or taken along.
import type { Kysely } from 'kysely'

import type { Database } from '#kernel/db/database.ts'
import type { Clock } from '#kernel/lib/clock.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import type { Engine } from '#kernel/saga/engine.ts'
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

/** Where else there may be something of the server, and what holds resources for it beside itself. */
export async function tracesOfMoves(
  tools: { readonly database: Database<NovaTables>; readonly clock: Clock },
  ctx: Ctx,
  serverId: string,
  host: string | null,
): Promise<{ otherHost: string | null; moveIds: string[] }> {
  const moves = await tools.database.read(ctx, 'migrations-of-server', q => movesDb(q).of(serverId))
  const open = moves.filter(move => !OVER.has(move.status) || move.held !== null)
  // A dead host is not waited for: its report will show a guest that is no server's.
  const others = open
    .filter(move => move.kind !== 'evacuation')
    .flatMap(move => [move.source.host, move.dest?.host ?? null])
    .filter(one => one !== null && one !== host)
  return { otherHost: others.at(-1) ?? null, moveIds: open.map(move => move.id) }
}
