// Stop, start, reboot, pause, unpause, suspend, resume: one deed at the host, then the states that follow from it.
import { saga } from '#kernel/saga/saga.ts'
import type { PowerVerb, Tools } from '#services/nova/sagas/tools.ts'

export interface ChangePower {
  readonly serverId: string
  readonly host: string
  readonly verb: PowerVerb
  /** The task state that the request put the server in: `powering-off`, `rebooting_hard`, … */
  readonly taskState: string
  /** Set when no person asked: the guest was not what its server's row says. */
  readonly byItself?: boolean
  /** What it was then: one that waits for the confirmation of a resize goes on waiting. */
  readonly vmState?: string
}

/** The vm_state after each verb. */
const AFTER: Readonly<Record<PowerVerb, string>> = {
  stop: 'stopped',
  start: 'active',
  'reboot-soft': 'active',
  'reboot-hard': 'active',
  pause: 'paused',
  unpause: 'active',
  suspend: 'suspended',
  resume: 'active',
}
const EVENT: Readonly<Record<PowerVerb, string>> = {
  stop: 'compute_stop_instance',
  start: 'compute_start_instance',
  'reboot-soft': 'compute_reboot_instance',
  'reboot-hard': 'compute_reboot_instance',
  pause: 'compute_pause_instance',
  unpause: 'compute_unpause_instance',
  suspend: 'compute_suspend_instance',
  resume: 'compute_resume_instance',
}

export const changePower = saga<Tools>()<ChangePower, 'conductor'>('change-power', {
  subject: s => s.serverId,
  home: 'conductor',
  failed: async (s, t, ending) => {
    await t.servers.operationFailed(s.serverId, EVENT[s.verb], ending, s.verb === 'reboot-hard')
    // It should run and cannot: from now on it is a stopped server that says why.
    if (s.byItself === true && s.verb === 'start' && !ending.cancelled)
      await t.servers.settle(s.serverId, {
        vmState: s.vmState === 'resized' ? s.vmState : 'stopped',
        power: 'shutdown',
      })
  },
})
  .step('act', {
    at: 'compute',
    onHost: s => s.host,
    do: async (s, t, run) => ({
      power: await t.hypervisor.power(await t.conductor.serverToBuild(s.serverId), s.verb, run.signal),
    }),
  })
  .step('settle', {
    at: 'conductor',
    do: async (s, t, run) => {
      const vmState = s.vmState === 'resized' ? s.vmState : AFTER[s.verb]
      await t.servers.settle(s.serverId, { vmState, power: s.power })
      await t.servers.event(s.serverId, run.ctx.requestId, EVENT[s.verb], s.host, null)
    },
  })
