// A group goes, its volumes with it. Forward only: each step is repeated until it is done.
import { saga } from '#kernel/saga/saga.ts'
import { actorHost } from '#services/cinder/rpc.ts'
import type { GroupVolume } from '#services/cinder/sagas/group-tools.ts'
import type { Tools } from '#services/cinder/sagas/tools.ts'

export interface DeleteGroup {
  readonly groupId: string
  readonly host: string
  readonly volumes: readonly GroupVolume[]
}
const placed = (s: DeleteGroup): readonly GroupVolume[] => s.volumes.filter(volume => volume.host !== null)
const idsOf = (s: DeleteGroup): readonly string[] => s.volumes.map(volume => volume.volumeId)

export const deleteGroup = saga<Tools>()<DeleteGroup, 'scheduler'>('delete-group', {
  subject: s => s.groupId,
  taskState: 'deleting',
  home: 'scheduler',
  failed: (s, t, ending) => t.groups.deleteFailed(s.groupId, idsOf(s), ending),
})
  .step('erase', {
    at: 'volume',
    when: s => placed(s).length > 0,
    // All volumes of a group lie in one back end.
    onHost: s => actorHost(placed(s)[0]?.host ?? s.host),
    do: async (s, t) => {
      for (const { volumeId } of placed(s)) await t.remove(volumeId)
    },
    deadlineMs: 3_600_000,
  })
  .step('forget', {
    at: 'scheduler',
    do: (s, t) => t.groups.forget(s.groupId, idsOf(s)),
  })
