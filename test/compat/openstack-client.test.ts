// The unmodified openstack client against a whole cloud with simulated drivers: what a person types in the first hour.
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'

const skip = spawnSync('openstack', ['--version']).status === 0 ? false : 'the openstack client is not installed'
const door = fileURLToPath(new URL('../../bin/koto.js', import.meta.url))
const base = mkdtempSync(path.join(os.tmpdir(), 'koto-client-'))
const state = path.join(base, 'state')

interface Done {
  readonly code: number | null
  readonly out: string
  readonly err: string
}
function run(program: string, words: readonly string[], env: Record<string, string> = {}): Promise<Done> {
  return new Promise(resolve => {
    const child = spawn(program, words, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env['PATH'], HOME: base, LC_ALL: 'C.UTF-8', ...env },
    })
    let [out, err] = ['', '']
    child.stdout.on('data', (text: Buffer) => (out += text.toString()))
    child.stderr.on('data', (text: Buffer) => (err += text.toString()))
    child.on('close', code => resolve({ code, out: out.trim(), err: err.trim() }))
  })
}
const koto = (...words: string[]): Promise<Done> => run(process.execPath, ['--conditions=koto-source', door, ...words])
const as =
  (cloud: string) =>
  (line: string, ...more: string[]): Promise<Done> =>
    run('openstack', ['--os-cloud', cloud, ...line.split(' '), ...more], {
      OS_CLIENT_CONFIG_FILE: path.join(state, 'clouds.yaml'),
    })
const demo = as('koto')
const admin = as('koto-admin')

/** The output of a command that must succeed. */
async function good(asked: Promise<Done>): Promise<string> {
  const { code, out, err } = await asked
  assert.equal(code, 0, err || out)
  return out
}
/** What a command that must fail said. */
async function bad(asked: Promise<Done>): Promise<string> {
  const { code, out, err } = await asked
  assert.notEqual(code, 0, out)
  return err
}
const value = (line: string, column: string): Promise<string> => good(demo(`${line} -f value -c ${column}`))
async function until(line: string, column: string, wanted: string): Promise<void> {
  const end = performance.now() + 60_000
  for (let seen = ''; seen !== wanted; seen = await value(line, column)) {
    assert.ok(performance.now() < end, `${line}: ${column} is ${seen}, not ${wanted}`)
  }
}

before(async () => {
  if (skip !== false) return
  const words = [
    'up',
    '-d',
    '--state',
    state,
    '--port',
    '0',
    '--hypervisor',
    'simulated',
    '--network',
    'simulated',
    '--localrc',
    '/dev/null',
  ]
  const { code, err } = await koto(...words)
  assert.equal(code, 0, err)
})
after(async () => {
  await koto('clean', '--state', state)
  rmSync(base, { recursive: true, force: true })
})

test('identity', { skip }, async () => {
  assert.match(await good(demo('token issue')), /project_id/)
  const types = (await good(demo('catalog list -f value -c Type'))).split('\n')
  for (const type of ['identity', 'image', 'compute', 'network', 'placement', 'volumev3', 'block-storage'])
    assert.ok(types.includes(type), type)
  const projects = (await good(admin('project list -f value -c Name'))).split('\n')
  for (const name of ['admin', 'demo', 'alt_demo', 'service']) assert.ok(projects.includes(name), name)
  assert.match(await good(admin('role list -f value -c Name')), /member/)
  assert.match(await bad(demo('user list')), /HTTP 403|Forbidden/)
  await good(as('koto-system')('token issue'))
  await good(admin('project create made'))
  await good(admin('user create --project made --password something-long somebody'))
  await good(admin('role add --user somebody --project made member'))
  assert.match(await good(admin('role assignment list --user somebody --names')), /member/)
  await good(admin('user delete somebody'))
  await good(admin('project delete made'))
})

test('images', { skip }, async () => {
  assert.equal(await value('image show koto-tiny', 'status'), 'active')
  const file = path.join(base, 'image')
  writeFileSync(file, Buffer.alloc(100_000, 7))
  await good(demo(`image create --file ${file} --disk-format raw --container-format bare mine`))
  assert.equal(await value('image show mine', 'size'), '100000')
  await good(demo('image set --property colour=blue --name ours mine'))
  await good(demo(`image save --file ${file}.back ours`))
  await good(demo('image delete ours'))
  assert.match(await bad(demo('image show ours')), /No Image found|Could not find|No image/i)
})

test('networks', { skip }, async () => {
  const networks = (await good(demo('network list -f value -c Name'))).split('\n')
  for (const name of ['public', 'private', 'shared']) assert.ok(networks.includes(name), name)
  await good(demo('network create n1'))
  await good(demo('subnet create --network n1 --subnet-range 10.9.0.0/24 s1'))
  await good(demo('router create r1'))
  await good(demo('router set --external-gateway public r1'))
  await good(demo('router add subnet r1 s1'))
  await good(demo('security group create web'))
  await good(demo('security group rule create --protocol tcp --dst-port 80:443 web'))
  assert.match(await good(demo('security group rule list web -f value')), /80:443/)
  await good(demo('floating ip create public'))
  assert.match(await good(demo('floating ip list')), /172\.24\.4\.\d+/)
})

test('servers', { skip }, async () => {
  await good(demo(`keypair create --private-key ${base}/key mine`))
  await good(
    demo(
      'server create --flavor m1.nano --image koto-tiny --network n1 --key-name mine --security-group web --property a=b --wait one',
    ),
  )
  assert.equal(await value('server show one', 'status'), 'ACTIVE')
  const floating = await value(
    `floating ip show ${(await value('floating ip list', 'ID')).split('\n')[0]}`,
    'floating_ip_address',
  )
  await good(demo('server add floating ip one', floating))
  assert.match(await value('server show one', 'addresses'), new RegExp(floating.replaceAll('.', '\\.')))
  await good(demo('server stop one'))
  await until('server show one', 'status', 'SHUTOFF')
  await good(demo('server start one'))
  await until('server show one', 'status', 'ACTIVE')
  await good(demo('server reboot --hard --wait one'))
  await good(demo('console log show one'))
  assert.match(await bad(as('koto-alt')('server show one')), /No server with a name or ID|No Server found/i)
  assert.match(await bad(as('koto-reader')('server delete one')), /403|Policy/)
  assert.equal((await koto('journey', 'one', '--json', '--state', state)).code, 0)
})

test('a server that no host can take says why', { skip }, async () => {
  await good(admin('quota set --cores -1 --ram -1 demo'))
  await good(admin('flavor create --vcpus 512 --ram 4194304 --disk 1 huge'))
  await demo('server create --flavor huge --image koto-tiny --network n1 --wait toobig')
  assert.equal(await value('server show toobig', 'status'), 'ERROR')
  assert.match(await value('server show toobig', 'fault'), /No valid host/)
  const { code, out } = await koto('why', await value('server show toobig', 'id'), '--state', state)
  assert.equal(code, 0)
  assert.match(out, /vcpu|memory|ram|disk/i)
  await good(demo('server delete --wait toobig'))
})

test('volumes', { skip }, async () => {
  await good(demo('volume create --size 1 v1'))
  await until('volume show v1', 'status', 'available')
  await good(demo('server add volume one v1'))
  await until('volume show v1', 'status', 'in-use')
  await good(demo('server remove volume one v1'))
  await until('volume show v1', 'status', 'available')
  await good(demo('volume snapshot create --volume v1 snap'))
  await until('volume snapshot show snap', 'status', 'available')
  await good(demo('volume snapshot delete snap'))
  await good(demo('volume type list'))
})

test('everything goes again, and no ledger disagrees', { skip }, async () => {
  await good(demo('server delete --wait one'))
  await good(demo('volume delete --force v1')).catch(() => good(demo('volume delete v1')))
  for (const floating of (await value('floating ip list', 'ID')).split('\n').filter(id => id !== ''))
    await good(demo(`floating ip delete ${floating}`))
  await good(demo('router remove subnet r1 s1'))
  await good(demo('router delete r1'))
  await good(demo('network delete n1'))
  await good(demo('security group delete web'))
  const audit = await koto('audit', '--state', state)
  assert.equal(audit.out, '0 violations')
  assert.equal(audit.code, 0)
})
