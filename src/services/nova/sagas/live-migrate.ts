// A running server moves to another host. Until it is handed over, everything can be taken back and the guest never stopped running where it was;
// what follows is a story of its own that only goes forward.
import { saga } from '#kernel/saga/saga.ts'
import type { Destination, RequestSpec } from '#services/nova/rpc.ts'
import type { LandServerInput } from '#services/nova/sagas/move-tools.ts'
import { worthAnother } from '#services/nova/sagas/worth-another.ts'
import type { Tools } from '#services/nova/sagas/tools.ts'

export interface LiveMigrate {
  readonly serverId: string
  readonly moveId: string
  readonly spec: RequestSpec
  readonly from: string
  /** Set when the scheduler is not to be asked: an administrator forced a host, or it was asked before. */
  readonly chosen: readonly Destination[] | null
  readonly paused: boolean
}
const MOST_CANDIDATES = 5

export const liveMigrate = saga<Tools>()<LiveMigrate, 'conductor'>('live-migrate', {
  subject: s => s.serverId,
  taskState: 'migrating',
  home: 'conductor',
  failed: (s, t, ending) => t.moves.failed(s.moveId, 'conductor_live_migrate_instance', ending),
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
          do: (s, t) => t.moves.reserve(s.moveId, s.destination),
          undo: (s, t) => t.moves.unreserve(s.moveId),
        })
        .step('check', {
          at: 'compute',
          do: (s, t) => t.moves.demandCanTake(s.serverId, 'live'),
        })
        .step('check-old', {
          at: 'compute',
          onHost: s => s.from,
          do: (s, t) => t.moves.demandCanTake(s.serverId, 'live'),
        }),
  )
  .step('prepare', {
    at: 'conductor',
    do: async (s, t, run) => {
      await t.moves.status(s.moveId, ['queued'], 'preparing')
      const event = 'compute_check_can_live_migrate_destination'
      await t.servers.event(s.serverId, run.ctx.requestId, event, s.destination.host, null)
    },
  })
  .step('ready-wires', {
    at: 'conductor',
    do: (s, t) => t.moves.readyWires(s.serverId, s.destination.host),
    undo: (s, t) => t.moves.dropWires(s.serverId, s.destination.host),
  })
  .step('ready-volumes', {
    at: 'conductor',
    do: async (s, t) => ({ disks: await t.moves.connectVolumes(s.serverId, s.destination.host) }),
    undo: (s, t) => t.moves.dropOtherAttachments(s.serverId),
  })
  .step('receive', {
    at: 'compute',
    onHost: s => s.destination.host,
    do: async (s, t, run) => ({
      landing: await t.moves.receive(await t.conductor.serverToBuild(s.serverId), s.disks, run.signal),
    }),
    undo: (s, t) => t.hypervisor.destroy(s.serverId),
  })
  .step('depart', {
    at: 'conductor',
    do: async (s, t) => void (await t.moves.status(s.moveId, ['preparing'], 'running')),
  })
  .step('send', {
    at: 'compute',
    onHost: s => s.from,
    deadlineMs: 3_600_000,
    do: (s, t, run) => t.moves.send(s.serverId, s.moveId, s.landing, run.signal),
  })
  .step('hand-over', {
    at: 'conductor',
    do: (s, t) =>
      t.moves.handedOver(s.moveId, s.disks, {
        serverId: s.serverId,
        moveId: s.moveId,
        from: s.from,
        to: s.destination.host,
        paused: s.paused,
      }),
  })

/** After the hand-over. Forward only. */
export const landServer = saga<Tools>()<LandServerInput, 'conductor'>('land-server', {
  subject: s => s.serverId,
  taskState: 'migrating',
  home: 'conductor',
  failed: (s, t, ending) =>
    t.servers.operationFailed(s.serverId, 'compute_post_live_migration_at_destination', ending, true),
})
  .step('switch-wires', {
    at: 'conductor',
    do: async (s, t) => t.servers.saveNics(s.serverId, await t.moves.switchWires(s.serverId, s.to)),
  })
  .step('take-over', {
    at: 'compute',
    onHost: s => s.to,
    do: (s, t) => t.moves.takeOver(s.serverId, s.paused),
  })
  .step('end-old', {
    at: 'compute',
    onHost: s => s.from,
    do: (s, t) => t.hypervisor.destroy(s.serverId),
  })
  .step('drop-wires', {
    at: 'conductor',
    do: (s, t) => t.moves.dropWires(s.serverId, s.from),
  })
  .step('drop-volumes', {
    at: 'conductor',
    do: async (s, t) => {
      for (const { attachmentId } of await t.servers.disksOf(s.serverId))
        if (attachmentId !== null) await t.cinder.complete(attachmentId)
      await t.moves.dropOtherAttachments(s.serverId)
    },
  })
  .step('release-claim', {
    at: 'conductor',
    do: (s, t) => t.placement.release(s.moveId),
  })
  .step('settle', {
    at: 'conductor',
    do: async (s, t, run) => {
      await t.moves.landed(s.moveId)
      const { requestId } = run.ctx
      await t.servers.event(s.serverId, requestId, 'compute_live_migration', s.from, null)
      await t.servers.event(s.serverId, requestId, 'compute_post_live_migration_at_destination', s.to, null)
      await t.servers.event(s.serverId, requestId, 'conductor_live_migrate_instance', s.to, null)
    },
  })
