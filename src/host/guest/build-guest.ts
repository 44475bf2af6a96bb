// Builds koto-tiny, the guest that comes with Koto, from the distribution's own kernel and tools on the user's machine; once, then it is found in the cache.
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { chmod, copyFile, mkdir, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { createQemuImg } from '#host/block/qemu-img.ts'
import { collectParts, type GuestParts } from '#host/guest/collect.ts'
import { assembleDisk, makeBootPartition, makeFileSystem } from '#host/guest/disk.ts'
import { unpackKernel } from '#host/guest/kernel.ts'
import { attempt } from '#host/guest/packages.ts'
import { makeRamdisk, makeRoot, type GuestFiles } from '#host/guest/rootfs.ts'
import type { Exec } from '#host/node/exec.ts'

/** One file of the guest. `mtimeMs` and `size` tell cheaply whether it is still what was built. */
export interface GuestFile {
  readonly path: string
  readonly size: number
  readonly mtimeMs: number
  readonly sha256: string
  readonly sha512: string
}

/** A built guest. */
export interface Guest {
  /** qcow2, partitioned: boots by BIOS if `bios`, and with kernel and ramdisk always. */
  readonly disk: GuestFile
  /** The kernel for direct boot (`aki`): an ELF file with a PVH entry, or a bzImage. */
  readonly kernel: GuestFile
  /** The initramfs (`ari`), not compressed. */
  readonly ramdisk: GuestFile
  readonly bios: boolean
  /** Virtual size of the disk in bytes. */
  readonly diskBytes: number
  /** What Glance should say: the least disk (GB) and memory (MB) it runs with. */
  readonly minDiskGb: number
  readonly minRamMb: number
  /** For direct boot: the kernel's command line (image property `os_command_line`). */
  readonly commandLine: string
  readonly kernelVersion: string
  /** Debian package → version. */
  readonly packages: Readonly<Record<string, string>>
  /** Kernel version and recipe, for people. */
  readonly version: string
  readonly buildSeconds: number
  /** It was already there. */
  readonly cached: boolean
}

export interface GuestOptions {
  /** Kept between runs: built guests and downloaded packages; about 100 MB. */
  readonly cacheDir: string
  readonly exec: Exec
  /** A line for each stage, for people. */
  readonly log?: (line: string) => void
  /** Build again even if it is there. */
  readonly rebuild?: boolean
}

const MIB = 1024 * 1024
const DISK = 'koto-tiny.qcow2'
const KERNEL = 'koto-tiny-kernel'
const RAMDISK = 'koto-tiny-ramdisk'
const COMMAND_LINE = 'root=/dev/vda console=tty0 console=ttyS0,115200 quiet cryptomgr.notests init_on_alloc=0'

/**
 * Finds the guest in the cache, or builds it (about 6 s, plus one download of about 30 MB).
 * Works as an ordinary user. Throws `Error` with one sentence that names the missing Debian packages, or `ExecError` of a failed tool;
 * the cache is as before then.
 */
export async function buildGuest({ cacheDir, exec, log = () => undefined, rebuild }: GuestOptions): Promise<Guest> {
  const files = await guestFiles()
  const recipe = await recipeHash(files)
  const home = join(cacheDir, recipe)
  if (rebuild !== true) {
    const there = await findGuest(home)
    if (there !== undefined) return there
  }
  const work = join(cacheDir, `.building-${process.pid}`)
  await rm(work, { recursive: true, force: true })
  await mkdir(work, { recursive: true, mode: 0o700 })
  try {
    const out = join(work, 'out')
    await mkdir(out, { mode: 0o700 })
    const guest = await build({ exec, log, files, recipe, work, out, packages: join(cacheDir, 'packages') })
    await writeFile(join(out, 'manifest.json'), `${JSON.stringify(guest, undefined, 2)}\n`, { mode: 0o600 })
    await rm(home, { recursive: true, force: true })
    await rename(out, home)
    await forget(cacheDir, recipe)
    log(
      `koto-tiny ${guest.version}: ${Math.round(guest.disk.size / MIB)} MB, built in ${guest.buildSeconds.toFixed(1)} s`,
    )
    return { ...located(guest, home), cached: false }
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

/** The built guest in the cache, if it is there and looks untouched (size and time of each file). Milliseconds. */
async function findGuest(home: string): Promise<Guest | undefined> {
  const text = await attempt(readFile(join(home, 'manifest.json'), 'utf8'))
  if (text === undefined) return undefined
  const parsed = await attempt(Promise.resolve().then(() => located(JSON.parse(text) as Guest, home)))
  if (parsed === undefined) return undefined
  for (const file of [parsed.disk, parsed.kernel, parsed.ramdisk]) {
    const found = await attempt(stat(file.path))
    if (found === undefined || found.size !== file.size || Math.abs(found.mtimeMs - file.mtimeMs) > 1) return undefined
  }
  return { ...parsed, cached: true }
}

/** Reads every byte of a built guest. Answers a sentence for each file that is not what was built. Seconds. */
export async function verifyGuest(guest: Guest): Promise<string[]> {
  const problems: string[] = []
  for (const file of [guest.disk, guest.kernel, guest.ramdisk]) {
    const found = await attempt(digest(file.path))
    if (found === undefined) problems.push(`${file.path} cannot be read`)
    else if (found.sha256 !== file.sha256) problems.push(`${file.path} is not what was built`)
  }
  return problems
}

interface Workshop {
  readonly exec: Exec
  readonly log: (line: string) => void
  readonly files: GuestFiles
  readonly recipe: string
  readonly work: string
  readonly out: string
  readonly packages: string
}

async function build(shop: Workshop): Promise<Guest> {
  const { exec, log, files, recipe, work, out } = shop
  const started = performance.now()
  log('building the guest koto-tiny from this system’s packages')
  const parts = await collectParts({ exec, log, folder: shop.packages, unpacked: join(work, 'unpacked') })

  log(`kernel ${parts.kernelVersion}`)
  const bzImage = await readFile(parts.bzImage)
  const unpacked = await unpackKernel(bzImage)
  await writeFile(join(out, KERNEL), unpacked ?? bzImage, { mode: 0o600 })
  await writeFile(join(out, RAMDISK), makeRamdisk(await readFile(parts.busybox), files, parts.modules), { mode: 0o600 })

  const tree = join(work, 'root')
  await mkdir(tree)
  await makeRoot({ ...parts, folder: tree, files })
  const rootImage = join(work, 'root.ext4')
  const uuid = identifier(recipe, parts.packages.used())
  await makeFileSystem({ exec, folder: tree, out: rootImage, bytes: await roomFor(tree), uuid })

  const bootImage = await bootPartition(shop, parts, join(out, RAMDISK))
  const raw = join(work, 'disk.raw')
  await assembleDisk({ out: raw, root: rootImage, boot: bootImage, mbr: parts.boot?.mbr })
  const diskBytes = (await stat(raw)).size
  // Thousands of files of an unpacked kernel take as long to go as the disk to be compressed.
  const tidied = attempt(exec.run(['rm', '-rf', '--', join(work, 'unpacked'), bootImage ?? rootImage, rootImage]))
  log('compressing the disk')
  await createQemuImg({ exec }).convert(raw, join(out, DISK), { fromFormat: 'raw', toFormat: 'qcow2', compress: true })

  await tidied
  return {
    disk: await described(join(out, DISK)),
    kernel: await described(join(out, KERNEL)),
    ramdisk: await described(join(out, RAMDISK)),
    bios: bootImage !== undefined,
    diskBytes,
    minDiskGb: 1,
    minRamMb: 96,
    commandLine: COMMAND_LINE,
    kernelVersion: parts.kernelVersion,
    packages: parts.packages.used(),
    version: `${parts.kernelVersion}-${recipe.slice(0, 8)}`,
    buildSeconds: Math.round(performance.now() - started) / 1000,
    cached: false,
  }
}

async function bootPartition(shop: Workshop, parts: GuestParts, ramdisk: string): Promise<string | undefined> {
  if (parts.boot === undefined) {
    shop.log('without syslinux and mtools the disk will only start with its kernel beside it, not by itself')
    return undefined
  }
  const out = join(shop.work, 'boot.fat')
  const kernel = join(shop.work, 'vmlinuz')
  await copyFile(parts.bzImage, kernel)
  await chmod(kernel, 0o600)
  const append = COMMAND_LINE.replace('/dev/vda', '/dev/vda2')
  await makeBootPartition({ exec: shop.exec, tools: parts.boot, kernel, ramdisk, append, folder: shop.work, out })
  return out
}

/** The tree's contents, a third more, and the journal; whole steps of 4 MiB. */
async function roomFor(tree: string): Promise<number> {
  let bytes = 0
  for (const path of await readdir(tree, { recursive: true, withFileTypes: true }))
    if (path.isFile()) bytes += Math.ceil((await stat(join(path.parentPath, path.name))).size / 4096) * 4096
  return Math.ceil((bytes * 1.33 + 6 * MIB) / (4 * MIB)) * 4 * MIB
}

/** A file system id that changes with what is inside, so that no two different guests share one. */
function identifier(recipe: string, packages: Record<string, string>): string {
  const hash = createHash('sha256').update(recipe).update(JSON.stringify(packages)).digest('hex')
  return [
    hash.slice(0, 8),
    hash.slice(8, 12),
    `4${hash.slice(13, 16)}`,
    `8${hash.slice(17, 20)}`,
    hash.slice(20, 32),
  ].join('-')
}

async function described(path: string): Promise<GuestFile> {
  const { size, mtimeMs } = await stat(path)
  return { path, size, mtimeMs, ...(await digest(path)) }
}

async function digest(path: string): Promise<{ sha256: string; sha512: string }> {
  const sha256 = createHash('sha256')
  const sha512 = createHash('sha512')
  for await (const chunk of createReadStream(path, { highWaterMark: MIB })) {
    sha256.update(chunk as Buffer)
    sha512.update(chunk as Buffer)
  }
  return { sha256: sha256.digest('hex'), sha512: sha512.digest('hex') }
}

/** The same guest with its files in `home`: manifests survive a moved cache. */
function located(guest: Guest, home: string): Guest {
  const move = (file: GuestFile): GuestFile => ({ ...file, path: join(home, basename(file.path)) })
  return { ...guest, disk: move(guest.disk), kernel: move(guest.kernel), ramdisk: move(guest.ramdisk) }
}

/** Guests of older recipes leave the cache; a half-built one of a process that was killed too. */
async function forget(cacheDir: string, recipe: string): Promise<void> {
  for (const name of await readdir(cacheDir)) {
    const old = /^[0-9a-f]{32}$/.test(name) && name !== recipe
    const [, pid] = /^\.building-(\d+)$/.exec(name) ?? []
    const dead = pid !== undefined && (await attempt(stat(`/proc/${pid}`))) === undefined
    if (old || dead) await rm(join(cacheDir, name), { recursive: true, force: true })
  }
}

async function guestFiles(): Promise<GuestFiles> {
  const folder = join(import.meta.dirname, 'files')
  const names = (await readdir(folder)).toSorted((a, b) => (a < b ? -1 : 1))
  return new Map(await Promise.all(names.map(async name => [name, await readFile(join(folder, name))] as const)))
}

/** Changes with the guest's files and with the code that builds it. */
async function recipeHash(files: GuestFiles): Promise<string> {
  const hash = createHash('sha256')
  const code = (await readdir(import.meta.dirname)).filter(name => /^[a-z-]+\.[jt]s$/.test(name))
  for (const name of code.toSorted((a, b) => (a < b ? -1 : 1)))
    hash.update(await readFile(join(import.meta.dirname, name)))
  for (const [name, contents] of files) hash.update(`${name}\0${contents.length}\0`).update(contents)
  return hash.digest('hex').slice(0, 32)
}
