// Which action is allowed in which state; and what status a client reads from the two columns. Pure: the console uses it too.
import { no, yes, type Verdict } from '#kernel/contract/verdict.ts'

export interface ServerState {
  readonly vmState: string
  readonly taskState: string | null
}

/** The `status` of a server: vm_state with the task that changes it. */
const STATUS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  active: {
    default: 'ACTIVE',
    rebooting: 'REBOOT',
    reboot_pending: 'REBOOT',
    reboot_started: 'REBOOT',
    rebooting_hard: 'HARD_REBOOT',
    reboot_pending_hard: 'HARD_REBOOT',
    reboot_started_hard: 'HARD_REBOOT',
    updating_password: 'PASSWORD',
    rebuilding: 'REBUILD',
    rebuild_block_device_mapping: 'REBUILD',
    rebuild_spawning: 'REBUILD',
    migrating: 'MIGRATING',
    resize_prep: 'RESIZE',
    resize_migrating: 'RESIZE',
    resize_migrated: 'RESIZE',
    resize_finish: 'RESIZE',
  },
  building: { default: 'BUILD' },
  stopped: {
    default: 'SHUTOFF',
    resize_prep: 'RESIZE',
    resize_migrating: 'RESIZE',
    resize_migrated: 'RESIZE',
    resize_finish: 'RESIZE',
    rebuilding: 'REBUILD',
    rebuild_block_device_mapping: 'REBUILD',
    rebuild_spawning: 'REBUILD',
  },
  resized: { default: 'VERIFY_RESIZE', resize_reverting: 'REVERT_RESIZE' },
  paused: { default: 'PAUSED', migrating: 'MIGRATING' },
  suspended: { default: 'SUSPENDED' },
  rescued: { default: 'RESCUE' },
  error: {
    default: 'ERROR',
    rebuilding: 'REBUILD',
    rebuild_block_device_mapping: 'REBUILD',
    rebuild_spawning: 'REBUILD',
  },
  deleted: { default: 'DELETED' },
  'soft-delete': { default: 'SOFT_DELETED' },
  shelved: { default: 'SHELVED' },
  shelved_offloaded: { default: 'SHELVED_OFFLOADED' },
}

export const statusOf = (state: ServerState): string => {
  const row = STATUS[state.vmState]
  return row === undefined ? 'UNKNOWN' : (row[state.taskState ?? 'default'] ?? row['default'] ?? 'UNKNOWN')
}

/** The vm_states that have this status, for the list's filter. Empty: no such status. */
export const vmStatesOf = (status: string): { vmState: string; taskStates: string[] | null }[] =>
  Object.entries(STATUS).flatMap(([vmState, row]): { vmState: string; taskStates: string[] | null }[] => {
    if (row['default'] === status) return [{ vmState, taskStates: null }]
    const taskStates = Object.entries(row)
      .filter(([task, word]) => task !== 'default' && word === status)
      .map(([task]) => task)
    return taskStates.length === 0 ? [] : [{ vmState, taskStates }]
  })
/** Tasks of a vm_state that give it another status than its default. */
export const otherTasksOf = (vmState: string): string[] =>
  Object.entries(STATUS[vmState] ?? {})
    .filter(([task, word]) => task !== 'default' && word !== STATUS[vmState]?.['default'])
    .map(([task]) => task)

interface Allowed {
  readonly vmStates: readonly string[] | null
  /** The tasks in which it may be asked for; `null` among them means no task. Absent: only without a task. `'any'`: whatever. */
  readonly taskStates?: readonly (string | null)[] | 'any'
  /** False: also on a locked server. */
  readonly lockable?: boolean
  /** True: the server must have been started once. */
  readonly mustHaveLaunched?: boolean
}

/** The words of the API (`stop`, `reboot_soft`, …) and where they are allowed. */
export const allowed = {
  update: { vmStates: null, taskStates: 'any', lockable: false },
  delete: { vmStates: null, taskStates: 'any', mustHaveLaunched: false },
  restore: { vmStates: ['soft-delete'], taskStates: [null] },
  change_password: { vmStates: ['active'], taskStates: [null] },
  trigger_crash_dump: {
    vmStates: ['active', 'paused', 'rescued', 'resized', 'error'],
    taskStates: [null],
  },
  stop: { vmStates: ['active', 'error'], taskStates: [null] },
  start: { vmStates: ['stopped'], taskStates: [null] },
  'reboot-soft': { vmStates: ['active'], taskStates: [null] },
  'reboot-hard': {
    vmStates: ['active', 'stopped', 'paused', 'suspended', 'error'],
    taskStates: [
      null,
      'rebooting',
      'reboot_pending',
      'reboot_started',
      'rebooting_hard',
      'resuming',
      'unpausing',
      'pausing',
      'suspending',
    ],
  },
  pause: { vmStates: ['active'], taskStates: [null] },
  unpause: { vmStates: ['paused'], taskStates: [null] },
  suspend: { vmStates: ['active'], taskStates: [null] },
  resume: { vmStates: ['suspended'], taskStates: [null] },
  attach_volume: {
    vmStates: ['active', 'paused', 'stopped', 'resized', 'soft-delete', 'shelved', 'shelved_offloaded'],
    taskStates: 'any',
  },
  detach_volume: {
    vmStates: ['active', 'paused', 'suspended', 'stopped', 'resized', 'soft-delete', 'shelved', 'shelved_offloaded'],
    taskStates: 'any',
  },
  attach_interface: { vmStates: ['active', 'paused', 'stopped'], taskStates: [null] },
  detach_interface: { vmStates: ['active', 'paused', 'stopped'], taskStates: [null] },
  update_metadata: { vmStates: ['active', 'paused', 'suspended', 'stopped'], taskStates: 'any' },
  delete_metadata: { vmStates: ['active', 'paused', 'suspended', 'stopped'], taskStates: 'any' },
  tags: { vmStates: ['active', 'paused', 'suspended', 'stopped'], taskStates: 'any' },
  resize: { vmStates: ['active', 'stopped'], taskStates: [null] },
  confirm_resize: { vmStates: ['resized'], taskStates: [null] },
  revert_resize: { vmStates: ['resized'], taskStates: [null] },
  live_migrate: { vmStates: ['active', 'paused'], taskStates: [null] },
  force_complete: { vmStates: ['active'], taskStates: ['migrating'] },
  abort_live_migration: { vmStates: null, taskStates: ['migrating'] },
  evacuate: { vmStates: ['active', 'stopped', 'error'], taskStates: 'any' },
  'create-image': { vmStates: ['active', 'stopped', 'paused', 'suspended'], lockable: false },
  'create-backup': { vmStates: ['active', 'stopped', 'paused', 'suspended'], lockable: false },
  rebuild: { vmStates: ['active', 'stopped', 'error'] },
  rescue: { vmStates: ['active', 'stopped', 'error'] },
  unrescue: { vmStates: ['rescued'] },
  shelve: { vmStates: ['active', 'stopped', 'paused', 'suspended'] },
  'shelve-offload': { vmStates: ['shelved'] },
  unshelve: { vmStates: ['shelved', 'shelved_offloaded'] },
  get_console_output: { vmStates: null, taskStates: 'any', lockable: false },
  get_vnc_console: { vmStates: null, taskStates: 'any', lockable: false },
} as const satisfies Readonly<Record<string, Allowed>>
export type ServerVerb = keyof typeof allowed

/** May this be done now? The reason names the column that stands in the way, as upstream's message does. */
export function serverCan(verb: ServerVerb, server: ServerState & { locked?: boolean }): Verdict {
  const rule: Allowed = allowed[verb]
  const states = rule.vmStates
  if (states !== null && !states.includes(server.vmState)) {
    return no({ who: 'vm_state', says: `the server is ${server.vmState}`, has: server.vmState, wants: states })
  }
  const tasks = rule.taskStates ?? [null]
  if (tasks !== 'any' && !tasks.includes(server.taskState)) {
    return no({
      who: 'task_state',
      says: `the server is busy: ${server.taskState ?? 'nothing'}`,
      has: server.taskState,
      wants: tasks,
    })
  }
  return yes
}
