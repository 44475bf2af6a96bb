// The examination behind `koto doctor`: programs, the processor, what the kernel allows, room, ports.
import { existsSync, statfsSync, accessSync, constants } from 'node:fs'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { systemClock } from '#kernel/lib/clock.ts'
import { createExec } from '#host/node/exec.ts'
import { probeNetwork } from '#host/linux/probe.ts'
import type { StateDir } from '#host/node/state-dir.ts'
import { keptVerdict } from '#main/guest-cache.ts'

export interface Finding {
  readonly what: string
  /** `good`: as it should be; `lesser`: something falls back; `missing`: a part of Koto cannot work. */
  readonly verdict: 'good' | 'lesser' | 'missing'
  readonly says: string
  /** Debian packages that would help. */
  readonly install: readonly string[]
}

interface Need {
  readonly what: string
  readonly programs: readonly (readonly [program: string, debianPackage: string])[]
  readonly without: string
}

/** What each group of programs is for, and what happens without. */
const NEEDS: readonly Need[] = [
  {
    what: 'virtual machines',
    programs: [
      ['qemu-system-x86_64', 'qemu-system-x86'],
      ['qemu-img', 'qemu-utils'],
    ],
    without: 'the hypervisor is simulated: servers become ACTIVE, but nothing runs in them',
  },
  {
    what: 'guest image koto-tiny',
    programs: [
      ['busybox', 'busybox-static'],
      ['dropbear', 'dropbear-bin'],
      ['mke2fs', 'e2fsprogs'],
      ['cpio', 'cpio'],
      ['mcopy', 'mtools'],
      ['syslinux', 'syslinux'],
      ['lz4', 'lz4'],
      ['depmod', 'kmod'],
    ],
    without: 'koto-tiny cannot be built; upload an image of your own',
  },
  { what: 'config drives', programs: [['genisoimage', 'genisoimage']], without: 'servers get no config drive' },
  { what: 'koto ssh', programs: [['ssh', 'openssh-client']], without: 'logging in needs another ssh client' },
  {
    what: 'openstack command',
    programs: [['openstack', 'python3-openstackclient']],
    without: 'only the web console and other clients',
  },
]

/** Looks; changes nothing but a probe of /dev/kvm. */
export async function examine(state: StateDir): Promise<Finding[]> {
  return [
    system(),
    memory(),
    ...NEEDS.map(need => programs(need)),
    await virtualization(state),
    ...(await networks()),
    room(state),
    await frontPort(8080),
  ]
}

const good = (what: string, says: string): Finding => ({ what, verdict: 'good', says, install: [] })
const lesser = (what: string, says: string, install: readonly string[] = []): Finding => ({
  what,
  verdict: 'lesser',
  says,
  install,
})

/** The first of the name in PATH and the folders of system programs; null when there is none. */
export function which(program: string): string | null {
  const dirs = [...(process.env['PATH'] ?? '').split(':'), '/usr/sbin', '/sbin', '/usr/local/sbin']
  for (const dir of dirs) {
    const file = path.join(dir, program)
    try {
      accessSync(file, constants.X_OK)
      return file
    } catch {
      // not here
    }
  }
  return null
}

function system(): Finding {
  const root = process.getuid?.() === 0
  const says = `${os.type()} ${os.release()} ${os.arch()}, Node ${process.versions.node}, ${root ? 'as root' : 'not root'}`
  return os.type() === 'Linux'
    ? good('system', says)
    : lesser('system', `${says}: only the simulated drivers work here`)
}

function memory(): Finding {
  const gb = os.totalmem() / 1024 ** 3
  const says = `${os.availableParallelism()} processors, ${gb.toFixed(1)} GB memory, ${(os.freemem() / 1024 ** 3).toFixed(1)} GB free`
  return gb >= 2 ? good('machine', says) : lesser('machine', `${says}: room for few guests`)
}

function programs(need: Need): Finding {
  const absent = need.programs.filter(([program]) => which(program) === null)
  if (absent.length === 0) return good(need.what, need.programs.map(([program]) => program).join(', '))
  const names = absent.map(([program]) => program).join(', ')
  return {
    what: need.what,
    verdict: 'missing',
    says: `not found: ${names}; ${need.without}`,
    install: absent.map(([, name]) => name),
  }
}

async function virtualization(state: StateDir): Promise<Finding> {
  const what = 'hardware virtualization'
  if (which('qemu-system-x86_64') === null) return lesser(what, 'not looked at without QEMU')
  if (!existsSync('/dev/kvm')) return lesser(what, 'there is no /dev/kvm: guests are emulated, about ten times slower')
  try {
    accessSync('/dev/kvm', constants.R_OK | constants.W_OK)
  } catch {
    return lesser(what, '/dev/kvm may not be opened by this user (join the group kvm): guests are emulated')
  }
  const kept = keptVerdict(state)
  if (kept === null) return good(what, '/dev/kvm is there; koto up proves it with a guest before using it')
  return kept.kind === 'kvm' ? good(what, kept.why) : lesser(what, `${kept.why}; guests are emulated`)
}

/** Each part of the kernel that networks need, tried in a throw-away namespace. */
async function networks(): Promise<Finding[]> {
  const options = { exec: createExec(), clock: systemClock(), root: process.getuid?.() === 0, deep: true }
  const { usable, findings } = await probeNetwork(options)
  const all = findings.map((one): Finding => {
    const verdict = one.ok ? 'good' : one.needed ? 'missing' : 'lesser'
    return {
      what: `network: ${one.name}`,
      verdict,
      says: one.says,
      install: one.install === undefined ? [] : [one.install],
    }
  })
  const bad = all.filter(one => one.verdict !== 'good')
  return usable ? [good('networks', `${all.length - bad.length} parts tried, all that are needed work`), ...bad] : bad
}

function room(state: StateDir): Finding {
  let dir = state.path
  while (!existsSync(dir)) dir = path.dirname(dir)
  const { bavail, bsize } = statfsSync(dir)
  const gb = (bavail * bsize) / 1024 ** 3
  const says = `${gb.toFixed(1)} GB free for ${state.path}`
  return gb >= 2 ? good('disk', says) : lesser('disk', `${says}: room for few images and volumes`)
}

function frontPort(port: number): Promise<Finding> {
  return new Promise(resolve => {
    const server = net.createServer()
    server.once('error', error =>
      resolve(
        lesser(
          `port ${port}`,
          `in use (${(error as NodeJS.ErrnoException).code}): a cloud is up, or name another with --port`,
        ),
      ),
    )
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(good(`port ${port}`, 'free'))))
  })
}
