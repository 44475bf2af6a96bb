import assert from 'node:assert/strict'
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import os from 'node:os'
import path from 'node:path'
import { after, test } from 'node:test'
import { Refusal } from '#kernel/config/refusal.ts'
import { stayAwake } from '#host/node/terminal-run.ts'
import { openState } from '#host/node/state-dir.ts'
import { lockHolder } from '#host/node/state-dir-lock.ts'
import { readAccess } from '#main/cli/access.ts'
import { startHere, type Running, type UpWish } from '#main/cli/up-run.ts'
import { summaryJson, summaryText } from '#main/cli/up-summary.ts'
import { controlClient, NotRunning } from '#main/control/client.ts'
import type { DownOptions, StartCloud } from '#main/control/control.ts'
import { kotoConfig } from '#main/options.ts'

const base = mkdtempSync(path.join(os.tmpdir(), 'koto-up-test-'))
after(() => rmSync(base, { recursive: true, force: true }))

/** The smallest cloud there is: one listener that knows one server. */
const smallCloud =
  (told: DownOptions[]): StartCloud =>
  async ({ config, progress }) => {
    const { bind, port } = config.of(kotoConfig)
    progress('starting')
    const server = createServer()
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, bind, resolve))
    const { promise: stopped, resolve } = Promise.withResolvers<void>()
    const address = server.address()
    const root = `http://${bind}:${typeof address === 'object' ? address?.port : 0}`
    return {
      authUrl: `${root}/identity/v3`,
      horizon: `${root}/`,
      hostIp: bind,
      notices: ['simulated'],
      stopped,
      control: {
        status: async () => {
          throw new Error('the status is broken')
        },
        journey: async server => (server === 'one' ? [] : null),
        why: async () => null,
        audit: async () => [{ ledger: 'I-06', subject: 'x', says: 'y' }],
        routes: () => [],
        config: () => config.effective(),
        enterArgv: async () => [],
        cleanPlan: async () => [],
        async down(how) {
          told.push(how)
          await new Promise(done => server.close(done))
          resolve()
        },
      },
    }
  }

const begin = (wish: Partial<UpWish>, told: DownOptions[] = [], start = smallCloud(told)): Promise<Running> => {
  const whole: UpWish = { dir: undefined, ephemeral: false, localrc: '/dev/null', flags: [['koto.port', '0']], ...wish }
  return startHere(whole, start, {
    signal: new AbortController().signal,
    progress: () => undefined,
    beganMs: performance.now(),
  })
}

test('a cloud takes its folder, answers on its socket, and gives all back', async () => {
  const dir = path.join(base, 'one')
  const told: DownOptions[] = []
  const running = await begin({ dir }, told)
  const state = openState(dir)
  const client = controlClient(state)

  assert.deepEqual(await client.summary(), running.summary)
  assert.equal(statSync(state.file('control.sock')).mode & 0o777, 0o600)
  assert.equal(await client.journey('two', 'book'), null)
  assert.deepEqual(await client.journey('one', 'book'), [])
  assert.deepEqual(await client.enterArgv(), [])
  assert.equal((await client.audit())[0]?.ledger, 'I-06')
  await assert.rejects(client.status(), /answered: the status is broken/)

  const access = readAccess(state)
  assert.equal(access.authUrl, running.summary.auth_url)
  assert.equal(access.password, running.password)
  assert.match(readFileSync(state.file('localrc'), 'utf8'), new RegExp(`^ADMIN_PASSWORD=${running.password}$`, 'm'))

  await client.down({ keepGuests: true })
  await running.over
  assert.deepEqual(told, [{ keepGuests: true, remove: false }])
  assert.equal(lockHolder(state.path), null)
  await assert.rejects(client.summary(), NotRunning)

  const again = await begin({ dir }, told)
  assert.equal(again.password, running.password)
  await again.stop({ keepGuests: false })
  await again.over
})

test('a copy of a running cloud does not start; after it has stopped, it does', async () => {
  const dir = path.join(base, 'original')
  const running = await begin({ dir })
  cpSync(dir, path.join(base, 'copy'), { recursive: true, filter: name => !name.endsWith('.sock') })
  await assert.rejects(
    begin({ dir: path.join(base, 'copy') }),
    /is a copy of the state of a cloud that runs on this machine/,
  )
  await running.stop({ keepGuests: false })
  await running.over
  const copy = await begin({ dir: path.join(base, 'copy') })
  await copy.stop({ keepGuests: false })
  await copy.over
})

test('an ephemeral cloud leaves nothing, however it is stopped', async () => {
  const told: DownOptions[] = []
  const running = await begin({ ephemeral: true }, told)
  assert.equal(existsSync(running.summary.state), true)
  await controlClient(openState(running.summary.state)).down({ keepGuests: true })
  await running.over
  assert.deepEqual(told, [{ keepGuests: false, remove: true }])
  assert.equal(existsSync(running.summary.state), false)
})

test('a port in use names its owner, and a first start that is refused leaves no folder', async () => {
  const taken = createServer()
  await new Promise<void>(resolve => taken.listen(0, '127.0.0.1', resolve))
  const address = taken.address()
  const port = String(typeof address === 'object' ? address?.port : 0)
  const dir = path.join(base, 'never')
  await assert.rejects(begin({ dir, flags: [['koto.port', port]] }), {
    name: 'Refusal',
    message: `Port ${port} on 127.0.0.1 is in use by node (process ${process.pid}); name another with --port.`,
  })
  assert.equal(existsSync(dir), false)
  await new Promise(resolve => taken.close(resolve))
})

test('a start that breaks keeps its logs; a wrong option makes no folder', async () => {
  const dir = path.join(base, 'broken')
  await assert.rejects(
    begin({ dir }, [], () => Promise.reject(new Error('a fault of ours'))),
    /a fault of ours/,
  )
  assert.match(readFileSync(path.join(dir, 'log/koto.log'), 'utf8'), /the cloud did not start: Error: a fault of ours/)
  assert.equal(lockHolder(dir), null)
  await assert.rejects(begin({ dir: path.join(base, 'wrong'), flags: [['koto.prot', '1']] }), Refusal)
  assert.equal(existsSync(path.join(base, 'wrong')), false)
})

test('who listens for others needs a password that is hard to guess', async () => {
  const file = path.join(base, 'weak.rc')
  const { writeFileSync } = await import('node:fs')
  writeFileSync(file, 'ADMIN_PASSWORD=secret\n')
  const dir = path.join(base, 'weak')
  await assert.rejects(begin({ dir, localrc: file, flags: [['koto.bind', '0.0.0.0']] }), /at least 12 characters/)
  assert.equal(existsSync(dir), false)
})

test('an interrupted start ends when it says so, and is let go of when it does not', async () => {
  const wish = { dir: path.join(base, 'slow'), ephemeral: false, localrc: '/dev/null', flags: [] }
  const heeds: StartCloud = ({ signal }) =>
    new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('stopped'))))
  const deaf: StartCloud = () => new Promise(() => undefined)
  for (const start of [heeds, deaf]) {
    const interrupt = new AbortController()
    const begun = Promise.withResolvers<void>()
    const hands = { signal: interrupt.signal, progress: () => undefined, beganMs: 0, letGoMs: 50 }
    const starting = startHere(
      wish,
      options => {
        begun.resolve()
        return start(options)
      },
      hands,
    )
    const refused = assert.rejects(starting, { name: 'Refusal', exitCode: 130 })
    await begun.promise
    interrupt.abort()
    await stayAwake(() => refused)
    assert.equal(lockHolder(wish.dir), null)
  }
})

test('what is printed when ready', () => {
  const summary = {
    ready: true,
    seconds: 0.9,
    auth_url: 'http://127.0.0.1:8080/identity/v3',
    horizon: 'http://127.0.0.1:8080/',
    clouds_yaml: '/s/clouds.yaml',
    state: '/s',
    pid: 7,
    host_ip: '127.0.0.1',
    notices: ['x'],
  } as const
  const at = new Date(2026, 10, 22, 13, 48, 2, 914).getTime()
  assert.equal(
    summaryText(summary, 'pw', at),
    [
      'Horizon is now available at http://127.0.0.1:8080/',
      'Keystone is serving at http://127.0.0.1:8080/identity/v3/',
      'Examples on using the command line: koto exercise · eval "$(koto env)"',
      'The default users are: admin and demo',
      'The password: pw',
      'This is your host ip: 127.0.0.1',
      '2026-11-22 13:48:02.914 | koto up completed in 0.9 seconds.',
      '',
    ].join('\n'),
  )
  assert.equal(
    summaryJson(summary),
    '{"ready":true,"seconds":0.9,"auth_url":"http://127.0.0.1:8080/identity/v3","horizon":"http://127.0.0.1:8080/","clouds_yaml":"/s/clouds.yaml","state":"/s","pid":7}\n',
  )
})
