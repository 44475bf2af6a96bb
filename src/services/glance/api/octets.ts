// Bodies that are bytes: their media type, and how many are announced.
import { Fault } from '#kernel/contract/fault.ts'

type Headers = Readonly<Record<string, string | undefined>>

/** Throws 415 for another media type. */
export function demandOctets(headers: Headers): void {
  const type = headers['content-type']
  if (type !== undefined && !type.startsWith('application/octet-stream'))
    throw new Fault('UnsupportedMediaType', 415, `Unsupported Content-Type ${type}`)
}
/** Null: the client does not say. compat: some clients say it in a header of Glance's own. */
export function announcedBytes(headers: Headers): number | null {
  const said = headers['x-openstack-image-size'] ?? headers['content-length']
  return said !== undefined && /^\d{1,15}$/.test(said) ? Number(said) : null
}
