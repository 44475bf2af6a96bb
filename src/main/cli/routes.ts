// `koto routes`: each service's METHOD PATH, built or not yet. Read from the tables; no cloud has to run.
import { harmless, painter, table } from '#host/node/terminal.ts'
import { flagOption, type Command } from '#main/cli/command.ts'
import { jsonOption, printJson, stateOf, stateOption } from '#main/cli/state-option.ts'
import { controlClient } from '#main/control/client.ts'

export const routes: Command = {
  args: '[service]',
  options: [
    stateOption,
    jsonOption,
    { flags: '--missing', says: { en: 'only what is not built yet', ja: '未実装のものだけ' } },
  ],
  async run(given) {
    const service = given.args[0]
    const all = await controlClient(stateOf(given)).routes()
    const rows = all.filter(
      row => (service === undefined || row.service === service) && !(flagOption(given, 'missing') && row.built),
    )
    if (flagOption(given, 'json')) {
      printJson(rows)
      return 0
    }
    const paint = painter(process.stdout)
    process.stdout.write(
      table(
        ['SERVICE', 'METHOD', 'PATH', 'BUILT', 'FROM', 'UNTIL', 'RULE'],
        rows.map(row => [
          row.service,
          row.method,
          harmless(row.path),
          row.built ? 'yes' : paint('yellow', 'not yet'),
          row.since,
          row.until,
          row.rule,
        ]),
      ),
    )
    process.stdout.write(`${rows.filter(row => row.built).length} of ${rows.length} built\n`)
    return 0
  },
}
