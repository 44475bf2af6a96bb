// An image becomes a volume: its bytes are hashed while they come, judged before any tool reads them, then made qcow2.
import { createHash, getHashes } from 'node:crypto'
import { open, rename, rm } from 'node:fs/promises'
import { inspectFile } from '#host/block/inspect-file.ts'
import { qemuFormat, type QemuImg } from '#host/block/qemu-img.ts'
import { BackendFault, type ImageBytes } from '#services/cinder/drivers/backend.ts'

const GIB = 2 ** 30
/** Whole pieces of zeros of this size are not written. */
const HOLE = 64 * 1024
const ZEROS = new Uint8Array(HOLE)

/** Writes a qcow2 with the image's contents to `to`. `work` is a free name beside it. */
export async function imageToQcow2(
  qemu: QemuImg,
  image: ImageBytes,
  sizeGb: number,
  paths: { readonly work: string; readonly to: string },
  signal: AbortSignal,
): Promise<void> {
  await rm(paths.work, { force: true })
  await fetchInto(paths.work, image, sizeGb, signal)
  const verdict = await inspectFile(paths.work, image.diskFormat)
  const problem = verdict.problems[0]
  if (problem !== undefined) throw new BackendFault('refused', `Image ${image.id} is unacceptable: ${problem.message}`)
  const format = qemuFormat(verdict.format)
  if (format === undefined)
    throw new BackendFault('refused', `Image ${image.id} is unacceptable: ${verdict.format} is not supported`)
  if (verdict.virtualSize > sizeGb * GIB)
    throw new BackendFault(
      'too-small',
      `Image ${image.id} is unacceptable: Image virtual size is ${Math.ceil(verdict.virtualSize / GIB)}GB and doesn't fit in a volume of size ${sizeGb}GB.`,
    )
  signal.throwIfAborted()
  await rm(paths.to, { force: true })
  if (format === 'qcow2') await rename(paths.work, paths.to)
  else {
    await qemu.convert(paths.work, paths.to, { fromFormat: format, toFormat: 'qcow2' })
    await rm(paths.work)
  }
}

async function fetchInto(path: string, image: ImageBytes, sizeGb: number, signal: AbortSignal): Promise<void> {
  const expected = promised(image)
  const hash = expected === null ? null : createHash(expected.algorithm)
  // A compressed or sparse format may be a little larger than what it holds, never much.
  const most = image.sizeBytes ?? sizeGb * GIB * 1.1
  const file = await open(path, 'wx', 0o600)
  let length = 0
  try {
    for await (const chunk of await image.download(signal)) {
      signal.throwIfAborted()
      hash?.update(chunk)
      if (length + chunk.length > most) throw new BackendFault('corrupt', `Image ${image.id} is longer than was said`)
      for (let at = 0; at < chunk.length; at += HOLE) {
        const piece = chunk.subarray(at, at + HOLE)
        if (Buffer.compare(piece, ZEROS.subarray(0, piece.length)) === 0) continue
        for (let from = 0; from < piece.length;) {
          const { bytesWritten } = await file.write(piece, from, piece.length - from, length + at + from)
          from += bytesWritten
        }
      }
      length += chunk.length
    }
    if (image.sizeBytes !== null && length !== image.sizeBytes)
      throw new BackendFault('corrupt', `Image ${image.id} has ${length} bytes instead of ${image.sizeBytes}`)
    if (expected !== null && hash?.digest('hex') !== expected.value)
      throw new BackendFault('corrupt', `Image ${image.id} does not have the ${expected.algorithm} that was promised`)
    await file.truncate(length)
    await file.sync()
  } finally {
    await file.close()
  }
}

function promised(image: ImageBytes): { algorithm: string; value: string } | null {
  if (image.hashValue !== null && image.hashValue !== '') {
    const algorithm = image.hashAlgorithm ?? 'sha512'
    if (!getHashes().includes(algorithm))
      throw new BackendFault('corrupt', `The hash algorithm ${algorithm} is not known here`)
    return { algorithm, value: image.hashValue.toLowerCase() }
  }
  return image.checksum === null || image.checksum === ''
    ? null
    : { algorithm: 'md5', value: image.checksum.toLowerCase() }
}
