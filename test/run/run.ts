// The test runner behind `koto test`: parts in order, processes side by side where that is safe, failures in full,
// and a last line that is exactly «N passed, N failed, N skipped».
import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { CHECKS, runCheck } from './checks.ts'
import { batches, filesOf, PARTS, type Part } from './parts.ts'
import { REPORT, type Told } from './reporter.ts'

export interface RunWish {
  readonly root: string
  /** Names of parts; none means all. */
  readonly parts: readonly string[]
  /** Words of which a file's path must contain one. */
  readonly words: readonly string[]
  readonly grep: string | null
  /** Every test by name, not only those that failed. */
  readonly verbose: boolean
}

type Result = Extract<Told, { kind: 'test' }>

/** Nothing of a person's own cloud may leak into a test, nor the other way round. */
function cleanEnvironment(tmp: string): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^(OS_|KOTO_|NODE_OPTIONS$|NODE_TEST_CONTEXT$)/.test(name),
  )
  return { ...Object.fromEntries(kept), TMPDIR: tmp, NO_COLOR: '1', LC_ALL: 'C.UTF-8' }
}

/** Runs the parts. Resolves to the exit code: 0 when nothing failed and something ran. */
export async function runTests(wish: RunWish, say: (text: string) => void): Promise<number> {
  const tmp = mkdtempSync(path.join(os.tmpdir(), 'kt-'))
  const children = new Set<ChildProcess>()
  const end = (): void => {
    for (const child of children) child.kill('SIGTERM')
    process.exitCode = 130
  }
  process.once('SIGINT', end)
  process.once('SIGTERM', end)
  const count = { passed: 0, failed: 0, skipped: 0 }
  try {
    for (const part of PARTS) {
      if (wish.parts.length > 0 && !wish.parts.includes(part.name)) continue
      if (process.exitCode === 130) break
      const began = performance.now()
      const results = part.name === 'static' ? await runStatic(wish) : await runPart(part, wish, tmp, children)
      if (results.length === 0) continue
      const here = tally(results)
      for (const key of ['passed', 'failed', 'skipped'] as const) count[key] += here[key]
      say(report(part, results, here, (performance.now() - began) / 1000, wish.verbose))
    }
  } finally {
    process.removeListener('SIGINT', end)
    process.removeListener('SIGTERM', end)
    rmSync(tmp, { recursive: true, force: true })
  }
  say(`${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped\n`)
  if (process.exitCode === 130) return 130
  return count.failed === 0 && count.passed + count.skipped > 0 ? 0 : 1
}

async function runStatic(wish: RunWish): Promise<Result[]> {
  if (wish.parts.length === 0 && (wish.words.length > 0 || wish.grep !== null)) return []
  const results: Result[] = []
  for (const check of CHECKS) {
    const { why, ms } = await runCheck(check, wish.root)
    results.push({ kind: 'test', result: why === '' ? 'passed' : 'failed', file: '', name: check.name, ms, why })
  }
  return results
}

async function runPart(part: Part, wish: RunWish, tmp: string, children: Set<ChildProcess>): Promise<Result[]> {
  const files = filesOf(part, wish.root, wish.words)
  const processors = part.atOnce === 0 ? os.availableParallelism() : part.atOnce
  const waiting = batches(files, part, processors)
  const results: Result[] = []
  const worker = async (): Promise<void> => {
    for (let batch = waiting.shift(); batch !== undefined; batch = waiting.shift()) {
      const done = await runBatch(batch, part, wish, tmp, children)
      results.push(...done.results)
      // A process that died took its files with it: each gets another of its own, so that one crash hides nothing.
      if (done.died !== null && batch.length > 1)
        waiting.push(...batch.filter(file => !done.whole.has(file)).map(file => [file]))
      else if (done.died !== null) {
        results.push({
          kind: 'test',
          result: 'failed',
          file: batch[0] ?? '',
          name: 'the file as a whole',
          ms: 0,
          why: done.died,
        })
      }
    }
  }
  await Promise.all(Array.from({ length: processors }, worker))
  return results
}

interface Done {
  readonly results: Result[]
  /** Why the process did not come to its end, or null. */
  readonly died: string | null
  /** Files whose results stand though it died. */
  readonly whole: ReadonlySet<string>
}

function runBatch(
  files: readonly string[],
  part: Part,
  wish: RunWish,
  tmp: string,
  children: Set<ChildProcess>,
): Promise<Done> {
  const limitMs = part.testMs + files.length * Math.min(part.testMs, 60_000)
  const own = mkdtempSync(path.join(tmp, 'b-'))
  const report = path.join(own, 'report.jsonl')
  const flags = [
    '--conditions=koto-source',
    '--test',
    '--test-isolation=none',
    '--test-force-exit',
    `--test-timeout=${part.testMs}`,
    `--test-reporter=${new URL('./reporter.ts', import.meta.url).href}`,
    ...(wish.grep === null ? [] : [`--test-name-pattern=${wish.grep}`]),
  ]
  return new Promise(resolve => {
    const child = spawn(process.execPath, [...flags, ...files], {
      cwd: wish.root,
      env: { ...cleanEnvironment(own), [REPORT]: report },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    children.add(child)
    let said = ''
    let late = false
    const keep = (text: string): void => {
      said = (said + text).slice(-8_000)
    }
    child.stdout?.setEncoding('utf8').on('data', keep)
    child.stderr?.setEncoding('utf8').on('data', keep)
    const timer = setTimeout(() => {
      late = true
      child.kill('SIGKILL')
    }, limitMs)
    // Not `close`: a program that a test left running may hold the pipes for ever.
    child.on('exit', (code, signal) => {
      clearTimeout(timer)
      children.delete(child)
      child.stdout?.destroy()
      child.stderr?.destroy()
      const told = readReport(report)
      rmSync(own, { recursive: true, force: true })
      const how = late
        ? `did not end within ${limitMs / 1000} s`
        : signal === null
          ? `ended with ${code}`
          : `was ended by ${signal}`
      const results = told.filter(one => one.kind === 'test')
      if (told.some(one => one.kind === 'done')) return resolve({ results, died: null, whole: new Set(files) })
      const last = results.at(-1)?.file ?? ''
      const whole = new Set(results.map(result => result.file).filter(file => file !== last))
      const kept = files.length === 1 ? results : results.filter(one => whole.has(one.file))
      resolve({ results: kept, died: `the test process ${how}\n${said.trim()}`, whole })
    })
  })
}

function readReport(file: string): Told[] {
  if (!existsSync(file)) return []
  const whole = readFileSync(file, 'utf8').split('\n').slice(0, -1)
  return whole.map(line => JSON.parse(line) as Told)
}

const tally = (results: readonly Result[]): { passed: number; failed: number; skipped: number } => ({
  passed: results.filter(one => one.result === 'passed').length,
  failed: results.filter(one => one.result === 'failed').length,
  skipped: results.filter(one => one.result === 'skipped').length,
})

function report(
  part: Part,
  results: readonly Result[],
  count: ReturnType<typeof tally>,
  seconds: number,
  verbose: boolean,
): string {
  const indent = (text: string): string => text.replace(/^/gm, '      ')
  const lines: string[] = []
  for (const one of [...results].sort((a, b) => a.file.localeCompare(b.file))) {
    const where = one.file === '' ? '' : `${one.file} · `
    if (one.result === 'failed') lines.push(`FAIL  ${where}${one.name} (${Math.round(one.ms)} ms)`, indent(one.why))
    else if (verbose)
      lines.push(
        `${one.result === 'passed' ? 'ok   ' : 'skip '} ${where}${one.name} (${Math.round(one.ms)} ms)${one.why === '' ? '' : ` — ${one.why}`}`,
      )
  }
  if (!verbose) {
    const reasons = new Map<string, number>()
    for (const one of results) if (one.result === 'skipped') reasons.set(one.why, (reasons.get(one.why) ?? 0) + 1)
    for (const [why, times] of reasons) lines.push(`skip  ${times} × ${why === '' ? 'no reason given' : why}`)
  }
  const slowest = [...results].sort((a, b) => b.ms - a.ms)[0]
  const tail =
    slowest === undefined || slowest.ms < 5_000 ? '' : ` · slowest: ${slowest.name} ${(slowest.ms / 1000).toFixed(1)} s`
  lines.push(
    `${part.name.padEnd(11)} ${part.says}: ${count.passed} ok, ${count.failed} not, ${count.skipped} left out · ${seconds.toFixed(1)} s${tail}`,
  )
  return `${lines.join('\n')}\n`
}
