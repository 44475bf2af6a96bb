// From any state to nothing: guest, wires, disks, claim, row. Forward only: each step is repeated until it is done.
import { saga } from '#kernel/saga/saga.ts'
import type { Tools } from '#services/nova/sagas/tools.ts'

export interface DeleteServer {
  readonly serverId: string
  /** Null: it was never placed on a host, or the host cannot be asked; then its own clean-up follows when it is back. */
  readonly host: string | null
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
    do: (s, t) => t.placement.release(s.serverId),
  })
  .step('forget', {
    at: 'conductor',
    do: (s, t) => t.servers.deleted(s.serverId),
  })
