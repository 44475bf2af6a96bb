import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { createPrivateKey, createPublicKey, sign, verify } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer, connect } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { after, test } from 'node:test'
import { Refusal } from '#kernel/config/refusal.ts'
import { identityOf } from '#host/node/process-table.ts'
import { ensureStateFolder, openState, prepareState, statePath } from '#host/node/state-dir.ts'
import { cloudsYaml, exportLines, CLOUD_ENTRIES } from '#host/node/state-dir-clouds.ts'
import { demoKey, newSshKey } from '#host/node/state-dir-key.ts'
import { lockHolder, takeLock } from '#host/node/state-dir-lock.ts'

const base = mkdtempSync(path.join(os.tmpdir(), 'koto-state-test-'))
after(() => rmSync(base, { recursive: true, force: true }))
const at = (name: string): string => path.join(base, name)
const mode = (file: string): number => statSync(file).mode & 0o777
const LIVE = `import { takeLock } from ${JSON.stringify(new URL('./state-dir-lock.ts', import.meta.url).href)}
process.stdout.write(String(takeLock(process.argv[1]) === null)); process.stdin.resume()`
const node = (code: string, ...words: string[]): ReturnType<typeof spawn> =>
  spawn(process.execPath, ['--conditions=koto-source', '--input-type=module', '-e', code, ...words], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })

test('where the folder is', () => {
  assert.equal(statePath('/x', { KOTO_STATE: '/y' }), '/x')
  assert.equal(statePath(undefined, { KOTO_STATE: '/y' }), '/y')
  assert.equal(statePath(undefined, { XDG_STATE_HOME: '/z', HOME: '/h' }), '/z/koto')
  assert.equal(statePath(undefined, { XDG_STATE_HOME: 'relative', HOME: '/h' }), '/h/.local/state/koto')
  assert.equal(statePath('', { KOTO_STATE: '', HOME: '/h' }), '/h/.local/state/koto')
})

test('a folder is made for its owner alone, taken, given back and taken again', () => {
  const dir = at('a b/雲')
  const state = prepareState({ dir })
  assert.equal(state.fresh, true)
  assert.equal(mode(dir), 0o700)
  state.write('openrc/koto.sh', 'x')
  assert.equal(mode(state.file('openrc/koto.sh')), 0o600)
  assert.equal(state.read('openrc/koto.sh'), 'x')
  assert.equal(state.read('nothing'), null)
  assert.throws(() => prepareState({ dir }), /Another koto \(process \d+\) is starting or running/)
  state.release()
  const again = prepareState({ dir })
  assert.equal(again.fresh, false)
  again.release()
  assert.equal(existsSync(dir), true)
})

test('an ephemeral folder goes; one that has something in it is refused', () => {
  const state = prepareState({ ephemeral: true })
  state.write('x', 'y')
  state.release()
  assert.equal(existsSync(state.path), false)
  mkdirSync(at('full'))
  writeFileSync(at('full/precious'), '')
  assert.throws(() => prepareState({ dir: at('full'), ephemeral: true }), /is not empty/)
  assert.deepEqual(
    readdirSync(at('full')).filter(name => !name.startsWith('lock')),
    ['precious'],
  )
})

test('refusals are one sentence and change nothing', () => {
  mkdirSync(at('newer'))
  writeFileSync(at('newer/format'), '9\n')
  assert.throws(() => ensureStateFolder(at('newer')), /written by a newer Koto \(format 9, this one knows 1\)/)
  writeFileSync(at('file'), '')
  for (const dir of [at('file'), at('file/below')]) assert.throws(() => ensureStateFolder(dir), Refusal)
  assert.throws(() => ensureStateFolder('/proc/koto/x'), Refusal)
  assert.throws(() => ensureStateFolder(at('n'.repeat(300))), /too long/)
  assert.deepEqual(readdirSync(at('newer')), ['format'])
})

test('what a refused first start wrote is taken away, what was there stays', () => {
  mkdirSync(at('mine'))
  writeFileSync(at('mine/localrc'), 'A=1')
  const state = prepareState({ dir: at('mine') })
  state.write('junk', '')
  state.release()
  state.discard()
  assert.deepEqual(readdirSync(at('mine')), ['localrc'])
  const fresh = prepareState({ dir: at('new/deep') })
  fresh.release()
  fresh.discard()
  assert.equal(existsSync(at('new')), false)
})

test('of many starters exactly one gets the lock, and it falls free when its holder is killed', async () => {
  mkdirSync(at('race'))
  const starters = Array.from({ length: 6 }, () => node(LIVE, at('race')))
  const won = await Promise.all(
    starters.map(child => new Promise<string>(resolve => child.stdout?.once('data', data => resolve(String(data))))),
  )
  assert.deepEqual(won.filter(word => word === 'true').length, 1)
  const winner = starters[won.indexOf('true')]
  assert.equal(lockHolder(at('race'))?.pid, winner?.pid)
  for (const child of starters) {
    const gone = new Promise(resolve => child.once('exit', resolve))
    child.kill('SIGKILL')
    await gone
  }
  assert.equal(lockHolder(at('race')), null)
})

test('a lock whose number now belongs to another process is stale', () => {
  mkdirSync(at('stale'))
  const me = identityOf(process.pid)
  writeFileSync(at('stale/lock'), JSON.stringify({ pid: process.pid, started: `${me?.started}0` }))
  assert.equal(lockHolder(at('stale')), null)
  writeFileSync(at('stale/lock'), '{"pid":')
  assert.equal(takeLock(at('stale')), null)
  assert.equal(lockHolder(at('stale'))?.pid, process.pid)
})

test('sockets work below a folder whose name is longer than the kernel takes', async () => {
  const dir = at(`${'x'.repeat(120)}/${'y'.repeat(60)}`)
  mkdirSync(dir, { recursive: true })
  symlinkSync(dir, at('short'))
  const state = openState(at('short'))
  assert.equal(state.path, dir)
  const server = createServer(socket => socket.end('hello'))
  await new Promise<void>(resolve => server.listen(state.socket('s.sock'), resolve))
  const said = await new Promise(resolve =>
    connect(openState(dir).socket('s.sock')).once('data', data => resolve(String(data))),
  )
  assert.equal(said, 'hello')
  assert.ok(existsSync(path.join(dir, 's.sock')))
  await new Promise(resolve => server.close(resolve))
})

test('the demo key is kept, signs, and is one that OpenSSH reads', () => {
  const state = prepareState({ dir: at('key') })
  const first = demoKey(state)
  assert.deepEqual(demoKey(state), first)
  assert.equal(mode(first.privateFile), 0o600)
  assert.match(first.publicKey, /^ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI\S{43} koto$/)
  state.release()
  // The private half fits the public one.
  const { privateText, publicText } = newSshKey('x')
  const blob = Buffer.from(privateText.split('\n').slice(1, -2).join(''), 'base64')
  const point = Buffer.from(publicText.split(' ')[1] ?? '', 'base64').subarray(-32)
  const seed = blob.subarray(blob.lastIndexOf(point) - 32, blob.lastIndexOf(point))
  const der = (prefix: string, bytes: Buffer): Buffer => Buffer.concat([Buffer.from(prefix, 'hex'), bytes])
  const secret = createPrivateKey({ key: der('302e020100300506032b657004220420', seed), format: 'der', type: 'pkcs8' })
  const open = createPublicKey({ key: der('302a300506032b6570032100', point), format: 'der', type: 'spki' })
  assert.ok(verify(null, Buffer.from('m'), open, sign(null, Buffer.from('m'), secret)))
})

test('export lines survive any password in a shell', () => {
  const password = `a'b"c$d \`e\\`
  const access = { authUrl: 'http://127.0.0.1:1/identity/v3', region: 'RegionOne', password }
  const lines = exportLines(CLOUD_ENTRIES[0] as (typeof CLOUD_ENTRIES)[number], access)
  const env = { PATH: process.env['PATH'], OS_CLOUD: 'other', OS_SYSTEM_SCOPE: 'all' }
  const said = execFileSync(
    '/bin/sh',
    ['-c', `${lines}\nprintf '%s|%s|%s|%s' "$OS_PASSWORD" "$OS_USERNAME" "$OS_CLOUD" "$OS_SYSTEM_SCOPE"`],
    { env },
  )
  assert.equal(String(said), `${password}|demo||`)
})

test('clouds.yaml is YAML with five clouds', async () => {
  const { parse } = await import('yaml')
  const access = { authUrl: 'http://127.0.0.1:1/identity/v3', region: 'RegionOne', password: `a'b"c: #d\\` }
  const { clouds } = parse(cloudsYaml(access)) as { clouds: Record<string, { auth: Record<string, string> }> }
  assert.deepEqual(Object.keys(clouds), ['koto', 'koto-admin', 'koto-system', 'koto-reader', 'koto-alt'])
  assert.equal(clouds['koto']?.auth['password'], access.password)
  assert.equal(clouds['koto-system']?.auth['system_scope'], 'all')
  assert.equal(clouds['koto-system']?.auth['project_name'], undefined)
})
