// What a person reads when the cloud is ready.
import type { UpSummary } from '#main/control/control.ts'

const two = (value: number): string => String(value).padStart(2, '0')

/** `2026-11-22 13:48:02.914` in the machine's own time zone. */
export function localStamp(ms: number): string {
  const at = new Date(ms)
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`
  const time = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`
  return `${day} ${time}.${String(at.getMilliseconds()).padStart(3, '0')}`
}

/** The seven lines, DevStack's in spirit. */
export function summaryText(summary: UpSummary, password: string, now: number): string {
  return [
    `Horizon is now available at ${summary.horizon}`,
    `Keystone is serving at ${summary.auth_url}/`,
    'Examples on using the command line: koto exercise · eval "$(koto env)"',
    'The default users are: admin and demo',
    `The password: ${password}`,
    `This is your host ip: ${summary.host_ip}`,
    `${localStamp(now)} | koto up completed in ${summary.seconds.toFixed(1)} seconds.`,
    '',
  ].join('\n')
}

/** `--json`: one line with these fields and no others. */
export function summaryJson(summary: UpSummary): string {
  const { ready, seconds, auth_url, horizon, clouds_yaml, state, pid } = summary
  return `${JSON.stringify({ ready, seconds, auth_url, horizon, clouds_yaml, state, pid })}\n`
}
