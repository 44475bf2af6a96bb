// `koto config [NAME]`: every option with its type, default, value and where the value came from.
import { environmentName, type EffectiveOption } from '#kernel/config/config.ts'
import { nearest } from '#kernel/config/nearest.ts'
import { Refusal } from '#kernel/config/refusal.ts'
import { painter, table } from '#host/node/terminal.ts'
import type { StateDir } from '#host/node/state-dir.ts'
import { flagOption, listOption, textOption, type Command } from '#main/cli/command.ts'
import { readSettings } from '#main/cli/settings.ts'
import { jsonOption, printJson, stateOf, stateOption } from '#main/cli/state-option.ts'
import { controlClient, NotRunning } from '#main/control/client.ts'

export const config: Command = {
  args: '[name]',
  options: [
    stateOption,
    jsonOption,
    { flags: '--localrc <file>', says: { en: 'as for koto up', ja: 'koto up と同じ' } },
    { flags: '--set <service.option=value>', many: true, says: { en: 'as for koto up', ja: 'koto up と同じ' } },
  ],
  notes: {
    en: 'Values of the running cloud, or of the one that koto up would start. NAME is an option or a service.',
    ja: '動作中のクラウドの値、なければ koto up で起動した場合の値。NAME はオプション名またはサービス名。',
  },
  async run(given) {
    const all = await effective(stateOf(given), textOption(given, 'localrc'), listOption(given, 'set'))
    const name = given.args[0]
    const rows =
      name === undefined
        ? all
        : all.filter(row => row.name === name || row.name.startsWith(`${name}.`) || plain(row.name) === plain(name))
    if (rows.length === 0) {
      const close = nearest(
        name ?? '',
        all.map(row => row.name),
      )
      throw new Refusal(`There is no option ${name}; the nearest is ${close}.`, 2)
    }
    if (flagOption(given, 'json')) printJson(rows)
    else
      process.stdout.write(name === undefined || rows.length > 1 ? listText(rows) : oneText(rows[0] as EffectiveOption))
    return 0
  },
}

const plain = (name: string): string => name.replace(/[_-]/g, '').toLowerCase()
const shown = (value: unknown): string =>
  Array.isArray(value) ? value.join(',') || "''" : value === '' ? "''" : String(value)

async function effective(
  state: StateDir,
  localrc: string | undefined,
  sets: readonly string[],
): Promise<readonly EffectiveOption[]> {
  if (localrc === undefined && sets.length === 0) {
    try {
      return await controlClient(state).config()
    } catch (error) {
      if (!(error instanceof NotRunning)) throw error
    }
  }
  const flags = sets.map((text): [string, string] => [text.split('=')[0] ?? '', text.slice(text.indexOf('=') + 1)])
  return readSettings(state, { localrc, flags, cwd: process.cwd(), env: process.env }).config.effective()
}

function listText(rows: readonly EffectiveOption[]): string {
  const paint = painter(process.stdout)
  return table(
    ['OPTION', 'VALUE', 'FROM', 'TYPE', 'DEFAULT', ''],
    rows.map(row => [
      row.source === 'default' ? row.name : paint('bold', row.name),
      shown(row.value),
      row.source,
      row.type,
      shown(row.default),
      paint('dim', row.sentence),
    ]),
  )
}

const oneText = (row: EffectiveOption): string =>
  [
    row.name,
    `  ${row.sentence}`,
    `  value    ${shown(row.value)}  (${row.source})`,
    `  type     ${row.type}`,
    `  default  ${shown(row.default)}`,
    `  set it   koto up --set ${row.name}=…  or  ${environmentName(row.name)}=…`,
    '',
  ].join('\n')
