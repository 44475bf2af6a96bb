// Which words a person reads when a server's operation fails: the neighbour's or the driver's sentence, never internals.
import { Fault } from '#kernel/contract/fault.ts'
import type { Reason } from '#kernel/contract/verdict.ts'

export interface FaultWords {
  readonly code: number
  readonly message: string
  /** For administrators: the chain of what happened. */
  readonly details: string
  readonly because: readonly Reason[]
}

const chain = (error: Error): string => {
  const lines: string[] = []
  let at: unknown = error
  while (at instanceof Error && lines.length < 8) {
    lines.push(`${at.name}: ${at.message}`)
    at = at.cause
  }
  return lines.join('\n')
}

/** From the errors of a saga, in order of time, to one fault. */
export function faultWords(errors: readonly Error[]): FaultWords {
  const last = errors.at(-1)
  if (last === undefined) return { code: 500, message: 'The operation was ended.', details: '', because: [] }
  const status = last instanceof Fault ? last.status : 500
  const message =
    last instanceof Fault && last.code !== 'RpcError'
      ? last.code === 'RemoteFault'
        ? `Build of the server aborted: ${last.message}`
        : last.message
      : errors.length > 1
        ? 'Exceeded maximum number of retries.'
        : `Build of the server failed: ${last.message}`
  return {
    code: last instanceof Fault && last.code === 'NoValidHost' ? 500 : status >= 400 ? status : 500,
    message,
    details: errors.map(chain).join('\n---\n'),
    because: last instanceof Fault ? last.because : [],
  }
}
