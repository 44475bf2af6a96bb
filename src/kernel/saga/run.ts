// One saga under way in this process: what its engine knows of it, and its lines in the log.
import { Fault } from '#kernel/contract/fault.ts'
import { ProcessDeath } from '#kernel/crossing/death.ts'
import { isTransient, retry } from '#kernel/lib/retry.ts'
import type { AnySaga, StepRun } from '#kernel/saga/saga.ts'
import type { Bus } from '#kernel/bus/bus.ts'
import type { Clock } from '#kernel/lib/clock.ts'
import type { Cross } from '#kernel/crossing/crossing.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import type { Ids } from '#kernel/lib/ids.ts'
import type { Order, Outcome } from '#kernel/saga/legs.ts'
import type { SagaChange, SagaLog, SagaRow, StepRow } from '#kernel/saga/log.ts'
import type { Decision, StepAt } from '#kernel/saga/plan.ts'

/** Where a place's steps run: in this process with these tools, or at the remote actors of a component, one per host. */
export type PlaceAt<T> =
  | { readonly kind: 'local'; readonly actor: string; readonly tools: (run: StepRun) => T }
  | { readonly kind: 'remote'; readonly actor: string }

/** The swap of the subject's task state: true if we won. */
export type Enter = (subject: string, from: string | null, to: string | null) => Promise<boolean>

export interface EngineParts<Q> {
  readonly log: SagaLog<Q>
  readonly bus: Bus
  readonly clock: Clock
  readonly ids: Ids
  readonly cross: Cross
  /** The component that owns the engine, e.g. `nova-conductor`. */
  readonly actor: string
  /** What its database is called in crossings, e.g. `nova-db`. */
  readonly db: string
  /** Set where several engines share a log and a bus: how actors find this one. Default: nameless. */
  readonly host?: string | null
  /** How long an owner is believed alive without a sign. Default 60 s. */
  readonly leaseMs?: number
  /** How often a leg that does not report is sent again. Default 30 s. */
  readonly resendMs?: number
  /** Told of everything that must not be silent: stuck sagas, failures of the log. */
  readonly onTrouble?: (message: string, error: Error, sagaId: string) => void
}

/** A saga's definition and where its places are. */
export interface Known {
  readonly saga: AnySaga
  readonly places: Readonly<Record<string, PlaceAt<unknown>>>
  readonly enter: Enter | undefined
}

/** A leg that an actor is doing. */
export interface UnderWay {
  readonly actor: string
  readonly host: string
  /** The order it works on now; changes as it goes from step to step. */
  order: Order
  since: number
  /** Null: what it did is in the log already. */
  readonly over: (outcome: Outcome | null) => void
}

export interface Run {
  readonly known: Known
  row: SagaRow
  readonly rows: Map<string, StepRow>
  readonly ctx: Ctx
  /** Aborted by a cancel or by the saga's deadline: ends the running deed. */
  readonly abort: AbortController
  leg: UnderWay | undefined
  /** Counts legs. */
  turn: number
  step: string | null
  since: number
  /** True after it was taken over: what the latest line says as begun may have happened. */
  readonly resumed: boolean
  /** Set when the saga as a whole has taken too long. */
  expired: Fault | undefined
}

/** What all parts of an engine share. */
export interface Shared {
  readonly parts: EngineParts<never>
  readonly runs: Map<string, Run>
  /** Set once the process is dead, really or as played: then nothing is written any more. */
  death: ProcessDeath | undefined
  stopping: boolean
  readonly die: (error: ProcessDeath) => void
  readonly trouble: (message: string, error: Error, id: string) => void
}

const LOG_RETRY = { tries: 8, firstMs: 50, factor: 2, maxMs: 5_000 }

/** One line of the log, a change of the saga, or both in one. Tried again while the database cannot serve; nothing after a death. */
export async function write(shared: Shared, run: Run, change: SagaChange | undefined, step?: StepRow): Promise<void> {
  const { clock, log } = shared.parts
  const { cancelled } = await retry(
    async () => {
      if (shared.death !== undefined) throw shared.death
      return log.write(run.row.id, run.row.generation, clock.now(), change, step)
    },
    { clock, policy: LOG_RETRY, again: isTransient },
  )
  if (step !== undefined) run.rows.set(step.key, step)
  const { release: _release, ...changes } = change ?? {}
  const refused = changes.state === 'done' && cancelled
  run.row = { ...run.row, ...(refused ? {} : changes), cancelled: cancelled || run.row.cancelled }
}

/** The line of a step as it shall be, keeping what is known of it unless said otherwise. */
export function line(
  shared: Shared,
  run: Run,
  key: string,
  state: StepRow['state'],
  more: Partial<StepRow> = {},
): StepRow {
  const before = run.rows.get(key)
  return {
    key,
    seq: before?.seq ?? run.rows.size + 1,
    state,
    output: more.output === undefined ? (before?.output ?? null) : more.output,
    error: more.error === undefined ? (before?.error ?? null) : more.error,
    at: shared.parts.clock.now(),
  }
}

/** A session of the engine with its database, shown on the seam. */
export const session = <T>(
  shared: Shared,
  run: Run,
  name: string,
  payload: Readonly<Record<string, unknown>> | undefined,
  deed: () => Promise<T>,
): Promise<T> =>
  shared.parts.cross(
    {
      kind: 'db',
      side: 'send',
      from: shared.parts.actor,
      to: shared.parts.db,
      name,
      requestId: run.row.requestId,
      subject: run.row.subject,
      ...(payload === undefined ? {} : { payload }),
    },
    deed,
  )

/** Writes a step down as done. */
export const done = (shared: Shared, run: Run, at: StepAt, output: Readonly<Record<string, unknown>>): Promise<void> =>
  session(shared, run, `saga:${at.node.name} done`, undefined, () =>
    write(shared, run, undefined, line(shared, run, at.key, 'done', { output, error: null })),
  )

/** Writes a line that needs no deed. A step that is not needed is shown on the seam, with why. */
export function note(shared: Shared, run: Run, decision: Extract<Decision, { next: 'note' }>): Promise<void> {
  const deed = (): Promise<void> =>
    write(shared, run, undefined, line(shared, run, decision.key, decision.state, { output: decision.output }))
  if (decision.state !== 'skipped') return deed()
  const step = decision.key.slice(decision.key.lastIndexOf('/') + 1)
  return shared.parts.cross(
    {
      kind: 'skip',
      side: 'send',
      from: shared.parts.actor,
      to: shared.parts.actor,
      name: `skip:${run.row.name}.${step}`,
      requestId: run.row.requestId,
      subject: run.row.subject,
      payload: { why: 'not needed' },
    },
    deed,
  )
}
