// A conversation with one `ip -force -batch -`: a network command costs about a millisecond instead of a new process.
import type { ChildProcess } from 'node:child_process'
import type { Exec } from '#host/node/exec.ts'

/** A long-lived `ip` in one namespace. Commands run in the order given; whole runs do not mix. */
export interface IpBatch {
  /** Runs each line (as after `ip`); gives per line null, or what `ip` said was wrong. A bad line does not stop the next. */
  run(commands: readonly string[]): Promise<(string | null)[]>
  /** One row per network device of this namespace. */
  links(): Promise<LinkRow[]>
  /** Ends the process; a later call starts another. */
  close(): Promise<void>
}

export interface LinkRow {
  readonly index: number
  readonly name: string
  readonly up: boolean
  readonly mtu: number
  /** The bridge that it belongs to. */
  readonly master: string | null
  readonly mac: string | null
}

/** What can stand in a line: no quoting, comments, continuation or line ends of `ip`'s own syntax. */
const PLAIN = /^[A-Za-z0-9_.:/,=@+ -]+$/

const NO_DEVICE = /No such device|Cannot find device|does not exist/

/** Throws when a line holds anything that `ip` would take as more than words. */
export function plainLine(line: string): string {
  if (!PLAIN.test(line)) throw new Error(`not a plain ip command: ${JSON.stringify(line)}`)
  return line
}

/** Reads `ip -o link show`. */
export function parseLinks(text: string): LinkRow[] {
  const rows: LinkRow[] = []
  for (const line of text.split('\n')) {
    const head = /^(\d+): ([^:@\s]+)(?:@[^:\s]+)?: <([^>]*)> mtu (\d+)/.exec(line)
    if (head === null) continue
    rows.push({
      index: Number(head[1]),
      name: head[2] ?? '',
      up: (head[3] ?? '').split(',').includes('UP'),
      mtu: Number(head[4]),
      master: / master (\S+)/.exec(line)?.[1] ?? null,
      mac: / link\/ether ([0-9a-f:]{17})/.exec(line)?.[1] ?? null,
    })
  }
  return rows
}

/**
 * `exec` must already stand in the namespace. The end of a run is known by a word that `ip` does not know: its complaint comes
 * after everything before it, and names its line, as every other complaint does. Throws when `ip` cannot be started or dies.
 */
export function createIpBatch(exec: Exec): IpBatch {
  let session: Session | null = null
  let last: Promise<unknown> = Promise.resolve()
  const current = (): Session => {
    if (session === null || session.dead()) session = openSession(exec)
    return session
  }
  const queued = <T>(deed: () => Promise<T>): Promise<T> => {
    const mine = last.then(deed, deed)
    last = mine.catch(() => undefined)
    return mine
  }
  /**
   * `ip` remembers the number of every name it has met, and does not hear when a device goes and comes back by another's hand. So
   * what failed for want of a device is said once more to a new one. Numbers are never given twice, so no other device was meant.
   */
  const runAfresh = async (lines: readonly string[]): Promise<(string | null)[]> => {
    const fresh = session === null || session.dead()
    const results = await current().run(lines)
    const missing = results.flatMap((said, index) => (said !== null && NO_DEVICE.test(said) ? [index] : []))
    if (fresh || missing.length === 0) return results
    await session?.close()
    const again = await current().run(missing.map(index => lines[index] ?? ''))
    missing.forEach((index, at) => (results[index] = again[at] ?? null))
    return results
  }
  return {
    run: commands => {
      const lines = commands.map(plainLine)
      return lines.length === 0 ? Promise.resolve([]) : queued(() => runAfresh(lines))
    },
    links: () => queued(async () => parseLinks(await current().show())),
    close: () =>
      queued(async () => {
        await session?.close()
        session = null
      }),
  }
}

interface Session {
  dead(): boolean
  run(lines: readonly string[]): Promise<(string | null)[]>
  show(): Promise<string>
  close(): Promise<void>
}

function openSession(exec: Exec): Session {
  const child: ChildProcess = exec.talk(['ip', '-o', '-force', '-batch', '-'])
  let ended = false
  let line = 0
  let said = ''
  let out = ''
  let look: () => void = () => undefined
  let fail: (why: Error) => void = () => undefined
  const end = (why: string): void => {
    ended = true
    fail(new Error(`ip -batch ${why}${said === '' ? '' : `: ${said.trim().slice(-300)}`}`))
  }
  child.on('error', error => end(`could not be started (${error.message})`))
  child.on('close', () => end('ended'))
  child.stdin?.on('error', () => undefined)
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said += text
    look()
  })
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    out += text
    look()
  })
  const until = <T>(text: string, done: () => T | undefined): Promise<T> =>
    new Promise<T>((resolve, reject) => {
      said = ''
      out = ''
      look = () => {
        const value = done()
        if (value !== undefined) resolve(value)
      }
      fail = reject
      if (ended) return reject(new Error('ip -batch has ended'))
      child.stdin?.write(text)
    })
  return {
    dead: () => ended,
    run(lines) {
      const first = line + 1
      line += lines.length + 1
      const mark = `Command failed -:${line}\n`
      return until(`${lines.join('\n')}\nkoto-end\n`, () => {
        if (!said.includes(mark)) return undefined
        const result: (string | null)[] = lines.map(() => null)
        let from = 0
        for (const match of said.matchAll(/Command failed -:(\d+)\n/g)) {
          const index = Number(match[1]) - first
          if (index < lines.length)
            result[index] = said.slice(from, match.index).trim().replace(/\s+/g, ' ') || 'failed'
          from = match.index + match[0].length
        }
        return result
      })
    },
    show() {
      line += 2
      // The loopback device is always the first of a list, so its second appearance is the end of it.
      return until('link show\nlink show dev lo\n', () => {
        const second = out.indexOf('\n1: lo')
        return second >= 0 && out.endsWith('\n') ? out.slice(0, second + 1) : undefined
      })
    },
    async close() {
      if (ended) return
      fail = () => undefined
      const gone = new Promise<void>(resolve => child.once('close', () => resolve()))
      child.stdin?.end()
      await gone
    },
  }
}
