// Where components write what happened. One line per event; the request id is kept; secrets never come here.
import type { Ctx } from '#kernel/lib/context.ts'

export interface Log {
  /** `facts` are small values worth searching for; never tokens, passwords, keys or bodies. */
  info(ctx: Pick<Ctx, 'requestId'> | null, says: string, facts?: Readonly<Record<string, unknown>>): void
  warn(ctx: Pick<Ctx, 'requestId'> | null, says: string, facts?: Readonly<Record<string, unknown>>): void
  /** The cause chain of `error` is written out. */
  error(ctx: Pick<Ctx, 'requestId'> | null, says: string, error?: unknown): void
}

/** Says nothing: for tests. */
export const silentLog: Log = { info: () => undefined, warn: () => undefined, error: () => undefined }
