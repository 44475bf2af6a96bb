// Inside a test process: writes each finished test as one line of JSON to the file that the runner named.
import { appendFileSync } from 'node:fs'
import path from 'node:path'
import { inspect } from 'node:util'

/** One finished test, or the word that the process came to its end. */
export type Told =
  | {
      readonly kind: 'test'
      readonly result: 'passed' | 'failed' | 'skipped'
      readonly file: string
      readonly name: string
      readonly ms: number
      /** Why it failed or was skipped. */
      readonly why: string
    }
  | { readonly kind: 'done' }

/** Variable that names the file to write to. */
export const REPORT = 'KOTO_TEST_REPORT'

interface Failure extends Error {
  readonly failureType?: string
}
interface Event {
  readonly type: string
  readonly data: {
    readonly name: string
    readonly nesting: number
    readonly file?: string
    readonly skip?: string | boolean
    readonly todo?: string | boolean
    readonly details?: { readonly duration_ms?: number; readonly type?: string; readonly error?: Failure }
  }
}

// oxlint-disable-next-line require-yield -- node:test asks for a generator; what we have to say goes to the file
export default async function* reporter(events: AsyncIterable<Event>): AsyncGenerator<string> {
  const report = process.env[REPORT] ?? ''
  const tell = (told: Told): void => appendFileSync(report, `${JSON.stringify(told)}\n`)
  const open: string[] = []
  for await (const { type, data } of events) {
    if (type === 'test:start') open[data.nesting] = data.name
    if (type === 'test:pass' || type === 'test:fail') {
      const told = finished(data, type === 'test:fail', open)
      if (told !== null) tell(told)
    }
    if (type === 'test:summary' && data.file === undefined) tell({ kind: 'done' })
  }
  tell({ kind: 'done' })
}

/** Null for what only holds others: a suite, or a test whose subtest failed and was told already. */
function finished(data: Event['data'], failed: boolean, open: readonly string[]): Told | null {
  const { details } = data
  if (details?.error?.failureType === 'subtestsFailed') return null
  if (details?.type === 'suite' && !failed) return null
  const word = (value: string | boolean | undefined): string => (typeof value === 'string' ? value : '')
  const skipped = data.skip !== undefined || data.todo !== undefined
  return {
    kind: 'test',
    result: skipped ? 'skipped' : failed ? 'failed' : 'passed',
    file: data.file === undefined ? '' : path.relative(process.cwd(), data.file),
    name: [...open.slice(0, data.nesting), data.name].join(' › '),
    ms: details?.duration_ms ?? 0,
    why: skipped ? word(data.skip) || word(data.todo) : failed ? explain(details?.error) : '',
  }
}

/** The assertion's own words and the place, without the runner's frames; then each cause. */
function explain(error: Failure | undefined): string {
  const chain: string[] = []
  let one: unknown = error?.cause instanceof Error ? error.cause : error
  for (let depth = 0; depth < 6 && one !== undefined && one !== null; depth++) {
    chain.push(one instanceof Error ? ownFrames(one) : inspect(one))
    one = one instanceof Error ? one.cause : undefined
  }
  return chain.length === 0 ? 'no reason given' : chain.join('\ncaused by: ')
}

function ownFrames(error: Error): string {
  const lines = (error.stack ?? error.message)
    .split('\n')
    .filter(line => !/^\s+at .*(node:internal|node_modules)/.test(line))
  return lines[0]?.includes(error.message.split('\n')[0] ?? '') === true
    ? lines.join('\n')
    : `${error.message}\n${lines.join('\n')}`
}
