// `koto status`: every component, host and guest of the cloud on a state folder. Exit 0 when it is up, 3 when it is not.
import { harmless, painter, table } from '#host/node/terminal.ts'
import { lockHolder } from '#host/node/state-dir-lock.ts'
import { flagOption, type Command } from '#main/cli/command.ts'
import { jsonOption, printJson, stateOf, stateOption } from '#main/cli/state-option.ts'
import { controlClient, NotRunning } from '#main/control/client.ts'
import type { StatusReport } from '#main/control/control.ts'

const DOWN = 3

export const status: Command = {
  args: '',
  options: [stateOption, jsonOption],
  notes: { en: 'Exit codes: 0 the cloud is up; 3 it is down.', ja: '終了コード: 0 起動中、3 停止中。' },
  async run(given) {
    const state = stateOf(given)
    const json = flagOption(given, 'json')
    try {
      const report = await controlClient(state).status()
      if (json) printJson({ up: true, ...report })
      else process.stdout.write(statusText(report))
      return 0
    } catch (error) {
      if (!(error instanceof NotRunning)) throw error
      const holder = lockHolder(state.path)
      if (json) printJson({ up: false, state: state.path, starting: holder !== null })
      else if (holder !== null) process.stdout.write(`starting (process ${holder.pid}) on ${state.path}\n`)
      else process.stdout.write(`down: no cloud is running on ${state.path}\n`)
      return DOWN
    }
  },
}

const mb = (value: number | null): string | null => (value === null ? null : `${Math.round(value)} MB`)

export function statusText(report: StatusReport): string {
  const paint = painter(process.stdout)
  const state = (word: string): string => paint(word === 'up' ? 'green' : word === 'down' ? 'red' : 'yellow', word)
  const parts = [
    `${report.ready ? 'up' : 'starting'} since ${duration(report.uptime_s)} · ${report.auth_url}/ · ${report.horizon}\n`,
    `process ${report.pid}, ${mb(report.memory_mb)} · state ${report.state} · koto ${report.version}\n`,
    ...report.notices.map(notice => `note: ${harmless(notice)}\n`),
    '\n',
    table(
      ['COMPONENT', 'STATE', 'MEMORY', 'QUEUE', ''],
      report.components.map(c => [c.name, state(c.state), mb(c.memory_mb), c.queue, harmless(c.note ?? '')]),
    ),
    '\n',
    table(
      ['HOST', 'STATE', 'HYPERVISOR', 'VCPUS', 'MEMORY', 'DISK', 'GUESTS'],
      report.hosts.map(h => [
        h.name,
        state(h.state) + (h.enabled ? '' : ' (disabled)'),
        h.hypervisor,
        `${h.vcpus_used}/${h.vcpus}`,
        `${h.memory_mb_used}/${h.memory_mb} MB`,
        `${h.disk_gb_used}/${h.disk_gb} GB`,
        h.guests,
      ]),
    ),
  ]
  if (report.guests.length === 0) return `${parts.join('')}\nno guests\n`
  const rows = report.guests.map(g => [
    harmless(g.name),
    g.task === null ? g.status : `${g.status} (${g.task})`,
    g.host,
    g.addresses.join(' '),
    mb(g.memory_mb),
    g.pid,
    g.id,
  ])
  return `${parts.join('')}\n${table(['GUEST', 'STATUS', 'HOST', 'ADDRESSES', 'MEMORY', 'PID', 'ID'], rows)}`
}

/** `3 d 4 h`, `2 h 5 min`, `40 s`. */
export function duration(seconds: number): string {
  const units: [number, string][] = [
    [86_400, 'd'],
    [3_600, 'h'],
    [60, 'min'],
    [1, 's'],
  ]
  const at = Math.max(
    0,
    units.findIndex(([size]) => seconds >= size),
  )
  const [size, name] = seconds < 1 ? [1, 's'] : (units[at] ?? [1, 's'])
  const rest = units[at + 1]
  const whole = `${Math.floor(seconds / size)} ${name}`
  const more = rest === undefined || size === 1 ? 0 : Math.floor((seconds % size) / rest[0])
  return more === 0 ? whole : `${whole} ${more} ${rest?.[1]}`
}
