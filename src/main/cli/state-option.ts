// The option that every command about a cloud has: which state folder.
import { openState, statePath, type StateDir } from '#host/node/state-dir.ts'
import { textOption, type Given, type OptionSpec } from '#main/cli/command.ts'

export const stateOption: OptionSpec = {
  flags: '--state <dir>',
  says: { en: 'the state folder of the cloud meant', ja: '対象クラウドの状態フォルダー' },
}
export const jsonOption: OptionSpec = { flags: '--json', says: { en: 'as JSON, on one line', ja: 'JSON で一行に' } }

/** The folder meant by `--state`, else by the environment. It need not exist. */
export const stateOf = (given: Given): StateDir => openState(statePath(textOption(given, 'state'), process.env))

/** Prints a value as one line of JSON. */
export const printJson = (value: unknown): void => {
  process.stdout.write(`${JSON.stringify(value)}\n`)
}
