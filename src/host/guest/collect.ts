// Gathers what koto-tiny is made of: kernel, modules, programs, libraries, boot loader; says in one sentence what cannot be had.
import { readFile, readdir } from 'node:fs/promises'
import { arch } from 'node:os'
import { dirname, join } from 'node:path'
import type { BootTools } from '#host/guest/disk.ts'
import { collectModules, type KernelModule } from '#host/guest/kernel.ts'
import { attempt, createPackages, fileIn, type FoundPackage, type Packages } from '#host/guest/packages.ts'
import { EARLY, LATE, type GuestProgram } from '#host/guest/rootfs.ts'
import type { Exec } from '#host/node/exec.ts'

export interface GuestParts {
  readonly packages: Packages
  readonly bzImage: string
  readonly kernelVersion: string
  readonly modules: readonly KernelModule[]
  readonly busybox: string
  readonly applets: readonly string[]
  readonly programs: readonly GuestProgram[]
  readonly links: Readonly<Record<string, string>>
  /** Nothing when the disk cannot be made to boot by BIOS here. */
  readonly boot: BootTools | undefined
}

/** For the running guest, beside what the ramdisk loads. */
const MODULES = [
  ...['virtio_net', 'virtio_rng', 'virtio_balloon', 'virtio_console', 'virtio_scsi', 'virtio_blk', 'virtio_pci'],
  ...[
    'evdev',
    'button',
    'sd_mod',
    'sr_mod',
    'ata_piix',
    'cdrom',
    'isofs',
    'vfat',
    'nls_cp437',
    'nls_ascii',
    'nls_utf8',
  ],
  ...[
    '8021q',
    'bridge',
    'bonding',
    'dummy',
    'tun',
    'veth',
    'loop',
    'overlay',
    'i6300esb',
    'e1000',
    '8139cp',
    'pcnet32',
    'nbd',
    'xfs',
  ],
]

/** Meta packages that lead to the smallest kernel for virtual machines: Debian's, then Ubuntu's. */
const KERNELS = ['linux-image-cloud-amd64', 'linux-image-virtual']

/** Package, path within, path in the guest. */
const PROGRAMS: readonly {
  pack: string
  paths: readonly string[]
  to: string
  setuid?: boolean
  optional?: boolean
}[] = [
  { pack: 'dropbear-bin', paths: ['usr/sbin/dropbear'], to: 'bin/dropbear' },
  { pack: 'dropbear-bin', paths: ['usr/bin/dropbearkey'], to: 'bin/dropbearkey' },
  { pack: 'dropbear-bin', paths: ['usr/bin/dbclient'], to: 'bin/dbclient' },
  { pack: 'opendoas', paths: ['usr/bin/doas'], to: 'bin/doas', setuid: true },
  { pack: 'libpam-modules', paths: pam('pam_permit.so'), to: 'lib/security/pam_permit.so' },
  { pack: 'libpam-modules', paths: pam('pam_deny.so'), to: 'lib/security/pam_deny.so' },
  { pack: 'e2fsprogs', paths: ['sbin/mke2fs', 'usr/sbin/mke2fs'], to: 'bin/mke2fs' },
  { pack: 'e2fsprogs', paths: ['sbin/resize2fs', 'usr/sbin/resize2fs'], to: 'bin/resize2fs' },
  { pack: 'e2fsprogs', paths: ['sbin/e2fsck', 'usr/sbin/e2fsck'], to: 'bin/e2fsck' },
  { pack: 'e2fsprogs', paths: ['sbin/tune2fs', 'usr/sbin/tune2fs'], to: 'bin/tune2fs' },
  { pack: 'util-linux', paths: ['sbin/blkid', 'usr/sbin/blkid'], to: 'bin/blkid' },
  {
    pack: 'openssh-sftp-server',
    paths: ['usr/lib/openssh/sftp-server'],
    to: 'lib/openssh/sftp-server',
    optional: true,
  },
]

/** For the boot partition; the guest does without. */
const BOOT = ['syslinux', 'syslinux-common', 'mtools']

const LINKS: Readonly<Record<string, string>> = {
  'bin/ssh': 'dbclient',
  'bin/mkfs.ext4': 'mke2fs',
  'bin/mkfs.ext3': 'mke2fs',
  'bin/mkfs.ext2': 'mke2fs',
  'bin/fsck.ext4': 'e2fsck',
  'bin/e2label': 'tune2fs',
  'bin/mkfs.vfat': 'busybox',
  'lib/sftp-server': 'openssh/sftp-server',
}

/** Everything, or an error that names the packages to install. `folder` keeps downloads, `unpacked` is temporary. */
export async function collectParts(options: {
  exec: Exec
  log: (line: string) => void
  folder: string
  unpacked: string
}): Promise<GuestParts> {
  if (arch() !== 'x64') throw new Error(`koto-tiny is made for x86-64 only, this machine is ${arch()}`)
  const { exec } = options
  const packages = await createPackages(options)
  const missing = new Set<string>()
  const image =
    (await kernelPackage(packages)) ?? ((await packages.refresh()) ? await kernelPackage(packages) : undefined)
  const names = new Set(['busybox-static', ...PROGRAMS.map(({ pack }) => pack), ...BOOT])
  await packages.prepare([...names, ...(image === undefined ? [] : [image])])

  const busyboxPackage = await packages.find('busybox-static')
  const busybox = busyboxPackage && (await fileIn(busyboxPackage, 'bin/busybox', 'usr/bin/busybox'))
  if (busybox === undefined) missing.add('busybox-static')

  const programs: GuestProgram[] = []
  for (const { pack, paths, to, setuid, optional } of PROGRAMS) {
    const found = await packages.find(pack)
    const from = found && (await fileIn(found, ...paths))
    if (from !== undefined) programs.push({ from, to, setuid: setuid ?? false })
    else if (optional !== true) missing.add(pack)
  }

  const kernel =
    (image === undefined ? undefined : await downloadedKernel(packages, image)) ?? (await installedKernel())
  if (kernel === undefined) missing.add('linux-image-cloud-amd64')
  if (busybox === undefined || kernel === undefined || missing.size > 0)
    throw new Error(
      `koto-tiny cannot be built: apt cannot download ${[...missing].join(', ')}; install them, or connect this machine and try again`,
    )

  const listed = await exec.run([busybox, '--list'])
  const modules = await collectModules(kernel.modules, [...EARLY, ...LATE, ...MODULES], exec)
  return {
    packages,
    bzImage: kernel.bzImage,
    kernelVersion: kernel.version,
    modules,
    busybox,
    applets: listed.stdout.split('\n').filter(name => name !== ''),
    programs,
    links: LINKS,
    boot: await bootTools(packages),
  }
}

interface FoundKernel {
  readonly version: string
  readonly bzImage: string
  readonly modules: string
}

/** The name of the newest kernel for clouds that the distribution offers. */
async function kernelPackage(packages: Packages): Promise<string | undefined> {
  for (const meta of KERNELS) {
    const image = (await packages.dependencies(meta)).find(name => /^linux-image-(?:unsigned-)?\d/.test(name))
    if (image !== undefined) return image
  }
  return undefined
}

/** That kernel, unpacked, not installed. Ubuntu keeps the modules in a package of their own. */
async function downloadedKernel(packages: Packages, image: string): Promise<FoundKernel | undefined> {
  const found = await packages.download(image)
  if (found === undefined) return undefined
  const extra = (await packages.dependencies(image)).find(name => name.startsWith('linux-modules-'))
  const modules = extra === undefined ? undefined : await packages.download(extra)
  return kernelIn(found, modules ?? found)
}

/** The newest kernel of this machine that can be read and has virtio modules. */
async function installedKernel(): Promise<FoundKernel | undefined> {
  const here: FoundPackage = { name: 'installed', version: '', root: '/' }
  return kernelIn(here, here)
}

async function kernelIn(image: FoundPackage, modules: FoundPackage): Promise<FoundKernel | undefined> {
  const names = (await attempt(readdir(join(image.root, 'boot')))) ?? []
  const versions = names.filter(name => name.startsWith('vmlinuz-')).map(name => name.slice('vmlinuz-'.length))
  const byFitness = versions.toSorted(
    (a, b) => Number(b.includes('cloud')) - Number(a.includes('cloud')) || (a < b ? 1 : -1),
  )
  for (const version of byFitness) {
    const bzImage = await fileIn(image, `boot/vmlinuz-${version}`)
    const kernel = await fileIn(modules, `lib/modules/${version}/kernel`, `usr/lib/modules/${version}/kernel`)
    if (bzImage !== undefined && kernel !== undefined) return { version, bzImage, modules: dirname(kernel) }
  }
  return undefined
}

async function bootTools(packages: Packages): Promise<BootTools | undefined> {
  const [syslinux, common, mtools] = [
    await packages.find('syslinux'),
    await packages.find('syslinux-common'),
    await packages.find('mtools'),
  ]
  if (syslinux === undefined || common === undefined || mtools === undefined) return undefined
  const program = await fileIn(syslinux, 'usr/bin/syslinux')
  const mbr =
    (await fileIn(syslinux, 'usr/lib/SYSLINUX/mbr.bin')) ?? (await fileIn(common, 'usr/lib/syslinux/mbr/mbr.bin'))
  const ldlinux = await fileIn(common, 'usr/lib/syslinux/modules/bios/ldlinux.c32')
  const mformat = await fileIn(mtools, 'usr/bin/mformat')
  if (program === undefined || mbr === undefined || ldlinux === undefined || mformat === undefined) return undefined
  return { syslinux: program, mbr: await readFile(mbr), ldlinux, mtools: dirname(mformat) }
}

function pam(name: string): string[] {
  return ['lib/x86_64-linux-gnu/security', 'usr/lib/x86_64-linux-gnu/security', 'lib/security'].map(
    place => `${place}/${name}`,
  )
}
