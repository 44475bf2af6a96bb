// From any state to nothing: guest, wires, disks, claim, row. Forward only: each step is repeated until it is done.
import { saga } from '#kernel/saga/saga.ts'
import type { Tools } from '#services/nova/sagas/tools.ts'

export interface DeleteServer {
  readonly serverId: string
  /** Null: it was never placed on a host, or the host cannot be asked; then its own clean-up follows when it is back. */
  readonly host: string | null
  /** The other host of a move that was under way, or waited for a word, and what moves hold in Placement. */
  readonly otherHost?: string | null
  readonly moveIds?: readonly string[]
}

export const deleteServer = saga<Tools>()<DeleteServer, 'conductor'>('delete-server', {
  subject: s => s.serverId,
  taskState: 'deleting',
  home: 'conductor',
  failed: (s, t, ending) => t.servers.operationFailed(s.serverId, 'compute_terminate_instance', ending, true),
})
  .step('end-guest', {
    at: 'compute',
    when: s => s.host !== null,
    onHost: s => s.host ?? '',
    do: (s, t) => t.hypervisor.destroy(s.serverId),
  })
  .step('drop-aside', {
    at: 'compute',
    when: s => s.host !== null && (s.moveIds ?? []).length > 0,
    onHost: s => s.host ?? '',
    do: (s, t) => t.moves.dropAside(s.serverId),
  })
  .step('end-other-guest', {
    at: 'compute',
    when: s => (s.otherHost ?? null) !== null,
    onHost: s => s.otherHost ?? '',
    do: (s, t) => t.hypervisor.destroy(s.serverId),
  })
  .step('drop-other-aside', {
    at: 'compute',
    when: s => (s.otherHost ?? null) !== null,
    onHost: s => s.otherHost ?? '',
    do: (s, t) => t.moves.dropAside(s.serverId),
  })
  .step('release-network', {
    at: 'conductor',
    do: async (s, t) => t.neutron.release(s.serverId, await t.servers.nicsOf(s.serverId)),
  })
  .step('release-volumes', {
    at: 'conductor',
    do: async (s, t) => t.cinder.disconnectAll(s.serverId, await t.servers.disksOf(s.serverId), true),
  })
  .step('release-claim', {
    at: 'conductor',
    do: async (s, t) => {
      await t.placement.release(s.serverId)
      for (const id of s.moveIds ?? []) await t.placement.release(id)
    },
  })
  .step('drop-shelved-image', {
    at: 'conductor',
    do: async (s, t) => {
      const imageId = await t.serverImages.shelvedImageOf(s.serverId)
      if (imageId !== null) await t.serverImages.dropQuietly(imageId)
    },
  })
  .step('forget', {
    at: 'conductor',
    do: (s, t) => t.servers.deleted(s.serverId),
  })
