// What lists show beside the servers' own rows: one query each for a whole page, and only when a visible field needs it.
import type { Database } from '#kernel/db/database.ts'
import type { Clock } from '#kernel/lib/clock.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import { actionsDb, type ServerFault } from '#services/nova/db/actions.ts'
import { blockDevicesDb, type BlockDevice } from '#services/nova/db/block-devices.ts'
import { hostsDb } from '#services/nova/db/hosts.ts'
import { loadsDb } from '#services/nova/db/loads.ts'
import { nicsDb } from '#services/nova/db/nics.ts'
import type { NovaTables } from '#services/nova/db/tables.ts'
import { isUp } from '#services/nova/domain/conductor/host-states.ts'
import type { NicRecord } from '#services/nova/rpc.ts'

export interface ServerLoads {
  metadata(ctx: Ctx, ids: readonly string[]): Promise<Map<string, Record<string, string>>>
  tags(ctx: Ctx, ids: readonly string[]): Promise<Map<string, string[]>>
  nics(ctx: Ctx, ids: readonly string[]): Promise<Map<string, NicRecord[]>>
  devices(ctx: Ctx, ids: readonly string[]): Promise<Map<string, BlockDevice[]>>
  faults(ctx: Ctx, ids: readonly string[]): Promise<Map<string, ServerFault>>
  groups(ctx: Ctx, ids: readonly string[]): Promise<Map<string, string[]>>
  /** `UP`, `DOWN` or `MAINTENANCE`, by host. */
  hostStates(ctx: Ctx): Promise<Map<string, string>>
  /** The same for all servers of a project on a host, and telling neither. */
  hostId(projectId: string, host: string | null): string
}

/** `sha224` gives hex; `downAfterMs` is the age of a report after which a host counts as down. */
export function serverLoads(
  tools: { database: Database<NovaTables>; clock: Clock },
  sha224: (text: string) => string,
  downAfterMs: number,
): ServerLoads {
  const { database, clock } = tools
  return {
    metadata: (ctx, ids) => database.read(ctx, 'metadata-of-servers', q => loadsDb(q).metadata(ids)),
    tags: (ctx, ids) => database.read(ctx, 'tags-of-servers', q => loadsDb(q).tags(ids)),
    nics: (ctx, ids) => database.read(ctx, 'nics-of-servers', q => nicsDb(q).ofAll(ids)),
    devices: (ctx, ids) => database.read(ctx, 'disks-of-servers', q => blockDevicesDb(q).ofAll(ids)),
    faults: (ctx, ids) => database.read(ctx, 'faults-of-servers', q => actionsDb(q).faultsOf(ids)),
    groups: (ctx, ids) => database.read(ctx, 'groups-of-servers', q => loadsDb(q).groups(ids)),
    hostStates: ctx =>
      database.read(ctx, 'host-states', async q => {
        const services = (await hostsDb(q).services()).filter(one => one.binary === 'nova-compute')
        return new Map(
          services.map(one => [
            one.host,
            isUp(one, clock.now(), downAfterMs) ? (one.disabled ? 'MAINTENANCE' : 'UP') : 'DOWN',
          ]),
        )
      }),
    hostId: (projectId, host) => (host === null ? '' : sha224(projectId + host)),
  }
}
