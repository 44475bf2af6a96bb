// A volume nobody uses moves to another back end of the same machine, and may become of another type on the way.
import { saga } from '#kernel/saga/saga.ts'
import { actorHost } from '#services/cinder/rpc.ts'
import type { Tools } from '#services/cinder/sagas/tools.ts'

export interface MigrateVolume {
  readonly volumeId: string
  readonly sizeGb: number
  /** `node-1@file#file`, both. */
  readonly from: string
  readonly to: string
  readonly oldTypeId: string
  /** Null: it stays of its type. */
  readonly newTypeId: string | null
}
const machineOf = (host: string): string => host.split('@')[0] ?? host

export const migrateVolume = saga<Tools>()<MigrateVolume, 'scheduler'>('migrate-volume', {
  subject: s => s.volumeId,
  home: 'scheduler',
  failed: (s, t, ending) => t.changes.migrateFailed(s.volumeId, { host: s.from, typeId: s.oldTypeId }, ending),
})
  .step('copy', {
    at: 'backup',
    onHost: s => machineOf(s.from),
    do: (s, t, run) => t.copy(s.volumeId, s.sizeGb, s.from, s.to, run.signal),
    undo: (s, t) => t.dropCopy(s.volumeId, s.to),
    deadlineMs: 6 * 3_600_000,
  })
  .step('switch', {
    at: 'scheduler',
    do: (s, t) => t.changes.moved(s.volumeId, { host: s.to, typeId: s.newTypeId }),
    undo: (s, t) => t.changes.moved(s.volumeId, { host: s.from, typeId: s.oldTypeId }),
  })
  .step('erase', {
    at: 'volume',
    onHost: s => actorHost(s.from),
    do: (s, t) => t.remove(s.volumeId),
  })
  .step('announce', {
    at: 'scheduler',
    do: (s, t) => t.changes.migrated(s.volumeId),
  })
