// Backups of volumes and snapshots, whole or as increments, and what is made of them again.
import { action, del, get, post, put } from '#kernel/contract/route.ts'
import { may, must, object } from '#kernel/contract/shape.ts'
import { any, bool, boolLike, dict, int, list, nullable, raw, text } from '#kernel/contract/shapes.ts'
import { faults } from '#services/cinder/contract/faults.ts'
import { rules } from '#services/cinder/contract/rules.ts'
import { anyCase, label, metadata, optionalUuid } from '#services/cinder/contract/shapes.ts'
import { BACKUP_STATUSES } from '#services/cinder/contract/states.ts'
import { Link, listQuery } from '#services/cinder/contract/volumes.ts'

const brief = { id: must(text()), name: must(nullable(text())), links: must(list(Link)) }
export const BackupBrief = object(brief)
export const BackupView = object({
  ...brief,
  status: must(text()),
  size: must(int()),
  object_count: must(int()),
  availability_zone: must(nullable(text())),
  container: must(nullable(text())),
  created_at: must(text()),
  updated_at: must(nullable(text())),
  description: must(nullable(text())),
  fail_reason: must(nullable(text())),
  volume_id: must(text()),
  is_incremental: must(bool),
  has_dependent_backups: must(bool),
  snapshot_id: must(nullable(text())),
  data_timestamp: must(text()),
  'os-backup-project-attr:project_id': must(text()).since('3.18').seenBy(rules.backupBackupProjectAttribute),
  metadata: must(dict(text())).since('3.43'),
  user_id: must(text()).since('3.56').seenBy(rules.backupBackupProjectAttribute),
})
const base64 = raw<string>({ type: 'string', minLength: 1, maxLength: 1_000_000, pattern: '^[A-Za-z0-9+/_=\\s-]+$' })
const record = object({
  'backup-record': must(object({ backup_service: must(text({ max: 255 })), backup_url: must(base64) })),
})
const made = object({ backup: must(BackupBrief) })
const quota = [faults.BackupLimitExceeded, faults.VolumeBackupSizeExceedsAvailableQuota]
const at = '/v3/backups/{id}'

export const backups = {
  list: get('/v3/backups', { policy: rules.backupGetAll, query: listQuery, switches: { sortName: '3.37' } }),
  detail: get('/v3/backups/detail', {
    policy: rules.backupGetAll,
    query: listQuery,
    reply: object({ backups: must(list(BackupView)) }, { extra: true }),
    switches: { sortName: '3.37' },
  }),
  show: get(at, {
    policy: rules.backupGet,
    reply: object({ backup: must(BackupView) }),
    faults: [faults.BackupNotFound],
  }),
  create: post('/v3/backups', {
    policy: rules.backupCreate,
    status: 202,
    body: object({
      backup: must(
        object({
          volume_id: must(text({ format: 'uuid' })),
          container: may(nullable(text({ max: 255 }))),
          name: may(label),
          description: may(label),
          incremental: may(boolLike),
          force: may(boolLike),
          snapshot_id: may(optionalUuid),
          metadata: may(nullable(metadata)).since('3.43'),
          availability_zone: may(nullable(text({ max: 255 }))).since('3.51'),
        }),
      ),
    }),
    reply: made,
    faults: [
      faults.VolumeNotFound,
      faults.SnapshotNotFound,
      faults.InvalidVolume,
      faults.InvalidSnapshot,
      faults.InvalidBackup,
      ...quota,
    ],
  }),
  update: put(at, {
    policy: rules.backupUpdate,
    since: '3.9',
    body: object({
      backup: must(object({ name: may(label), description: may(label), metadata: may(metadata).since('3.43') })),
    }),
    reply: made,
    faults: [faults.BackupNotFound],
  }),
  remove: del(at, {
    policy: rules.backupDelete,
    status: 202,
    faults: [faults.BackupNotFound, faults.InvalidBackup],
  }),
  restore: post(`${at}/restore`, {
    policy: rules.backupRestore,
    status: 202,
    body: object({ restore: must(object({ name: may(label), volume_id: may(optionalUuid) })) }),
    reply: object({
      restore: must(object({ backup_id: must(text()), volume_id: must(text()), volume_name: must(nullable(text())) })),
    }),
    faults: [
      faults.BackupNotFound,
      faults.VolumeNotFound,
      faults.InvalidBackup,
      faults.InvalidVolume,
      faults.InvalidInput,
      faults.VolumeLimitExceeded,
      faults.VolumeSizeExceedsAvailableQuota,
      faults.VolumeSizeExceedsLimit,
    ],
  }),
  exportRecord: get(`${at}/export_record`, {
    policy: rules.backupExportImport,
    reply: record,
    faults: [faults.BackupNotFound, faults.InvalidBackup],
  }),
  importRecord: post('/v3/backups/import_record', {
    policy: rules.backupBackupImport,
    body: record,
    reply: made,
    faults: [faults.InvalidInput, faults.InvalidBackup, faults.BackupServiceMissing, ...quota],
  }),
}
const actionAt = '/v3/backups/{id}/action'
export const backupActions = {
  resetStatus: action(actionAt, 'os-reset_status', {
    policy: rules.backupAdminActionsResetStatus,
    body: object({ status: must(anyCase(BACKUP_STATUSES, false)) }),
    faults: [faults.BackupNotFound],
  }),
  forceDelete: action(actionAt, 'os-force_delete', {
    policy: rules.backupAdminActionsForceDelete,
    body: any,
    faults: [faults.BackupNotFound, faults.InvalidBackup],
  }),
}
