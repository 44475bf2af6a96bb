// From a row in `creating` to a group with a place: a back end where all its types can go.
import { saga } from '#kernel/saga/saga.ts'
import type { Tools } from '#services/cinder/sagas/tools.ts'

export interface CreateGroup {
  readonly groupId: string
}

export const createGroup = saga<Tools>()<CreateGroup, 'scheduler'>('create-group', {
  subject: s => s.groupId,
  taskState: 'creating',
  home: 'scheduler',
  failed: (s, t, ending) => t.groups.createFailed(s.groupId, [], ending),
})
  .step('pick-pools', {
    at: 'scheduler',
    do: async (s, t) => ({ pools: await t.groups.pools(s.groupId) }),
  })
  .step('place', {
    at: 'scheduler',
    do: (s, t) => t.groups.place(s.groupId, s.pools[0] ?? ''),
    undo: (s, t) => t.groups.displace(s.groupId),
  })
  .step('announce', {
    at: 'scheduler',
    do: (s, t) => t.groups.made(s.groupId, []),
    undo: (s, t) => t.groups.unmade(s.groupId, []),
  })
