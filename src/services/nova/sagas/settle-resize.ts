// The two ends of a resize: confirmed, and what was put aside goes; reverted, and it is the server again. Forward only: each step is
// repeated until it is done.
import { saga } from '#kernel/saga/saga.ts'
import type { Tools } from '#services/nova/sagas/tools.ts'

export interface ConfirmResize {
  readonly serverId: string
  readonly moveId: string
  readonly from: string
}

export const confirmResize = saga<Tools>()<ConfirmResize, 'conductor'>('confirm-resize', {
  subject: s => s.serverId,
  home: 'conductor',
  failed: (s, t, ending) => t.servers.operationFailed(s.serverId, 'compute_confirm_resize', ending, true),
})
  .step('drop-old', {
    at: 'compute',
    onHost: s => s.from,
    do: (s, t) => t.moves.dropAside(s.serverId),
  })
  .step('release-claim', {
    at: 'conductor',
    do: (s, t) => t.placement.release(s.moveId),
  })
  .step('settle', {
    at: 'conductor',
    do: async (s, t, run) => {
      await t.moves.confirmed(s.moveId)
      await t.servers.event(s.serverId, run.ctx.requestId, 'compute_confirm_resize', s.from, null)
    },
  })

export interface RevertResize {
  readonly serverId: string
  readonly moveId: string
  readonly from: string
  readonly to: string
  readonly running: boolean
}

export const revertResize = saga<Tools>()<RevertResize, 'conductor'>('revert-resize', {
  subject: s => s.serverId,
  taskState: 'resize_reverting',
  home: 'conductor',
  failed: (s, t, ending) => t.servers.operationFailed(s.serverId, 'compute_revert_resize', ending, true),
})
  .step('end-new', {
    at: 'compute',
    onHost: s => s.to,
    do: (s, t) => t.hypervisor.destroy(s.serverId),
  })
  .step('return-claim', {
    at: 'conductor',
    do: (s, t) => t.moves.giveClaimBack(s.moveId, s.serverId),
  })
  .step('bind-wires', {
    at: 'conductor',
    when: s => s.to !== s.from,
    do: async (s, t) => t.servers.saveNics(s.serverId, await t.moves.bindWires(s.serverId, s.from)),
  })
  .step('connect-volumes', {
    at: 'conductor',
    when: s => s.to !== s.from,
    do: async (s, t) => {
      await t.moves.restoreVolumes(s.serverId, s.from)
      await t.moves.dropOtherAttachments(s.serverId)
    },
  })
  .step('settle', {
    // The row is the old server again before its guest starts, so that the guest is made as it was.
    at: 'conductor',
    do: (s, t) => t.moves.reverted(s.moveId),
  })
  .step('bring-back', {
    at: 'compute',
    onHost: s => s.from,
    do: (s, t, run) => t.moves.bringBack(s.serverId, s.running, run.signal),
  })
  .step('announce', {
    at: 'conductor',
    do: async (s, t, run) => {
      await t.servers.settle(s.serverId, {
        vmState: s.running ? 'active' : 'stopped',
        power: s.running ? 'running' : 'shutdown',
      })
      await t.servers.event(s.serverId, run.ctx.requestId, 'compute_revert_resize', s.to, null)
      await t.servers.event(s.serverId, run.ctx.requestId, 'compute_finish_revert_resize', s.from, null)
    },
  })
