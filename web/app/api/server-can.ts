// Which button works in which state, and why one does not, by the table that nova enforces with. The server decides again;
// this only spares a person the refusal.
import { allowed, serverCan as novaCan } from '../../../src/services/nova/contract/states.ts'
import type { Server } from '#app/api/compute.ts'

export type ServerVerb = 'start' | 'stop' | 'reboot' | 'reboot-hard' | 'delete' | 'console' | 'log'

/** `because` names the reason; `state` is what stands in the way: a status, a task, or the name of what is locked. */
export type Verdict =
  | { readonly ok: true }
  | { readonly ok: false; readonly because: 'busy' | 'wrong-state' | 'locked'; readonly state: string }

const NOVA_VERB = {
  start: 'start',
  stop: 'stop',
  reboot: 'reboot-soft',
  'reboot-hard': 'reboot-hard',
  delete: 'delete',
  console: 'get_vnc_console',
  log: 'get_console_output',
} as const satisfies Record<ServerVerb, keyof typeof allowed>

/** Nova grants a console in any state, but only a machine that exists has a screen. */
const WITH_SCREEN = ['active', 'paused', 'rescued', 'resized']

/** Whether `verb` would be accepted now. An administrator passes a lock. */
export function serverCan(verb: ServerVerb, server: Server, admin = false): Verdict {
  const vmState = server['OS-EXT-STS:vm_state']
  const taskState = server['OS-EXT-STS:task_state']
  const rule = allowed[NOVA_VERB[verb]]
  const lockable = !('lockable' in rule && rule.lockable === false)
  if (lockable && server.locked === true && !admin) return no('locked', server.name)
  if (taskState === 'deleting' && verb !== 'log') return no('busy', taskState)
  if (verb === 'console' && !WITH_SCREEN.includes(vmState)) return no('wrong-state', server.status)
  const verdict = novaCan(NOVA_VERB[verb], { vmState, taskState })
  if (verdict.ok) return verdict
  const busy = verdict.because.some(({ who }) => who === 'task_state')
  return busy ? no('busy', taskState ?? '') : no('wrong-state', server.status)
}

function no(because: 'busy' | 'wrong-state' | 'locked', state: string): Verdict {
  return { ok: false, because, state }
}
