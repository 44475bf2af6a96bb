// `koto routes`: each service's METHOD PATH, built or not yet. No cloud has to run: without one, an own that is gone at the end says it.
import { harmless, painter, table } from '#host/node/terminal.ts'
import { flagOption, type Command } from '#main/cli/command.ts'
import { jsonOption, printJson, stateOf, stateOption } from '#main/cli/state-option.ts'
import { controlClient, NotRunning } from '#main/control/client.ts'
import type { RouteRow } from '#main/control/control.ts'
import type { StateDir } from '#host/node/state-dir.ts'

async function knownRoutes(state: StateDir): Promise<readonly RouteRow[]> {
  try {
    return await controlClient(state).routes()
  } catch (error) {
    if (!(error instanceof NotRunning)) throw error
    const { createCloud } = await import('#main/library.ts')
    await using cloud = await createCloud({ ephemeral: true, hypervisor: 'simulated', network: 'simulated' })
    return cloud.control.routes()
  }
}

export const routes: Command = {
  args: '[service]',
  options: [
    stateOption,
    jsonOption,
    { flags: '--missing', says: { en: 'only what is not built yet', ja: '未実装のものだけ' } },
  ],
  async run(given) {
    const service = given.args[0]
    const all = await knownRoutes(stateOf(given))
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
