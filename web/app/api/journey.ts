// The journey of a server's boot: the rows the cloud recorded, live, and the two orders to read them in.
import { ApiError } from '#app/api/api-error.ts'
import type { Client } from '#app/api/client.ts'
import { readEvents } from '#app/api/event-stream.ts'
import { BOOK, type Step } from '#app/api/journey-book.ts'

/** One crossing, as recorded. `step` is the book's number; null for one that the book does not have. */
export interface JourneyRow {
  readonly step: number | null
  /** Milliseconds since nova-api received the request; negative before, for the token. */
  readonly at_ms: number
  /** How long it took; not yet true while `detail.open`. */
  readonly ms: number
  readonly from: string
  readonly to: string
  readonly kind: string
  readonly name: string
  readonly request_id: string
  readonly task: string | null
  readonly status: string | null
  readonly detail?: Readonly<Record<string, unknown>>
}

export type Order = 'book' | 'today'

/** A line of the page: a step of the book with its row if it happened, or a row that the book does not have. */
export interface Line {
  readonly key: string
  readonly step: Step | null
  readonly row: JourneyRow | null
}

/** Rows of `old` and `fresh`, each crossing once, in order of time. A row seen again replaces the earlier one. */
export function mergeRows(old: readonly JourneyRow[], fresh: readonly JourneyRow[]): readonly JourneyRow[] {
  if (fresh.length === 0) return old
  const byKey = new Map(old.map(row => [rowKey(row), row]))
  for (const row of fresh) byKey.set(rowKey(row), row)
  return [...byKey.values()].sort((a, b) => a.at_ms - b.at_ms || (a.step ?? 0) - (b.step ?? 0))
}

function rowKey(row: JourneyRow): string {
  const { side = '', answer = '' } = row.detail ?? {}
  return [row.at_ms, row.step ?? '-', row.from, row.to, row.kind, row.name, side, answer].map(String).join('|')
}

/** Whether the crossing was still under way when it was told. */
export function isOpen(row: JourneyRow): boolean {
  return row.detail?.['open'] === true
}

/** The lines in the book's order (always 28, those to come without a row) or today's (every crossing, by time). */
export function linesIn(order: Order, rows: readonly JourneyRow[]): readonly Line[] {
  if (order === 'today') {
    const times = new Map<string, number>()
    return rows.map(row => {
      const name = rowKey(row)
      const time = times.get(name) ?? 0
      times.set(name, time + 1)
      return { key: `${name}|${time}`, step: BOOK.find(({ step }) => step === row.step)?.step ?? null, row }
    })
  }
  return BOOK.map(({ step }) => ({ key: String(step), step, row: rows.find(row => row.step === step) ?? null }))
}

/** How many of the book's 28 steps have happened. */
export function stepsDone(rows: readonly JourneyRow[]): number {
  return new Set(rows.map(row => row.step).filter(step => step !== null)).size
}

/** From the request to the end of the last crossing, in milliseconds. */
export function lastsMs(rows: readonly JourneyRow[]): number {
  return rows.reduce((end, row) => Math.max(end, row.at_ms + row.ms), 0)
}

/** What came: the whole story anew (`all`), or rows of it that are new or have changed. */
export interface News {
  readonly rows: readonly JourneyRow[]
  readonly all: boolean
  /** Whether the stream is open. */
  readonly live: boolean
}

/** The rows known after `news`. A story told whole replaces what was known, for a row may lose its number to a later one. */
export function hear(known: readonly JourneyRow[], { rows, all }: News): readonly JourneyRow[] {
  return all ? rows : mergeRows(known, rows)
}

/** What `watchJourney` needs besides the client: a wait in milliseconds that ends early when `signal` aborts. */
export type Wait = (ms: number, signal: AbortSignal) => Promise<void>

/** The rows recorded so far, then those that come, until `signal` aborts.
 * Throws ApiError where the cloud keeps no journey of that server, or not for this person. */
export async function watchJourney(
  client: Client,
  serverId: string,
  signal: AbortSignal,
  wait: Wait,
  tell: (news: News) => void,
): Promise<void> {
  const path = `/journey/${encodeURIComponent(serverId)}`
  let pause = 1000
  while (!signal.aborted) {
    try {
      const { body } = await client.send<readonly JourneyRow[]>({ service: 'koto', method: 'GET', path, signal })
      tell({ rows: body, all: true, live: false })
      const stream = await client.open({ service: 'koto', method: 'GET', path: `${path}/events`, signal })
      tell({ rows: [], all: false, live: true })
      pause = 1000
      for await (const { data } of readEvents(stream)) {
        const news = newsIn(data)
        if (news !== null) tell(news)
      }
    } catch (error) {
      if (signal.aborted) return
      if (error instanceof ApiError && error.status >= 400 && error.status < 500 && error.status !== 429) throw error
    }
    tell({ rows: [], all: false, live: false })
    await wait(pause, signal)
    pause = Math.min(pause * 2, 15_000)
  }
}

/** An event's data: a row, or an array that is the whole story. Null for anything else. */
function newsIn(data: string): News | null {
  try {
    const value: unknown = JSON.parse(data)
    if (Array.isArray(value)) return { rows: value.filter(isRow), all: true, live: true }
    return isRow(value) ? { rows: [value], all: false, live: true } : null
  } catch {
    return null
  }
}

function isRow(value: unknown): value is JourneyRow {
  if (typeof value !== 'object' || value === null) return false
  const it = value as Partial<JourneyRow>
  return typeof it.at_ms === 'number' && typeof it.from === 'string' && typeof it.to === 'string'
}
