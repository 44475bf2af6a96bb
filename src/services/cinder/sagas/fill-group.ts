// A group made of another one, or of its snapshot: a volume for each there, all or none. Volumes of a group are copied by way of
// snapshots of their own, as they may be in use, or become so meanwhile.
import { saga } from '#kernel/saga/saga.ts'
import { actorHost } from '#services/cinder/rpc.ts'
import type { LiveMember } from '#services/cinder/sagas/create-group-snapshot.ts'
import type { Tools } from '#services/cinder/sagas/tools.ts'

/** A volume to be made. */
export interface Copy {
  readonly volumeId: string
  readonly sizeGb: number
  readonly sourceVolumeId: string
  /** Null: of the volume as it is now. */
  readonly snapshotId: string | null
}
export interface FillGroup {
  readonly groupId: string
  readonly host: string
  readonly copies: readonly Copy[]
}
const idsOf = (s: FillGroup): readonly string[] => s.copies.map(copy => copy.volumeId)
/** Copies of volumes: their snapshots bear the ids of the copies. */
const ofVolumes = (s: FillGroup): readonly Copy[] => s.copies.filter(copy => copy.snapshotId === null)

export const fillGroup = saga<Tools>()<FillGroup, 'scheduler'>('fill-group', {
  subject: s => s.groupId,
  taskState: 'creating',
  home: 'scheduler',
  failed: (s, t, ending) => t.groups.createFailed(s.groupId, idsOf(s), ending),
})
  .step('keep-sources', {
    at: 'volume',
    when: s => ofVolumes(s).length > 0,
    onHost: s => actorHost(s.host),
    do: async (s, t) => {
      const live: LiveMember[] = []
      for (const { sourceVolumeId, volumeId } of ofVolumes(s)) {
        const kept = await t.createSnapshot(sourceVolumeId, volumeId)
        if (kept.live !== null) live.push({ volumeId: sourceVolumeId, snapshotId: volumeId, live: kept.live })
      }
      return { live }
    },
    undo: async (s, t) => {
      for (const { sourceVolumeId, volumeId } of ofVolumes(s)) await t.removeSnapshot(sourceVolumeId, volumeId)
    },
  })
  .step('switch-guests', {
    at: 'scheduler',
    when: s => (s.live ?? []).length > 0,
    do: async (s, t) => {
      for (const one of s.live ?? []) await t.nova.snapshot(one.volumeId, one.snapshotId, one.live)
    },
  })
  .step('settle-sources', {
    at: 'volume',
    when: s => (s.live ?? []).length > 0,
    onHost: s => actorHost(s.host),
    do: async (s, t, run) => {
      for (const { volumeId, snapshotId } of s.live ?? []) {
        await t.awaitSwitch(volumeId, snapshotId, run.signal)
        await t.settleSnapshot(volumeId, snapshotId)
      }
    },
    deadlineMs: 600_000,
  })
  .step('make', {
    at: 'volume',
    onHost: s => actorHost(s.host),
    do: async (s, t, run) => {
      for (const { volumeId, sizeGb, sourceVolumeId, snapshotId } of s.copies) {
        const source = { from: 'snapshot', volumeId: sourceVolumeId, snapshotId: snapshotId ?? volumeId } as const
        await t.create(volumeId, sizeGb, source, run.signal)
      }
    },
    undo: async (s, t) => {
      for (const { volumeId } of s.copies) await t.remove(volumeId)
    },
    deadlineMs: 3_600_000,
  })
  .step('release-sources', {
    at: 'volume',
    when: s => ofVolumes(s).length > 0,
    onHost: s => actorHost(s.host),
    do: async (s, t) => {
      for (const { sourceVolumeId, volumeId } of ofVolumes(s)) await t.removeSnapshot(sourceVolumeId, volumeId)
    },
    deadlineMs: 3_600_000,
  })
  .step('announce', {
    at: 'scheduler',
    do: (s, t) => t.groups.made(s.groupId, idsOf(s)),
    undo: (s, t) => t.groups.unmade(s.groupId, idsOf(s)),
  })
