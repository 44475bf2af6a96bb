// A run of the benchmark as a person reads it: figures, and how many times better than a stored run and than the peer.
import { readFileSync } from 'node:fs'
import { Refusal } from '#kernel/config/refusal.ts'
import { table } from '#host/node/terminal.ts'
import type { BurstBoots, SingleBoots } from '#main/cli/bench/boots.ts'
import type { Figures } from '#main/cli/bench/measure.ts'

/** What `--save` writes and `--against` reads. */
export interface BenchRun {
  readonly at: string
  readonly version: string
  readonly machine: string
  /** From the start of the command to a token that works. */
  readonly ready_s: number | null
  readonly idle_mb: number | null
  readonly loaded_mb: number | null
  readonly cases: readonly Figures[]
  readonly single: SingleBoots | null
  readonly bursts: readonly BurstBoots[]
}

/** The parts of a run that are compared; the peer's figures have only these. */
export interface Compared {
  readonly ready_s?: number | null
  readonly idle_mb?: number | null
  readonly cases: readonly Pick<Figures, 'case' | 'concurrency' | 'p50_ms' | 'cpu_ms'>[]
  readonly single?: Pick<SingleBoots, 'accepted_ms' | 'active_ms' | 'deleted_ms'> | null
  readonly bursts: readonly Pick<BurstBoots, 'servers' | 'active_s' | 'cpu_ms'>[]
}

/** Reads a stored run. @throws Refusal when it is not one. */
export function readRun(file: string): Compared {
  try {
    const run = JSON.parse(readFileSync(file, 'utf8')) as Compared
    if (Array.isArray(run.cases) && Array.isArray(run.bursts)) return run
  } catch {
    // said below
  }
  throw new Refusal(`${file} is not a stored run of koto bench.`)
}

export const readPeer = (): Compared => readRun(new URL('./peer.json', import.meta.url).pathname)

const figure = (value: number | null | undefined, digits = 1): string =>
  value === null || value === undefined || Number.isNaN(value) ? '-' : value.toFixed(digits)

/** `12×`: so many times less than the other; below 1 it is more. */
export function times(ours: number | null | undefined, other: number | null | undefined): string {
  if (ours === null || other === null || ours === undefined || other === undefined || !(ours > 0)) return '-'
  const ratio = other / ours
  return `${ratio >= 10 ? ratio.toFixed(0) : ratio.toFixed(2)}×`
}

const matching = (run: Compared | null, one: Figures): Compared['cases'][number] | undefined =>
  run?.cases.find(other => other.case === one.case && other.concurrency === one.concurrency)

export function caseLines(cases: readonly Figures[], peer: Compared, against: Compared | null): string {
  const stored = against === null ? [] : ['p50 then/now', 'CPU then/now']
  return table(
    [
      'CASE',
      'AT ONCE',
      'ITEMS',
      'p50 ms',
      'p95 ms',
      'REQ/S',
      'CPU ms',
      'OTHERS %',
      'ERRORS',
      'p50 peer/ours',
      'CPU peer/ours',
      ...stored,
    ],
    cases.map(one => {
      const other = matching(peer, one)
      const then = matching(against, one)
      return [
        one.case,
        one.concurrency,
        one.items,
        figure(one.p50_ms, 2),
        figure(one.p95_ms, 2),
        figure(one.per_second, 0),
        figure(one.cpu_ms, 2),
        figure(one.others_percent, 0),
        one.errors,
        times(one.p50_ms, other?.p50_ms),
        times(one.cpu_ms, other?.cpu_ms),
        ...(against === null ? [] : [times(one.p50_ms, then?.p50_ms), times(one.cpu_ms, then?.cpu_ms)]),
      ]
    }),
  )
}

export function bootLines(run: BenchRun, peer: Compared, against: Compared | null): string {
  const lines: string[] = []
  const also = (ours: number, peers: number | undefined, then: number | undefined): string =>
    ` (peer ${times(ours, peers)}${against === null ? '' : `, then ${times(ours, then)}`})`
  const { single } = run
  if (single !== null) {
    lines.push(
      `one server, ${single.times} times: accepted ${figure(single.accepted_ms, 0)} ms, ACTIVE ${figure(single.active_ms, 0)} ms` +
        `${also(single.active_ms, peer.single?.active_ms, against?.single?.active_ms)}, gone ${figure(single.deleted_ms, 0)} ms`,
    )
  }
  for (const burst of run.bursts) {
    const same = (other: Compared | null): Compared['bursts'][number] | undefined =>
      other?.bursts.find(one => one.servers === burst.servers)
    lines.push(
      `${burst.servers} servers: ${Object.entries(burst.states)
        .map(([state, count]) => `${count} ${state}`)
        .join(', ')} after ${figure(burst.active_s, 2)} s` +
        `${also(burst.active_s, same(peer)?.active_s, same(against)?.active_s)}, ${figure(burst.per_second)} a second, ${figure(burst.cpu_ms)} ms CPU each` +
        `${also(burst.cpu_ms, same(peer)?.cpu_ms, same(against)?.cpu_ms)}; gone after ${figure(burst.deleted_s, 2)} s`,
    )
  }
  if (run.ready_s !== null)
    lines.push(
      `ready after ${figure(run.ready_s, 2)} s${also(run.ready_s, peer.ready_s ?? undefined, against?.ready_s ?? undefined)}`,
    )
  if (run.idle_mb !== null) {
    lines.push(
      `memory ${figure(run.idle_mb)} MB idle${also(run.idle_mb, peer.idle_mb ?? undefined, against?.idle_mb ?? undefined)}, ${figure(run.loaded_mb)} MB after the run`,
    )
  }
  return `${lines.join('\n')}\n`
}
