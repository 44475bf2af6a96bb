// Which button works in which state, and why one does not. The server decides again; this only spares a person the refusal.
import type { Server } from '#app/api/compute.ts'

export type ServerVerb = 'start' | 'stop' | 'reboot' | 'reboot-hard' | 'delete' | 'console' | 'log'

/** `because` names the reason; `state` is what stands in the way. */
export type Verdict =
  | { readonly ok: true }
  | { readonly ok: false; readonly because: 'busy' | 'wrong-state' | 'locked'; readonly state: string }

const YES: Verdict = { ok: true }

/** Nova's `vm_state`s in which each verb is allowed; null: all. */
const STATES: Readonly<Record<ServerVerb, readonly string[] | null>> = {
  start: ['stopped'],
  stop: ['active', 'error'],
  reboot: ['active'],
  'reboot-hard': ['active', 'stopped', 'paused', 'suspended', 'error'],
  delete: null,
  console: ['active', 'paused', 'rescued', 'resized'],
  log: null,
}

/** Verbs that change the server, and so wait for a task under way. Deleting never waits, but is not done twice. */
const WAITS: readonly ServerVerb[] = ['start', 'stop', 'reboot', 'reboot-hard']
const UNLOCKED_ONLY: readonly ServerVerb[] = ['start', 'stop', 'reboot', 'reboot-hard', 'delete']

/** Whether `verb` would be accepted now. An administrator passes a lock. */
export function serverCan(verb: ServerVerb, server: Server, admin = false): Verdict {
  const vmState = server['OS-EXT-STS:vm_state']
  const task = server['OS-EXT-STS:task_state']
  if (server.locked === true && !admin && UNLOCKED_ONLY.includes(verb)) return no('locked', server.name)
  if (task === 'deleting' && verb !== 'log') return no('busy', task)
  const states = STATES[verb]
  if (states !== null && !states.includes(vmState)) return no('wrong-state', server.status)
  if (task !== null && WAITS.includes(verb)) return no('busy', task)
  return YES
}

function no(because: 'busy' | 'wrong-state' | 'locked', state: string): Verdict {
  return { ok: false, because, state }
}
