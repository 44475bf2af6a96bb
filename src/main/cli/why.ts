// `koto why ID`: the tree of reasons behind a failure or a refusal, and the nearest change that would help.
import type { Reason } from '#kernel/contract/verdict.ts'
import { harmless, painter } from '#host/node/terminal.ts'
import { flagOption, type Command } from '#main/cli/command.ts'
import { jsonOption, printJson, stateOf, stateOption } from '#main/cli/state-option.ts'
import { controlClient } from '#main/control/client.ts'
import type { WhyReport } from '#main/control/control.ts'

const UNKNOWN = 4

export const why: Command = {
  args: '<id>',
  options: [stateOption, jsonOption],
  notes: {
    en: 'ID is a server, or the request id (req-…) that an error answer named. Exit codes: 0; 4 nothing is known of it.',
    ja: 'ID はサーバー、またはエラー応答にあった要求番号(req-…)。終了コード: 0、何も知られていなければ 4。',
  },
  async run(given) {
    const id = given.args[0] ?? ''
    const report = await controlClient(stateOf(given)).why(id)
    if (report === null) {
      process.stderr.write(`koto: nothing is known of ${harmless(id)}.\n`)
      return UNKNOWN
    }
    if (flagOption(given, 'json')) printJson(report)
    else process.stdout.write(whyText(report))
    return 0
  },
}

export function whyText(report: WhyReport): string {
  const lines = [harmless(report.says), ...report.because.flatMap(reason => reasonLines(reason, ''))]
  if (report.nearest !== null) lines.push('', `What would help: ${harmless(report.nearest)}`)
  return `${lines.join('\n')}\n`
}

function reasonLines(reason: Reason, indent: string): string[] {
  const paint = painter(process.stdout)
  const shown = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value))
  const facts = [
    ...(reason.has === undefined ? [] : [`has ${shown(reason.has)}`]),
    ...(reason.wants === undefined ? [] : [`wants ${shown(reason.wants)}`]),
  ]
  const tail = facts.length === 0 ? '' : paint('dim', ` (${harmless(facts.join(', '))})`)
  const under = reason.because ?? []
  return [
    `${indent}└ ${paint('bold', harmless(reason.who))}: ${harmless(reason.says)}${tail}`,
    ...under.flatMap(next => reasonLines(next, `${indent}  `)),
  ]
}
