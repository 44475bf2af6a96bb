// Backups against what is kept of them: none without a row, no row without its bytes, no increment without what it stands on.
import type { Bus } from '#kernel/bus/bus.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import type { Violation } from '#kernel/lib/violation.ts'
import { BACKUP_TRANSITIONS } from '#services/cinder/contract/states.ts'
import type { Backup } from '#services/cinder/db/backups.ts'
import type { Service } from '#services/cinder/db/services.ts'
import { isUp } from '#services/cinder/domain/scheduling/pools.ts'
import type { BackupInventory } from '#services/cinder/drivers/backups.ts'
import { backupRpc } from '#services/cinder/rpc.ts'

export interface BackupsAudited {
  readonly bus: Bus
  readonly ctx: Ctx
  readonly services: readonly Service[]
  readonly backups: readonly Backup[]
  readonly now: number
  readonly downAfterMs: number
  readonly longestMs: number
}
const HAS_BYTES = ['available', 'restoring']

export async function auditBackups(audited: BackupsAudited): Promise<Violation[]> {
  const { bus, ctx, services, backups, now } = audited
  const found: Violation[] = []
  const rows = new Map(backups.map(one => [one.id, one]))
  for (const one of backups) {
    if (one.parentId !== null && !rows.has(one.parentId))
      found.push({ ledger: 'I-24', subject: one.id, says: `It is an increment of ${one.parentId}, which is not there` })
    if (BACKUP_TRANSITIONS.includes(one.status) && one.statusAt < now - audited.longestMs)
      found.push({
        ledger: 'I-22',
        subject: one.id,
        says: `It has been ${one.status} since ${new Date(one.statusAt).toISOString()}`,
      })
  }
  for (const service of services) {
    if (service.binary !== 'cinder-backup' || !isUp(service, now, audited.downAfterMs)) continue
    let inventory: BackupInventory
    try {
      inventory = (await bus.client(backupRpc).on(service.host).inventory(ctx, {})).inventory
    } catch (error) {
      found.push({ ledger: 'I-24', subject: service.host, says: `It cannot be asked: ${(error as Error).message}` })
      continue
    }
    found.push(
      ...keptViolations(
        backups.filter(one => one.host === service.host),
        inventory,
      ),
    )
  }
  return found
}

function keptViolations(backups: readonly Backup[], inventory: BackupInventory): Violation[] {
  const found: Violation[] = []
  const kept = new Set(inventory.backups.map(one => one.backupId))
  const rows = new Set(backups.map(one => one.id))
  for (const one of backups)
    if (HAS_BYTES.includes(one.status) && !kept.has(one.id))
      found.push({ ledger: 'I-24', subject: one.id, says: `It is ${one.status} and its bytes are not there` })
  for (const { backupId, needs } of inventory.backups) {
    if (!rows.has(backupId)) found.push({ ledger: 'I-24', subject: backupId, says: 'A backup is kept and has no row' })
    for (const needed of needs)
      if (!kept.has(needed))
        found.push({ ledger: 'I-24', subject: backupId, says: `It stands on ${needed}, which is not kept` })
  }
  const atWork = backups.filter(one => BACKUP_TRANSITIONS.includes(one.status)).map(one => one.id)
  for (const leftover of inventory.leftovers)
    if (!atWork.some(id => leftover.includes(id)))
      found.push({ ledger: 'I-11', subject: leftover, says: 'Half-made, and nobody works on it' })
  return found
}
