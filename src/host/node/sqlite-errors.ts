// SQLite's result codes in the kernel's words.
import { BrokenReference, DatabaseUnavailable, DuplicateKey, type UnavailableReason } from '#kernel/db/errors.ts'

const BUSY = 5
const REASONS: Readonly<Record<number, UnavailableReason>> = {
  3: 'cannot-open', // PERM
  5: 'busy',
  6: 'busy', // LOCKED
  8: 'read-only',
  10: 'io',
  11: 'corrupt',
  13: 'full',
  14: 'cannot-open',
  26: 'corrupt', // NOTADB
}
const SENTENCES: Readonly<Record<UnavailableReason, string>> = {
  full: 'the disk is full',
  'read-only': 'it is read-only',
  corrupt: 'its file is damaged or is no database',
  io: 'its file cannot be read or written',
  'cannot-open': 'its file cannot be opened',
  closed: 'it is closed',
  'rolled-back': 'the transaction was undone by an earlier error',
  busy: 'another process holds it',
  deadlock: 'two transactions waited for each other',
  serialisation: 'a concurrent transaction came first',
}

/** What the file system says when we make or copy a file. */
const FILE_REASONS: Readonly<Record<string, UnavailableReason>> = {
  EACCES: 'cannot-open',
  EPERM: 'cannot-open',
  ENOENT: 'cannot-open',
  ENOTDIR: 'cannot-open',
  EISDIR: 'cannot-open',
  EEXIST: 'cannot-open', // a file where a folder should be
  EMFILE: 'cannot-open',
  EROFS: 'read-only',
  ENOSPC: 'full',
  EDQUOT: 'full',
  EIO: 'io',
}

const CONSTRAINT_FOREIGN_KEY = 787
const CONSTRAINT_PRIMARY_KEY = 1555
const CONSTRAINT_UNIQUE = 2067
const CONSTRAINT_ROWID = 2579

export const unavailable = (name: string, reason: UnavailableReason, cause?: unknown): DatabaseUnavailable =>
  new DatabaseUnavailable(reason, `${name} is unavailable: ${SENTENCES[reason]}`, cause)

const errcodeOf = (error: unknown): number | undefined => {
  const code = (error as { errcode?: unknown } | null)?.errcode
  return typeof code === 'number' ? code : undefined
}

/** Held by another process, in any of SQLite's variants. */
export const isBusy = (error: unknown): boolean => ((errcodeOf(error) ?? 0) & 0xff) === BUSY

/** The error to throw on: one of kernel/db/errors.ts where there is one, else the same. `name` is the database's. */
export function translate(name: string, error: unknown): unknown {
  if (!(error instanceof Error)) return error
  const { code: word } = error as NodeJS.ErrnoException
  if (word === 'ERR_INVALID_STATE') return unavailable(name, 'closed', error)
  const code = errcodeOf(error)
  if (code === undefined) {
    const reason = FILE_REASONS[word ?? '']
    return reason === undefined ? error : unavailable(name, reason, error)
  }
  if (code === CONSTRAINT_UNIQUE || code === CONSTRAINT_PRIMARY_KEY || code === CONSTRAINT_ROWID)
    return new DuplicateKey(columnsIn(error.message), error)
  if (code === CONSTRAINT_FOREIGN_KEY) return new BrokenReference(error)
  const reason = REASONS[code & 0xff]
  return reason === undefined ? error : unavailable(name, reason, error)
}

/** From `UNIQUE constraint failed: widgets.project_id, widgets.name`. */
const columnsIn = (message: string): string[] => {
  const [, list] = message.split('constraint failed: ')
  return (list ?? '')
    .split(', ')
    .flatMap(item => (item === '' || item.startsWith('index ') ? [] : [item.slice(item.indexOf('.') + 1)]))
}
