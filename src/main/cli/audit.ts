// `koto audit`: every ledger against the machine. Exit 0 when they agree, 5 when not.
import { harmless } from '#host/node/terminal.ts'
import { flagOption, type Command } from '#main/cli/command.ts'
import { jsonOption, printJson, stateOf, stateOption } from '#main/cli/state-option.ts'
import { controlClient } from '#main/control/client.ts'

const VIOLATIONS = 5

export const audit: Command = {
  args: '',
  options: [stateOption, jsonOption],
  notes: { en: 'Exit codes: 0 clean; 5 violations.', ja: '終了コード: 0 違反なし、5 違反あり。' },
  async run(given) {
    const violations = await controlClient(stateOf(given)).audit()
    if (flagOption(given, 'json')) printJson(violations)
    else {
      for (const { ledger, subject, says } of violations)
        process.stdout.write(`${ledger} ${harmless(subject)}: ${harmless(says)}\n`)
      process.stdout.write(`${violations.length} violation${violations.length === 1 ? '' : 's'}\n`)
    }
    return violations.length === 0 ? 0 : VIOLATIONS
  },
}
