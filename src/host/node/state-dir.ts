// The state folder: everything Koto keeps. Made 0700, its files 0600; refused in one sentence before anything is changed.
import { closeSync, existsSync, lstatSync, mkdirSync, mkdtempSync, openSync, readFileSync, readdirSync } from 'node:fs'
import { realpathSync, renameSync, rmSync, statfsSync, writeFileSync, fsyncSync, chmodSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { Refusal } from '#kernel/config/refusal.ts'
import { releaseLock, takeLock } from '#host/node/state-dir-lock.ts'

/** Raised when an older Koto could not read what a newer one wrote. */
const FORMAT = 1
const LEAST_FREE_MB = 64
/** Room for a socket's path in the kernel's address, less its end. */
const SOCKET_PATH_MAX = 107

export interface StateDir {
  /** Absolute, without symbolic links. */
  readonly path: string
  readonly ephemeral: boolean
  /** True when there was no cloud in it before. */
  readonly fresh: boolean
  /** `state.file('network', 'holder.json')` */
  file(...parts: string[]): string
  /** The same as a folder, made 0700 when missing. */
  folder(...parts: string[]): string
  /** Writes a small file whole or not at all, 0600 unless told. */
  write(name: string, text: string, mode?: number): void
  /** Its text, or null when there is no such file. */
  read(name: string): string | null
  /** Path to listen on or connect to for a unix socket in this folder, short enough for the kernel however long ours is. */
  socket(name: string): string
  /** Gives the folder back; an ephemeral one is removed. */
  release(): void
  /** After `release`: removes what was not there when the folder was taken. */
  discard(): void
}

/** `$KOTO_STATE`, else `$XDG_STATE_HOME/koto`, else `~/.local/state/koto`; a given folder wins. Absolute. */
export function statePath(given: string | undefined, env: Readonly<Record<string, string | undefined>>): string {
  const chosen = [given, env['KOTO_STATE']].find(value => value !== undefined && value !== '')
  if (chosen !== undefined) return path.resolve(chosen)
  const home = env['HOME'] !== undefined && env['HOME'] !== '' ? env['HOME'] : os.homedir()
  const base = env['XDG_STATE_HOME']
  return path.join(base !== undefined && path.isAbsolute(base) ? base : path.join(home, '.local/state'), 'koto')
}

/** The folder as it stands, for commands that only look: no lock, nothing made, nothing checked. */
export function openState(dir: string): StateDir {
  return handle(existsSync(dir) ? realpathSync(dir) : dir, {
    ephemeral: false,
    fresh: false,
    made: null,
    locked: false,
    before: [],
  })
}

/** A new temporary folder for an ephemeral cloud. */
export const temporaryState = (): string => mkdtempSync(path.join(os.tmpdir(), 'koto-'))

/**
 * Makes the folder fit for use without taking it. Returns the topmost folder that it had to make, or null.
 * @throws Refusal: not a folder, not writable, written by a newer Koto, no room left. Then nothing was changed.
 */
export function ensureStateFolder(dir: string): string | null {
  const made: string[] = []
  try {
    makeFolders(dir, made)
    if (!lstatSync(realpathSync(dir)).isDirectory()) throw new Refusal(`${dir} is not a folder.`)
    const format = Number(readOrNull(path.join(dir, 'format')) ?? FORMAT)
    if (format > FORMAT) {
      throw new Refusal(
        `The state in ${dir} was written by a newer Koto (format ${format}, this one knows ${FORMAT}): use that version, or another --state.`,
      )
    }
    checkRoom(dir)
    const probe = path.join(dir, `probe.${process.pid}`)
    writeFileSync(probe, Buffer.alloc(65_536), { mode: 0o600 })
    rmSync(probe)
    if (made.length > 0) chmodSync(dir, 0o700) // whatever the umask said
  } catch (error) {
    for (const leftover of [path.join(dir, `probe.${process.pid}`), ...made]) removeQuietly(leftover)
    throw asRefusal(error, dir)
  }
  return made[0] ?? null
}

/** One folder after the other: the recursive call of Node never ends where the kernel refuses with «no such file», as in /proc. */
function makeFolders(dir: string, made: string[]): void {
  if (existsSync(dir)) return
  const above = path.dirname(dir)
  if (above !== dir) makeFolders(above, made)
  try {
    mkdirSync(dir, { mode: 0o700 })
    made.push(dir)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || !existsSync(dir)) throw error
  }
}

const removeQuietly = (name: string): void => {
  try {
    rmSync(name, { recursive: true, force: true })
  } catch {
    // it was never there
  }
}

/**
 * Takes the state folder for this process. Ephemeral without `dir`: a new temporary folder.
 * @throws Refusal as {@link ensureStateFolder}, or when another living process holds it.
 */
export function prepareState(options: { dir?: string; ephemeral?: boolean }): StateDir {
  const ephemeral = options.ephemeral === true
  const dir = options.dir ?? (ephemeral ? temporaryState() : undefined)
  if (dir === undefined) throw new Refusal('No state folder was named.')
  const made = ensureStateFolder(dir)
  const real = realpathSync(dir)
  try {
    const holder = takeLock(real)
    if (holder !== null) {
      throw new Refusal(
        `Another koto (process ${holder.pid}) is starting or running on ${dir}; this one changed nothing.`,
      )
    }
  } catch (error) {
    throw asRefusal(error, dir)
  }
  const fresh = !existsSync(path.join(real, 'format'))
  const before = readdirSync(real).filter(name => !name.startsWith('lock') && name !== 'log')
  if (fresh && ephemeral && before.length > 0) {
    releaseLock(real)
    throw new Refusal(`${dir} is not empty, and --ephemeral would remove it at the end; name an empty folder.`)
  }
  const state = handle(real, { ephemeral, fresh, made, locked: true, before })
  if (fresh) state.write('format', `${FORMAT}\n`)
  return state
}

/** Turns what the file system says about the folder itself into one sentence; others pass through. */
function asRefusal(error: unknown, dir: string): unknown {
  switch ((error as NodeJS.ErrnoException | null)?.code) {
    case 'EACCES':
    case 'EPERM':
      return new Refusal(`The state folder ${dir} cannot be written by this user; name another with --state.`)
    case 'ENOENT':
      return new Refusal(`The state folder ${dir} cannot be made there; name another with --state.`)
    case 'ENOTDIR':
    case 'EEXIST':
      return new Refusal(`${dir} cannot be a state folder: something that is not a folder stands in its way.`)
    case 'ENAMETOOLONG':
      return new Refusal('The name of the state folder is too long for this file system; name another with --state.')
    default:
      return asDiskRefusal(error, dir)
  }
}

/** What any write on the way to a running cloud may meet: a full or read-only disk, in one sentence; others pass through. */
export function asDiskRefusal(error: unknown, dir: string): unknown {
  const { code, message } = (error ?? {}) as { code?: string; message?: string }
  if (code === 'EROFS')
    return new Refusal(`The state folder ${dir} is on a read-only file system; name another with --state.`)
  const full = code === 'ENOSPC' || code === 'EDQUOT' || /database or disk is full|ENOSPC/.test(message ?? '')
  return full
    ? new Refusal(`The disk under ${dir} is full; free some room or name another folder with --state.`)
    : error
}

function checkRoom(dir: string): void {
  const { bavail, bsize } = statfsSync(dir)
  const freeMb = (bavail * bsize) / 1024 ** 2
  if (freeMb >= LEAST_FREE_MB) return
  throw new Refusal(
    `The disk under ${dir} has ${Math.floor(freeMb)} MB left and Koto needs ${LEAST_FREE_MB} to begin; free some room or name another folder with --state.`,
  )
}

const readOrNull = (file: string): string | null => {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return null
    throw error
  }
}

interface Kept {
  readonly ephemeral: boolean
  readonly fresh: boolean
  readonly made: string | null
  readonly locked: boolean
  /** Names that stood in the folder before. */
  readonly before: readonly string[]
}

function handle(dir: string, kept: Kept): StateDir {
  let dirFd: number | null = null
  const file = (...parts: string[]): string => path.join(dir, ...parts)
  return {
    path: dir,
    ephemeral: kept.ephemeral,
    fresh: kept.fresh,
    file,
    folder(...parts) {
      const made = file(...parts)
      mkdirSync(made, { recursive: true, mode: 0o700 })
      return made
    },
    write(name, text, mode = 0o600) {
      const target = file(name)
      mkdirSync(path.dirname(target), { recursive: true, mode: 0o700 })
      const half = `${target}.${process.pid}.new`
      const fd = openSync(half, 'w', mode)
      try {
        writeFileSync(fd, text)
        fsyncSync(fd)
      } finally {
        closeSync(fd)
      }
      chmodSync(half, mode)
      renameSync(half, target)
    },
    read: name => readOrNull(file(name)),
    socket(name) {
      const plain = file(name)
      if (Buffer.byteLength(plain) <= SOCKET_PATH_MAX) return plain
      // The kernel follows our own open folder, so the name it must hold stays short.
      dirFd ??= openSync(dir, 'r')
      return `/proc/self/fd/${dirFd}/${name}`
    },
    release() {
      if (dirFd !== null) closeSync(dirFd)
      dirFd = null
      if (kept.locked) releaseLock(dir)
      if (kept.ephemeral && kept.locked) rmSync(dir, { recursive: true, force: true })
    },
    discard() {
      if (!kept.locked || !existsSync(dir)) return
      const strangers = readdirSync(dir).filter(name => !kept.before.includes(name))
      for (const name of strangers) rmSync(path.join(dir, name), { recursive: true, force: true })
      if (kept.made !== null) rmSync(kept.made, { recursive: true, force: true })
    },
  }
}
