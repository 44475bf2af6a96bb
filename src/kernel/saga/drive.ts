// Drives one saga to its end: asks the plan what comes next, writes it down, does it, writes that down.
import { attempt, cancelledFault } from '#kernel/saga/attempt.ts'
import { candidateToDrop, decide, HOOK, type Decision, type StepAt } from '#kernel/saga/plan.ts'
import { decodeError, encodeError } from '#kernel/bus/wire.ts'
import { done, line, note, session, write, type Run, type Shared } from '#kernel/saga/run.ts'
import { Fault } from '#kernel/contract/fault.ts'
import { Fenced, isOver, type StepRow } from '#kernel/saga/log.ts'
import { ProcessDeath } from '#kernel/crossing/death.ts'
import { traveller, type Traveller } from '#kernel/saga/travel.ts'
import type { State } from '#kernel/saga/saga.ts'

export interface Driver {
  /** Goes on until it is done, undone or stuck, or until the engine stops at a step boundary. Throws what the log throws. */
  drive(run: Run): Promise<void>
  readonly legs: Traveller
}

/** These are not a step's failure but the end of this engine's part in the saga. */
const isOurEnd = (error: unknown): boolean => error instanceof ProcessDeath || error instanceof Fenced

export function driver(shared: Shared): Driver {
  const { clock } = shared.parts

  const unwind = (run: Run, error: Error, step?: StepRow): Promise<void> =>
    write(shared, run, { state: 'unwinding', errors: [...run.row.errors, encodeError(error)] }, step)

  const stick = async (run: Run, what: string, error: Error): Promise<void> => {
    await write(shared, run, { state: 'stuck', errors: [...run.row.errors, encodeError(error)], release: true })
    shared.trouble(`${run.row.name} of ${run.row.subject} is stuck: ${what}`, error, run.row.id)
  }

  /** Swap and log before a step. False: it was overtaken and now unwinds. */
  const begin = (run: Run, at: StepAt): Promise<boolean> => {
    const { taskState } = at.node
    return session(
      shared,
      run,
      `saga:${at.node.name}`,
      taskState === undefined ? undefined : { task: taskState },
      async () => {
        if (shared.death !== undefined) throw shared.death
        if (taskState !== undefined && !(await entered(run, taskState))) {
          const error = new Fault(
            'SagaOvertaken',
            409,
            `${run.row.subject} is no longer in task state ${run.row.taskState ?? 'none'}`,
          )
          await write(shared, run, {
            state: 'unwinding',
            cancelled: true,
            errors: [...run.row.errors, encodeError(error)],
          })
          return false
        }
        const started = line(shared, run, at.key, 'started', { output: null, error: null })
        await write(shared, run, taskState === undefined ? undefined : { taskState }, started)
        return true
      },
    )
  }
  const entered = async (run: Run, to: string | null): Promise<boolean> => {
    const { enter } = run.known
    const from = run.row.taskState
    if (enter === undefined || (await enter(run.row.subject, from, to))) return true
    // Whoever died may have made the swap and not written it down.
    return run.resumed && from !== to && (await enter(run.row.subject, to, to))
  }
  const legs = traveller(shared, begin)

  /** Runs a body where it belongs. Remote: as a leg, which may do further steps before it is over. */
  const execute = async (run: Run, at: StepAt, mode: 'do' | 'undo', more: boolean) => {
    const place = run.known.places[at.node.at]
    if (place === undefined) throw new Fault('NoSuchPlace', 500, `${run.known.saga.name}: nobody is the ${at.node.at}`)
    run.step = at.key
    run.since = clock.now()
    if (place.kind === 'remote') {
      if (at.host === undefined) throw new Fault('NoHost', 500, `${at.node.name}: no host to run at`)
      return legs.travel(run, at, { actor: place.actor, host: at.host }, mode, more)
    }
    return attempt({
      clock,
      node: at.node,
      mode,
      state: at.state,
      tools: place.tools,
      ctx: { ...run.ctx, actor: place.actor },
      sagaId: run.row.id,
      key: at.key,
      signal: run.abort.signal,
    })
  }

  const failed = async (run: Run, key: string, error: Error, step: StepRow | undefined): Promise<void> => {
    const ending = run.row.cancelled || run.expired !== undefined
    const candidate = ending ? undefined : candidateToDrop(run.known.saga, key, error)
    if (candidate === undefined) return unwind(run, error, step)
    await write(shared, run, { errors: [...run.row.errors, encodeError(error)] }, step)
    await write(shared, run, undefined, line(shared, run, candidate, 'failed', { error: encodeError(error) }))
  }

  /** The step that is begun now: the leg's first, or a later one of it. */
  const begun = (run: Run, at: StepAt): StepAt => {
    if (run.rows.get(at.key)?.state === 'started') return at
    const decision = decide(run.known.saga, run.row, run.rows)
    return decision.next === 'do' && run.rows.get(decision.key)?.state === 'started' ? decision : at
  }

  const forward = async (run: Run, at: StepAt & { readonly more: boolean }): Promise<void> => {
    if (!(await begin(run, at))) return
    let output: Readonly<Record<string, unknown>> | 'logged'
    try {
      output = await execute(run, at, 'do', at.more)
    } catch (error) {
      if (isOurEnd(error)) throw error
      await legs.quiet(run)
      if (run.row.state !== 'running') return
      const { key } = begun(run, at)
      const step = line(shared, run, key, 'failed', { error: encodeError(error) })
      return failed(run, key, error as Error, run.rows.get(key)?.state === 'started' ? step : undefined)
    }
    // A leg may have gone on to later steps: what came back is about the last of them.
    if (output !== 'logged') await done(shared, run, begun(run, at), output)
  }

  const backward = async (run: Run, at: StepAt): Promise<void> => {
    await session(shared, run, `saga:undo-${at.node.name}`, undefined, () =>
      write(shared, run, undefined, line(shared, run, at.key, 'undoing')),
    )
    try {
      await execute(run, at, 'undo', false)
    } catch (error) {
      if (isOurEnd(error)) throw error
      const why = new Fault('UndoFailed', 500, `${at.key} could not be undone`, { cause: error })
      return stick(run, why.message, why)
    }
    await session(shared, run, `saga:undo-${at.node.name} done`, undefined, () =>
      write(shared, run, undefined, line(shared, run, at.key, 'undone')),
    )
  }

  const hook = async (run: Run, state: State): Promise<void> => {
    const { failed: tell, home } = run.known.saga.options
    const place = home === undefined ? undefined : run.known.places[home]
    await session(shared, run, `saga:failed`, undefined, () =>
      write(shared, run, undefined, line(shared, run, HOOK, 'started')),
    )
    try {
      await attempt({
        clock,
        // An undo in all but name: patient, not to be aborted.
        node: {
          type: 'step',
          name: 'failed',
          at: home ?? '',
          do: () => Promise.resolve(),
          undo: async (s, t, stepRun) =>
            tell?.(s, t, { errors: run.row.errors.map(decodeError), cancelled: run.row.cancelled, run: stepRun }),
        },
        mode: 'undo',
        state,
        tools: place?.kind === 'local' ? place.tools : () => ({}),
        ctx: { ...run.ctx, actor: place?.actor ?? shared.parts.actor },
        sagaId: run.row.id,
        key: HOOK,
        signal: run.abort.signal,
      })
    } catch (error) {
      if (isOurEnd(error)) throw error
      return stick(run, 'its failure could not be reported', error as Error)
    }
    await write(shared, run, undefined, line(shared, run, HOOK, 'done'))
  }

  const exhausted = async (run: Run, key: string, error: Error): Promise<void> => {
    // The candidates' own failures are in the list already; an empty list of candidates is a failure of its own.
    if (run.row.errors.length === 0) return failed(run, key, error, undefined)
    const candidate = candidateToDrop(run.known.saga, key, error)
    if (candidate === undefined) return write(shared, run, { state: 'unwinding' })
    await write(shared, run, undefined, line(shared, run, candidate, 'failed', { error: encodeError(error) }))
  }

  const act = (run: Run, decision: Decision): Promise<void> => {
    switch (decision.next) {
      case 'note':
        return note(shared, run, decision)
      case 'do':
        return forward(run, decision)
      case 'undo':
        return backward(run, decision)
      case 'exhausted':
        return exhausted(run, decision.key, decision.error)
      case 'hook':
        return hook(run, decision.state)
      case 'done':
      case 'failed':
        return session(shared, run, `saga:${run.row.name} ${decision.next}`, undefined, () =>
          write(shared, run, { state: decision.next }),
        )
    }
  }

  /** The plan, or undefined after dealing with a definition that throws. */
  const planned = async (run: Run): Promise<Decision | undefined> => {
    try {
      return decide(run.known.saga, run.row, run.rows)
    } catch (error) {
      if (run.row.state === 'running') await unwind(run, error as Error)
      else await stick(run, (error as Error).message, error as Error)
      return undefined
    }
  }

  return {
    legs,
    async drive(run) {
      if (run.row.state === 'prepared') await write(shared, run, { state: 'running' })
      if (run.row.state === 'stuck') await write(shared, run, { state: 'unwinding' })
      for (;;) {
        const state: string = run.row.state
        if (isOver(run.row.state) || state === 'stuck') return
        if (shared.stopping) return write(shared, run, { release: true })
        if (state === 'running' && (run.row.cancelled || run.expired !== undefined)) {
          await unwind(run, run.expired ?? cancelledFault())
          continue
        }
        const decision = await planned(run)
        if (decision !== undefined) await act(run, decision)
        run.step = null
      }
    },
  }
}
