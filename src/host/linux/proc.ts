// What /proc says about processes: is this pid still the one we started, and which processes live in a namespace.
import { readFile, readdir, readlink } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'

/** A process that cannot be mistaken for a later one with the same pid. */
export interface ProcessMark {
  readonly pid: number
  /** Field 22 of `/proc/<pid>/stat`: clock ticks after boot. */
  readonly startTicks: string
}

/** The mark of a living process, or null when there is none or it is a zombie. */
export async function processMark(pid: number): Promise<ProcessMark | null> {
  let stat: string
  try {
    stat = await readFile(`/proc/${pid}/stat`, 'utf8')
  } catch {
    return null
  }
  // The name in brackets may hold spaces and brackets itself, so count from the last one: state is field 3.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [state, startTicks] = [fields[0], fields[19]]
  if (startTicks === undefined || state === 'Z' || state === 'X') return null
  return { pid, startTicks }
}

/** True while the marked process itself is alive. */
export async function isAlive(mark: ProcessMark): Promise<boolean> {
  return (await processMark(mark.pid))?.startTicks === mark.startTicks
}

/** The program's name as the kernel keeps it (15 characters at most), or null. */
export async function processName(pid: number): Promise<string | null> {
  return readFile(`/proc/${pid}/comm`, 'utf8').then(
    text => text.trim(),
    () => null,
  )
}

/** Its argument vector; empty when it is gone or not ours to read. */
export async function processArgv(pid: number): Promise<string[]> {
  const text = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
  return text === '' ? [] : text.replace(/\0$/, '').split('\0')
}

/** One variable of its environment at start, or null. */
export async function processEnv(pid: number, name: string): Promise<string | null> {
  const text = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '')
  for (const line of text.split('\0')) if (line.startsWith(`${name}=`)) return line.slice(name.length + 1)
  return null
}

/** `net:[4026531840]`: two processes with the same text share the namespace. Null when gone or not ours to read. */
export async function namespaceOf(pid: number | 'self', kind: 'net' | 'mnt' | 'user'): Promise<string | null> {
  return readlink(`/proc/${pid}/ns/${kind}`).catch(() => null)
}

/** All pids there are. */
export async function allPids(): Promise<number[]> {
  const names = await readdir('/proc')
  return names.filter(name => /^\d+$/.test(name)).map(Number)
}

/** Processes that live in the mount namespace `text` (as {@link namespaceOf} gives it). */
export async function pidsInMountNamespace(text: string): Promise<number[]> {
  const found = await Promise.all(
    (await allPids()).map(async pid => ((await namespaceOf(pid, 'mnt')) === text ? pid : null)),
  )
  return found.filter(pid => pid !== null)
}

/** Asks them to end, and after `patienceMs` makes them. Returns when they are gone. */
export async function endProcesses(marks: readonly ProcessMark[], patienceMs: number): Promise<void> {
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    for (const mark of marks) {
      try {
        if (await isAlive(mark)) process.kill(mark.pid, signal)
      } catch {
        // Gone already.
      }
    }
    const deadline = performance.now() + patienceMs
    do {
      if (!(await Promise.all(marks.map(isAlive))).includes(true)) return
      await pause(3)
    } while (performance.now() < deadline)
  }
}
