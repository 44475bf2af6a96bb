// The file back end with real tools: the port's promises, bytes that are right after every merge, and guests played by a daemon.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { spawn, type ChildProcess } from 'node:child_process'
import { chmod, lstat, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { test } from 'node:test'
import { createExec } from '#host/node/exec.ts'
import { connectQmp, type Qmp } from '#host/qemu/qmp.ts'
import { systemClock } from '#kernel/lib/clock.ts'
import type { Backend, ImageBytes } from '#services/cinder/drivers/backend.ts'
import { backendSuite } from '#services/cinder/drivers/backend.suite.ts'
import { createFileBackend } from '#services/cinder/drivers/backend-file/backend-file.ts'
import { chainOf } from '#services/cinder/drivers/backend-file/layout.ts'

const exec = createExec()
const clock = systemClock()
const there = await exec.run(['qemu-storage-daemon', '--version']).then(
  () => true,
  () => false,
)
const skip = there ? false : 'qemu-utils and qemu-storage-daemon are not installed'
const V1 = '00000000-0000-4000-8000-000000000001'
const V2 = '00000000-0000-4000-8000-000000000002'
const S = (n: number): string => `00000000-0000-4000-8000-0000000001${String(n).padStart(2, '0')}`
const never = new AbortController().signal
const MIB = 2 ** 20

const rawImage = (bytes: Uint8Array, change: Partial<ImageBytes> = {}): ImageBytes => ({
  id: 'image',
  diskFormat: 'raw',
  sizeBytes: bytes.length,
  hashAlgorithm: 'sha512',
  hashValue: createHash('sha512').update(bytes).digest('hex'),
  checksum: null,
  download: async () =>
    (async function* () {
      yield bytes
    })(),
  ...change,
})

interface Bench {
  readonly folder: string
  readonly backend: Backend
  path(name: string): string
  /** Writes a pattern at an offset in MiB of a file's disk, as a guest that runs now would. */
  write(name: string, offsetMib: number, byte: number): Promise<void>
  /** The byte at an offset, all layers seen through. */
  read(name: string, offsetMib: number): Promise<number>
  hold(name: string): Promise<Guest>
  close(): Promise<void>
}
interface Guest {
  readonly qmp: Qmp
  end(): Promise<void>
}

async function bench(totalGb = 5): Promise<Bench> {
  const folder = await mkdtemp(`${tmpdir()}/koto-cinder-`)
  const children: ChildProcess[] = []
  const backend = createFileBackend({ folder, exec, clock, host: 'node-1', totalGb, nbdAddress: '127.0.0.1' })
  await backend.start()
  const path = (name: string): string => `${folder}/${name}`
  const io = (name: string, command: string, ...how: string[]) =>
    exec.run(['qemu-io', ...how, '-f', 'qcow2', '-c', command, path(name)]).then(done => done.stdout)
  return {
    folder,
    backend,
    path,
    write: async (name, offset, byte) => void (await io(name, `write -P ${byte} ${offset}M 64k`)),
    async read(name, offset) {
      const out = await io(name, `read -v ${offset}M 16`, '-r')
      return Number.parseInt(/^[0-9a-f]+:\s+([0-9a-f]{2})/m.exec(out)?.[1] ?? '', 16)
    },
    /** A daemon that has the file open for writing, as a guest's QEMU has. */
    async hold(name) {
      const socket = `${folder}/guest-${children.length}`
      const child = spawn(
        'qemu-storage-daemon',
        [
          ...['--blockdev', `driver=file,node-name=f,filename=${path(name)},discard=unmap`],
          ...['--blockdev', 'driver=qcow2,node-name=top,file=f'],
          ...['--chardev', `socket,id=m,path=${socket},server=on,wait=off`],
          ...['--monitor', 'chardev=m'],
          ...['--nbd-server', `addr.type=unix,addr.path=${socket}.nbd`],
          ...['--export', 'type=nbd,id=e,node-name=top,name=disk,writable=on'],
        ],
        { stdio: ['ignore', 'ignore', 'inherit'] },
      )
      children.push(child)
      for (;;) {
        const qmp = await connectQmp({ folder, name: socket.slice(folder.length + 1), clock }).catch(() => null)
        if (qmp !== null)
          return {
            qmp,
            async end() {
              qmp.close()
              const over = new Promise(resolve => child.once('exit', resolve))
              child.kill('SIGTERM')
              await over
            },
          }
        await new Promise(resolve => setTimeout(resolve, 10))
      }
    },
    async close() {
      for (const child of children) if (child.exitCode === null) child.kill('SIGKILL')
      for (const { volumeId } of (await backend.inventory()).exports) await backend.disconnect(volumeId, null)
      await rm(folder, { recursive: true })
    },
  }
}
const real = (says: string, deed: (b: Bench) => Promise<void>): void =>
  void test(`file: ${says}`, { skip }, async () => {
    const b = await bench()
    try {
      await deed(b)
    } finally {
      await b.close()
    }
  })

if (there)
  backendSuite('file', async () => {
    const made = await bench()
    return {
      backend: made.backend,
      image: megabytes => rawImage(new Uint8Array(megabytes * MIB)),
      close: () => made.close(),
    }
  })

const volume = `volume-${V1}`

real('what was written before and after snapshots stays right through every removal', async b => {
  const { backend } = b
  for (const order of [
    [1, 2, 3],
    [3, 2, 1],
    [2, 1, 3],
  ]) {
    await backend.create(V1, 1, { from: 'nothing' }, never)
    await b.write(volume, 0, 1)
    await backend.createSnapshot(V1, S(1))
    await b.write(volume, 1, 2)
    await backend.createSnapshot(V1, S(2))
    await backend.resize(V1, 2)
    await b.write(volume, 1500, 3)
    await backend.createSnapshot(V1, S(3))
    await b.write(volume, 0, 4)
    assert.equal((await chainOf(b.folder, V1)).length, 4)
    assert.equal(await b.read(`${volume}.snapshot-${S(1)}`, 0), 1)
    assert.equal(await b.read(`${volume}.snapshot-${S(1)}`, 1), 0)
    await backend.create(V2, 1, { from: 'snapshot', volumeId: V1, snapshotId: S(2) }, never)
    assert.deepEqual([await b.read(`volume-${V2}`, 0), await b.read(`volume-${V2}`, 1)], [1, 2])
    await backend.remove(V2)
    for (const n of order) {
      await backend.removeSnapshot(V1, S(n))
      assert.deepEqual(
        [await b.read(volume, 0), await b.read(volume, 1), await b.read(volume, 1500)],
        [4, 2, 3],
        `after ${order.join()} at ${n}`,
      )
    }
    assert.deepEqual(await chainOf(b.folder, V1), [volume])
    assert.deepEqual(
      (await readdir(b.folder)).filter(name => name.startsWith('volume')),
      [volume],
    )
    assert.equal(((await lstat(b.path(volume))).mode & 0o777).toString(8), '600')
    await backend.remove(V1)
  }
})

real('a snapshot that a crash cut short is finished or taken back', async b => {
  const { backend } = b
  await backend.create(V1, 1, { from: 'nothing' }, never)
  await b.write(volume, 0, 7)
  // Only the overlay had been made.
  await writeFile(b.path(`${volume}.overlay-${S(1)}`), 'half')
  await backend.createSnapshot(V1, S(1))
  assert.deepEqual(await chainOf(b.folder, V1), [volume, `${volume}.snapshot-${S(1)}`])
  // Killed in a merge: committed already, not yet renamed.
  await b.write(volume, 1, 8)
  await exec.run(['qemu-img', 'commit', '-q', '-d', '-f', 'qcow2', b.path(volume)])
  await backend.removeSnapshot(V1, S(1))
  assert.deepEqual([await b.read(volume, 0), await b.read(volume, 1)], [7, 8])
  assert.deepEqual(await chainOf(b.folder, V1), [volume])
})

real('a guest that runs is not disturbed: it grows and is snapshotted by its host', async b => {
  const { backend } = b
  await backend.create(V1, 1, { from: 'nothing' }, never)
  await b.write(volume, 0, 1)
  const guest = await b.hold(volume)
  assert.deepEqual(await backend.resize(V1, 2), { grown: false })
  await assert.rejects(backend.remove(V1), { code: 'busy' })
  await assert.rejects(backend.create(V2, 1, { from: 'volume', volumeId: V1 }, never), { code: 'busy' })

  // Begun and given up: as before.
  const overlay = b.path(`${volume}.overlay-${S(1)}`)
  assert.deepEqual(await backend.createSnapshot(V1, S(1)), { live: { overlay } })
  assert.deepEqual(await backend.createSnapshot(V1, S(1)), { live: { overlay } }, 'a repeat')
  assert.equal(await backend.isSwitched(V1, S(1)), false)
  await assert.rejects(backend.settleSnapshot(V1, S(1)), { code: 'failed' })
  await backend.removeSnapshot(V1, S(1))
  assert.deepEqual((await backend.inventory()).volumes[0]?.snapshots, [])

  // Begun and done by the guest's host.
  await backend.createSnapshot(V1, S(1))
  const file = { driver: 'file', filename: overlay }
  await guest.qmp.execute('blockdev-add', { 'node-name': 'over', driver: 'qcow2', backing: null, file })
  await guest.qmp.execute('blockdev-snapshot', { node: 'top', overlay: 'over' })
  assert.equal(await backend.isSwitched(V1, S(1)), true)
  for (let i = 0; i < 2; i += 1) await backend.settleSnapshot(V1, S(1))
  assert.equal(await backend.isSwitched(V1, S(1)), true)
  assert.deepEqual(await backend.createSnapshot(V1, S(1)), { live: null }, 'a repeat after the end')
  assert.deepEqual(await chainOf(b.folder, V1), [volume, `${volume}.snapshot-${S(1)}`])
  await backend.create(V2, 1, { from: 'snapshot', volumeId: V1, snapshotId: S(1) }, never)
  assert.equal(await b.read(`volume-${V2}`, 0), 1)

  // Stopped and still attached: a snapshot more, and the first gone. By the name its host knows, the guest finds the newest.
  await guest.end()
  await backend.createSnapshot(V1, S(2))
  for (let i = 0; i < 2; i += 1) await backend.removeSnapshot(V1, S(1))
  assert.deepEqual(await chainOf(b.folder, V1), [volume, `${volume}.snapshot-${S(2)}`])
  assert.equal((await lstat(overlay)).ino, (await lstat(b.path(volume))).ino)
  const again = await b.hold(`${volume}.overlay-${S(1)}`)
  await assert.rejects(backend.remove(V1), { code: 'busy' })
  await again.end()
  await backend.disconnect(V1, { host: 'node-1' })
  assert.equal(await b.read(volume, 0), 1)
  assert.deepEqual(
    (await readdir(b.folder)).filter(name => name.startsWith(volume)).toSorted(),
    [volume, `${volume}.snapshot-${S(2)}`],
    'the names by which the guest knew it are gone',
  )
})

real('snapshots of a volume in use go at once, and their layers when the guest has let go', async b => {
  const { backend } = b
  await backend.create(V1, 1, { from: 'nothing' }, never)
  for (const n of [1, 2, 3]) {
    await b.write(volume, n, n)
    await backend.createSnapshot(V1, S(n))
  }
  await b.write(volume, 4, 4)
  const snapshots = async () => (await backend.inventory()).volumes[0]?.snapshots.toSorted()
  const guest = await b.hold(volume)
  for (const n of [3, 1]) for (let i = 0; i < 2; i += 1) await backend.removeSnapshot(V1, S(n))
  assert.deepEqual(await snapshots(), [S(2)])
  assert.equal((await chainOf(b.folder, V1)).length, 4)
  // Ended while the guest has it, and begun anew: nothing is touched.
  await backend.start()
  await backend.close()
  assert.equal((await chainOf(b.folder, V1)).length, 4)
  await guest.end()
  await backend.disconnect(V1, { host: 'node-1' })
  await backend.close()
  assert.deepEqual(await chainOf(b.folder, V1), [volume, `${volume}.snapshot-${S(2)}`])
  assert.deepEqual(
    (await readdir(b.folder)).filter(name => name.includes('dropped')),
    [],
  )
  assert.deepEqual(await Promise.all([1, 2, 3, 4].map(at => b.read(volume, at))), [1, 2, 3, 4])
  const kept = `${volume}.snapshot-${S(2)}`
  assert.deepEqual(await Promise.all([1, 2, 3].map(at => b.read(kept, at))), [1, 2, 0])
  assert.deepEqual(await snapshots(), [S(2)])
})

real('images are judged before any tool reads them', async b => {
  const { backend } = b
  const bytes = new Uint8Array(2 * MIB).fill(0x5a)
  const from = (image: ImageBytes) => backend.create(V1, 1, { from: 'image', image }, never)
  await assert.rejects(from(rawImage(bytes, { hashValue: '00' })), { code: 'corrupt' })
  await assert.rejects(from(rawImage(bytes, { sizeBytes: 5 })), { code: 'corrupt' })
  await assert.rejects(from(rawImage(bytes, { sizeBytes: 3 * MIB, hashValue: null })), { code: 'corrupt' })
  await assert.rejects(from(rawImage(bytes, { diskFormat: 'qcow2' })), { code: 'refused' })
  const evil = b.path('evil')
  await exec.run(['qemu-img', 'create', '-q', '-f', 'qcow2', '-u', '-b', '/etc/passwd', '-F', 'raw', evil, '1M'])
  await assert.rejects(from(rawImage(await readFile(evil), { diskFormat: 'qcow2' })), { code: 'refused' })
  await assert.rejects(from(rawImage(await readFile(evil))), { code: 'refused' }, 'called raw it is no better')
  const large = b.path('large')
  await exec.run(['qemu-img', 'create', '-q', '-f', 'qcow2', large, '2G'])
  await assert.rejects(from(rawImage(await readFile(large), { diskFormat: 'qcow2' })), { code: 'too-small' })
  assert.deepEqual((await backend.inventory()).volumes, [])
  assert.deepEqual((await backend.inventory()).leftovers, [])
  await from(rawImage(bytes))
  assert.equal(await b.read(volume, 1), 0x5a)
  await backend.create(V2, 3, { from: 'image', image: rawImage(await readFile(large), { diskFormat: 'qcow2' }) }, never)
  assert.equal(await backend.sizeBytes(V2), 3 * 2 ** 30)
})

real(
  'another host gets the volume over NBD, with snapshots meanwhile, and a daemon that dies is started again',
  async b => {
    const { backend } = b
    await backend.create(V1, 1, { from: 'nothing' }, never)
    await b.write(volume, 0, 1)
    const connection = await backend.connect(V1, 1, { host: 'node-2' }, 'rw')
    assert.equal(connection.driver_volume_type, 'nbd')
    const { host, port } = connection.data
    assert.deepEqual(await backend.connect(V1, 1, { host: 'node-2' }, 'rw'), connection)
    const io = (command: string) =>
      exec.run(['qemu-io', '-f', 'raw', '-c', command, `nbd://${String(host)}:${String(port)}/${volume}`])
    await io('write -P 9 1M 64k')
    assert.deepEqual((await backend.inventory()).exports, [{ volumeId: V1, alive: true }])
    for (let i = 0; i < 2; i += 1) assert.deepEqual(await backend.createSnapshot(V1, S(1)), { live: null })
    await io('write -P 10 1M 64k')
    await assert.rejects(backend.resize(V1, 2), { code: 'unsupported' })

    const record = JSON.parse(await readFile(b.path(`exports/${volume}/export.json`), 'utf8'))
    process.kill(record.process.pid, 'SIGKILL')
    while ((await backend.inventory()).exports[0]?.alive === true) await new Promise(resolve => setTimeout(resolve, 10))
    await backend.start()
    assert.deepEqual((await backend.inventory()).exports, [{ volumeId: V1, alive: true }])
    assert.match((await io('read -v 1M 16')).stdout, /: +0a 0a/)
    await backend.disconnect(V1, { host: 'node-3' })
    assert.equal((await backend.inventory()).exports.length, 1)
    await backend.disconnect(V1, { host: 'node-2' })
    assert.deepEqual((await backend.inventory()).exports, [])
    assert.equal(await b.read(volume, 1), 10)
    assert.equal(await b.read(`${volume}.snapshot-${S(1)}`, 1), 9)
    await backend.removeSnapshot(V1, S(1))
    assert.equal(await b.read(volume, 1), 10)
  },
)

real('half-made things are gone after a restart', async b => {
  await writeFile(b.path(`.partial-${V1}.new`), 'half')
  await chmod(b.folder, 0o700)
  assert.deepEqual((await b.backend.inventory()).leftovers, [`.partial-${V1}.new`])
  await b.backend.start()
  assert.deepEqual((await b.backend.inventory()).leftovers, [])
})
