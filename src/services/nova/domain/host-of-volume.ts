// Where a volume is plugged in.
import type { Database } from '#kernel/db/database.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import { blockDevicesDb } from '#services/nova/db/block-devices.ts'
import { serversDb } from '#services/nova/db/servers.ts'
import type { NovaTables } from '#services/nova/db/tables.ts'

/** The server that has the volume and its host; undefined when no living one has. */
export const hostOfVolume = (
  database: Database<NovaTables>,
  ctx: Ctx,
  volumeId: string,
): Promise<{ serverId: string; host: string } | undefined> =>
  database.read(ctx, 'host-of-volume', async q => {
    for (const device of await blockDevicesDb(q).byVolume(volumeId)) {
      const server = await serversDb(q).byId(device.serverId)
      if (server?.host !== null && server?.host !== undefined) return { serverId: server.id, host: server.host }
    }
    return undefined
  })
