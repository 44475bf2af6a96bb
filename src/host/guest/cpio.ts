// The archive a kernel unpacks as its first root (cpio, "newc"): written here, so that no program and no root rights are needed.

/** One entry; `contents` is the target for a link, absent for a folder. */
export interface ArchiveEntry {
  readonly path: string
  /** Kind and permissions, e.g. `0o100755`. */
  readonly mode: number
  readonly contents?: string | Uint8Array
}

export const FILE = 0o100644
export const PROGRAM = 0o100755
export const LINK = 0o120777
export const FOLDER = 0o040755

/** All entries as one archive, everything owned by root, padded to 512 bytes. */
export function archive(entries: readonly ArchiveEntry[]): Buffer {
  const parts: Buffer[] = []
  let length = 0
  const push = (bytes: Buffer): void => {
    parts.push(bytes)
    length += bytes.length
    const rest = (4 - (length % 4)) % 4
    if (rest > 0) parts.push(Buffer.alloc(rest))
    length += rest
  }
  const all = [...entries, { path: 'TRAILER!!!', mode: 0 }]
  for (const [index, { path, mode, contents }] of all.entries() as IterableIterator<[number, ArchiveEntry]>) {
    const body = Buffer.from(contents ?? '')
    const links = (mode & 0o170000) === 0o040000 ? 2 : 1
    const fields = [index + 1, mode, 0, 0, links, 0, body.length, 0, 0, 0, 0, path.length + 1, 0]
    const header = fields.map(value => value.toString(16).padStart(8, '0')).join('')
    push(Buffer.from(`070701${header}${path}\0`, 'latin1'))
    push(body)
  }
  parts.push(Buffer.alloc((512 - (length % 512)) % 512))
  return Buffer.concat(parts)
}
