// Images of servers with real guests: what a person wrote in one is there in the next, after a rescue, and after the shelf; a rebuild forgets it.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { apiSession, type ApiSession } from '#host/node/api-session.ts'
import { openState } from '#host/node/state-dir.ts'
import { readAccess } from '#main/cli/access.ts'
import { unable } from './unable.ts'

const door = fileURLToPath(new URL('../../bin/koto.js', import.meta.url))
const base = mkdtempSync(path.join(os.tmpdir(), 'koto-images-'))
const state = path.join(base, 'state')
const skip = unable()

const koto = (...words: string[]): Promise<{ code: number | null; out: string; err: string }> =>
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
async function until<T>(what: string, limitS: number, look: () => Promise<T | null>): Promise<T> {
  const end = performance.now() + limitS * 1000
  for (;;) {
    const found = await look()
    if (found !== null) return found
    assert.ok(performance.now() < end, `${what}: not within ${limitS} s`)
    await new Promise(resolve => setTimeout(resolve, 250))
  }
}
const say = (name: string, command: string): Promise<string> =>
  until(`an answer of ${name} to ${command}`, 120, async () => {
    const { code, out } = await koto('ssh', name, '--', command)
    return code === 0 ? out : null
  })

interface Server {
  readonly id: string
  readonly status: string
  readonly 'OS-EXT-STS:task_state': string | null
}
let api: ApiSession
const first = async (type: 'network' | 'image', where: string, key: string): Promise<string> =>
  (await api.get<Record<string, { id: string }[]>>(type, where))[key]?.[0]?.id ?? ''
const boot = async (name: string, imageRef: string): Promise<string> => {
  const networks = [{ uuid: await first('network', '/networks?name=private', 'networks') }]
  const server = { name, flavorRef: '42', key_name: 'koto', imageRef, networks }
  await api.call('POST', 'compute', '/servers', { server })
  const { servers } = await api.get<{ servers: Server[] }>('compute', `/servers?name=${name}`)
  return servers[0]?.id ?? ''
}
/** Asks for it and waits for the status. */
const become = async (id: string, verb: string, given: unknown, status: string): Promise<void> => {
  await api.call('POST', 'compute', `/servers/${id}/action`, { [verb]: given })
  await until(`${verb} of ${id}`, 120, async () => {
    const { server } = await api.get<{ server: Server }>('compute', `/servers/${id}`)
    assert.notEqual(server.status, 'ERROR')
    return server['OS-EXT-STS:task_state'] === null && server.status === status ? true : null
  })
}

before(async () => {
  if (skip !== false) return
  const words = ['--port', '0', '--hypervisor', 'qemu', '--network', 'linux', '--localrc', '/dev/null']
  const { code, err } = await koto('up', '-d', '--json', ...words)
  assert.equal(code, 0, err)
  api = await apiSession({ ...readAccess(openState(state)), user: 'demo', project: 'demo' })
  const group = await first('network', `/security-groups?name=default&project_id=${api.projectId}`, 'security_groups')
  const ports = { protocol: 'tcp', port_range_min: 22, port_range_max: 22 }
  const rule = { security_group_id: group, direction: 'ingress', ethertype: 'IPv4', ...ports }
  await api.call('POST', 'network', '/security-group-rules', { security_group_rule: rule })
})
after(async () => {
  if (skip === false) {
    api?.close()
    await koto('clean')
  }
  rmSync(base, { recursive: true, force: true })
})

test(
  'what was written in a guest is in its image, survives rescue and shelf, and not a rebuild',
  { skip },
  async () => {
    const tiny = await first('image', '/images?name=koto-tiny', 'images')
    const id = await boot('origin', tiny)
    await say('origin', 'echo proof-of-disk > /home/koto/proof && sync')
    await become(id, 'createImage', { name: 'taken' }, 'ACTIVE')
    const taken = await first('image', '/images?name=taken', 'images')
    const copy = await boot('copy', taken)
    assert.equal(await say('copy', 'cat /home/koto/proof'), 'proof-of-disk')
    await api.call('DELETE', 'image', `/images/${taken}`)
    await become(copy, 'reboot', { type: 'HARD' }, 'ACTIVE')
    assert.equal(await say('copy', 'cat /home/koto/proof'), 'proof-of-disk')
    await api.call('DELETE', 'compute', `/servers/${copy}`)

    await become(id, 'rescue', null, 'RESCUE')
    assert.match(await say('origin', 'cat /proc/partitions; ls /home/koto'), /\bvdb\b(?![^]*proof)/)
    await become(id, 'unrescue', null, 'ACTIVE')
    assert.equal(await say('origin', 'cat /home/koto/proof'), 'proof-of-disk')

    await become(id, 'shelve', null, 'SHELVED_OFFLOADED')
    assert.equal((await koto('audit')).out, '0 violations')
    await become(id, 'unshelve', null, 'ACTIVE')
    assert.equal(await say('origin', 'cat /home/koto/proof'), 'proof-of-disk')

    await become(id, 'rebuild', { imageRef: tiny }, 'ACTIVE')
    assert.equal(await say('origin', 'ls /home/koto'), '')
    await until('an audit without a finding', 30, async () =>
      (await koto('audit')).out === '0 violations' ? true : null,
    )
  },
)
