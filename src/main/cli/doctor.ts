// `koto doctor`: what was found on this machine, what falls back to something lesser and why, what to install.
import { harmless, painter } from '#host/node/terminal.ts'
import { flagOption, type Command } from '#main/cli/command.ts'
import { examine, type Finding } from '#main/cli/doctor-findings.ts'
import { jsonOption, printJson, stateOf, stateOption } from '#main/cli/state-option.ts'

export const doctor: Command = {
  args: '',
  options: [stateOption, jsonOption],
  async run(given) {
    const findings = await examine(stateOf(given))
    if (flagOption(given, 'json')) printJson(findings)
    else process.stdout.write(doctorText(findings))
    return 0
  },
}

export function doctorText(findings: readonly Finding[]): string {
  const paint = painter(process.stdout)
  const mark = { good: paint('green', 'ok  '), lesser: paint('yellow', 'less'), missing: paint('red', 'none') }
  const width = Math.max(...findings.map(one => one.what.length))
  const lines = findings.map(one => `${mark[one.verdict]} ${one.what.padEnd(width)}  ${harmless(one.says)}`)
  const packages = [...new Set(findings.flatMap(one => one.install))]
  if (packages.length > 0)
    lines.push('', `To have it all: apt-get install --no-install-recommends ${packages.join(' ')}`)
  return `${lines.join('\n')}\n`
}
