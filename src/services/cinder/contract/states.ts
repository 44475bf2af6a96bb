// What may be done with a volume or a snapshot in which state: pure, shared by the server and the web console's buttons.
import { no, yes, type Verdict } from '#kernel/contract/verdict.ts'

/** Every status a volume can have here. */
export const VOLUME_STATUSES = [
  'creating',
  'downloading',
  'available',
  'reserved',
  'attaching',
  'detaching',
  'in-use',
  'awaiting-transfer',
  'maintenance',
  'deleting',
  'extending',
  'backing-up',
  'restoring-backup',
  'uploading',
  'retyping',
  'reverting',
  'managing',
  'unmanaging',
  'error',
  'error_backing-up',
  'error_restoring',
  'error_managing',
  'error_unmanaging',
  'error_deleting',
  'error_extending',
] as const
export type VolumeStatus = (typeof VOLUME_STATUSES)[number]

/** A status in which a volume may not stay: something is under way. */
export const VOLUME_TRANSITIONS: readonly string[] = [
  'creating',
  'downloading',
  'attaching',
  'detaching',
  'deleting',
  'extending',
  'backing-up',
  'restoring-backup',
  'uploading',
  'retyping',
  'reverting',
  'managing',
  'unmanaging',
]
export const SNAPSHOT_TRANSITIONS: readonly string[] = ['creating', 'deleting', 'backing-up', 'restoring', 'unmanaging']
export const BACKUP_TRANSITIONS: readonly string[] = ['creating', 'deleting', 'restoring']
/** Every status a backup can have. */
export const BACKUP_STATUSES: readonly string[] = [
  'error',
  'error_deleting',
  'creating',
  'available',
  'deleting',
  'deleted',
  'restoring',
]

/** What an administrator may write into `status` by os-reset_status, as upstream's object has them. */
export const RESETTABLE_STATUSES: readonly string[] = [
  'creating',
  'available',
  'deleting',
  'error',
  'error_deleting',
  'error_managing',
  'managing',
  'attaching',
  'in-use',
  'detaching',
  'maintenance',
  'restoring-backup',
  'error_restoring',
  'reserved',
  'awaiting-transfer',
  'backing-up',
  'error_backing-up',
  'error_extending',
  'downloading',
  'uploading',
  'retyping',
  'extending',
]
export const RESETTABLE_ATTACH_STATUSES: readonly string[] = [
  'attached',
  'attaching',
  'detached',
  'reserved',
  'error_attaching',
  'error_detaching',
  'deleted',
]
export const RESETTABLE_SNAPSHOT_STATUSES: readonly string[] = [
  'available',
  'creating',
  'deleting',
  'deleted',
  'updating',
  'error',
  'error_deleting',
  'unmanaging',
  'backing-up',
  'restoring',
]

/** Verbs of a volume and the statuses they want. */
const WANTS = {
  delete: ['available', 'error', 'error_restoring', 'error_extending', 'error_managing'],
  extend: ['available'],
  extendInUse: ['in-use'],
  reserve: ['available'],
  attach: ['available', 'attaching'],
  detach: ['in-use', 'detaching'],
  beginDetaching: ['in-use'],
  snapshot: ['available'],
  snapshotInUse: ['available', 'in-use'],
  cloneFrom: ['available', 'in-use'],
  backup: ['available'],
  backupInUse: ['available', 'in-use'],
  updateReadonly: ['available'],
} as const satisfies Record<string, readonly string[]>
export type VolumeVerb = keyof typeof WANTS

/** The statuses in which the verb is allowed. */
export const statusesFor = (verb: VolumeVerb): readonly string[] => WANTS[verb]

/** `volumeCan('extend', volume)`: yes, or why not. */
export function volumeCan(verb: VolumeVerb, volume: { readonly status: string }): Verdict {
  const wants: readonly string[] = WANTS[verb]
  return wants.includes(volume.status)
    ? yes
    : no({ who: 'status', says: `${verb} wants another status`, has: volume.status, wants })
}

export const SNAPSHOT_DELETABLE: readonly string[] = ['available', 'error']

/** `available or in-use`: how upstream writes a choice. */
export const orList = (words: readonly string[]): string => words.join(' or ')
