// The words after a command's name → its options and arguments, by commander; every complaint becomes one line.
import type { Command, Given, OptionSpec } from '#main/cli/command.ts'
import type { CommandRow } from '#main/cli/commands.ts'
import type { Language } from '#main/cli/language.ts'
import { nearest } from '#kernel/config/nearest.ts'

export type Read =
  | { readonly kind: 'given'; readonly given: Given }
  | { readonly kind: 'help'; readonly text: string }
  | { readonly kind: 'wrong'; readonly says: string }

/** Reads `words` by the command's table. Nothing is printed here. */
export async function readWords(
  row: CommandRow,
  command: Command,
  words: readonly string[],
  language: Language,
): Promise<Read> {
  const { Command: Parser, CommanderError, Option, Help } = await import('commander')
  const dashes = words.indexOf('--')
  const own = dashes === -1 || command.takesRest !== true ? words : words.slice(0, dashes)
  const rest = dashes === -1 || command.takesRest !== true ? [] : words.slice(dashes + 1)

  let complaint = ''
  const parser = new Parser(`koto ${row.name}`)
    .exitOverride()
    .configureOutput({ writeErr: text => (complaint += text), writeOut: () => undefined })
    .showSuggestionAfterError(false)
    .description(row.says[language])
    .helpOption('-h, --help', language === 'ja' ? 'この説明を表示する' : 'show this help')
    .allowExcessArguments(command.passThrough === true)
    .allowUnknownOption(command.passThrough === true)
  if (command.passThrough === true) parser.passThroughOptions(true)
  if (command.args !== '') parser.arguments(command.args)
  for (const spec of command.options) parser.addOption(optionOf(spec, language, Option))
  if (command.takesRest === true) parser.usage(`[options] ${command.args} [-- CMD...]`.replace(/ +/g, ' '))

  try {
    parser.parse([...own], { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.code === 'commander.helpDisplayed' || error.code === 'commander.help') {
      const notes = command.notes === undefined ? '' : `\n${command.notes[language]}\n`
      return { kind: 'help', text: inLanguage(new Help().formatHelp(parser, helper(Help)), language) + notes }
    }
    return { kind: 'wrong', says: wrongUse(error.code, complaint, command, language) }
  }
  return { kind: 'given', given: { options: parser.opts(), args: parser.args, rest } }
}

function optionOf(
  spec: OptionSpec,
  language: Language,
  Option: typeof import('commander').Option,
): import('commander').Option {
  const option = new Option(spec.flags, spec.says[language])
  if (spec.choices !== undefined) option.choices(spec.choices)
  if (spec.hidden === true) option.hideHelp()
  if (spec.many === true) {
    option.argParser((value: string, before: unknown) => [
      ...(Array.isArray(before) ? (before as string[]) : []),
      value,
    ])
  }
  return option
}

const helper = (Help: typeof import('commander').Help): import('commander').Help =>
  Object.assign(new Help(), { helpWidth: 110 })

function inLanguage(text: string, language: Language): string {
  if (language === 'en') return text.replace(/^Usage:/, 'usage:')
  return text
    .replace(/^Usage:/, '使い方:')
    .replace(/^Arguments:/m, '引数:')
    .replace(/^Options:/m, 'オプション:')
}

/** Commander's complaint in one line of ours, naming the nearest option where one was misspelt. */
function wrongUse(code: string, complaint: string, command: Command, language: Language): string {
  const said =
    complaint
      .replace(/^error: /, '')
      .trim()
      .split('\n')[0] ?? ''
  const word = /'([^']*)'/.exec(said)?.[1] ?? ''
  if (code === 'commander.unknownOption') {
    const known = command.options.flatMap(spec => spec.flags.split(/[ ,]+/).filter(part => part.startsWith('-')))
    const close = nearest(word, [...known.filter(flag => flag.startsWith('--')), '--help'])
    return language === 'ja'
      ? `${word} というオプションはありません。最も近いのは ${close} です。`
      : `there is no option ${word}; the nearest is ${close}.`
  }
  if (language === 'ja') {
    if (code === 'commander.missingArgument') return `引数 ${word} が足りません。`
    if (code === 'commander.optionMissingArgument') return `${word} には値が要ります。`
    if (code === 'commander.excessArguments') return '引数が多すぎます。'
  }
  return `${said.replace(/\.$/, '')}.`
}
