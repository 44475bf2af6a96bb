// A whole cloud on this machine with real guests and real networks: the self-check, a killed control plane, and nothing left.
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { apiSession, type ApiSession } from '#host/node/api-session.ts'
import { markedProcesses } from '#host/node/process-table.ts'
import { openState } from '#host/node/state-dir.ts'
import { lockHolder } from '#host/node/state-dir-lock.ts'
import { readAccess } from '#main/cli/access.ts'

const door = fileURLToPath(new URL('../../bin/koto.js', import.meta.url))
const base = mkdtempSync(path.join(os.tmpdir(), 'koto-real-'))
const state = path.join(base, 'state')

/** Why this machine cannot, or false. */
function unable(): string | false {
  if (process.getuid?.() !== 0) return 'needs root'
  for (const program of ['qemu-system-x86_64', 'qemu-img', 'ip', 'nft', 'dnsmasq', 'ssh']) {
    if (spawnSync('sh', ['-c', `PATH=$PATH:/usr/sbin:/sbin command -v ${program}`]).status !== 0)
      return `${program} is not installed`
  }
  if (spawnSync('unshare', ['-n', 'ip', 'link', 'add', 'br0', 'type', 'bridge']).status !== 0)
    return 'bridges cannot be made here'
  return existsSync('/dev/net/tun') ? false : 'there is no /dev/net/tun'
}
const skip = unable()

interface Done {
  readonly code: number | null
  readonly out: string
  readonly err: string
}
const koto = (...words: string[]): Promise<Done> =>
  new Promise(resolve => {
    const child = spawn(process.execPath, ['--conditions=koto-source', door, ...words], {
      cwd: base,
      env: { PATH: process.env['PATH'], HOME: base, KOTO_STATE: state },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let [out, err] = ['', '']
    child.stdout.on('data', (text: Buffer) => (out += text.toString()))
    child.stderr.on('data', (text: Buffer) => (err += text.toString()))
    child.on('exit', code => setImmediate(() => resolve({ code, out: out.trim(), err: err.trim() })))
  })
const up = async (): Promise<number> => {
  const words = ['--port', '0', '--hypervisor', 'qemu', '--network', 'linux', '--localrc', '/dev/null']
  const { code, out, err } = await koto('up', '-d', '--json', ...words)
  assert.equal(code, 0, err)
  return (JSON.parse(out) as { pid: number }).pid
}
const links = (): string => spawnSync('ip', ['-o', 'link'], { encoding: 'utf8' }).stdout
const nftRules = (): string => spawnSync('nft', ['list', 'ruleset'], { encoding: 'utf8' }).stdout
const linksBefore = links()
const rulesBefore = nftRules()

const session = (): Promise<ApiSession> =>
  apiSession({ ...readAccess(openState(state)), user: 'demo', project: 'demo' })
async function withSession<T>(deed: (api: ApiSession) => Promise<T>): Promise<T> {
  const api = await session()
  try {
    return await deed(api)
  } finally {
    api.close()
  }
}
interface Server {
  readonly id: string
  readonly status: string
}
/** Asks until it answers. */
async function until<T>(what: string, limitS: number, look: () => Promise<T | null>): Promise<T> {
  const end = performance.now() + limitS * 1000
  for (;;) {
    const found = await look()
    if (found !== null) return found
    assert.ok(performance.now() < end, `${what}: not within ${limitS} s`)
    await new Promise(resolve => setTimeout(resolve, 250))
  }
}
const inGuest = async (name: string, command: string): Promise<string | null> => {
  const { code, out } = await koto('ssh', name, '--', command)
  return code === 0 ? out : null
}

before(async () => {
  if (skip === false) await up()
})
after(async () => {
  if (skip === false) await koto('clean')
  rmSync(base, { recursive: true, force: true })
})

test('the self-check passes, and leaves no ledger in disagreement', { skip }, async () => {
  const { code, out, err } = await koto('exercise')
  assert.equal(code, 0, `${out}\n${err}`)
  for (const step of ['token', 'image', 'network', 'boot', 'ssh', 'volume', 'delete'])
    assert.match(out, new RegExp(`^ok +${step} `, 'm'))
  const audit = await koto('audit')
  assert.equal(audit.out, '0 violations')
})

test('a guest outlives kill -9 of the control plane, and is taken up again', { skip }, async () => {
  await withSession(async api => {
    const { security_groups: groups } = await api.get<{ security_groups: { id: string }[] }>(
      'network',
      `/security-groups?name=default&project_id=${api.projectId}`,
    )
    const rule = {
      security_group_id: groups[0]?.id,
      direction: 'ingress',
      ethertype: 'IPv4',
      protocol: 'tcp',
      port_range_min: 22,
      port_range_max: 22,
    }
    await api.call('POST', 'network', '/security-group-rules', { security_group_rule: rule })
    const named = async (type: 'network' | 'image', path_: string, key: string): Promise<string> =>
      (await api.get<Record<string, { id: string }[]>>(type, path_))[key]?.[0]?.id ?? ''
    const server = {
      name: 'survivor',
      flavorRef: '42',
      key_name: 'koto',
      imageRef: await named('image', '/images?name=koto-tiny', 'images'),
      networks: [{ uuid: await named('network', '/networks?name=private', 'networks') }],
    }
    await api.call('POST', 'compute', '/servers', { server })
  })
  const bootId = await until('a login', 240, () => inGuest('survivor', 'cat /proc/sys/kernel/random/boot_id'))

  const pid = lockHolder(state)?.pid
  assert.ok(pid !== undefined)
  process.kill(pid, 'SIGKILL')
  await until('the control plane to be gone', 10, async () => (lockHolder(state) === null ? true : null))
  assert.equal((await koto('enter', '--', 'true')).code, 0, 'the network can be entered while nobody is in control')
  await up()

  const { servers } = await withSession(api =>
    api.get<{ servers: Server[] }>('compute', '/servers/detail?name=survivor'),
  )
  assert.equal(servers[0]?.status, 'ACTIVE')
  assert.equal(
    await until('a login again', 60, () => inGuest('survivor', 'cat /proc/sys/kernel/random/boot_id')),
    bootId,
  )
  assert.equal((await koto('audit')).out, '0 violations')
})

test('down --keep-guests leaves the guest running; down shuts it down, and it comes back', { skip }, async () => {
  const bootId = await inGuest('survivor', 'cat /proc/sys/kernel/random/boot_id')
  assert.equal((await koto('down', '--keep-guests')).code, 0)
  await up()
  assert.equal(await until('a login', 60, () => inGuest('survivor', 'cat /proc/sys/kernel/random/boot_id')), bootId)
  assert.equal((await koto('down')).code, 0)
  assert.deepEqual(markedProcesses(state), [])
  await up()
  const after_ = await until('a login after the restart', 240, () =>
    inGuest('survivor', 'cat /proc/sys/kernel/random/boot_id'),
  )
  assert.notEqual(after_, bootId)
})

test('clean leaves nothing on the machine', { skip }, async () => {
  assert.equal((await koto('clean')).code, 0)
  assert.equal(existsSync(state), false)
  assert.deepEqual(markedProcesses(state), [])
  assert.equal(links(), linksBefore)
  assert.equal(nftRules(), rulesBefore)
})
