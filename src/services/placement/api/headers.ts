// Headers that many answers share.
import { versionNumber } from '#kernel/contract/version.ts'
import type { Call } from '#kernel/http/handlers.ts'
import type { Clock } from '#kernel/lib/clock.ts'

const DATED_SINCE = versionNumber('1.15')

/** Says from 1.15 on when the answer's subject changed last: the newest of `times` (milliseconds), or now when there is none. */
export function dated(call: Pick<Call, 'at' | 'header'>, clock: Clock, times: Iterable<number | null> = []): void {
  if (call.at < DATED_SINCE) return
  let newest = -1
  for (const time of times) newest = Math.max(newest, time ?? -1)
  call.header('cache-control', 'no-cache')
  call.header('last-modified', new Date(newest < 0 ? clock.now() : newest).toUTCString())
}

/** The path of the front door before ours: `/placement`, or nothing when the service has a port of its own. */
export const mount = (base: string): string => base.replace(/^https?:\/\/[^/]*/, '').replace(/\/$/, '')

/** Says where the thing is that was made or confirmed. */
export const located = (call: Pick<Call, 'base' | 'header'>, path: string): void =>
  call.header('location', `${call.base}${path}`)
