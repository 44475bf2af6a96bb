// What looks after the sagas of one service from time to time: orphans, stuck ones, old lines of the log.
import { reconciler, type Reconciler } from '#kernel/reconciler/reconciler.ts'
import type { Clock } from '#kernel/lib/clock.ts'
import type { Engine } from '#kernel/saga/engine.ts'

export interface SagaCare {
  readonly engine: Pick<Engine<never>, 'adopt' | 'retryStuck' | 'log'>
  readonly clock: Clock
}

/** How long ended sagas are kept. */
const KEEP_MS = 7 * 86_400_000

/**
 * `adopt-<service>-sagas` takes up what was prepared or left by an owner that died; `retry-stuck-…` tries failed undos again;
 * `forget-…` removes what ended a week ago.
 */
export const sagaReconcilers = (service: string): readonly Reconciler<SagaCare>[] => [
  reconciler<SagaCare>()(`adopt-${service}-sagas`, { every: '15s' }, async ({ engine }) => ({
    seen: (await engine.log.unfinished()).length,
    corrected: await engine.adopt(),
  })),
  reconciler<SagaCare>()(`retry-stuck-${service}-sagas`, { every: '2m', also: ['host-up'] }, async ({ engine }) => ({
    seen: (await engine.log.stuck()).length,
    corrected: await engine.retryStuck(),
  })),
  reconciler<SagaCare>()(`forget-${service}-sagas`, { every: '1h' }, async ({ engine, clock }) => {
    const corrected = await engine.log.forget(clock.now() - KEEP_MS)
    return { seen: corrected, corrected }
  }),
]
