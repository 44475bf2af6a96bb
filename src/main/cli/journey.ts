// `koto journey SERVER`: the 28 steps of a server's boot, as recorded where they happened.
import { systemClock } from '#kernel/lib/clock.ts'
import { harmless, painter, table } from '#host/node/terminal.ts'
import { stayAwake } from '#host/node/terminal-run.ts'
import { flagOption, textOption, type Command } from '#main/cli/command.ts'
import { jsonOption, stateOf, stateOption } from '#main/cli/state-option.ts'
import { controlClient, type ControlClient } from '#main/control/client.ts'
import type { JourneyOrder, JourneyRow } from '#main/control/control.ts'

const UNKNOWN = 4
const FOLLOW_MS = 200

export const journey: Command = {
  args: '<server>',
  options: [
    stateOption,
    jsonOption,
    { flags: '--follow', says: { en: 'go on printing until the boot is over', ja: '起動が終わるまで表示し続ける' } },
    {
      flags: '--order <which>',
      choices: ['book', 'today'],
      says: { en: "the manual's order, or the order of time", ja: '教科書の順、または時刻順' },
    },
  ],
  notes: { en: 'Exit codes: 0; 4 no such server.', ja: '終了コード: 0、サーバーがなければ 4。' },
  async run(given) {
    const server = given.args[0] ?? ''
    const client = controlClient(stateOf(given))
    const json = flagOption(given, 'json')
    // As JSON the rows stand in order of time, whatever they are sorted by for people.
    const order = (textOption(given, 'order') ?? (json ? 'today' : 'book')) as JourneyOrder
    const rows = await client.journey(server, order)
    if (rows === null) {
      process.stderr.write(`koto: there is no server ${harmless(server)} that Koto ever booted.\n`)
      return UNKNOWN
    }
    if (flagOption(given, 'follow')) return await follow(client, server, rows, json)
    process.stdout.write(json ? `${JSON.stringify(rows)}\n` : journeyText(rows))
    return 0
  },
}

export function journeyText(rows: readonly JourneyRow[]): string {
  const head = ['STEP', 'AT ms', 'TOOK ms', 'FROM', 'TO', 'KIND', 'WHAT', 'TASK', '']
  return table(head, rows.map(cells))
}

function cells(row: JourneyRow): (string | number | null)[] {
  const detail = Object.entries(row.detail)
    .map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(' ')
  const paint = painter(process.stdout)
  const step = row.step === null ? '·' : String(row.step).padStart(2)
  return [
    step,
    row.at_ms.toFixed(1),
    row.ms.toFixed(1),
    row.from,
    row.to,
    row.kind,
    harmless(row.name),
    row.task,
    paint('dim', harmless(detail)),
  ]
}

/** Prints rows as they come, in order of time, until the server is in no task any more. */
async function follow(
  client: ControlClient,
  server: string,
  first: readonly JourneyRow[],
  json: boolean,
): Promise<number> {
  const clock = systemClock()
  let printed = 0
  let rows = first
  for (;;) {
    for (const row of rows.slice(printed))
      process.stdout.write(json ? `${JSON.stringify(row)}\n` : table(cells(row).map(String), []))
    printed = rows.length
    const last = rows.at(-1)
    if (last !== undefined && last.status !== null && last.status !== 'BUILD') return 0
    await stayAwake(() => clock.sleep(FOLLOW_MS))
    rows = (await client.journey(server, 'today')) ?? rows
  }
}
