import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { inspectFile } from '#host/block/inspect-file.ts'
import { makeIso } from '#host/block/iso.ts'
import { createQemuImg, qemuFormat } from '#host/block/qemu-img.ts'
import { createExec, type Exec } from '#host/node/exec.ts'

async function folder(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'koto-block-'))
  t.after(() => rm(path, { recursive: true, force: true }))
  return path
}

/** Writes down what would be run, answers `stdout`. */
function recorder(stdout = '{}', fails = false): { exec: Exec; lines: string[] } {
  const lines: string[] = []
  const real = createExec()
  const exec: Exec = {
    ...real,
    run: argv => {
      lines.push(argv.join(' '))
      return fails ? Promise.reject(new Error('no')) : Promise.resolve({ code: 0, stdout, stderr: '' })
    },
  }
  return { exec, lines }
}

const LIMITS = 'prlimit --as=1073741824 --cpu=30 --core=0 -- qemu-img'
const LONG = 'prlimit --as=2147483648 --cpu=1800 --core=0 -- qemu-img'

void test('every call states the formats, under limits', async t => {
  const dir = await folder(t)
  const { exec, lines } = recorder()
  const img = createQemuImg({ exec })
  await img.createOverlay(`${dir}/o`, { backing: '/b', backingFormat: 'raw', sizeBytes: 4096 })
  await img.createBlank(`${dir}/n`, { format: 'qcow2', sizeBytes: 1 })
  await img.convert('/a', `${dir}/c`, {
    fromFormat: 'vpc',
    toFormat: 'qcow2',
    compress: true,
    limits: { fileBytes: 9 },
  })
  await img.resize('/a', { format: 'qcow2', sizeBytes: 5, shrink: true })
  await img.rebase('/a', { backing: null })
  await img.rebase('/a', { backing: '/b', backingFormat: 'qcow2', unsafe: true })
  await img.commit('/a', { base: '/b', keepOverlay: true })
  await img.measure('/a', { fromFormat: 'raw', toFormat: 'qcow2' })
  await img.check('/a', { format: 'qcow2' })
  assert.deepEqual(lines, [
    `${LIMITS} create -q -f qcow2 -b /b -F raw ${dir}/o 4096`,
    `${LIMITS} create -q -f qcow2 ${dir}/n 1`,
    `${LONG.replace('--core', '--fsize=9 --core')} convert -q -f vpc -O qcow2 -c /a ${dir}/c`,
    `${LIMITS} resize -q -f qcow2 --shrink /a 5`,
    `${LONG} rebase -q -f qcow2 -b  /a`,
    `${LONG} rebase -q -f qcow2 -u -F qcow2 -b /b /a`,
    `${LONG} commit -q -f qcow2 -d -b /b /a`,
    `${LIMITS} measure -U --output=json -f raw -O qcow2 /a`,
    `${LONG} check -U -f qcow2 --output=json /a`,
  ])
  assert.equal((await stat(`${dir}/o`)).mode & 0o777, 0o600)
})

void test('no path that could be an option or a protocol, no overwriting, nothing left after a failure', async t => {
  const dir = await folder(t)
  const img = createQemuImg({ exec: recorder().exec })
  for (const path of ['-x', 'nbd://h/x', 'json:{}', 'a'])
    await assert.rejects(img.info(path, { format: 'raw' }), /absolute/)
  await img.createBlank(`${dir}/n`, { format: 'raw', sizeBytes: 1 })
  await assert.rejects(img.createBlank(`${dir}/n`, { format: 'raw', sizeBytes: 1 }), /EEXIST/)
  await assert.rejects(img.createBlank(`${dir}/m`, { format: 'raw', sizeBytes: 1.5 }), /size/)
  await assert.rejects(
    createQemuImg({ exec: recorder('', true).exec }).createBlank(`${dir}/k`, { format: 'raw', sizeBytes: 1 }),
  )
  assert.deepEqual(await readdir(dir), ['n'])
  assert.equal(qemuFormat('vhd'), 'vpc')
  assert.equal(qemuFormat('toString'), undefined)
})

void test('host: the real tool, and the gate agrees with it on every format', async t => {
  const dir = await folder(t)
  const exec = createExec()
  const img = createQemuImg({ exec })
  if ((await exec.run(['qemu-img', '--version'], { anyCode: true }).catch(() => undefined)) === undefined)
    return t.skip('qemu-img is not installed')
  const size = 8 * 1024 * 1024
  await img.createBlank(`${dir}/base`, { format: 'raw', sizeBytes: size })
  await img.createOverlay(`${dir}/over`, { backing: `${dir}/base`, backingFormat: 'raw', sizeBytes: 2 * size })
  const info = await img.info(`${dir}/over`, { format: 'qcow2' })
  assert.deepEqual([info.virtualSize, info.backingFile, info.backingFormat], [2 * size, `${dir}/base`, 'raw'])
  assert.equal((await inspectFile(`${dir}/over`, 'qcow2')).problems[0]?.check, 'backing_file')
  await img.rebase(`${dir}/over`, { backing: null })
  await img.resize(`${dir}/over`, { format: 'qcow2', sizeBytes: 3 * size })
  assert.deepEqual(await img.check(`${dir}/over`, { format: 'qcow2' }), { corruptions: 0, leaks: 0 })
  assert.equal((await img.measure(`${dir}/over`, { fromFormat: 'qcow2', toFormat: 'raw' })).fullyAllocated, 3 * size)
  for (const declared of ['qcow2', 'raw', 'vmdk', 'vdi', 'vhd', 'vhdx', 'ploop']) {
    const format = qemuFormat(declared) ?? assert.fail()
    const path = `${dir}/as-${declared}`
    await img.convert(`${dir}/over`, path, { fromFormat: 'qcow2', toFormat: format })
    const verdict = await inspectFile(path, declared)
    assert.deepEqual(verdict.problems, [], declared)
    const { virtualSize } = await img.info(path, { format })
    assert.ok(
      Math.abs(verdict.virtualSize - virtualSize) < 1024 * 1024,
      `${declared}: ${verdict.virtualSize} and ${virtualSize}`,
    )
    if (declared !== 'raw') assert.equal((await inspectFile(path, 'raw')).problems[0]?.check, 'mismatch')
  }
  await exec.run(['qemu-img', 'create', '-q', '-f', 'qcow2', '-o', `data_file=${dir}/data`, `${dir}/split`, '1M'])
  assert.equal((await inspectFile(`${dir}/split`, 'qcow2')).problems[0]?.check, 'data_file')
})

void test('host: a config drive, readable under its long names', async t => {
  const dir = await folder(t)
  const files = {
    'openstack/latest/meta_data.json': '{"uuid":"1"}',
    'openstack/content/0000': new Uint8Array([0, 255]),
  }
  const done = await makeIso({ exec: createExec(), volumeId: 'config-2', files, out: `${dir}/cd` }).catch(
    (error: unknown) => error,
  )
  if (done instanceof Error && done.message.includes('install')) return t.skip(done.message)
  assert.equal(done, undefined)
  assert.equal((await stat(`${dir}/cd`)).mode & 0o777, 0o600)
  assert.deepEqual((await inspectFile(`${dir}/cd`, 'iso')).problems, [])
  assert.deepEqual(await readdir(dir), ['cd'])
  const listing = await createExec()
    .run(['isoinfo', '-R', '-f', '-i', `${dir}/cd`], { anyCode: true })
    .catch(() => undefined)
  if (listing !== undefined) assert.match(listing.stdout, /\/openstack\/latest\/meta_data\.json/)
})

void test('a config drive takes no path outside, and says what to install', async t => {
  const dir = await folder(t)
  const { exec, lines } = recorder()
  const find = (program: string): Promise<boolean> => Promise.resolve(program === 'xorriso')
  await makeIso({ exec, volumeId: 'config-2', files: { 'a/b': '' }, out: `${dir}/x`, find })
  assert.match(lines[0] ?? '', /^xorriso -as mkisofs -quiet -volid config-2 -rational-rock -joliet /)
  for (const path of ['../x', '/etc/x', 'a//b', 'a=b', ''])
    await assert.rejects(makeIso({ exec, volumeId: 'config-2', files: { [path]: '' }, out: `${dir}/y`, find }), /path/)
  await assert.rejects(
    makeIso({ exec, volumeId: 'config-2', files: {}, out: `${dir}/z`, find: () => Promise.resolve(false) }),
    /install genisoimage or xorriso/,
  )
  assert.deepEqual(await readdir(dir), ['x'])
})
