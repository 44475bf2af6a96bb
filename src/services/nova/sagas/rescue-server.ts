// A guest that boots another system for a while, with its own disk beside it; and the way back.
import { saga } from '#kernel/saga/saga.ts'
import type { Tools } from '#services/nova/sagas/tools.ts'

export interface RescueServer {
  readonly serverId: string
  readonly host: string
  readonly vmState: string
  /** The rescue system. */
  readonly imageId: string
}

export const rescueServer = saga<Tools>()<RescueServer, 'conductor'>('rescue-server', {
  subject: s => s.serverId,
  home: 'conductor',
  failed: (s, t, ending) => t.servers.operationFailed(s.serverId, 'compute_rescue_instance', ending, false),
})
  .step('fetch-image', {
    at: 'compute',
    onHost: s => s.host,
    do: async (s, t, run) => ({ image: await t.captures.ensure(s.imageId, run.signal) }),
  })
  .step('start-rescue', {
    at: 'compute',
    onHost: s => s.host,
    do: async (s, t, run) => ({
      power: await t.captures.rescue(await t.conductor.serverToBuild(s.serverId), s.image, run.signal),
    }),
    undo: async (s, t, run) => {
      await t.captures.endRescue(s.serverId, run.signal)
      if (s.vmState === 'active')
        await t.hypervisor.power(await t.conductor.serverToBuild(s.serverId), 'start', run.signal)
    },
  })
  .step('settle', {
    at: 'conductor',
    do: (s, t) => t.serverImages.rescued(s.serverId, s.imageId, s.power),
  })

export interface UnrescueServer {
  readonly serverId: string
  readonly host: string
}

export const unrescueServer = saga<Tools>()<UnrescueServer, 'conductor'>('unrescue-server', {
  subject: s => s.serverId,
  home: 'conductor',
  failed: (s, t, ending) => t.servers.operationFailed(s.serverId, 'compute_unrescue_instance', ending, true),
})
  .step('end-rescue', {
    at: 'compute',
    onHost: s => s.host,
    do: (s, t, run) => t.captures.endRescue(s.serverId, run.signal),
  })
  .step('start', {
    at: 'compute',
    onHost: s => s.host,
    do: async (s, t, run) => ({
      power: await t.hypervisor.power(await t.conductor.serverToBuild(s.serverId), 'start', run.signal),
    }),
  })
  .step('settle', {
    at: 'conductor',
    do: (s, t) => t.serverImages.unrescued(s.serverId, s.power),
  })
