// Reads the header of a qcow2 file we made ourselves. Files from outside go through the inspection gate first, always.
import { open } from 'node:fs/promises'

export interface Qcow2Header {
  readonly virtualSize: number
  /** Present when the file is an overlay. `format` is null when the file does not say. */
  readonly backing?: { readonly name: string; readonly format: string | null }
  /** Data in another file: an incompatible feature we never use. */
  readonly dataFile: boolean
}

const BACKING_FORMAT = 0xe2792aca

/** Throws the system's error when it cannot be read, RangeError when it is not a qcow2 file. */
export async function readQcow2Header(path: string): Promise<Qcow2Header> {
  const handle = await open(path, 'r')
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(65_536), 0, undefined, 0)
    if (bytesRead < 72 || buffer.readUInt32BE(0) !== 0x514649fb) throw new RangeError(`${path} is not a qcow2 file`)
    const version = buffer.readUInt32BE(4)
    if (version !== 2 && version !== 3) throw new RangeError(`${path} is qcow2 of an unknown version ${version}`)
    const nameAt = Number(buffer.readBigUInt64BE(8))
    const nameLength = buffer.readUInt32BE(16)
    const virtualSize = Number(buffer.readBigUInt64BE(24))
    const dataFile = version === 3 && (buffer.readBigUInt64BE(72) & 4n) !== 0n
    if (nameAt === 0) return { virtualSize, dataFile }
    if (nameLength > 1023 || nameAt + nameLength > bytesRead) throw new RangeError(`${path} has a damaged header`)
    let format: string | null = null
    for (let at = version === 3 ? buffer.readUInt32BE(100) : 72; at + 8 <= bytesRead;) {
      const type = buffer.readUInt32BE(at)
      const length = buffer.readUInt32BE(at + 4)
      if (type === 0 || at + 8 + length > bytesRead) break
      if (type === BACKING_FORMAT) format = buffer.toString('utf8', at + 8, at + 8 + length)
      at += 8 + Math.ceil(length / 8) * 8
    }
    return { virtualSize, dataFile, backing: { name: buffer.toString('utf8', nameAt, nameAt + nameLength), format } }
  } finally {
    await handle.close()
  }
}
