// Runs some test files in this process and tells the parent what happened, one message per test.
import path from 'node:path'
import { run } from 'node:test'

export interface Order {
  readonly files: readonly string[]
  readonly testMs: number
  /** Only tests whose name matches. */
  readonly grep: string | null
}

export type Told =
  | { readonly kind: 'begin'; readonly file: string }
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

interface EventData {
  readonly name: string
  readonly nesting: number
  readonly file?: string
  readonly skip?: string | boolean
  readonly todo?: string | boolean
  readonly details?: {
    readonly duration_ms?: number
    readonly type?: string
    readonly error?: Error & { cause?: unknown; failureType?: string }
  }
}

const tell = (message: Told): void => {
  process.send?.(message)
}

process.once('message', message => {
  const order = message as Order
  const open: string[] = []
  const stream = run({
    files: order.files.map(file => path.resolve(file)),
    isolation: 'none',
    timeout: order.testMs,
    ...(order.grep === null ? {} : { testNamePatterns: [order.grep] }),
  })
  const over = (data: EventData, failed: boolean): void => {
    const names = [...open.slice(0, data.nesting), data.name]
    const { details } = data
    if (details?.type === 'suite') {
      if (!failed || details.error?.failureType === 'subtestsFailed') return
    }
    if (details?.error?.failureType === 'subtestsFailed') return
    const reason = (value: string | boolean | undefined): string => (typeof value === 'string' ? value : '')
    const skipped = data.skip !== undefined || data.todo !== undefined
    tell({
      kind: 'test',
      result: skipped ? 'skipped' : failed ? 'failed' : 'passed',
      file: data.file === undefined ? '' : path.relative(process.cwd(), data.file),
      name: names.join(' › '),
      ms: details?.duration_ms ?? 0,
      why: skipped ? reason(data.skip) || reason(data.todo) : failed ? explain(details?.error) : '',
    })
  }
  stream.on('test:start', (data: EventData) => {
    open[data.nesting] = data.name
    if (data.nesting === 0)
      tell({ kind: 'begin', file: data.file === undefined ? '' : path.relative(process.cwd(), data.file) })
  })
  stream.on('test:pass', (data: EventData) => over(data, false))
  stream.on('test:fail', (data: EventData) => over(data, true))
  stream.on('end', () => {
    tell({ kind: 'done' })
    process.disconnect()
  })
  stream.resume()
})

/** The assertion's own words and the place, without the runner's frames. */
function explain(error: (Error & { cause?: unknown }) | undefined): string {
  const real = error?.cause instanceof Error ? error.cause : error
  if (real === undefined) return 'no reason given'
  if (!(real instanceof Error)) return String(real)
  const text = real.stack ?? real.message
  const frames = text.split('\n').filter(line => !/\bnode:internal|node:test|node_modules/.test(line))
  const whole = frames.join('\n')
  const why = whole.includes(real.message.split('\n')[0] ?? '') ? whole : `${real.message}\n${whole}`
  return real.cause === undefined
    ? why
    : `${why}\ncaused by: ${real.cause instanceof Error ? (real.cause.stack ?? real.cause.message) : JSON.stringify(real.cause)}`
}
