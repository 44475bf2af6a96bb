// The guest's disk, made without root rights: an ext4 file system from a tree, a FAT partition that boots by BIOS, a partition table around both.
import { open, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { owners } from '#host/guest/rootfs.ts'
import type { Exec } from '#host/node/exec.ts'

const MIB = 1024 * 1024
const SECTOR = 512
/** Where the first partition begins. */
const START = MIB

/** The label by which `init` knows its own. */
const LABEL = 'koto-root'

/** An ext4 image of the tree in `folder`, ready to grow to 256 GiB. `bytes` its size. Root owns everything but koto's home. */
export async function makeFileSystem(request: {
  exec: Exec
  folder: string
  out: string
  bytes: number
  uuid: string
}): Promise<void> {
  const { exec, folder, out, bytes } = request
  await writeFile(out, '', { mode: 0o600 })
  await truncate(out, bytes)
  // Few inodes in each group: what a grown file system need not write at its first boot.
  const shape = ['-b', '4096', '-N', '2048', '-m', '0', '-J', 'size=4', '-L', LABEL, '-U', request.uuid]
  const extra = 'root_owner=0:0,resize=67108864,lazy_itable_init=1,nodiscard'
  await exec.run(['mke2fs', '-q', '-F', '-t', 'ext4', ...shape, '-E', extra, '-d', folder, out], {
    timeoutMs: 120_000,
    env: tools(),
  })
  const commands: string[] = []
  for (const { path, uid, gid } of await owners(folder)) {
    const owner = path === '/home/koto' || path.startsWith('/home/koto/') ? 1000 : 0
    if (uid !== owner) commands.push(`set_inode_field ${path} uid ${owner}`)
    if (gid !== owner) commands.push(`set_inode_field ${path} gid ${owner}`)
  }
  if (commands.length === 0) return
  const { stderr } = await exec.run(['debugfs', '-w', '-f', '-', out], {
    stdin: `${commands.join('\n')}\n`,
    env: tools(),
    timeoutMs: 120_000,
  })
  if (/not found|error/i.test(stderr)) throw new Error(`debugfs could not set owners: ${stderr.slice(0, 300)}`)
}

/** What makes a disk start by BIOS: syslinux, mtools, and their files. */
export interface BootTools {
  readonly syslinux: string
  /** Contents of `mbr.bin` (at most 440 bytes) and path of `ldlinux.c32`. */
  readonly mbr: Buffer
  readonly ldlinux: string
  /** Folder that holds mformat and mcopy. */
  readonly mtools: string
}

/** A FAT16 image with syslinux, the kernel and the ramdisk. Answers its size in bytes. */
export async function makeBootPartition(request: {
  exec: Exec
  tools: BootTools
  kernel: string
  ramdisk: string
  append: string
  folder: string
  out: string
}): Promise<number> {
  const { exec, tools: boot, folder, out } = request
  const needed = (await stat(request.kernel)).size + (await stat(request.ramdisk)).size
  const bytes = Math.ceil((needed + 1.5 * MIB) / MIB) * MIB
  const env = { ...tools(), MTOOLS_SKIP_CHECK: '1', PATH: `${boot.mtools}:${tools().PATH}` }
  const config = [
    'SERIAL 0 115200',
    'DEFAULT koto',
    'PROMPT 0',
    'TIMEOUT 0',
    'LABEL koto',
    '  KERNEL vmlinuz',
    '  INITRD initrd',
    `  APPEND ${request.append}`,
    '',
  ]
  const configFile = join(folder, 'syslinux.cfg')
  await writeFile(configFile, config.join('\n'))
  await writeFile(out, '', { mode: 0o600 })
  await truncate(out, bytes)
  const geometry = [
    '-T',
    `${bytes / SECTOR}`,
    '-h',
    '64',
    '-s',
    '32',
    '-c',
    '4',
    '-H',
    `${START / SECTOR}`,
    '-v',
    'KOTOBOOT',
  ]
  await exec.run(['mformat', '-i', out, ...geometry, '::'], { env })
  const files = {
    vmlinuz: request.kernel,
    initrd: request.ramdisk,
    'syslinux.cfg': configFile,
    'ldlinux.c32': boot.ldlinux,
  }
  for (const [name, from] of Object.entries(files)) await exec.run(['mcopy', '-i', out, from, `::${name}`], { env })
  await exec.run([boot.syslinux, '--install', out], { env })
  await rm(configFile)
  return bytes
}

/** Partition table, boot partition (or none), root partition, one after the other in a raw disk. */
export async function assembleDisk(request: {
  out: string
  root: string
  boot: string | undefined
  mbr: Buffer | undefined
}): Promise<void> {
  const bootBytes = request.boot === undefined ? MIB : (await stat(request.boot)).size
  const rootBytes = (await stat(request.root)).size
  const table = Buffer.alloc(SECTOR)
  request.mbr?.copy(table, 0, 0, 440)
  partition(table, 0, 0x80, 0x0e, START, bootBytes)
  partition(table, 1, 0, 0x83, START + bootBytes, rootBytes)
  table.writeUInt16LE(0xaa55, 510)
  const disk = await open(request.out, 'wx', 0o600)
  try {
    await disk.truncate(START + bootBytes + rootBytes)
    await disk.write(table, 0, SECTOR, 0)
    if (request.boot !== undefined) await disk.write(await readFile(request.boot), 0, bootBytes, START)
    await disk.write(await readFile(request.root), 0, rootBytes, START + bootBytes)
  } finally {
    await disk.close()
  }
}

function partition(table: Buffer, index: number, flag: number, type: number, start: number, bytes: number): void {
  const at = 446 + index * 16
  Buffer.from([flag, 254, 255, 255, type, 254, 255, 255]).copy(table, at)
  table.writeUInt32LE(start / SECTOR, at + 8)
  table.writeUInt32LE(bytes / SECTOR, at + 12)
}

/** File system tools live in sbin, which an ordinary user's path lacks. */
export function tools(): { PATH: string } {
  return { PATH: `${process.env['PATH'] ?? '/usr/bin:/bin'}:/usr/sbin:/sbin` }
}
