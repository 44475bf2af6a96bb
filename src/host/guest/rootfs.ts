// The guest's file trees: the first root in memory (initramfs), and the root file system with its programs, libraries, modules and accounts.
import { chmod, copyFile, lstat, mkdir, readFile, readdir, symlink, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { archive, FILE, FOLDER, LINK, PROGRAM, type ArchiveEntry } from '#host/guest/cpio.ts'
import { interpreter, neededLibraries } from '#host/guest/elf.ts'
import { aliasLines, dependencyLines, type KernelModule } from '#host/guest/kernel.ts'
import type { Packages } from '#host/guest/packages.ts'

/** What the guest's own scripts are, by name. */
export type GuestFiles = ReadonlyMap<string, Buffer>

/** Loaded before the root is looked for, then, if there is none, the rest. */
export const EARLY = ['virtio_pci', 'virtio_blk']
export const LATE = ['virtio_scsi', 'sd_mod', 'ata_piix']

/** The initramfs: busybox, disk drivers and the script `init`. Uncompressed: under emulation unpacking costs more than reading. */
export function makeRamdisk(busybox: Buffer, files: GuestFiles, modules: readonly KernelModule[]): Buffer {
  const early = orderOf(modules, EARLY)
  const late = orderOf(modules, LATE).filter(name => !early.includes(name))
  const applets = ['sh', 'mount', 'insmod', 'dd', 'findfs', 'usleep', 'blockdev', 'switch_root']
  const entries: ArchiveEntry[] = [
    ...['bin', 'dev', 'proc', 'sys', 'r', 'm'].map(path => ({ path, mode: FOLDER })),
    { path: 'bin/busybox', mode: PROGRAM, contents: busybox },
    ...applets.map(name => ({ path: `bin/${name}`, mode: LINK, contents: 'busybox' })),
    { path: 'init', mode: PROGRAM, contents: files.get('init') ?? '' },
    { path: 'modules', mode: FILE, contents: early.map(name => `${name}\n`).join('') },
    { path: 'modules.late', mode: FILE, contents: late.map(name => `${name}\n`).join('') },
    ...modules
      .filter(({ name }) => early.includes(name) || late.includes(name))
      .map(({ name, bytes }) => ({ path: `m/${name}.ko`, mode: FILE, contents: bytes })),
  ]
  return archive(entries)
}

/** The wanted modules with all they need, in loading order. */
function orderOf(modules: readonly KernelModule[], wanted: readonly string[]): string[] {
  const order: string[] = []
  const add = (name: string): void => {
    const module = modules.find(each => each.name === name)
    if (module === undefined || order.includes(name)) return
    for (const each of module.depends) add(each)
    order.push(name)
  }
  for (const name of wanted) add(name)
  return order
}

/** A program for the guest: where it lies here, and its path there. */
export interface GuestProgram {
  readonly from: string
  readonly to: string
  readonly setuid?: boolean
}

// The console password `koto` (sha512-crypt); sshd takes no passwords at all, and root has none.
const PASSWORD = '$6$kotokoto$36DGzb019zydsubInTpQiOZ96s0LP/6zuvT7xUqcfbFrGhZRvbzxrrVP20FJ6B/yVD5MTesvKw9tDUNOhAI3H.'

/** Small files with nothing to decide. Path → contents. */
const SMALL: Readonly<Record<string, string>> = {
  'etc/passwd': [
    'root:x:0:0:root:/root:/bin/sh',
    'nobody:x:65534:65534:nobody:/nonexistent:/bin/false',
    'koto:x:1000:1000:koto:/home/koto:/bin/sh',
    '',
  ].join('\n'),
  'etc/group': 'root:x:0:\ntty:x:5:\ndisk:x:6:\nusers:x:100:\nkoto:x:1000:\nnogroup:x:65534:\n',
  'etc/shadow': `root:*:19000:0:99999:7:::\nnobody:*:19000:0:99999:7:::\nkoto:${PASSWORD}:19000:0:99999:7:::\n`,
  'etc/doas.conf': 'permit nopass koto\npermit nopass root\n',
  'etc/pam.d/doas': ['auth', 'account', 'session', 'password'].map(kind => `${kind} required pam_permit.so\n`).join(''),
  'etc/pam.d/other': ['auth', 'account', 'session', 'password'].map(kind => `${kind} required pam_deny.so\n`).join(''),
  'etc/nsswitch.conf': 'passwd: files\ngroup: files\nshadow: files\nhosts: files dns\n',
  'etc/shells': '/bin/sh\n/bin/ash\n/bin/bash\n',
  'etc/hostname': 'koto-tiny\n',
  'etc/hosts': '127.0.0.1 localhost\n::1 localhost\n',
  'etc/resolv.conf': '',
  'etc/profile': "export PATH=/bin:/sbin:/usr/bin:/usr/sbin\nPS1='\\u@\\h:\\w\\$ '\numask 022\n",
  'etc/os-release': 'NAME="koto-tiny"\nID=koto-tiny\nPRETTY_NAME="koto-tiny"\n',
  'etc/issue': "\nkoto-tiny \\n \\l\nlog in as 'koto', password 'koto'; 'sudo' asks for nothing\n\n",
  'etc/acpi/PWRF/00000080': '#!/bin/sh\nexec /bin/poweroff\n',
  'bin/bash': '#!/bin/sh\nexec /bin/sh "$@"\n',
}

/** Applets that would only mislead in the guest, or that real programs stand for. */
const WITHOUT = ['ar', 'dpkg', 'dpkg-deb', 'rpm', 'rpm2cpio', 'linuxrc', 'mke2fs', 'busybox', 'bash']

export interface RootRequest {
  readonly folder: string
  readonly busybox: string
  /** From `busybox --list`. */
  readonly applets: readonly string[]
  readonly programs: readonly GuestProgram[]
  /** Name there → program it stands for, e.g. `bin/mkfs.ext4` → `mke2fs`. */
  readonly links: Readonly<Record<string, string>>
  readonly modules: readonly KernelModule[]
  readonly kernelVersion: string
  readonly files: GuestFiles
  readonly packages: Packages
}

/** Writes the tree, owned by whoever builds (`disk.ts` gives it to root). Throws `Error` for a library that is missing. */
export async function makeRoot(request: RootRequest): Promise<void> {
  const { folder } = request
  const at = (path: string): string => join(folder, path)
  const write = async (path: string, contents: string | Uint8Array, mode = 0o644): Promise<void> => {
    await mkdir(dirname(at(path)), { recursive: true })
    await writeFile(at(path), contents)
    await chmod(at(path), mode)
  }
  const folders = [
    'bin',
    'lib/koto',
    'usr',
    'etc',
    'proc',
    'sys',
    'dev',
    'run',
    'mnt',
    'root',
    'home/koto',
    'var/log',
    'var/lib/koto/instances',
  ]
  for (const path of folders) await mkdir(at(path), { recursive: true })
  await mkdir(at('tmp'))
  await chmod(at('tmp'), 0o1777)
  await chmod(at('root'), 0o700)
  for (const kind of ['once', 'boot', 'instance']) {
    await mkdir(at(`var/lib/koto/scripts/per-${kind}`), { recursive: true })
    await mkdir(at(`var/lib/cloud/scripts/per-${kind}`), { recursive: true })
  }
  await symlink('../koto/instance', at('var/lib/cloud/instance'))
  await symlink('../run', at('var/run'))
  for (const [path, target] of Object.entries({
    sbin: 'bin',
    'usr/bin': '../bin',
    'usr/sbin': '../bin',
    'usr/lib': '../lib',
    lib64: 'lib',
  }))
    await symlink(target, at(path))

  for (const [path, contents] of Object.entries(SMALL))
    await write(
      path,
      contents,
      contents.startsWith('#!') ? 0o755 : path === 'etc/shadow' || path === 'etc/doas.conf' ? 0o600 : 0o644,
    )
  await symlink('/proc/mounts', at('etc/mtab'))
  for (const [name, contents] of request.files) {
    if (name === 'init') continue
    const path =
      name === 'inittab'
        ? 'etc/inittab'
        : ['sudo', 'lsblk', 'chpasswd'].includes(name)
          ? `bin/${name}`
          : `lib/koto/${name}`
    await write(path, contents, contents.toString('latin1', 0, 2) === '#!' ? 0o755 : 0o644)
  }

  await copyFile(request.busybox, at('bin/busybox'))
  await chmod(at('bin/busybox'), 0o4755) // it gives the rights up again for all but su, ping and their like
  await copyPrograms(request, at)
  const taken = new Set(await readdir(at('bin')))
  for (const name of request.applets)
    if (!taken.has(name) && !WITHOUT.includes(name)) await symlink('busybox', at(`bin/${name}`))

  const place = `lib/modules/${request.kernelVersion}`
  for (const { name, bytes } of request.modules) await write(`${place}/${name}.ko`, bytes)
  await write(`${place}/modules.dep`, dependencyLines(request.modules))
  await write(`${place}/modules.alias`, aliasLines(request.modules))
}

async function copyPrograms({ programs, links, packages }: RootRequest, at: (path: string) => string): Promise<void> {
  const libraries = new Set<string>()
  const need = async (file: string): Promise<void> => {
    const bytes = await readFile(file)
    const loader = interpreter(bytes)
    for (const soname of [...neededLibraries(bytes), ...(loader === undefined ? [] : [basename(loader)])]) {
      if (libraries.has(soname)) continue
      libraries.add(soname)
      const from = await packages.library(soname)
      if (from === undefined) throw new Error(`the library ${soname} that ${basename(file)} needs was not found`)
      await copyFile(from, at(`lib/${soname}`))
      await chmod(at(`lib/${soname}`), 0o755)
      await need(from)
    }
  }
  for (const { from, to, setuid } of programs) {
    await mkdir(dirname(at(to)), { recursive: true })
    await copyFile(from, at(to))
    await chmod(at(to), setuid === true ? 0o4755 : 0o755)
    await need(from)
  }
  for (const [path, target] of Object.entries(links)) await symlink(target, at(path))
}

/** Every path of a tree, below it, with a leading slash; and who owns it on this machine. */
export async function owners(folder: string): Promise<{ path: string; uid: number; gid: number }[]> {
  const paths = await readdir(folder, { recursive: true })
  return Promise.all(
    paths.map(async path => {
      const { uid, gid } = await lstat(join(folder, path))
      return { path: `/${path}`, uid, gid }
    }),
  )
}
