// A cloud's life as a person leads it: up, up again, killed, interrupted, raced for, down, clean; with the program itself.
import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { after, test, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { apiSession } from '#host/node/api-session.ts'
import { markedProcesses } from '#host/node/process-table.ts'
import { openState } from '#host/node/state-dir.ts'
import { lockHolder } from '#host/node/state-dir-lock.ts'
import { readAccess } from '#main/cli/access.ts'

const door = fileURLToPath(new URL('../../bin/koto.js', import.meta.url))
const base = mkdtempSync(path.join(os.tmpdir(), 'koto-life-'))
const SIMULATED = ['--hypervisor', 'simulated', '--network', 'simulated', '--port', '0', '--localrc', '/dev/null']

interface Done {
  readonly code: number | null
  readonly out: string
  readonly err: string
}
const start = (words: readonly string[]): ChildProcess =>
  spawn(process.execPath, ['--conditions=koto-source', door, ...words], {
    cwd: base,
    env: { PATH: process.env['PATH'], HOME: base, TMPDIR: base },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
const finished = (child: ChildProcess): Promise<Done> =>
  new Promise(resolve => {
    let [out, err] = ['', '']
    child.stdout?.on('data', (text: Buffer) => (out += text.toString()))
    child.stderr?.on('data', (text: Buffer) => (err += text.toString()))
    child.on('exit', code => setImmediate(() => resolve({ code, out, err })))
  })
const koto = (...words: string[]): Promise<Done> => finished(start(words))
const up = (dir: string, ...more: string[]): Promise<Done> =>
  koto('up', '-d', '--json', '--state', dir, ...SIMULATED, ...more)

interface Ready {
  readonly pid: number
  readonly auth_url: string
  readonly clouds_yaml: string
}
const readyOf = (done: Done): Ready => {
  assert.equal(done.code, 0, done.err)
  assert.equal(done.out.split('\n').length, 2, 'one line')
  return JSON.parse(done.out) as Ready
}

/** A state folder of its own, cleaned whatever the test came to. */
function folder(t: TestContext, name: string): string {
  const dir = path.join(base, name)
  t.after(async () => {
    await koto('clean', '--state', dir)
    assert.equal(existsSync(dir), false)
    assert.deepEqual(markedProcesses(dir), [])
  })
  return dir
}

const projectOf = async (dir: string): Promise<string> => {
  const session = await apiSession({ ...readAccess(openState(dir)), user: 'demo', project: 'demo' })
  session.close()
  return session.projectId
}
const until = async (what: string, look: () => boolean): Promise<void> => {
  const end = performance.now() + 20_000
  while (!look()) {
    assert.ok(performance.now() < end, what)
    await new Promise(resolve => setTimeout(resolve, 5))
  }
}

after(() => rmSync(base, { recursive: true, force: true }))

test('up, up again, down, up, killed, up: one cloud that keeps what it had', async t => {
  const dir = folder(t, 'one')
  const first = readyOf(await up(dir))
  const project = await projectOf(dir)

  const again = await up(dir)
  assert.deepEqual(readyOf(again), first)
  const status = await koto('status', '--json', '--state', dir)
  assert.equal(status.code, 0)
  assert.equal(status.out.split('\n').length, 2)
  assert.equal((JSON.parse(status.out) as Ready).pid, first.pid)

  assert.equal((await koto('down', '--state', dir)).code, 0)
  assert.equal((await koto('status', '--state', dir)).code, 3)
  assert.equal(lockHolder(dir), null)

  const second = readyOf(await up(dir))
  assert.notEqual(second.pid, first.pid)
  assert.equal(await projectOf(dir), project)

  process.kill(second.pid, 'SIGKILL')
  await until('the killed process to be gone', () => lockHolder(dir) === null)
  assert.equal((await koto('status', '--state', dir)).code, 3)
  readyOf(await up(dir))
  assert.equal(await projectOf(dir), project)
})

test('of several starters one wins, the others say who, and touch nothing', async t => {
  const dir = folder(t, 'race')
  const all = await Promise.all(Array.from({ length: 4 }, () => up(dir)))
  const winners = all.filter(one => one.code === 0)
  assert.ok(winners.length >= 1)
  // Who comes late enough finds the cloud up, and prints the winner's own words.
  assert.equal(new Set(winners.map(one => one.out)).size, 1)
  for (const { code, err } of all.filter(one => one.code !== 0)) {
    assert.equal(code, 1)
    assert.match(err, /^koto: Another koto \(process \d+\) is starting or running on [^\n]+\n$/)
  }
})

test('a port that is taken: one sentence, exit 1, nothing left', async t => {
  const dir = folder(t, 'has-port')
  const port = new URL(readyOf(await up(dir)).auth_url).port
  const other = path.join(base, 'wants-port')
  const { code, err } = await up(other, '--port', port)
  assert.equal(code, 1)
  assert.match(
    err,
    new RegExp(
      `koto: Port ${port} on 127\\.0\\.0\\.1 is in use by node \\(process \\d+\\); name another with --port\\.\\n$`,
    ),
  )
  assert.equal(existsSync(other), false)
})

test('interrupted anywhere on the way up it ends soon, and the next up works', { timeout: 170_000 }, async t => {
  const dir = folder(t, 'interrupted')
  for (const afterMs of [0, 40, 90, 160, 300, 500, 800]) {
    const child = start(['up', '--state', dir, ...SIMULATED])
    const done = finished(child)
    await until('the lock', () => lockHolder(dir)?.pid === child.pid || child.exitCode !== null)
    await new Promise(resolve => setTimeout(resolve, afterMs))
    const from = performance.now()
    child.kill('SIGTERM')
    const { code, err } = await done
    assert.ok(performance.now() - from < 10_000, `${afterMs} ms after the lock: ${performance.now() - from} ms`)
    assert.ok(code === 0 || code === 130, `${afterMs} ms: ${code} ${err}`)
    assert.equal(lockHolder(dir), null)
  }
  readyOf(await up(dir))
})

test('in the foreground: the seven lines, Ctrl-C, an orderly end', async t => {
  const dir = folder(t, 'foreground')
  const child = start(['up', '--state', dir, ...SIMULATED])
  let out = ''
  child.stdout?.on('data', (text: Buffer) => (out += text.toString()))
  const done = finished(child)
  await until('ready', () => out.includes('completed in'))
  const lines = out.split('\n')
  assert.match(lines[0] ?? '', /^Horizon is now available at http:\/\/127\.0\.0\.1:\d+\/$/)
  assert.match(lines[1] ?? '', /^Keystone is serving at http:\/\/127\.0\.0\.1:\d+\/identity\/v3\/$/)
  assert.equal(lines[2], 'Examples on using the command line: koto exercise · eval "$(koto env)"')
  assert.equal(lines[3], 'The default users are: admin and demo')
  assert.match(
    readFileSync(path.join(dir, 'localrc'), 'utf8'),
    new RegExp(`^ADMIN_PASSWORD=${lines[4]?.replace('The password: ', '')}$`, 'm'),
  )
  assert.match(lines[5] ?? '', /^This is your host ip: /)
  assert.match(lines[6] ?? '', /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} \| koto up completed in \d+\.\d seconds\.$/)
  child.kill('SIGINT')
  assert.equal((await done).code, 0)
  assert.equal((await koto('status', '--state', dir)).code, 3)
})

test('an ephemeral cloud is gone when it is stopped', async () => {
  const { code, out } = await koto('up', '-d', '--json', '--ephemeral', ...SIMULATED)
  assert.equal(code, 0)
  const { state } = JSON.parse(out) as { state: string }
  assert.equal((await koto('status', '--state', state)).code, 0)
  assert.equal((await koto('down', '--state', state)).code, 0)
  assert.equal(existsSync(state), false)
})
