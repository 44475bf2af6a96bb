// What an exported record of a backup says: base64 of JSON, with upstream's names.
import { faults } from '#services/cinder/contract/faults.ts'
import type { Backup } from '#services/cinder/db/backups.ts'
import type { VolumeFacts } from '#services/cinder/db/tables.ts'

export interface BackupRecord {
  readonly id: string
  /** By which id the store knows the bytes. */
  readonly keptAs: string
  readonly sizeGb: number
  readonly name: string | null
  readonly description: string | null
  readonly container: string | null
  readonly volumeId: string | null
  readonly dataAt: number | null
  readonly volumeFacts: VolumeFacts | null
}
const MOST_GB = 2_147_483_647

export function encodeRecord(backup: Backup): string {
  const text = JSON.stringify({
    id: backup.id,
    service_metadata: backup.id,
    size: backup.sizeGb,
    display_name: backup.name,
    display_description: backup.description,
    container: backup.container,
    volume_id: backup.volumeId,
    service: backup.service,
    object_count: backup.objectCount,
    data_timestamp: backup.dataAt,
    volume_facts: backup.volumeFacts,
    driver_info: {},
  })
  let binary = ''
  for (const byte of new TextEncoder().encode(text)) binary += String.fromCharCode(byte)
  return btoa(binary)
}

const textOr = (value: unknown): string | null => (typeof value === 'string' ? value.slice(0, 255) : null)
const strings = (value: unknown): Record<string, string> =>
  Object.fromEntries(
    Object.entries(typeof value === 'object' && value !== null ? value : {})
      .filter((entry): entry is [string, string] => typeof entry[1] === 'string')
      .map(([key, text]) => [key.slice(0, 255), text.slice(0, 65_535)]),
  )

/** Throws 400 in upstream's words. Nothing in it is believed that is not of the right kind. */
export function decodeRecord(url: string): BackupRecord {
  let text: string
  try {
    const binary = atob(url.replaceAll(/\s/g, '').replaceAll('-', '+').replaceAll('_', '/'))
    text = new TextDecoder('utf-8', { fatal: true }).decode(Uint8Array.from(binary, char => char.charCodeAt(0)))
  } catch {
    throw faults.InvalidInput({ reason: "Can't decode backup record." })
  }
  let found: unknown
  try {
    found = JSON.parse(text)
  } catch {
    throw faults.InvalidInput({ reason: "Can't parse backup record." })
  }
  if (typeof found !== 'object' || found === null || Array.isArray(found))
    throw faults.InvalidInput({ reason: "Can't parse backup record." })
  const bag = found as Readonly<Record<string, unknown>>
  const { id, size, service_metadata, volume_id, data_timestamp, volume_facts } = bag
  if (typeof id !== 'string') throw faults.InvalidInput({ reason: 'Provided backup record is missing an id' })
  if (typeof size !== 'number' || !Number.isInteger(size) || size < 0 || size > MOST_GB)
    throw faults.InvalidInput({ reason: 'Provided backup record is missing size attribute' })
  if (/\u0000/.test(text) || /\\u0000/.test(text)) throw faults.InvalidInput({ reason: "Can't parse backup record." })
  const facts =
    typeof volume_facts === 'object' && volume_facts !== null ? (volume_facts as Record<string, unknown>) : null
  return {
    id,
    keptAs: typeof service_metadata === 'string' ? service_metadata : id,
    sizeGb: size,
    name: textOr(bag['display_name']),
    description: textOr(bag['display_description']),
    container: textOr(bag['container']),
    volumeId: typeof volume_id === 'string' && /^[0-9a-f-]{36}$/.test(volume_id) ? volume_id : null,
    dataAt: typeof data_timestamp === 'number' && data_timestamp >= 0 && data_timestamp < 4e12 ? data_timestamp : null,
    volumeFacts:
      facts === null
        ? null
        : {
            name: textOr(facts['name']),
            description: textOr(facts['description']),
            metadata: strings(facts['metadata']),
            imageMetadata: facts['imageMetadata'] == null ? null : strings(facts['imageMetadata']),
          },
  }
}
