// Nobody holds a volume, a snapshot or an attachment without having said what for.
import { Fault } from '#kernel/contract/fault.ts'
import type { Rule } from '#kernel/contract/rule.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import type { Target } from '#kernel/policy/check.ts'
import { faults } from '#services/cinder/contract/faults.ts'
import { rules } from '#services/cinder/contract/rules.ts'
import { attachmentsDb, type Attachment } from '#services/cinder/db/attachments.ts'
import { backupsDb, type Backup } from '#services/cinder/db/backups.ts'
import { snapshotsDb, type Snapshot } from '#services/cinder/db/snapshots.ts'
import { volumesDb, type Volume } from '#services/cinder/db/volumes.ts'
import type { FindTools } from '#services/cinder/domain/tools.ts'

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i
export const isUuid = (text: string): boolean => UUID.test(text)

export const targetOf = (owned: { readonly projectId: string; readonly userId?: string }): Target => ({
  project_id: owned.projectId,
  ...(owned.userId === undefined ? {} : { user_id: owned.userId }),
})

/** Throws 403 in the words of every service. */
export function demand(tools: FindTools, ctx: Ctx, rule: Rule, target: Target): void {
  const verdict = tools.policy.check(ctx.who, rule, target)
  if (verdict.ok) return
  throw new Fault('Forbidden', 403, `Policy doesn't allow ${rule.name} to be performed.`, { because: verdict.because })
}

/** A volume for what `rule` is about. 404 when the caller may not even see it, 403 when he may see it but not do that. */
export async function findVolume(tools: FindTools, ctx: Ctx, id: string, rule: Rule): Promise<Volume> {
  const volume = isUuid(id)
    ? await tools.database.read(ctx, 'find-volume', q => volumesDb(q).byId(id.toLowerCase()))
    : undefined
  if (volume === undefined || !tools.policy.allows(ctx.who, rules.volumeGet, targetOf(volume)))
    throw faults.VolumeNotFound({ id })
  demand(tools, ctx, rule, targetOf(volume))
  return volume
}

export async function findSnapshot(tools: FindTools, ctx: Ctx, id: string, rule: Rule): Promise<Snapshot> {
  const snapshot = isUuid(id)
    ? await tools.database.read(ctx, 'find-snapshot', q => snapshotsDb(q).byId(id.toLowerCase()))
    : undefined
  if (snapshot === undefined || !tools.policy.allows(ctx.who, rules.volumeGetSnapshot, targetOf(snapshot)))
    throw faults.SnapshotNotFound({ id })
  demand(tools, ctx, rule, targetOf(snapshot))
  return snapshot
}

export async function findBackup(tools: FindTools, ctx: Ctx, id: string, rule: Rule): Promise<Backup> {
  const backup = isUuid(id)
    ? await tools.database.read(ctx, 'find-backup', q => backupsDb(q).byId(id.toLowerCase()))
    : undefined
  if (backup === undefined || !tools.policy.allows(ctx.who, rules.backupGet, targetOf(backup)))
    throw faults.BackupNotFound({ id })
  demand(tools, ctx, rule, targetOf(backup))
  return backup
}

/** An attachment; it belongs to the project of its volume. `rule` null: to look at. */
export async function findAttachment(tools: FindTools, ctx: Ctx, id: string, rule: Rule | null): Promise<Attachment> {
  const attachment = isUuid(id)
    ? await tools.database.read(ctx, 'find-attachment', q => attachmentsDb(q).byId(id.toLowerCase()))
    : undefined
  if (attachment === undefined || !tools.policy.allows(ctx.who, rules.volumeGet, targetOf(attachment)))
    throw faults.AttachmentNotFound({ id })
  if (rule !== null) demand(tools, ctx, rule, targetOf(attachment))
  return attachment
}
