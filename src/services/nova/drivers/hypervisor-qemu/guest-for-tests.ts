// A guest for the host tests: any Debian cloud kernel with busybox, a shell on the serial line and a power button.
// The kernel is KOTO_TEST_KERNEL (its modules beside it as in the package), else the newest cloud kernel in /boot.
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Socket } from 'node:net'
import { cpioArchive, type CpioEntry } from '#host/qemu/probe-guest.ts'

export interface TestGuest {
  readonly kernel: string
  readonly initrd: string
}

/** The kernel to test with, or the reason why there is none. */
export function findTestKernel(): { kernel: string; modules: string } | { missing: string } {
  if (!works('qemu-system-x86_64', ['--version']) || !works('qemu-img', ['--version']))
    return { missing: 'QEMU is not installed' }
  if (!existsSync('/bin/busybox')) return { missing: 'busybox-static is not installed' }
  const named = process.env.KOTO_TEST_KERNEL
  const found = named ?? newestIn('/boot')
  if (found === undefined || !existsSync(found))
    return { missing: 'no Debian cloud kernel in /boot, and KOTO_TEST_KERNEL names none' }
  const version = /vmlinuz-(.+)$/.exec(found)?.[1] ?? ''
  const modules = [join(dirname(found), '../lib/modules', version), join('/lib/modules', version)].find(path =>
    existsSync(path),
  )
  return modules === undefined ? { missing: `no modules for ${found}` } : { kernel: found, modules }
}

function works(program: string, args: string[]): boolean {
  try {
    execFileSync(program, args, { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

const newestIn = (folder: string): string | undefined =>
  readdirSync(folder)
    .filter(name => /^vmlinuz-.*cloud-amd64$/.test(name))
    .toSorted()
    .map(name => join(folder, name))
    .at(-1)

const MODULES = [
  ...['virtio_ring', 'virtio', 'virtio_pci_legacy_dev', 'virtio_pci_modern_dev', 'virtio_pci', 'virtio_blk'],
  ...['failover', 'net_failover', 'virtio_net', 'button', 'evdev', 'cdrom', 'isofs'],
]

const INIT = `#!/bin/busybox sh
/bin/busybox mkdir -p /proc /sys /dev /mnt
/bin/busybox mount -t devtmpfs dev /dev
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sys /sys
/bin/busybox --install -s /bin
export PATH=/bin
for m in $(cat /modules); do insmod /m/$m.ko 2>/dev/null; done
for e in /dev/input/event*; do (head -c 24 $e >/dev/null && poweroff -f) & done
echo BOOT-DONE
cd /
setsid cttyhack sh || exec sh
`

/** Writes the ramdisk to `path`. */
export async function makeTestGuest(path: string): Promise<TestGuest> {
  const found = findTestKernel()
  if ('missing' in found) throw new Error(found.missing)
  const all = execFileSync('find', [found.modules, '-name', '*.ko'], { encoding: 'utf8' }).split('\n')
  const modules = MODULES.flatMap(name => {
    const file = all.find(one => one.endsWith(`/${name}.ko`) || one.endsWith(`/${name.replaceAll('_', '-')}.ko`))
    return file === undefined ? [] : [{ name, file }]
  })
  const text = new TextEncoder()
  const entries: CpioEntry[] = [
    { name: 'bin', mode: 0o040755 },
    { name: 'm', mode: 0o040755 },
    { name: 'dev', mode: 0o040755 },
    { name: 'dev/console', mode: 0o020600, device: { major: 5, minor: 1 } },
    { name: 'bin/busybox', mode: 0o100755, data: readFileSync('/bin/busybox') },
    { name: 'init', mode: 0o100755, data: text.encode(INIT) },
    { name: 'modules', mode: 0o100644, data: text.encode(modules.map(one => one.name).join(' ')) },
    ...modules.map(one => ({ name: `m/${one.name}.ko`, mode: 0o100644, data: readFileSync(one.file) })),
  ]
  await writeFile(path, cpioArchive(entries))
  return { kernel: found.kernel, initrd: path }
}

/** Types `command` into the guest's shell and returns what it printed. Throws after `timeoutMs`. */
export function ask(serial: Socket, command: string, timeoutMs = 15_000): Promise<string> {
  const mark = `END-${Math.random().toString(36).slice(2)}`
  return new Promise((resolve, reject) => {
    let text = ''
    const done = (act: () => void): void => {
      clearTimeout(timer)
      serial.off('data', take)
      act()
    }
    const timer = setTimeout(
      () => done(() => reject(new Error(`the guest did not answer ${command}: ${text.slice(-300)}`))),
      timeoutMs,
    )
    const take = (chunk: Buffer): void => {
      text += chunk.toString('latin1')
      const end = text.indexOf(`\n${mark}`)
      if (end < 0) return
      const begin = text.indexOf('BEGIN\r\n')
      done(() =>
        resolve(
          text
            .slice(begin < 0 ? 0 : begin + 7, end)
            .replaceAll('\r', '')
            .trim(),
        ),
      )
    }
    serial.on('data', take)
    serial.write(`echo BEG''IN; ${command}; echo; echo ${mark.slice(0, 4)}''${mark.slice(4)}\n`)
  })
}
