// How long a host is up, in the words of the program `uptime`: people and clients of the compute API read it so.

/** Like ` 12:00:00 up 3 days, 1:02,  load average: 0.00, 0.01, 0.05`; `now` in milliseconds since 1970. */
export function uptimeText(seconds: number, loads: readonly number[], now: number): string {
  const minutes = Math.floor(seconds / 60)
  const days = Math.floor(minutes / 1440)
  const hours = Math.floor((minutes % 1440) / 60)
  const clock = `${hours}:${String(minutes % 60).padStart(2, '0')}`
  const up = (days > 0 ? `${days} day${days > 1 ? 's' : ''}, ` : '') + (hours > 0 ? clock : `${minutes % 60} min`)
  const average = loads.map(load => load.toFixed(2)).join(', ')
  return ` ${new Date(now).toISOString().slice(11, 19)} up ${up},  load average: ${average}`
}
