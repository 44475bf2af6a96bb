// What lists of volumes show beside the volumes themselves: one look each for the whole list.
import type { Database } from '#kernel/db/database.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import { attachmentsDb, type Attachment } from '#services/cinder/db/attachments.ts'
import { groupSnapshotsDb } from '#services/cinder/db/group-snapshots.ts'
import { groupsDb } from '#services/cinder/db/groups.ts'
import { backupsDb } from '#services/cinder/db/backups.ts'
import { servicesDb } from '#services/cinder/db/services.ts'
import { snapshotsDb } from '#services/cinder/db/snapshots.ts'
import type { CinderTables } from '#services/cinder/db/tables.ts'
import { typesDb } from '#services/cinder/db/types.ts'
import { volumesDb } from '#services/cinder/db/volumes.ts'
import { CONSISTENCY_TYPE } from '#services/cinder/domain/group-types.ts'

export const createVolumeLoads = (database: Database<CinderTables>) => ({
  metadata: (ctx: Ctx, ids: readonly string[]): Promise<Map<string, Record<string, string>>> =>
    database.read(ctx, 'metadata-of-volumes', q => volumesDb(q).metadataOf(ids)),
  attachments: (ctx: Ctx, ids: readonly string[]): Promise<Map<string, Attachment[]>> =>
    ids.length === 0
      ? Promise.resolve(new Map())
      : database.read(ctx, 'attachments-of-volumes', q => attachmentsDb(q).ofVolumes(ids)),
  types: (ctx: Ctx): Promise<Map<string, string>> => database.read(ctx, 'names-of-types', q => typesDb(q).names()),
  /** Volume → its group, and whether that is a consistency group. */
  groups: (ctx: Ctx, ids: readonly string[]) =>
    database.read(ctx, 'groups-of-volumes', q => groupsDb(q).ofVolumes(ids, CONSISTENCY_TYPE)),
  /** Snapshot → the group snapshot it is part of. */
  groupSnapshots: (ctx: Ctx, ids: readonly string[]): Promise<Map<string, string>> =>
    database.read(ctx, 'groups-of-snapshots', q => groupSnapshotsDb(q).ofSnapshots(ids)),
  /** `host@backend` → the service's id. */
  services: async (ctx: Ctx): Promise<Map<string, string>> => {
    const services = await database.read(ctx, 'ids-of-services', q => servicesDb(q).all())
    return new Map(services.filter(one => one.binary === 'cinder-volume').map(one => [one.host, one.id]))
  },
  backupMetadata: (ctx: Ctx, ids: readonly string[]): Promise<Map<string, Record<string, string>>> =>
    database.read(ctx, 'metadata-of-backups', q => backupsDb(q).metadataOf(ids)),
  /** Which of these have increments. */
  backupParents: (ctx: Ctx, ids: readonly string[]): Promise<Set<string>> =>
    database.read(ctx, 'parents-of-backups', q => backupsDb(q).parentsAmong(ids)),
  snapshotMetadata: (ctx: Ctx, ids: readonly string[]): Promise<Map<string, Record<string, string>>> =>
    database.read(ctx, 'metadata-of-snapshots', q => snapshotsDb(q).metadataOf(ids)),
})
export type VolumeLoads = ReturnType<typeof createVolumeLoads>
