// A server whose host is dead is made anew on another one: from its image, or on its volumes. What the dead host still holds is held by
// the move until that host is back and has cleaned up.
import { saga } from '#kernel/saga/saga.ts'
import type { Destination, RequestSpec } from '#services/nova/rpc.ts'
import { worthAnother } from '#services/nova/sagas/worth-another.ts'
import type { Tools } from '#services/nova/sagas/tools.ts'

export interface EvacuateServer {
  readonly serverId: string
  readonly moveId: string
  readonly spec: RequestSpec
  readonly from: string
  readonly chosen: readonly Destination[] | null
  readonly stopped: boolean
}
const MOST_CANDIDATES = 3

export const evacuateServer = saga<Tools>()<EvacuateServer, 'conductor'>('evacuate-server', {
  subject: s => s.serverId,
  taskState: 'rebuilding',
  home: 'conductor',
  failed: (s, t, ending) => t.moves.failed(s.moveId, 'rebuild_server', ending),
})
  .step('hold-claim', {
    at: 'conductor',
    do: (s, t) => t.moves.holdClaim(s.moveId, s.serverId),
    undo: (s, t) => t.moves.giveClaimBack(s.moveId, s.serverId),
  })
  .step('pick-hosts', {
    at: 'conductor',
    do: async (s, t) => ({ hosts: s.chosen === null ? await t.scheduler.select(s.spec) : [...s.chosen] }),
  })
  .forEachUntilOne(
    'on-a-host',
    { as: 'destination', over: s => s.hosts.slice(0, MOST_CANDIDATES), retryOn: worthAnother },
    on =>
      on
        .step('claim', {
          at: 'conductor',
          do: (s, t) => t.placement.claim(s.spec, s.destination),
          undo: (s, t) => t.placement.release(s.serverId),
        })
        .step('reserve', {
          at: 'conductor',
          do: async (s, t) => {
            await t.moves.reserve(s.moveId, s.destination)
            await t.moves.status(s.moveId, ['accepted'], 'pre-migrating')
          },
          undo: (s, t) => t.moves.unreserve(s.moveId),
        })
        .step('bind-wires', {
          at: 'conductor',
          do: async (s, t) => t.servers.saveNics(s.serverId, await t.moves.bindWires(s.serverId, s.destination.host)),
          undo: async (s, t) => t.servers.saveNics(s.serverId, await t.moves.bindWires(s.serverId, s.from)),
        })
        .step('connect-volumes', {
          at: 'conductor',
          do: async (s, t) => ({ disks: await t.moves.connectVolumes(s.serverId, s.destination.host) }),
          undo: (s, t) => t.moves.dropOtherAttachments(s.serverId),
        })
        .step('rebuild', {
          at: 'compute',
          taskState: 'rebuild_spawning',
          do: async (s, t, run) =>
            t.moves.rebuildHere(await t.conductor.serverToBuild(s.serverId), s.disks, s.stopped, run.signal),
          undo: (s, t) => t.hypervisor.destroy(s.serverId),
        }),
  )
  .step('settle-volumes', {
    at: 'conductor',
    do: async (s, t) => {
      for (const disk of s.disks) await t.cinder.complete(disk.attachmentId)
    },
  })
  .step('settle', {
    at: 'conductor',
    do: async (s, t, run) => {
      await t.moves.evacuated(s.moveId, s.disks, s.stopped)
      await t.moves.dropOtherAttachments(s.serverId)
      await t.servers.event(s.serverId, run.ctx.requestId, 'rebuild_server', null, null)
      await t.servers.event(s.serverId, run.ctx.requestId, 'compute_rebuild_instance', s.destination.host, null)
    },
  })
