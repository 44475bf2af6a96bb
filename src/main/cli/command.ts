// What a command is: its words, options, sentences in two languages, exit codes, and what it does.
import type { Text } from '#main/cli/language.ts'

export interface OptionSpec {
  /** In commander's notation: `--port <n>`, `-d, --detach`, `--no-install`. */
  readonly flags: string
  readonly says: Text
  /** May be given several times; the value is a list. */
  readonly many?: boolean
  readonly choices?: readonly string[]
  /** Not shown by --help. */
  readonly hidden?: boolean
}

export interface Given {
  /** Options by their camelCase names, as typed; absent when not given. */
  readonly options: Readonly<Record<string, string | boolean | readonly string[] | undefined>>
  readonly args: readonly string[]
  /** What stood after `--`, when it stood there. */
  readonly rest: readonly string[]
}

/** One subcommand. Its file is loaded only when it is asked for. */
export interface Command {
  /** Arguments in commander's notation, e.g. `<server>`, `[name]`, `[service...]`; `''` for none. */
  readonly args: string
  readonly options: readonly OptionSpec[]
  /** More for --help: what is printed, what exit codes mean. */
  readonly notes?: Text
  /** True: everything after `--` is a command line to be run, shown in usage as `[-- CMD…]`. */
  readonly takesRest?: boolean
  /** True: unknown words and options are passed on as arguments. */
  readonly passThrough?: boolean
  /** Resolves to the exit code. Throws Refusal for one sentence on stderr. */
  run(given: Given): Promise<number>
}

/** The one place that commands read option values through, so that types stay honest. */
export const textOption = (given: Given, name: string): string | undefined => {
  const value = given.options[name]
  return typeof value === 'string' ? value : undefined
}
export const flagOption = (given: Given, name: string): boolean => given.options[name] === true
export const listOption = (given: Given, name: string): readonly string[] => {
  const value = given.options[name]
  return Array.isArray(value) ? (value as readonly string[]) : []
}
