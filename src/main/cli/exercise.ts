// `koto exercise`: what a new user would try first, in order, a line each; everything it made is removed again.
import { randomIds } from '#kernel/lib/ids.ts'
import { systemClock } from '#kernel/lib/clock.ts'
import { createExec } from '#host/node/exec.ts'
import { harmless, painter } from '#host/node/terminal.ts'
import { stayAwake } from '#host/node/terminal-run.ts'
import { flagOption, textOption, type Command } from '#main/cli/command.ts'
import { exerciseSteps, type Outcome } from '#main/cli/exercise-steps.ts'
import { entryPrefix } from '#main/cli/enter.ts'
import { controlClient } from '#main/control/client.ts'
import { jsonOption, printJson, stateOf, stateOption } from '#main/cli/state-option.ts'

export const exercise: Command = {
  args: '',
  options: [
    stateOption,
    jsonOption,
    { flags: '--flavor <name>', says: { en: 'flavor of the server (m1.nano)', ja: 'サーバーのフレーバー(m1.nano)' } },
    { flags: '--image <name>', says: { en: 'image of the server (koto-tiny)', ja: 'サーバーのイメージ(koto-tiny)' } },
    { flags: '--keep', says: { en: 'do not remove what was made', ja: '作ったものを消さない' } },
  ],
  notes: { en: 'Exit codes: 0 all passed; 1 not all.', ja: '終了コード: 0 すべて成功、1 失敗あり。' },
  async run(given) {
    const state = stateOf(given)
    const json = flagOption(given, 'json')
    await controlClient(state).summary() // who is down says so in one sentence
    const prefix = await entryPrefix(state)
    const clock = systemClock()
    const outcomes: Outcome[] = []
    const steps = exerciseSteps({
      state,
      exec: createExec(prefix),
      reachable: prefix.length > 0,
      clock,
      tag: randomIds().hex().slice(0, 8),
      flavor: textOption(given, 'flavor') ?? 'm1.nano',
      image: textOption(given, 'image') ?? 'koto-tiny',
      keep: flagOption(given, 'keep'),
    })
    await stayAwake(async () => {
      for await (const outcome of steps) {
        outcomes.push(outcome)
        if (!json) process.stdout.write(line(outcome))
      }
    })
    if (json) printJson(outcomes)
    return outcomes.every(outcome => outcome.result !== 'failed') ? 0 : 1
  },
}

function line(outcome: Outcome): string {
  const paint = painter(process.stdout)
  const mark = { passed: paint('green', 'ok'), failed: paint('red', 'FAIL'), skipped: paint('yellow', 'skip') }[
    outcome.result
  ]
  return `${mark.padEnd(4)} ${outcome.name.padEnd(8)} ${harmless(outcome.says)} (${Math.round(outcome.ms)} ms)\n`
}
