// Resize and cold migration: from a server on one host to one that waits there for a person's word, its old disks put aside.
// Each undo stands under its deed: until the last step the server can be what and where it was.
import { saga } from '#kernel/saga/saga.ts'
import type { FlavorCopy } from '#services/nova/db/tables.ts'
import type { RequestSpec } from '#services/nova/rpc.ts'
import { worthAnother } from '#services/nova/sagas/worth-another.ts'
import type { Tools } from '#services/nova/sagas/tools.ts'

export interface ResizeServer {
  readonly serverId: string
  readonly moveId: string
  readonly spec: RequestSpec
  readonly flavor: FlavorCopy
  readonly from: string
  /** Whether its guest ran: it runs again, wherever it ends. */
  readonly running: boolean
}
/** As `scheduler.max_attempts` upstream. */
const MOST_CANDIDATES = 3

export const resizeServer = saga<Tools>()<ResizeServer, 'conductor'>('resize-server', {
  subject: s => s.serverId,
  taskState: 'resize_prep',
  home: 'conductor',
  failed: (s, t, ending) => t.moves.failed(s.moveId, 'cold_migrate', ending),
})
  .step('hold-claim', {
    at: 'conductor',
    do: (s, t) => t.moves.holdClaim(s.moveId, s.serverId),
    undo: (s, t) => t.moves.giveClaimBack(s.moveId, s.serverId),
  })
  .step('pick-hosts', {
    at: 'conductor',
    do: async (s, t) => ({ hosts: await t.scheduler.select(s.spec) }),
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
          do: (s, t) => t.moves.reserve(s.moveId, s.destination),
          undo: (s, t) => t.moves.unreserve(s.moveId),
        })
        .step('prepare', {
          at: 'compute',
          do: (s, t) => t.moves.demandCanTake(s.serverId, 'cold'),
        }),
  )
  .step('depart', {
    at: 'conductor',
    taskState: 'resize_migrating',
    do: async (s, t, run) => {
      await t.moves.status(s.moveId, ['pre-migrating'], 'migrating')
      await t.servers.event(s.serverId, run.ctx.requestId, 'compute_prep_resize', s.destination.host, null)
    },
  })
  .step('set-aside', {
    at: 'compute',
    onHost: s => s.from,
    do: async (s, t) => ({ baggage: await t.moves.setAside(s.serverId) }),
    undo: (s, t, run) => t.moves.bringBack(s.serverId, s.running, run.signal),
  })
  .step('arrive-there', {
    at: 'conductor',
    taskState: 'resize_migrated',
    do: async (s, t, run) => {
      await t.moves.status(s.moveId, ['migrating'], 'post-migrating')
      await t.servers.event(s.serverId, run.ctx.requestId, 'compute_resize_instance', s.from, null)
    },
  })
  .step('bind-wires', {
    at: 'conductor',
    when: s => s.destination.host !== s.from,
    do: async (s, t) => t.servers.saveNics(s.serverId, await t.moves.bindWires(s.serverId, s.destination.host)),
    undo: async (s, t) => t.servers.saveNics(s.serverId, await t.moves.bindWires(s.serverId, s.from)),
  })
  .step('connect-volumes', {
    at: 'conductor',
    when: s => s.destination.host !== s.from,
    do: async (s, t) => ({ disks: await t.moves.connectVolumes(s.serverId, s.destination.host) }),
    undo: (s, t) => t.moves.dropOtherAttachments(s.serverId),
  })
  .step('release-volumes', {
    at: 'conductor',
    when: s => s.disks !== undefined && s.disks.length > 0,
    do: (s, t) => t.moves.releaseVolumes(s.serverId),
    undo: (s, t) => t.moves.restoreVolumes(s.serverId, s.from),
  })
  .step('finish', {
    at: 'compute',
    taskState: 'resize_finish',
    onHost: s => s.destination.host,
    do: async (s, t, run) => {
      const server = { ...(await t.conductor.serverToBuild(s.serverId)), flavor: s.flavor }
      await t.moves.moveIn(server, s.baggage, s.disks ?? null, s.running, run.signal)
    },
    undo: (s, t) => t.hypervisor.destroy(s.serverId),
  })
  .step('settle-wires', {
    at: 'compute',
    when: s => s.running,
    onHost: s => s.destination.host,
    do: async (s, t, run) => {
      const { nics } = await t.conductor.serverToBuild(s.serverId)
      await t.neutron.awaitActive(
        s.serverId,
        nics.map(nic => nic.portId),
        run.signal,
      )
    },
  })
  .step('settle-volumes', {
    at: 'conductor',
    when: s => s.disks !== undefined && s.disks.length > 0,
    do: async (s, t) => {
      for (const disk of s.disks ?? []) await t.cinder.complete(disk.attachmentId)
    },
  })
  .step('verify', {
    at: 'conductor',
    do: (s, t) => t.moves.resized(s.moveId, s.disks ?? null),
  })
