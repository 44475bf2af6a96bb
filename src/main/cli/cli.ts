// From the words a person typed to an exit code: finds the command, reads its options, says in one line what was wrong.
import { Refusal } from '#kernel/config/refusal.ts'
import { nearest } from '#kernel/config/nearest.ts'
import { commands, type CommandRow } from '#main/cli/commands.ts'
import { languageOf, type Language } from '#main/cli/language.ts'
import { readWords } from '#main/cli/read-words.ts'

const WRONG_USE = 2

/** Runs one command line. Never throws: what goes wrong is one line on stderr and the exit code. */
export async function runCli(words: readonly string[]): Promise<number> {
  const language = languageOf(process.env)
  const [name, ...rest] = words
  try {
    if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
      const about = name === 'help' ? rest[0] : undefined
      if (about !== undefined) return await runCli([about, '--help'])
      process.stdout.write(overview(language))
      return name === undefined ? WRONG_USE : 0
    }
    if (name === '--version' || name === '-V') {
      const { version } = await import('#main/cli/version.ts')
      process.stdout.write(`koto ${version()}\n`)
      return 0
    }
    const row = commands.find(candidate => candidate.name === name)
    if (row === undefined) return unknown(name, language)
    return await runCommand(row, rest, language)
  } catch (error) {
    return await explain(error)
  }
}

async function runCommand(row: CommandRow, words: readonly string[], language: Language): Promise<number> {
  const command = await row.load()
  const read = await readWords(row, command, words, language)
  if (read.kind === 'help') {
    process.stdout.write(read.text)
    return 0
  }
  if (read.kind === 'wrong') {
    process.stderr.write(`koto ${row.name}: ${read.says}\n`)
    return WRONG_USE
  }
  return await command.run(read.given)
}

function unknown(name: string, language: Language): number {
  if (name.startsWith('-')) {
    process.stderr.write(
      language === 'ja'
        ? `koto: ${name} というオプションはありません。最も近いのは --help です。\n`
        : `koto: there is no option ${name}; the nearest is --help.\n`,
    )
    return WRONG_USE
  }
  const close = nearest(
    name,
    commands.map(candidate => candidate.name),
  )
  process.stderr.write(
    language === 'ja'
      ? `koto: ${name} というコマンドはありません。最も近いのは ${close} です。\n`
      : `koto: there is no command ${name}; the nearest is ${close}.\n`,
  )
  return WRONG_USE
}

/** One sentence for what a person can mend, a stack for what only we can. */
async function explain(error: unknown): Promise<number> {
  if (error instanceof Refusal) {
    process.stderr.write(`koto: ${error.message}\n`)
    return error.exitCode
  }
  if ((error as NodeJS.ErrnoException | null)?.code === 'EPIPE') return 0
  const { inspect } = await import('node:util')
  process.stderr.write(`koto: a fault of its own: ${inspect(error)}\n`)
  return 1
}

/** `koto --help`: a line each. */
export function overview(language: Language): string {
  const width = Math.max(...commands.map(command => command.name.length))
  const lines = commands.map(command => `  ${command.name.padEnd(width)}  ${command.says[language]}`)
  return language === 'ja'
    ? `使い方: koto コマンド [オプション]\n\nOpenStack まるごとを一つのコマンドで。\n\n${lines.join('\n')}\n\n詳しくは koto コマンド --help\n`
    : `usage: koto COMMAND [OPTIONS]\n\nA whole OpenStack in one command.\n\n${lines.join('\n')}\n\nMore about each: koto COMMAND --help\n`
}
