// How messages and failures look on the wire: JSON, nothing else. A failure keeps code, status, message, cause and reasons.
import { ProcessDeath } from '#kernel/crossing/death.ts'
import { DatabaseUnavailable } from '#kernel/db/errors.ts'
import { Fault } from '#kernel/contract/fault.ts'
import type { Reason } from '#kernel/contract/verdict.ts'
import type { Who } from '#kernel/lib/context.ts'

/** What travels for one call or cast. */
export interface Message {
  readonly id: string
  readonly verb: string
  /** The actor that sent it. */
  readonly from: string
  readonly requestId: string
  readonly subject?: string
  readonly who: Who | null
  readonly payload: unknown
}

export type Reply = { readonly ok: unknown } | { readonly fault: WireFault }

export interface WireFault {
  readonly code: string
  readonly status: number
  readonly message: string
  readonly because?: readonly Reason[]
  readonly extra?: Readonly<Record<string, unknown>>
  readonly headers?: Readonly<Record<string, string>>
  readonly cause?: WireFault
}

const MAX_DEPTH = 8

const full = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && Object.keys(value).length > 0

/** Makes any thrown value fit for the wire. What has a code and a status keeps them; all else is an `RpcError`, status 500. */
export function encodeError(error: unknown, depth = 0): WireFault {
  if (typeof error !== 'object' || error === null) return { code: 'RpcError', status: 500, message: String(error) }
  const e = error as Partial<Record<'code' | 'status' | 'message' | 'because' | 'extra' | 'headers' | 'cause', unknown>>
  if (error instanceof DatabaseUnavailable)
    return { code: 'DatabaseUnavailable', status: 503, message: `the database cannot serve now (${error.reason})` }
  const known = typeof e.code === 'string' && typeof e.status === 'number'
  return {
    code: known ? (e.code as string) : 'RpcError',
    status: known ? (e.status as number) : 500,
    message: typeof e.message === 'string' ? e.message : 'a failure without words',
    ...(full(e.because) ? { because: e.because as Reason[] } : {}),
    ...(known && full(e.extra) ? { extra: e.extra as Record<string, unknown> } : {}),
    ...(known && full(e.headers) ? { headers: e.headers as Record<string, string> } : {}),
    ...(e.cause === undefined || e.cause === null || depth >= MAX_DEPTH
      ? {}
      : { cause: encodeError(e.cause, depth + 1) }),
  }
}

/** The error again, on the other side: a {@link Fault}, with the causes as faults below it. */
export function decodeError(wire: WireFault): Error {
  if (wire.code === 'ProcessDeath') return new ProcessDeath(wire.message.replace('the process died at ', ''))
  return new Fault(wire.code, wire.status, wire.message, {
    ...(wire.because === undefined ? {} : { because: wire.because }),
    ...(wire.extra === undefined ? {} : { extra: wire.extra }),
    ...(wire.headers === undefined ? {} : { headers: wire.headers }),
    ...(wire.cause === undefined ? {} : { cause: decodeError(wire.cause) }),
  })
}
