// What can go wrong between a repository and its database, in words that are the same for every dialect.

/** Why the database could not serve. The last three pass by themselves: the whole transaction may be tried again. */
export type UnavailableReason =
  | 'full'
  | 'read-only'
  | 'corrupt'
  | 'io'
  | 'cannot-open'
  | 'closed'
  | 'rolled-back'
  | 'busy'
  | 'deadlock'
  | 'serialisation'

/**
 * The database cannot serve now: full disk, read-only or damaged file, held by somebody else. Rendered as 503; nothing of
 * the failed transaction was kept. `message` is one sentence fit for a log, not for a stranger.
 */
export class DatabaseUnavailable extends Error {
  readonly reason: UnavailableReason
  constructor(reason: UnavailableReason, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'DatabaseUnavailable'
    this.reason = reason
  }
}

/** True when the same transaction, run again from its beginning, may succeed. */
export const isTransient = (error: unknown): boolean =>
  error instanceof DatabaseUnavailable &&
  (error.reason === 'busy' || error.reason === 'deadlock' || error.reason === 'serialisation')

/** A row with this key is there already. `columns` are those of the violated key, where the dialect tells. */
export class DuplicateKey extends Error {
  readonly columns: readonly string[]
  constructor(columns: readonly string[], cause: unknown) {
    super(`a row with the same ${columns.length === 0 ? 'key' : columns.join(', ')} is there already`, { cause })
    this.name = 'DuplicateKey'
    this.columns = columns
  }
}

/** A row refers to one that is not there, or one that others refer to was to be removed. */
export class BrokenReference extends Error {
  constructor(cause: unknown) {
    super('a row refers to one that is not there, or is still referred to', { cause })
    this.name = 'BrokenReference'
  }
}

/**
 * True for a duplicate key; with `columns`, only when the violated key contains all of them.
 * `catch (error) { if (!isDuplicate(error)) throw error; throw faults.NameInUse({ name }) }`
 */
export const isDuplicate = (error: unknown, ...columns: readonly string[]): error is DuplicateKey =>
  error instanceof DuplicateKey && columns.every(column => error.columns.includes(column))

/** The file was written by a newer version of this program, which knew migrations that we do not. */
export class NewerDatabase extends Error {
  constructor(name: string, newest: string) {
    super(
      `the ${name} database was written by a newer version (it has migration ${newest}): start that version, or restore a backup`,
    )
    this.name = 'NewerDatabase'
  }
}
