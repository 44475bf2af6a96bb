// What cinder-scheduler answers its back ends: reports of pools are kept as signs of life.
import type { Bus, Served } from '#kernel/bus/bus.ts'
import type { Database } from '#kernel/db/database.ts'
import type { Clock } from '#kernel/lib/clock.ts'
import type { Ids } from '#kernel/lib/ids.ts'
import { backupsDb } from '#services/cinder/db/backups.ts'
import { servicesDb } from '#services/cinder/db/services.ts'
import type { CinderTables } from '#services/cinder/db/tables.ts'
import { schedulerRpc } from '#services/cinder/rpc.ts'

export function serveScheduler(
  bus: Bus,
  tools: { readonly database: Database<CinderTables>; readonly clock: Clock; readonly ids: Ids },
): Promise<Served> {
  const { database, clock, ids } = tools
  return bus.serve(schedulerRpc, null, {
    async backup_report(ctx, { host, availabilityZone }) {
      await database.tx(ctx, 'backup-report', q =>
        servicesDb(q).seen(
          { id: ids.uuid(), binary: 'cinder-backup', host, availabilityZone, stats: null },
          clock.now(),
        ),
      )
      return { seen: true }
    },
    async backup_progress(ctx, { backupId, objectCount }) {
      await database.tx(ctx, 'backup-progress', q =>
        backupsDb(q).enter(backupId, 'creating', { objectCount }, clock.now()),
      )
      return { seen: true }
    },
    async pool_report(ctx, { host, availabilityZone, stats }) {
      await database.tx(ctx, 'pool-report', q =>
        servicesDb(q).seen({ id: ids.uuid(), binary: 'cinder-volume', host, availabilityZone, stats }, clock.now()),
      )
      return { seen: true }
    },
  })
}
