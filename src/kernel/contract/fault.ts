// Faults as a table: every error a service can answer with, its status and its words. The domain throws them; only
// kernel/http renders them, in the service's dialect.

import type { Reason } from '#kernel/contract/verdict.ts'

type Names<S extends string> = S extends `${string}{${infer Name}}${infer Rest}` ? Name | Names<Rest> : never
type Params<S extends string> = [Names<S>] extends [never] ? [] : [params: Record<Names<S>, string | number>]

export interface FaultOptions {
  readonly cause?: unknown
  /** Why, as a tree: shown by `koto why` and to those who may. */
  readonly because?: readonly Reason[]
  /** More fields for the service's error body, where upstream has them (Placement's `code`, Neutron's `type`). */
  readonly extra?: Readonly<Record<string, unknown>>
  readonly headers?: Readonly<Record<string, string>>
}

/** What a service answers when it does not do what was asked. `message` is what the client reads. */
export class Fault extends Error {
  readonly code: string
  readonly status: number
  readonly because: readonly Reason[]
  readonly extra: Readonly<Record<string, unknown>>
  readonly headers: Readonly<Record<string, string>>
  constructor(code: string, status: number, message: string, options: FaultOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'Fault'
    this.code = code
    this.status = status
    this.because = options.because ?? []
    this.extra = options.extra ?? {}
    this.headers = options.headers ?? {}
  }
}

/** Makes a fault of one kind: its parameters are typed from the message's `{names}`. */
export interface FaultMaker<S extends string> {
  (...args: [...Params<S>, options?: FaultOptions]): Fault
  readonly code: string
  readonly status: number
  readonly text: S
}
export type AnyFaultMaker = { readonly code: string; readonly status: number; readonly text: string }

type Row = readonly [status: number, text: string]
export type FaultTable<T extends Record<string, Row>> = { readonly [K in keyof T]: FaultMaker<T[K][1]> }

/**
 * Declares a service's faults: `faultTable({ VolumeNotFound: [404, 'Volume {id} could not be found.'] })`;
 * then `throw faults.VolumeNotFound({ id })`. A misspelt parameter does not compile.
 */
export function faultTable<const T extends Record<string, Row>>(rows: T): FaultTable<T> {
  const table: Record<string, unknown> = {}
  for (const [code, [status, text]] of Object.entries(rows)) {
    const takesParams = text.includes('{')
    const make = (...args: unknown[]): Fault => {
      const params = (takesParams ? args[0] : {}) as Record<string, string | number>
      const options = (takesParams ? args[1] : args[0]) as FaultOptions | undefined
      const message = text.replace(/\{(\w+)\}/g, (_whole, name: string) => String(params[name]))
      return new Fault(code, status, message, options)
    }
    table[code] = Object.assign(make, { code, status, text })
  }
  return table as FaultTable<T>
}

/** True for a fault of that kind (compared by code: it may have crossed the bus). */
export const isFault = (error: unknown, maker: AnyFaultMaker): error is Fault =>
  error instanceof Fault && error.code === maker.code
