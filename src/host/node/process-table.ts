// Facts about processes, read from /proc: who is still the one we knew, what it uses, and which are ours.
import { readFileSync, readdirSync, readlinkSync } from 'node:fs'

/** A process, told apart from a later one with the same number. */
export interface ProcessIdentity {
  readonly pid: number
  /** Boot and clock tick of its start; `''` where the system does not tell. */
  readonly started: string
}

const read = (file: string): string | null => {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return null
  }
}

/** The fields of /proc/<pid>/stat after the name, which may itself hold blanks and brackets: [0] is the state, [1] the parent. */
function statFields(pid: number): string[] | null {
  const text = read(`/proc/${pid}/stat`)
  return text === null ? null : text.slice(text.lastIndexOf(')') + 2).split(' ')
}

/** Null when no such process runs (a zombie does not run). */
export function identityOf(pid: number): ProcessIdentity | null {
  const fields = statFields(pid)
  if (fields !== null) {
    if (fields[0] === 'Z' || fields[0] === 'X') return null
    return { pid, started: `${read('/proc/sys/kernel/random/boot_id')?.trim() ?? ''}:${fields[19] ?? ''}` }
  }
  if (read('/proc/self/stat') !== null) return null
  try {
    process.kill(pid, 0)
    return { pid, started: '' }
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM' ? { pid, started: '' } : null
  }
}

/** True while exactly that process runs: a reused number is another process. */
export function isAlive(who: ProcessIdentity): boolean {
  const now = identityOf(who.pid)
  return now !== null && (who.started === '' || now.started === '' || now.started === who.started)
}

/** Resident memory in MB, one decimal; null when it is gone. */
export function memoryMbOf(pid: number): number | null {
  const line = /^VmRSS:\s+(\d+) kB/m.exec(read(`/proc/${pid}/status`) ?? '')
  return line === null ? null : Math.round(Number(line[1]) / 102.4) / 10
}

/** CPU time in ms used so far by the process and by its children that have ended; null when it is gone. */
export function cpuMsOf(pid: number): number | null {
  const fields = statFields(pid)
  if (fields === null) return null
  const ticks = [11, 12, 13, 14].reduce((sum, index) => sum + Number(fields[index] ?? 0), 0)
  return ticks * 10 // USER_HZ is 100 on every Linux that Node runs on
}

/** All process numbers, or none where there is no /proc. */
export function allPids(): number[] {
  try {
    return readdirSync('/proc')
      .filter(name => /^\d+$/.test(name))
      .map(Number)
  } catch {
    return []
  }
}

/** The process and all that descend from it. */
export function familyOf(pid: number): number[] {
  const parents = new Map<number, number[]>()
  for (const other of allPids()) {
    const parent = Number(statFields(other)?.[1] ?? 0)
    parents.set(parent, [...(parents.get(parent) ?? []), other])
  }
  const family = [pid]
  for (let i = 0; i < family.length; i++) family.push(...(parents.get(family[i] ?? -1) ?? []))
  return family
}

/** The words it was started with, `[]` when gone or not ours to see. */
export const argvOf = (pid: number): string[] => (read(`/proc/${pid}/cmdline`) ?? '').split('\0').slice(0, -1)

/** The name of its program's file, without folder; `''` when unknown. */
export function programOf(pid: number): string {
  try {
    return (
      readlinkSync(`/proc/${pid}/exe`)
        .replace(/ \(deleted\)$/, '')
        .split('/')
        .pop() ?? ''
    )
  } catch {
    return (argvOf(pid)[0] ?? '').split('/').pop() ?? ''
  }
}

/** Environment variable that every process started by a cloud inherits: the state folder it belongs to. */
export const MARK = 'KOTO_CHILD_OF'

/** Processes that carry the mark of this state folder, whoever their parent is now. Not the caller itself. */
export function markedProcesses(stateDir: string): number[] {
  const wanted = `${MARK}=${stateDir}`
  return allPids().filter(
    pid => pid !== process.pid && (read(`/proc/${pid}/environ`) ?? '').split('\0').includes(wanted),
  )
}
