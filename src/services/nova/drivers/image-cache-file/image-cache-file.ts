// The image cache as a folder: `<folder>/<image id>/` appears by one rename when everything about the image is right.
import { mkdir, open, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { inspectFile } from '#host/block/inspect-file.ts'
import { createQemuImg, qemuFormat } from '#host/block/qemu-img.ts'
import type { Exec } from '#host/node/exec.ts'
import type { Clock } from '#kernel/lib/clock.ts'
import { fetchInto } from '#services/nova/drivers/image-cache-file/fetch-into.ts'
import { sharedWork } from '#services/nova/drivers/image-cache-file/shared-work.ts'
import {
  ImageCacheFault,
  type CachedImage,
  type CacheEntry,
  type ImageCache,
  type ImageSource,
} from '#services/nova/drivers/image-cache.ts'

export interface FileImageCacheOptions {
  /** On the file system that holds guests' disks, so that they can share the file. */
  readonly folder: string
  readonly exec: Exec
  readonly clock: Clock
  /** How many images may be fetched or converted at once. Default 2. */
  readonly atOnce?: number
}

/** What `image.json` says. */
interface Label {
  readonly format: CachedImage['format']
  readonly virtualSize: number
  readonly sizeBytes: number
  readonly mtimeMs: number
  readonly sha256: string
  /** What Glance said the bytes were; another word means another image under the same id. */
  readonly origin: string
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const PARTIAL = '.partial-'
const KERNELS: readonly string[] = ['aki', 'ari']

export function createFileImageCache(options: FileImageCacheOptions): ImageCache {
  const { folder, exec, clock } = options
  const shared = sharedWork<CachedImage>(options.atOnce ?? 2)
  let partials = 0

  const home = (imageId: string): string => {
    if (!UUID.test(imageId)) throw new RangeError(`not an image's id: ${imageId}`)
    return `${folder}/${imageId}`
  }
  const readLabel = async (imageId: string): Promise<Label | undefined> => {
    const text = await readFile(`${home(imageId)}/image.json`, 'utf8').catch(() => undefined)
    return text === undefined ? undefined : (JSON.parse(text) as Label)
  }
  const described = (imageId: string, label: Label): CachedImage => ({
    imageId,
    path: `${home(imageId)}/${fileName(label.format)}`,
    format: label.format,
    virtualSize: label.virtualSize,
    sizeBytes: label.sizeBytes,
  })
  const isWhole = async (imageId: string, label: Label): Promise<boolean> => {
    const about = await stat(`${home(imageId)}/${fileName(label.format)}`).catch(() => undefined)
    return about?.size === label.sizeBytes && Math.abs(about.mtimeMs - label.mtimeMs) < 1
  }
  const touch = async (imageId: string): Promise<void> => {
    const now = new Date(clock.now())
    await utimes(`${home(imageId)}/image.json`, now, now)
  }
  const store = async (imageId: string, source: ImageSource, signal: AbortSignal): Promise<CachedImage> => {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    const beside = `${folder}/${PARTIAL}${imageId}-${process.pid}-${++partials}`
    await mkdir(beside, { mode: 0o700 })
    try {
      const raw = `${beside}/download`
      await fetchInto(raw, imageId, source, signal)
      const { format, virtualSize } = await settle(exec, imageId, source, beside, raw)
      const path = `${beside}/${fileName(format)}`
      const about = await stat(path)
      const label: Label = {
        format,
        virtualSize,
        sizeBytes: about.size,
        mtimeMs: about.mtimeMs,
        sha256: await sha256(path),
        origin: originOf(source),
      }
      await writeFile(`${beside}/image.json`, JSON.stringify(label), { mode: 0o600 })
      await sync(`${beside}/image.json`)
      signal.throwIfAborted()
      await rm(home(imageId), { recursive: true, force: true }) // an older, damaged one; guests keep their own name for it
      await rename(beside, home(imageId))
      await sync(folder)
      return described(imageId, label)
    } catch (error) {
      await rm(beside, { recursive: true, force: true })
      throw error
    }
  }
  const entries = async (): Promise<readonly { imageId: string; label: Label }[]> => {
    const found: { imageId: string; label: Label }[] = []
    for (const imageId of await readdir(folder).catch(() => [])) {
      const label = UUID.test(imageId) ? await readLabel(imageId) : undefined
      if (label !== undefined) found.push({ imageId, label })
    }
    return found
  }
  const inventory = async (): Promise<readonly CacheEntry[]> =>
    Promise.all(
      (await entries()).map(async ({ imageId, label }) => {
        const image = described(imageId, label)
        const [file, card, whole] = await Promise.all([
          stat(image.path).catch(() => undefined),
          stat(`${home(imageId)}/image.json`).catch(() => undefined),
          isWhole(imageId, label),
        ])
        // Each guest has a second name for the file in its own folder.
        return {
          ...image,
          users: Math.max(0, (file?.nlink ?? 1) - 1),
          usedAt: card?.mtimeMs ?? 0,
          sha256: label.sha256,
          whole,
        }
      }),
    )

  return {
    async ensure(imageId, source, { signal } = {}) {
      signal?.throwIfAborted()
      return shared.run(imageId, signal, async either => {
        const label = await readLabel(imageId)
        if (label !== undefined && label.origin === originOf(source) && (await isWhole(imageId, label))) {
          await touch(imageId)
          return described(imageId, label)
        }
        return store(imageId, source, either)
      })
    },
    inventory,
    async verify() {
      const wrong: string[] = []
      for (const entry of await inventory()) {
        const now = await sha256(entry.path).catch(() => undefined)
        if (now === undefined) wrong.push(`image ${entry.imageId}: its file cannot be read`)
        else if (now !== entry.sha256) wrong.push(`image ${entry.imageId}: its file is not what was stored`)
      }
      return wrong
    },
    async evict({ olderThanMs }) {
      const gone: string[] = []
      for (const { imageId, users, usedAt } of await inventory()) {
        if (users > 0 || clock.now() - usedAt < olderThanMs || shared.busy(imageId)) continue
        // Renamed first: whoever looks for it finds all of it or nothing.
        const away = `${folder}/${PARTIAL}${imageId}-gone-${++partials}`
        await rename(home(imageId), away)
        await rm(away, { recursive: true, force: true })
        gone.push(imageId)
      }
      return gone
    },
    async clean() {
      for (const name of await readdir(folder).catch(() => [])) {
        if (name.startsWith(PARTIAL)) await rm(`${folder}/${name}`, { recursive: true, force: true })
      }
    },
  }
}

const fileName = (format: CachedImage['format']): string => (format === 'file' ? 'file' : `base.${format}`)

const originOf = (source: ImageSource): string =>
  source.hashValue
    ? `${source.hashAlgorithm ?? 'sha512'}:${source.hashValue}`
    : source.checksum
      ? `md5:${source.checksum}`
      : 'unknown'

/** Judges the downloaded file before any tool may read it, then leaves it in `folder` under its final name. */
async function settle(
  exec: Exec,
  imageId: string,
  source: ImageSource,
  folder: string,
  raw: string,
): Promise<{ format: CachedImage['format']; virtualSize: number }> {
  const verdict = await inspectFile(raw, source.diskFormat)
  const problem = verdict.problems[0]
  if (problem !== undefined)
    throw new ImageCacheFault('refused', `Image ${imageId} is unacceptable: ${problem.message}`)
  if (KERNELS.includes(source.diskFormat)) {
    await rename(raw, `${folder}/${fileName('file')}`)
    return { format: 'file', virtualSize: verdict.virtualSize }
  }
  const found = qemuFormat(verdict.format)
  if (found === undefined)
    throw new ImageCacheFault('refused', `Image ${imageId} is unacceptable: ${verdict.format} is not supported`)
  if (found === 'raw' || found === 'qcow2') {
    await rename(raw, `${folder}/${fileName(found)}`)
    return { format: found, virtualSize: verdict.virtualSize }
  }
  try {
    const to = `${folder}/${fileName('qcow2')}`
    await createQemuImg({ exec }).convert(raw, to, { fromFormat: found, toFormat: 'qcow2' })
    await rm(raw)
    await sync(to)
  } catch (error) {
    throw new ImageCacheFault('unreadable', `Image ${imageId} could not be converted from ${verdict.format}`, error)
  }
  return { format: 'qcow2', virtualSize: verdict.virtualSize }
}

async function sync(path: string): Promise<void> {
  const handle = await open(path, 'r')
  await handle.sync().finally(() => handle.close())
}

async function sha256(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 18 })) hash.update(chunk as Buffer)
  return hash.digest('hex')
}
