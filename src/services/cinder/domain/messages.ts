// What users are told when something failed after the request was accepted: upstream's sentences, and ours behind them.
import type { Kysely } from 'kysely'

import { messagesDb, type Message } from '#services/cinder/db/messages.ts'
import type { CinderTables } from '#services/cinder/db/tables.ts'

export const ACTIONS = {
  schedule: ['001', 'schedule allocate volume'],
  attach: ['002', 'attach volume'],
  uploadImage: ['003', 'copy volume to image'],
  unmanage: ['006', 'unmanage volume'],
  reimage: ['016', 'reimage volume'],
  updateAttachment: ['004', 'update attachment'],
  copyImage: ['005', 'copy image to volume'],
  extend: ['007', 'extend volume'],
  create: ['008', 'create volume from backend storage'],
  snapshotCreate: ['009', 'create snapshot'],
  backupCreate: ['013', 'create backup'],
  backupDelete: ['014', 'delete backup'],
  backupRestore: ['015', 'restore backup'],
  snapshotDelete: ['010', 'delete snapshot'],
} as const
export const DETAILS = {
  unknown: ['001', 'An unknown error occurred.'],
  noBackend: ['003', 'Could not find any available weighted backend.'],
  noSpaceForImage: ['007', 'Image used for creating volume exceeds available space.'],
  novaFailed: ['009', 'Compute service failed to extend volume.'],
  driverFailedExtend: ['010', 'Volume Driver failed to extend volume.'],
  driverFailedCreate: ['012', 'Driver failed to create the volume.'],
  snapshotFailed: ['013', 'Snapshot failed to create.'],
  snapshotBusy: ['015', 'Snapshot is busy.'],
  snapshotDeleteFailed: ['016', 'Snapshot failed to delete.'],
  uploadFailed: ['004', 'Failed to upload volume to image at backend.'],
  backupFailed: ['020', 'Backup driver failed to create backup.'],
  backupDeleteFailed: ['025', 'Backup driver failed to delete backup.'],
  backupRestoreFailed: ['026', 'Backup driver failed to restore backup.'],
  reimageFailed: ['028', 'Compute service failed to reimage volume.'],
  attachFailed: ['021', 'Failed to attach volume.'],
  imageUnacceptable: [
    '029',
    'The image disk format must be the same as the volume format for the volume type you are requesting.',
  ],
} as const
export type ActionWord = keyof typeof ACTIONS
export type DetailWord = keyof typeof DETAILS

const textOf = (table: Readonly<Record<string, readonly [string, string]>>, id: string): string =>
  Object.values(table).find(([code]) => code === id)?.[1] ?? ''

/** What the user reads: `extend volume:Volume Driver failed to extend volume. (the pool is full)`. */
export const userMessage = (message: Message): string =>
  `${textOf(ACTIONS, message.actionId)}:${textOf(DETAILS, message.detailId)}${message.detail === '' ? '' : ` (${message.detail})`}`
/** `VOLUME_VOLUME_005_007`: upstream's event id. */
export const eventId = (message: Message): string =>
  `VOLUME_${message.resourceType}_${message.actionId}_${message.detailId}`

export interface NewMessage {
  readonly id: string
  readonly projectId: string
  readonly requestId: string
  readonly about: 'VOLUME' | 'VOLUME_SNAPSHOT' | 'VOLUME_BACKUP'
  readonly resourceId: string
  readonly action: ActionWord
  readonly detail: DetailWord
  /** Our own words: no path, no internals. */
  readonly says: string
  readonly now: number
  readonly ttlMs: number
}
export const addMessage = (q: Kysely<CinderTables>, message: NewMessage): Promise<void> =>
  messagesDb(q).insert({
    id: message.id,
    projectId: message.projectId,
    requestId: message.requestId,
    resourceType: message.about,
    resourceId: message.resourceId,
    actionId: ACTIONS[message.action][0],
    detailId: DETAILS[message.detail][0],
    detail: message.says.slice(0, 1000),
    createdAt: message.now,
    expiresAt: message.now + message.ttlMs,
  })
