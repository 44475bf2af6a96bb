// Runs Tempest by a list of test ids against a cloud of its own: `koto test conformance --list FILE`. Real guests with --real, else all is
// simulated. Counts as people read it: a test that its class could not set up has failed, and one that was skipped has not passed.
import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { createExec } from '#host/node/exec.ts'
import { openDoorInside } from '#main/control/door-inside.ts'
import { createCloud } from '#main/library.ts'
import { confText, tempestConf } from './tempest-conf.ts'

export interface TempestWish {
  readonly list: string
  /** Guests and networks are real and tests log in. */
  readonly real: boolean
  /** A Markdown file for the counts and the names of what failed or was skipped. */
  readonly report: string | null
}

export interface Outcome {
  readonly verdict: 'passed' | 'failed' | 'skipped'
  readonly why: string
}

/** Ids of a list file: one a line, `# comment` and `[tags]` allowed. */
export const readList = (text: string): string[] =>
  text
    .split('\n')
    .map(line => (line.split('#')[0] ?? '').trim().replace(/\[.*$/, ''))
    .filter(Boolean)

/** Verdicts by id, from what `tempest run` prints. What its class could not set up shares the class's verdict. */
export function readResults(printed: string, selected: readonly string[]): Map<string, Outcome> {
  const lines = printed.split('\n')
  const classes = new Map<string, Outcome>()
  const tests = new Map<string, Outcome>()
  let last: { id: string; isClass: boolean } | null = null
  let trace: string[] = []
  const close = (): void => {
    if (last === null) return
    const said = trace.filter(line => line.trim() !== '' && !/^[~^\s]*$/.test(line))
    const why = (said.findLast(line => /(Error|Exception|Details|exceptions)\b/.test(line)) ?? said.at(-1) ?? '').trim()
    ;(last.isClass ? classes : tests).set(last.id, { verdict: 'failed', why: why.slice(0, 300) })
    last = null
  }
  for (const line of lines) {
    const found =
      /^\{\d+\} (?:(setUpClass|tearDownClass) \((\S+)\)|(\S+?)(?:\[.*\])?) (?:\[[\d.]+s\] )?\.\.\. (ok|FAILED|SKIPPED)(?:: (.*))?$/.exec(
        line,
      )
    if (found === null) {
      if (/^Captured pythonlogging/.test(line)) close()
      else if (last !== null) trace.push(line)
      continue
    }
    close()
    const [, when, klass, id, word, reason = ''] = found
    if (when === 'tearDownClass' && word !== 'FAILED') continue
    if (word === 'FAILED') {
      last = { id: klass ?? id ?? '', isClass: klass !== undefined }
      trace = []
    } else {
      const outcome: Outcome = { verdict: word === 'ok' ? 'passed' : 'skipped', why: reason }
      ;(klass === undefined ? tests : classes).set(klass ?? id ?? '', outcome)
    }
  }
  close()
  const byId = new Map<string, Outcome>()
  for (const id of selected) {
    const own = tests.get(id)
    const klass = classes.get(id.slice(0, id.lastIndexOf('.')))
    byId.set(id, own ?? klass ?? { verdict: 'failed', why: 'it did not run' })
  }
  return byId
}

const table = (title: string, rows: readonly (readonly [string, Outcome])[]): string =>
  rows.length === 0
    ? ''
    : `\n## ${title}\n\n| test | why |\n|---|---|\n${rows.map(([id, { why }]) => `| \`${id}\` | ${why.replaceAll('|', '\\|')} |`).join('\n')}\n`

/** The counts, then what is red by name: what docs/conformance.md is made of. */
export function reportOf(list: string, seconds: number, outcomes: ReadonlyMap<string, Outcome>, after: string): string {
  const of = (verdict: Outcome['verdict']): [string, Outcome][] =>
    [...outcomes].filter(([, one]) => one.verdict === verdict)
  return [
    `# ${path.basename(list, '.txt')}\n`,
    `Written by \`koto test conformance --list ${path.basename(list)}\`: ${of('passed').length} passed, ${of('failed').length} failed, ${of('skipped').length} skipped in ${Math.round(seconds)} s. Afterwards: ${after}.\n`,
    table('Failed', of('failed')),
    table('Skipped', of('skipped')),
  ].join('')
}

const run = (argv: readonly string[], cwd: string, env: NodeJS.ProcessEnv): Promise<string> =>
  new Promise((resolve, reject) => {
    const child = spawn(argv[0] ?? '', argv.slice(1), { cwd, env, stdio: ['ignore', 'pipe', 'inherit'] })
    let printed = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => (printed += text))
    child.on('error', reject)
    child.on('close', () => resolve(printed))
  })

/** Prints the failed and the counts; resolves with the exit status. */
export async function runTempest(wish: TempestWish, write: (text: string) => void): Promise<number> {
  if (spawnSync('tempest', ['--version']).status !== 0) {
    write(
      'koto: Tempest is not installed: apt-get install --no-install-recommends tempest\n0 passed, 1 failed, 0 skipped\n',
    )
    return 1
  }
  const selected = readList(readFileSync(wish.list, 'utf8'))
  const work = mkdtempSync(path.join(os.tmpdir(), 'koto-tempest-'))
  const began = performance.now()
  try {
    for (const folder of ['logs', 'lock']) mkdirSync(path.join(work, folder))
    await using cloud = await createCloud({
      state: path.join(work, 'state'),
      ...(wish.real ? {} : { hypervisor: 'simulated', network: 'simulated', hosts: 1 }),
    })
    const admin = await cloud.as('admin')
    const conf = await tempestConf(
      { authUrl: cloud.authUrl, password: cloud.password, door: cloud.door, admin },
      work,
      wish.real,
    )
    writeFileSync(path.join(work, 'tempest.conf'), confText(conf), { mode: 0o600 })
    writeFileSync(path.join(work, 'list'), `${selected.map(id => `^${id.replaceAll('.', '\\.')}(\\[|$)`).join('\n')}\n`)
    const found = spawnSync('/usr/bin/python3', ['-c', 'import os, tempest; print(os.path.dirname(tempest.__file__))'])
    const top = found.stdout.toString().trim()
    writeFileSync(
      path.join(work, '.stestr.conf'),
      `[DEFAULT]\ntest_path=${top}/test_discover\ntop_dir=${top}\ngroup_regex=([^\\.]*\\.)*\n`,
    )
    const unwanted = /^(OS_CLOUD|OS_TOKEN|https?_proxy|all_proxy)$/i
    const env = {
      ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !unwanted.test(name))),
      PYTHON: '/usr/bin/python3',
      OS_TEST_TIMEOUT: '600',
      no_proxy: '127.0.0.1',
    }
    await run(['stestr', 'init'], work, env)
    const config = ['--config-file', path.join(work, 'tempest.conf'), '--include-list', path.join(work, 'list')]
    const inside = wish.real ? await cloud.control.enterArgv() : []
    const door = inside.length === 0 ? null : await openDoorInside(inside, cloud.door, createExec())
    const where = inside.length === 0 ? [] : [...inside, 'env', '-C', work] // entering forgets the folder
    const printed = await run([...where, 'tempest', 'run', ...config, '--concurrency', '2'], work, env)
    door?.close()
    const outcomes = readResults(printed, selected)
    const violations = (await cloud.control.audit()).length
    const seconds = (performance.now() - began) / 1000
    const failed = [...outcomes].filter(([, one]) => one.verdict === 'failed')
    const skipped = [...outcomes].filter(([, one]) => one.verdict === 'skipped')
    for (const [id, { why }] of failed) write(`FAIL  ${id} · ${why}\n`)
    for (const [id, { why }] of skipped) write(`skip  ${id} · ${why}\n`)
    const faults = (
      / 500 (GET|POST|PUT|PATCH|DELETE) /.exec(readFileSync(path.join(work, 'logs/tempest.log'), 'utf8')) ?? []
    ).length
    const after = `\`koto audit\`: ${violations} violations; ${faults === 0 ? 'no answer of 500' : 'there were answers of 500'}`
    if (wish.report !== null) writeFileSync(wish.report, reportOf(wish.list, seconds, outcomes, after))
    write(`${Math.round(seconds)} s · ${after}\n`)
    write(
      `${outcomes.size - failed.length - skipped.length} passed, ${failed.length} failed, ${skipped.length} skipped\n`,
    )
    return failed.length === 0 && violations === 0 ? 0 : 1
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}
