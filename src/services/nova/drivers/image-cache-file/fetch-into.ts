// A download to a file: hashed while it passes, holes kept as holes, on the disk for good before it counts.
import { createHash, getHashes } from 'node:crypto'
import { open } from 'node:fs/promises'
import { ImageCacheFault, type ImageSource } from '#services/nova/drivers/image-cache.ts'

/** Whole pieces of zeros of this size are not written. */
const HOLE = 64 * 1024
const ZEROS = new Uint8Array(HOLE)

/**
 * Writes the image to `path` (0600, must not exist). Throws `corrupt` when length or hash are not what was promised, and
 * whatever the download throws.
 */
export async function fetchInto(
  path: string,
  imageId: string,
  source: ImageSource,
  signal: AbortSignal,
): Promise<void> {
  const expected = promised(source)
  const hash = expected === undefined ? undefined : createHash(expected.algorithm)
  const file = await open(path, 'wx', 0o600)
  let length = 0
  try {
    for await (const chunk of source.download(signal)) {
      signal.throwIfAborted()
      hash?.update(chunk)
      if (source.sizeBytes != null && length + chunk.length > source.sizeBytes) {
        throw new ImageCacheFault('corrupt', `Image ${imageId} is longer than ${source.sizeBytes} bytes`)
      }
      for (let at = 0; at < chunk.length; at += HOLE) {
        const piece = chunk.subarray(at, at + HOLE)
        if (!isZero(piece)) await writeAll(file, piece, length + at)
      }
      length += chunk.length
    }
    signal.throwIfAborted()
    if (source.sizeBytes != null && length !== source.sizeBytes) {
      throw new ImageCacheFault('corrupt', `Image ${imageId} has ${length} bytes instead of ${source.sizeBytes}`)
    }
    if (expected !== undefined && hash?.digest('hex') !== expected.value) {
      throw new ImageCacheFault(
        'corrupt',
        `Image ${imageId} does not have the ${expected.algorithm} the image service promised`,
      )
    }
    await file.truncate(length)
    await file.sync()
  } finally {
    await file.close()
  }
}

function promised(source: ImageSource): { algorithm: string; value: string } | undefined {
  if (source.hashValue) {
    const algorithm = source.hashAlgorithm ?? 'sha512'
    if (!getHashes().includes(algorithm))
      throw new ImageCacheFault('corrupt', `The hash algorithm ${algorithm} is not known here`)
    return { algorithm, value: source.hashValue.toLowerCase() }
  }
  return source.checksum ? { algorithm: 'md5', value: source.checksum.toLowerCase() } : undefined
}

const isZero = (piece: Uint8Array): boolean => Buffer.compare(piece, ZEROS.subarray(0, piece.length)) === 0

async function writeAll(file: Awaited<ReturnType<typeof open>>, piece: Uint8Array, position: number): Promise<void> {
  for (let at = 0; at < piece.length;) {
    const { bytesWritten } = await file.write(piece, at, piece.length - at, position + at)
    at += bytesWritten
  }
}
