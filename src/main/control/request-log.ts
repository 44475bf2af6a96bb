// One log line per request that a service answered, as `koto logs` shows them: method, route, status, time, who asked.
import type { Hook } from '#kernel/crossing/crossing.ts'
import type { Clock } from '#kernel/lib/clock.ts'
import type { LogFiles } from '#host/node/log-file.ts'

const TOKEN_CHECK = 'GET /v3/auth/tokens'

/** A hook for the seam. Paths are the routes' own, with `{id}`: what a URL carried is nobody's business in a log. */
export function requestLog(files: LogFiles, clock: Clock): Hook {
  return (crossing, next) => {
    if (crossing.kind !== 'rest' || crossing.side !== 'take') return next()
    // Every request has its token checked by its service; those lines would only double all others.
    if (crossing.name === TOKEN_CHECK && crossing.from !== 'client') return next()
    const from = clock.monotonic()
    return next().finally(() => {
      const { status, user } = crossing.payload ?? {}
      const about = crossing.subject === undefined ? '' : ` about ${crossing.subject}`
      const who = user === undefined ? '' : ` for ${String(user)}`
      const ms = (clock.monotonic() - from).toFixed(1)
      files.write(
        crossing.to,
        'INFO',
        `${crossing.name} ${String(status ?? '-')}${about}${who} from ${crossing.from}, ${ms} ms`,
        crossing.requestId,
      )
    })
  }
}

/** True for a line of ours that the foreground view leaves out: one that only read, or that a component caused by itself. */
export const isQuietRequest = (message: string): boolean =>
  /^(GET|HEAD|OPTIONS) \S+ [\d-]/.test(message) ||
  (/^(POST|PUT|PATCH|DELETE) \S+ [\d-]/.test(message) && !message.includes(' from client,'))
