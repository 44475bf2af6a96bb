// QEMU's process: how it is started so that it outlives us, and how we prove that a process is the one we started.
import { readdir, readFile, readlink, stat } from 'node:fs/promises'
import type { Exec } from '#host/node/exec.ts'
import type { Clock } from '#kernel/lib/clock.ts'

/** A process beyond doubt: an id is used again after a while, an id with its start time is not. */
export interface ProcessMark {
  readonly pid: number
  /** Field 22 of `/proc/<pid>/stat`: clock ticks after boot. */
  readonly startTime: string
}

/** An unprivileged identity for guests where Koto is root. */
export interface GuestUser {
  readonly uid: number
  readonly gid: number
  /** Further groups, e.g. the one that owns `/dev/kvm`. */
  readonly groups?: readonly number[]
}

/** The start time and state letter of a process, or undefined when there is none (a zombie counts as none). */
export async function processStatus(pid: number): Promise<{ startTime: string; state: string } | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  // The name in brackets may contain anything, blanks and brackets too: count from the last one.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  const state = fields[0] ?? '?'
  const startTime = fields[19]
  return startTime === undefined || state === 'Z' || state === 'X' ? undefined : { startTime, state }
}

/** True while exactly that process lives. */
export async function lives(mark: ProcessMark): Promise<boolean> {
  return (await processStatus(mark.pid))?.startTime === mark.startTime
}

/**
 * The QEMU that runs as `uuid` with `folder` as its working folder, whoever started it; undefined when none does. Both must
 * agree: another cloud on this machine may have a guest of the same id, and a text editor may have the id in its arguments.
 * A folder that was removed under the process still counts.
 */
export async function findGuestProcess(uuid: string, folder: string): Promise<ProcessMark | undefined> {
  const home = await stat(folder).catch(() => undefined)
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry)) continue
    const mark = await guestProcess(Number(entry), uuid)
    if (mark !== undefined && (await worksIn(mark.pid, folder, home))) return mark
  }
  return undefined
}

/** By the folder's identity, which holds in any mount namespace; by its name when it is gone. */
async function worksIn(pid: number, folder: string, home: { dev: number; ino: number } | undefined): Promise<boolean> {
  const at = await stat(`/proc/${pid}/cwd`).catch(() => undefined)
  if (at !== undefined && home !== undefined && at.dev === home.dev && at.ino === home.ino) return true
  return (await readlink(`/proc/${pid}/cwd`).catch(() => '')) === `${folder} (deleted)`
}

/** The process's mark if it is a QEMU with `-uuid uuid`. */
async function guestProcess(pid: number, uuid: string): Promise<ProcessMark | undefined> {
  if ((await guestUuid(pid)) !== uuid) return undefined
  const status = await processStatus(pid)
  return status === undefined ? undefined : { pid, startTime: status.startTime }
}

/** What stands after `-uuid` if the process is a QEMU. */
async function guestUuid(pid: number): Promise<string | undefined> {
  const argv = await readFile(`/proc/${pid}/cmdline`, 'utf8').then(
    text => text.split('\0'),
    (): string[] => [],
  )
  if (!/(^|\/)qemu-system-[a-z0-9_]+$/.test(argv[0] ?? '')) return undefined
  const at = argv.indexOf('-uuid')
  return at < 0 ? undefined : argv[at + 1]
}

/** Every QEMU whose working folder lies, or lay, directly in `parent` under its own uuid. For the audit. */
export async function guestProcessesUnder(
  parent: string,
): Promise<readonly { readonly uuid: string; readonly mark: ProcessMark }[]> {
  const found: { uuid: string; mark: ProcessMark }[] = []
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry)) continue
    const uuid = await guestUuid(Number(entry))
    if (uuid === undefined) continue
    const folder = `${parent}/${uuid}`
    const status = await processStatus(Number(entry))
    const mark = status === undefined ? undefined : { pid: Number(entry), startTime: status.startTime }
    if (mark !== undefined && (await worksIn(mark.pid, folder, await stat(folder).catch(() => undefined))))
      found.push({ uuid, mark })
  }
  return found
}

/**
 * The vector that becomes QEMU: enters `folder` first, since all its paths are relative to it and the folders above may be
 * closed to it, then gives up everything root has. QEMU's own `-runas` cannot be used: the sandbox, which comes first,
 * kills it for changing its user. `hiddenTun`: `/dev/net/tun` is closed to that user here, so it gets one of its own in a
 * private mount namespace; the machine's stays as it is.
 */
export function launchVector(
  argv: readonly string[],
  options: { folder: string; user?: GuestUser; hiddenTun?: boolean },
): readonly string[] {
  const enter = ['env', `--chdir=${options.folder}`]
  if (options.user === undefined) return [...enter, ...argv]
  const { uid, gid, groups = [] } = options.user
  const drop = [
    'setpriv',
    `--reuid=${uid}`,
    `--regid=${gid}`,
    groups.length === 0 ? '--clear-groups' : `--groups=${groups.join(',')}`,
    '--no-new-privs',
    '--inh-caps=-all',
    '--bounding-set=-all',
    '--',
  ]
  const tun =
    options.hiddenTun === true
      ? ['unshare', '--mount', '--propagation', 'slave', '--', '/bin/sh', '-c', OWN_TUN, 'koto-tun']
      : []
  return [...tun, ...enter, ...drop, ...argv]
}

/** Fixed text; what varies comes as arguments. */
const MAKE_TUN = 'mount -t tmpfs -o mode=0755,size=4k koto /dev/net && mknod -m 0666 /dev/net/tun c 10 200'
const OWN_TUN = `${MAKE_TUN} && exec "$@"`

/**
 * Where guests start, may they open `/dev/net/tun`? If not and the place has a mount namespace of its own, it gets a device
 * that they may open, once; `hidden` says that each guest must bring its own instead.
 */
export async function openTun(placeIn: Exec): Promise<'open' | 'hidden'> {
  const { stdout: mode } = await placeIn.run(['stat', '-c', '%a', '/dev/net/tun'], { anyCode: true })
  if (mode.trim() === '' || (Number.parseInt(mode, 8) & 0o006) === 0o006) return 'open'
  const [there, here] = await Promise.all([
    placeIn.run(['readlink', '/proc/self/ns/mnt']),
    readlink('/proc/self/ns/mnt'),
  ])
  if (there.stdout.trim() === here) return 'hidden'
  const made = await placeIn.run(['/bin/sh', '-c', MAKE_TUN], { anyCode: true })
  return made.code === 0 ? 'open' : 'hidden'
}

/** Starts the vector in a session of its own and says which process it is. */
export async function startGuestProcess(exec: Exec, argv: readonly string[], logFile: string): Promise<ProcessMark> {
  const pid = await exec.daemon(argv, { logFile })
  const status = await processStatus(pid)
  // Gone already: the caller will read why in the log. A start time of 0 matches nothing.
  return { pid, startTime: status?.startTime ?? '0' }
}

/**
 * Ends exactly that process: `signal` first, SIGKILL after `graceMs`. True when it is gone within `timeoutMs`; false when
 * it resists (a process waiting for a dead disk cannot be killed). A process that is not it is never touched.
 */
export async function endProcess(
  mark: ProcessMark,
  options: { clock: Clock; signal?: 'SIGTERM' | 'SIGKILL'; graceMs?: number; timeoutMs?: number },
): Promise<boolean> {
  const { clock } = options
  const begun = clock.monotonic()
  const graceMs = options.graceMs ?? 2_000
  const send = async (signal: 'SIGTERM' | 'SIGKILL'): Promise<void> => {
    if (!(await lives(mark))) return
    try {
      process.kill(mark.pid, signal)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    }
  }
  let forced = (options.signal ?? 'SIGKILL') === 'SIGKILL'
  await send(forced ? 'SIGKILL' : 'SIGTERM')
  for (let pauseMs = 1; await lives(mark); pauseMs = Math.min(pauseMs * 2, 100)) {
    const passed = clock.monotonic() - begun
    if (passed > (options.timeoutMs ?? 10_000)) return false
    if (!forced && passed > graceMs) {
      forced = true
      await send('SIGKILL')
    }
    await clock.sleep(pauseMs)
  }
  return true
}

/** This boot of the machine; process ids of another boot mean nothing. */
export async function bootId(): Promise<string> {
  return (await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => 'unknown')).trim()
}

/**
 * An identity for guests: a fixed number no account here has, or undefined when we are not root or cannot give it (one
 * identity mapped into this user namespace). `uidMap` and `passwd` are the texts of /proc/self/uid_map and /etc/passwd.
 */
export function chooseGuestUser(machine: {
  uid: number
  uidMap: string
  passwd: string
  kvmGid?: number
}): GuestUser | undefined {
  if (machine.uid !== 0) return undefined
  const taken = new Set(machine.passwd.split('\n').map(line => line.split(':')[2]))
  const ranges = machine.uidMap
    .trim()
    .split('\n')
    .map(line => line.trim().split(/\s+/).map(Number))
  for (let id = 27_503; id < 27_603; id++) {
    if (taken.has(String(id))) continue
    const mapped = ranges.some(([inside = 0, , count = 0]) => id >= inside && id < inside + count)
    if (!mapped) return undefined
    return {
      uid: id,
      gid: id,
      ...(machine.kvmGid === undefined || machine.kvmGid === 0 ? {} : { groups: [machine.kvmGid] }),
    }
  }
  return undefined
}
