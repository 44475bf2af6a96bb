// `koto logs [-f] [SERVICE…]`: the services' log files, merged by time, request ids kept.
import { closeSync, existsSync, openSync, readSync, readdirSync, readFileSync, statSync, watch } from 'node:fs'
import { nearest } from '#kernel/config/nearest.ts'
import { Refusal } from '#kernel/config/refusal.ts'
import { parseLines, type LogLine } from '#host/node/log-file.ts'
import { harmless, painter } from '#host/node/terminal.ts'
import type { StateDir } from '#host/node/state-dir.ts'
import { flagOption, textOption, type Command } from '#main/cli/command.ts'
import { stateOf, stateOption } from '#main/cli/state-option.ts'

export const logs: Command = {
  args: '[service...]',
  options: [
    stateOption,
    { flags: '-f, --follow', says: { en: 'go on as lines are written', ja: '書かれ続ける行を追う' } },
    { flags: '-n, --lines <n>', says: { en: 'only the last n lines', ja: '最後の n 行だけ' } },
    { flags: '--request <id>', says: { en: 'only lines of one request', ja: '一つの要求の行だけ' } },
  ],
  async run(given) {
    const state = stateOf(given)
    const wanted = servicesOf(state, given.args)
    const request = textOption(given, 'request')
    const show = (lines: readonly LogLine[]): void => {
      for (const line of lines)
        if (request === undefined || line.requestId === request) process.stdout.write(lineText(line))
    }
    const seen = new Map<string, number>()
    const lines = wanted().flatMap(file => {
      const text = readFileSync(file, 'utf8')
      seen.set(file, Buffer.byteLength(text))
      return parseLines(text, serviceOf(file))
    })
    lines.sort((a, b) => a.at - b.at)
    const last = textOption(given, 'lines')
    show(last === undefined ? lines : lines.slice(-Math.max(0, Number(last) || 0)))
    if (flagOption(given, 'follow')) await follow(state, wanted, seen, show)
    return 0
  },
}

const SERVICES = ['keystone', 'glance', 'placement', 'nova', 'neutron', 'cinder', 'koto']

const serviceOf = (file: string): string => (file.split('/').pop() ?? '').replace(/\.log(\.\d+)?$/, '')

/** Files of the services named (a prefix is enough), older ones first; all when none is named. @throws Refusal for an unknown one. */
function servicesOf(state: StateDir, names: readonly string[]): () => string[] {
  const dir = state.file('log')
  const list = (): string[] =>
    existsSync(dir)
      ? readdirSync(dir)
          .filter(name => /\.log(\.\d+)?$/.test(name))
          .sort()
          .reverse()
          .map(name => `${dir}/${name}`)
      : []
  if (!existsSync(dir)) throw new Refusal(`There are no logs in ${state.path}.`)
  // A service that has had nothing to say yet is no mistake.
  const there = [...new Set([...list().map(serviceOf), ...SERVICES])]
  for (const name of names) {
    if (!there.some(service => service.startsWith(name)))
      throw new Refusal(`There is no log of ${name}; the nearest is ${nearest(name, there)}.`)
  }
  return () => list().filter(file => names.length === 0 || names.some(name => serviceOf(file).startsWith(name)))
}

function lineText(line: LogLine): string {
  const paint = painter(process.stdout)
  const level =
    line.level === 'ERROR'
      ? paint('red', line.level)
      : line.level === 'WARNING'
        ? paint('yellow', line.level)
        : line.level
  const at = new Date(line.at).toISOString().replace('T', ' ').slice(0, 23)
  const message = line.message.split('\n').map(harmless).join('\n    ')
  return `${paint('dim', at)} ${level.padEnd(7)} ${line.service} ${paint('cyan', `[${line.requestId ?? '-'}]`)} ${message}\n`
}

/** Prints what is added, woken by the file system; ends with the terminal's Ctrl-C. */
function follow(
  state: StateDir,
  files: () => string[],
  seen: Map<string, number>,
  show: (lines: readonly LogLine[]) => void,
): Promise<void> {
  const look = (): void => {
    const fresh = files().flatMap(file => parseLines(added(file, seen), serviceOf(file)))
    show(fresh.sort((a, b) => a.at - b.at))
  }
  return new Promise(resolve => {
    const watcher = watch(state.file('log'), look)
    const end = (): void => {
      watcher.close()
      resolve()
    }
    process.once('SIGINT', end)
    process.once('SIGTERM', end)
    watcher.once('error', end)
    look()
  })
}

/** Whole lines written since the last look. A file that became shorter was begun anew. */
function added(file: string, seen: Map<string, number>): string {
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0
  const from = (seen.get(file) ?? 0) > size ? 0 : (seen.get(file) ?? 0)
  if (size === from) return ''
  const bytes = Buffer.alloc(size - from)
  const fd = openSync(file, 'r')
  const got = readSync(fd, bytes, 0, bytes.length, from)
  closeSync(fd)
  const end = bytes.subarray(0, got).lastIndexOf(10) + 1
  seen.set(file, from + end)
  return bytes.subarray(0, end).toString('utf8')
}
