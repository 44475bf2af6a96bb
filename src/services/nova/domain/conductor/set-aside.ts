// Servers that wait to be reclaimed count against no quota: the mark on the row and the project's sums change together.
import type { Kysely } from 'kysely'

import { serversDb } from '#services/nova/db/servers.ts'
import type { Server } from '#services/nova/db/servers.ts'
import type { NovaTables } from '#services/nova/db/tables.ts'
import { countUsage } from '#services/nova/domain/quotas.ts'

type Q = Kysely<NovaTables>
/** What a server takes of its project's quota: nothing while it waits to be reclaimed. */
export const shareOf = (server: Server): { instances: number; cores: number; ramMb: number } =>
  server.softDeletedAt === null
    ? { instances: 1, cores: server.flavor.vcpus, ramMb: server.flavor.ramMb }
    : { instances: 0, cores: 0, ramMb: 0 }

/** Adds a server's share to its project's sums, or with -1 takes it away. */
export async function countServer(q: Q, server: Server, times: 1 | -1): Promise<void> {
  const { instances, cores, ramMb } = shareOf(server)
  if (instances === 0) return
  await countUsage(q, server.projectId, {
    instances: times * instances,
    cores: times * cores,
    ramMb: times * ramMb,
  })
}

/** Harmless to repeat; a server that is being deleted for good meanwhile keeps its task. */
export async function setAside(q: Q, serverId: string, powerState: number, now: number): Promise<void> {
  const server = await serversDb(q).byId(serverId)
  if (server === undefined) return
  if (server.softDeletedAt === null) await countServer(q, server, -1)
  await serversDb(q).change(
    serverId,
    {
      vmState: 'soft-delete',
      powerState,
      softDeletedAt: server.softDeletedAt ?? now,
      ...(server.taskState === 'deleting' ? {} : { taskState: null }),
    },
    now,
  )
}

/** The way back of `setAside`. Harmless to repeat, and for a server that does not wait. */
export async function takeBack(q: Q, serverId: string, vmState: string, now: number): Promise<void> {
  const server = await serversDb(q).byId(serverId)
  if (server === undefined || server.softDeletedAt === null) return
  await countServer(q, { ...server, softDeletedAt: null }, 1)
  await serversDb(q).change(serverId, { vmState, softDeletedAt: null }, now)
}
