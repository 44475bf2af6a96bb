// A server that goes and may come back: its guest is stopped and it waits to be reclaimed; or it is brought back.
import { saga } from '#kernel/saga/saga.ts'
import type { Tools } from '#services/nova/sagas/tools.ts'

export interface SoftDelete {
  readonly serverId: string
  readonly host: string
}
/** `vmState`: what it was, and is again when the delete comes to nothing. */
export interface SoftDeleteRunning extends SoftDelete {
  readonly vmState: string
}

export const softDelete = saga<Tools>()<SoftDeleteRunning, 'conductor'>('soft-delete', {
  subject: s => s.serverId,
  home: 'conductor',
  failed: (s, t, ending) => t.servers.operationFailed(s.serverId, 'compute_soft_delete_instance', ending, false),
})
  .step('stop-guest', {
    at: 'compute',
    onHost: s => s.host,
    do: async (s, t, run) => ({
      power: await t.hypervisor.power(await t.conductor.serverToBuild(s.serverId), 'stop', run.signal),
    }),
    undo: async (s, t, run) => {
      if (s.vmState === 'active')
        await t.hypervisor.power(await t.conductor.serverToBuild(s.serverId), 'start', run.signal)
    },
  })
  .step('set-aside', {
    at: 'conductor',
    do: async (s, t, run) => {
      await t.servers.setAside(s.serverId, s.power)
      await t.servers.event(s.serverId, run.ctx.requestId, 'compute_soft_delete_instance', s.host, null)
    },
    undo: (s, t) => t.servers.takeBack(s.serverId, s.vmState),
  })

/** Its room in the quota was taken with the request: given back when the guest does not start. */
export const restoreServer = saga<Tools>()<SoftDelete, 'conductor'>('restore-server', {
  subject: s => s.serverId,
  home: 'conductor',
  failed: async (s, t, ending) => {
    await t.servers.setAside(s.serverId, 'shutdown')
    await t.servers.operationFailed(s.serverId, 'compute_restore_instance', ending, false)
  },
})
  .step('start-guest', {
    at: 'compute',
    onHost: s => s.host,
    do: async (s, t, run) => ({
      power: await t.hypervisor.power(await t.conductor.serverToBuild(s.serverId), 'start', run.signal),
    }),
    undo: async (s, t, run) => {
      await t.hypervisor.power(await t.conductor.serverToBuild(s.serverId), 'stop', run.signal)
    },
  })
  .step('settle', {
    at: 'conductor',
    do: async (s, t, run) => {
      await t.servers.settle(s.serverId, { vmState: 'active', power: s.power })
      await t.servers.event(s.serverId, run.ctx.requestId, 'compute_restore_instance', s.host, null)
    },
  })
