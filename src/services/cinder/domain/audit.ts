// Cinder's side of the audit: rows against attachments, against what lies in the back ends, and against the clock (I-21 to I-24).
import type { Bus } from '#kernel/bus/bus.ts'
import type { Database } from '#kernel/db/database.ts'
import type { Clock } from '#kernel/lib/clock.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import type { Audit, Violation } from '#kernel/lib/violation.ts'
import { SNAPSHOT_TRANSITIONS, VOLUME_TRANSITIONS } from '#services/cinder/contract/states.ts'
import { attachmentsDb } from '#services/cinder/db/attachments.ts'
import { groupSnapshotsDb } from '#services/cinder/db/group-snapshots.ts'
import { groupsDb } from '#services/cinder/db/groups.ts'
import { backupsDb } from '#services/cinder/db/backups.ts'
import { servicesDb } from '#services/cinder/db/services.ts'
import { snapshotsDb } from '#services/cinder/db/snapshots.ts'
import type { CinderTables } from '#services/cinder/db/tables.ts'
import { transfersDb, type Transfer } from '#services/cinder/db/transfers.ts'
import { volumesDb, type Volume } from '#services/cinder/db/volumes.ts'
import type { Attachment } from '#services/cinder/db/attachments.ts'
import { auditBackups } from '#services/cinder/domain/audit-backups.ts'
import { isUp } from '#services/cinder/domain/scheduling/pools.ts'
import { actorHost, volumeRpc } from '#services/cinder/rpc.ts'
import type { Inventory } from '#services/cinder/drivers/backend.ts'

export interface AuditTools {
  readonly database: Database<CinderTables>
  readonly bus: Bus
  readonly clock: Clock
  readonly downAfterMs: number
  readonly ctx: () => Ctx
}

/** Longest time in a transitional status: a copy of many GiB is the slowest of them. */
const LONGEST_MS = 3_600_000
const GIB = 2 ** 30
/** Statuses in which a volume has bytes. */
const HAS_BYTES = [
  'available',
  'awaiting-transfer',
  'reserved',
  'attaching',
  'in-use',
  'detaching',
  'extending',
  'error_extending',
  'backing-up',
  'uploading',
  'reverting',
  'error_restoring',
]

export function createAudit(tools: AuditTools): Audit {
  const { database, bus, clock } = tools
  return async () => {
    const ctx = tools.ctx()
    const now = clock.now()
    const { volumes, snapshots, attachments, late, services, transfers, backups } = await database.read(
      ctx,
      'audit',
      async q => ({
        volumes: await volumesDb(q).placed(),
        snapshots: await snapshotsDb(q).all(),
        attachments: await attachmentsDb(q).all(),
        late: [
          ...(await volumesDb(q).stuckSince(VOLUME_TRANSITIONS, now - LONGEST_MS)),
          ...(await snapshotsDb(q).stuckSince(SNAPSHOT_TRANSITIONS, now - LONGEST_MS)),
          ...(await groupsDb(q).stuckSince(SNAPSHOT_TRANSITIONS, now - LONGEST_MS)),
          ...(await groupSnapshotsDb(q).stuckSince(SNAPSHOT_TRANSITIONS, now - LONGEST_MS)),
        ],
        services: await servicesDb(q).all(),
        transfers: await transfersDb(q).all(),
        backups: await backupsDb(q).all(),
      }),
    )
    const found: Violation[] = [
      ...attachmentViolations(volumes, attachments),
      ...transferViolations(volumes, transfers),
      ...(await auditBackups({
        bus,
        ctx,
        services,
        backups,
        now,
        downAfterMs: tools.downAfterMs,
        longestMs: LONGEST_MS,
      })),
      ...late.map(one => ({
        ledger: 'I-22',
        subject: one.id,
        says: `It has been ${one.status} since ${new Date(one.statusAt).toISOString()}`,
      })),
    ]
    const byHost = new Map<string, Volume[]>()
    for (const volume of volumes) {
      const host = actorHost(volume.host ?? '')
      byHost.set(host, [...(byHost.get(host) ?? []), volume])
    }
    for (const service of services) {
      if (service.binary !== 'cinder-volume' || !isUp(service, now, tools.downAfterMs)) continue
      let inventory: Inventory
      try {
        inventory = (await bus.client(volumeRpc).on(service.host).inventory(ctx, {})).inventory
      } catch (error) {
        found.push({ ledger: 'I-24', subject: service.host, says: `It cannot be asked: ${(error as Error).message}` })
        continue
      }
      const mine = byHost.get(service.host) ?? []
      const ids = new Set(mine.map(volume => volume.id))
      found.push(
        ...byteViolations(
          mine,
          inventory,
          backups.filter(backup => backup.status === 'creating').map(backup => backup.volumeId),
          // One that moves lies in two places.
          volumes.filter(volume => volume.migrationStatus === 'migrating').map(volume => volume.id),
        ),
        ...snapshotViolations(
          snapshots.filter(snapshot => ids.has(snapshot.volumeId)),
          inventory,
          // A volume that is copied has a snapshot by the copy's id meanwhile.
          [
            ...mine.filter(volume => VOLUME_TRANSITIONS.includes(volume.status)).map(volume => volume.id),
            ...backups.filter(backup => backup.status === 'creating').map(backup => backup.id),
          ],
        ),
        ...exportViolations(attachments, inventory),
      )
    }
    const known = new Set(volumes.map(volume => volume.id))
    for (const snapshot of snapshots)
      if (!known.has(snapshot.volumeId))
        found.push({ ledger: 'I-24', subject: snapshot.id, says: `Its volume ${snapshot.volumeId} is not there` })
    return found
  }
}

function attachmentViolations(volumes: readonly Volume[], attachments: readonly Attachment[]): Violation[] {
  const found: Violation[] = []
  const of = new Map<string, Attachment[]>()
  for (const one of attachments) of.set(one.volumeId, [...(of.get(one.volumeId) ?? []), one])
  const say = (subject: string, says: string): void => void found.push({ ledger: 'I-21', subject, says })
  for (const volume of volumes) {
    const mine = of.get(volume.id) ?? []
    const attached = mine.filter(one => one.status === 'attached')
    if (volume.status === 'in-use' && attached.length === 0) say(volume.id, 'It is in-use without an attachment')
    if (volume.status === 'available' && mine.length > 0)
      say(volume.id, `It is available and has ${mine.length} attachments`)
    if (!volume.multiattach && new Set(attached.map(one => one.serverId ?? one.host)).size > 1)
      say(volume.id, `${attached.length} servers have it, and only one may`)
  }
  return found
}

/** A volume waits for its new owner exactly as long as there is an offer. */
function transferViolations(volumes: readonly Volume[], transfers: readonly Transfer[]): Violation[] {
  const offered = new Set(transfers.map(one => one.volumeId))
  return volumes
    .filter(volume => volume.status === 'awaiting-transfer' && !offered.has(volume.id))
    .map(volume => ({ ledger: 'I-22', subject: volume.id, says: 'It awaits its transfer and nobody offers it' }))
}

function byteViolations(
  volumes: readonly Volume[],
  inventory: Inventory,
  read: readonly string[],
  moving: readonly string[],
): Violation[] {
  const found: Violation[] = []
  const there = new Map(inventory.volumes.map(one => [one.volumeId, one]))
  for (const volume of volumes) {
    const bytes = there.get(volume.id)
    if (bytes === undefined) {
      if (HAS_BYTES.includes(volume.status))
        found.push({ ledger: 'I-24', subject: volume.id, says: `It is ${volume.status} and its bytes are not there` })
    } else if (
      bytes.sizeBytes < volume.sizeGb * GIB &&
      volume.status !== 'extending' &&
      HAS_BYTES.includes(volume.status)
    )
      found.push({
        ledger: 'I-11',
        subject: volume.id,
        says: `Its row says ${volume.sizeGb} GiB, its bytes are ${bytes.sizeBytes}`,
      })
  }
  const known = new Set([...volumes.map(volume => volume.id), ...moving])
  for (const one of inventory.volumes)
    if (!known.has(one.volumeId))
      found.push({ ledger: 'I-24', subject: one.volumeId, says: 'There are bytes of it and no row' })
  const atWork = [
    ...volumes.filter(volume => VOLUME_TRANSITIONS.includes(volume.status)).map(volume => volume.id),
    ...read,
  ]
  for (const leftover of inventory.leftovers.filter(name => !atWork.some(id => name.includes(id))))
    found.push({ ledger: 'I-11', subject: leftover, says: 'Half-made, and nobody works on it' })
  return found
}

function snapshotViolations(
  snapshots: readonly { readonly id: string; readonly volumeId: string; readonly status: string }[],
  inventory: Inventory,
  copies: readonly string[],
): Violation[] {
  const found: Violation[] = []
  const there = new Set(inventory.volumes.flatMap(volume => volume.snapshots))
  for (const snapshot of snapshots)
    if (snapshot.status === 'available' && !there.has(snapshot.id))
      found.push({ ledger: 'I-24', subject: snapshot.id, says: 'It is available and its bytes are not there' })
  const known = new Set([...snapshots.map(snapshot => snapshot.id), ...copies])
  for (const volume of inventory.volumes)
    for (const id of volume.snapshots)
      if (!known.has(id))
        found.push({
          ledger: 'I-24',
          subject: id,
          says: `There are bytes of it with volume ${volume.volumeId} and no row`,
        })
  return found
}

function exportViolations(attachments: readonly Attachment[], inventory: Inventory): Violation[] {
  const wanted = new Set(
    attachments.filter(one => one.connectionInfo?.['driver_volume_type'] === 'nbd').map(one => one.volumeId),
  )
  const found: Violation[] = []
  for (const one of inventory.exports) {
    if (!wanted.has(one.volumeId))
      found.push({ ledger: 'I-23', subject: one.volumeId, says: 'It is served to another host and attached to none' })
    else if (!one.alive)
      found.push({ ledger: 'I-23', subject: one.volumeId, says: 'The process that serves it has ended' })
  }
  const served = new Set(inventory.exports.map(one => one.volumeId))
  for (const id of wanted)
    if (!served.has(id) && inventory.volumes.some(one => one.volumeId === id))
      found.push({ ledger: 'I-23', subject: id, says: 'Another host has it attached, and nobody serves it' })
  return found
}
