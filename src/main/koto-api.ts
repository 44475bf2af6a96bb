// Koto's own small API on the front door, `/koto/v1`: journeys as they happen. Whoever may see a server may see its journey.
import { journey, type JourneyOrder } from '#kernel/crossing/story.ts'
import type { Handle, HttpAnswer } from '#kernel/http/call.ts'
import type { Authenticate } from '#kernel/http/pipeline.ts'
import type { Recorder } from '#kernel/crossing/recorder.ts'
import type { Cross } from '#kernel/crossing/crossing.ts'
import type { Clock } from '#kernel/lib/clock.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import type { Ids } from '#kernel/lib/ids.ts'

export interface KotoApiTools {
  readonly authenticate: Authenticate
  readonly recorder: Recorder
  readonly clock: Clock
  readonly ids: Ids
  readonly cross: Cross
  /** Throws a Fault when the caller may not see the server. Ids of deleted servers are known to administrators only. */
  readonly maySee: (ctx: Ctx, serverId: string) => Promise<boolean>
}

const json = (status: number, value: unknown): HttpAnswer => ({
  status,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(value),
})
const refused = (status: number, message: string): HttpAnswer => json(status, { error: { code: status, message } })

/** An event stream ends by itself after this long; clients ask again. */
const STREAM_MS = 600_000
const PING_MS = 15_000

export function kotoApi(tools: KotoApiTools): Handle {
  return async call => {
    const match = /^\/v1\/journey\/([0-9a-f-]{36})(\/events)?$/.exec(call.path)
    if (match === null) return refused(404, 'The resource could not be found.')
    if (call.method !== 'GET') return refused(405, 'The method specified is not allowed for this resource.')
    // Looking at journeys is no part of any: it crosses nothing.
    const ctx: Ctx = {
      requestId: `req-${tools.ids.uuid()}`,
      who: null,
      actor: 'koto',
      cross: (_crossing, deed) => deed(),
    }
    const token = call.headers['x-auth-token']
    const who = token === undefined ? null : await tools.authenticate(ctx, token)
    if (who === null) return refused(401, 'The request you have made requires authentication.')
    const id = match[1] ?? ''
    if (!(await tools.maySee({ ...ctx, who }, id))) return refused(404, `Instance ${id} could not be found.`)
    const order: JourneyOrder = new URLSearchParams(call.query).get('order') === 'book' ? 'book' : 'today'
    const rows = async () => journey(await tools.recorder.moments(id), order)
    if (match[2] === undefined) {
      const found = await rows()
      return found.length === 0 ? refused(404, `No journey of ${id} is kept.`) : json(200, found)
    }
    return {
      status: 200,
      headers: { 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' },
      body: stream(tools, id, rows),
    }
  }
}

/** The whole list each time it changed, at most ten times a second: a number may come from a row before it. */
async function* stream(tools: KotoApiTools, id: string, rows: () => Promise<unknown[]>): AsyncIterable<Uint8Array> {
  const encoder = new TextEncoder()
  let changed = true
  let wake: () => void = () => undefined
  const stop = tools.recorder.watch(id, () => {
    changed = true
    wake()
  })
  const end = tools.clock.monotonic() + STREAM_MS
  try {
    while (tools.clock.monotonic() < end) {
      if (changed) {
        changed = false
        yield encoder.encode(`data: ${JSON.stringify(await rows())}\n\n`)
        await tools.clock.sleep(100)
        continue
      }
      const quiet = await new Promise<boolean>(resolve => {
        const cancel = tools.clock.after(PING_MS, () => resolve(true))
        wake = () => {
          cancel()
          resolve(false)
        }
      })
      if (quiet) yield encoder.encode(': still here\n\n')
    }
  } finally {
    stop()
  }
}
