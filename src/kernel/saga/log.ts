// The saga log: what is written before and after each step, so that whoever comes after a crash can go on.
import type { Who } from '#kernel/lib/context.ts'
import type { WireFault } from '#kernel/bus/wire.ts'

/** `prepared` written, not begun · `running` · `unwinding` undoing · `done` · `failed` all undone · `stuck` an undo failed for good. */
export type SagaState = 'prepared' | 'running' | 'unwinding' | 'done' | 'failed' | 'stuck'
export const isOver = (state: SagaState): boolean => state === 'done' || state === 'failed'

export interface SagaRow {
  readonly id: string
  readonly name: string
  readonly subject: string
  readonly state: SagaState
  readonly input: Readonly<Record<string, unknown>>
  /** The task state it last put the subject in. */
  readonly taskState: string | null
  readonly requestId: string
  /** Whose request it was. Emptied when the saga is over. */
  readonly who: Who | null
  /** The engine that runs it, and until when that is believed without a sign of life. */
  readonly owner: string | null
  readonly leaseUntil: number
  /** Counts owners: an owner of an older generation may write no more. */
  readonly generation: number
  readonly cancelled: boolean
  readonly errors: readonly WireFault[]
  readonly createdAt: number
  readonly updatedAt: number
}

export type StepState = 'started' | 'done' | 'failed' | 'skipped' | 'undoing' | 'undone'

export interface StepRow {
  /** `pick-hosts`, `on-a-host`, `on-a-host#0` (a candidate), `on-a-host#0/claim`, `!failed` (the hook). */
  readonly key: string
  /** Order of first writing. */
  readonly seq: number
  readonly state: StepState
  readonly output: Readonly<Record<string, unknown>> | null
  readonly error: WireFault | null
  readonly at: number
}

export interface SagaChange {
  readonly state?: SagaState
  readonly taskState?: string | null
  readonly cancelled?: boolean
  readonly errors?: readonly WireFault[]
  /** Drops the ownership. */
  readonly release?: boolean
}

/** `Q` is what stands for an open transaction of the caller's database; undefined means an own one. */
export interface SagaLog<Q = unknown> {
  /** Throws fault `SagaBusy` (409) when an unfinished saga of that name and subject exists. */
  create(q: Q | undefined, row: SagaRow): Promise<void>
  /**
   * Makes `owner` the owner under the next generation, if the saga is not over and is owned by nobody, by `owner` itself, by one whose lease
   * has ended, or `force`. Undefined when it is another's, over or unknown.
   */
  claim(id: string, owner: string, now: number, leaseUntil: number, force: boolean): Promise<SagaRow | undefined>
  load(id: string): Promise<SagaRow | undefined>
  steps(id: string): Promise<StepRow[]>
  /**
   * One transaction for both. Throws {@link Fenced} when the generation is no longer ours. A change to `done` is not made when the
   * saga has been cancelled; the answer says so.
   */
  write(
    id: string,
    generation: number,
    now: number,
    change: SagaChange | undefined,
    step: StepRow | undefined,
  ): Promise<{ cancelled: boolean }>
  /** Prolongs the leases of all unfinished sagas of `owner`. */
  renew(owner: string, leaseUntil: number): Promise<void>
  /** Marks the unfinished sagas about `subject` (all, or of one name) as cancelled; returns their ids. */
  cancel(subject: string, name: string | undefined, now: number): Promise<string[]>
  /** Not over and not stuck. */
  unfinished(): Promise<SagaRow[]>
  stuck(): Promise<SagaRow[]>
  /** All about one subject, oldest first. */
  about(subject: string): Promise<SagaRow[]>
  /** Removes what ended before that time. Returns how many. */
  forget(before: number): Promise<number>
}

/** Another engine has taken the saga over: stop, write nothing. */
export class Fenced extends Error {
  constructor(id: string) {
    super(`saga ${id} has another owner now`)
    this.name = 'Fenced'
  }
}
