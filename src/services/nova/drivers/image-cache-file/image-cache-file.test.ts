// The image cache against real files and the real qemu-img (the conversion is skipped where there is none).
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { execFileSync } from 'node:child_process'
import {
  existsSync,
  linkSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { createExec } from '#host/node/exec.ts'
import { systemClock } from '#kernel/lib/clock.ts'
import { createFileImageCache } from '#services/nova/drivers/image-cache-file/image-cache-file.ts'
import type { ImageCache, ImageSource } from '#services/nova/drivers/image-cache.ts'

const folder = mkdtempSync(join(tmpdir(), 'koto-image-cache-'))
after(() => rmSync(folder, { recursive: true, force: true }))
const haveQemuImg = existsSync('/usr/bin/qemu-img')

let caches = 0
function cache(): { images: ImageCache; home: string } {
  const home = join(folder, String(++caches))
  return { images: createFileImageCache({ folder: home, exec: createExec(), clock: systemClock() }), home }
}

function source(bytes: Uint8Array, change: Partial<ImageSource> = {}): ImageSource & { downloads: number } {
  const it = {
    diskFormat: 'raw',
    hashAlgorithm: 'sha512',
    hashValue: createHash('sha512').update(bytes).digest('hex'),
    sizeBytes: bytes.length,
    downloads: 0,
    async *download() {
      it.downloads++
      for (let at = 0; at < bytes.length; at += 100_000) yield bytes.subarray(at, at + 100_000)
    },
    ...change,
  }
  return it
}

/** A megabyte, half of it zeros. */
function bytes(): Uint8Array {
  const some = new Uint8Array(1 << 20)
  for (let at = 0; at < some.length / 2; at += 65_536) crypto.getRandomValues(some.subarray(at, at + 65_536))
  return some
}

function made(format: string): Uint8Array {
  const path = join(folder, `made.${format}`)
  rmSync(path, { force: true })
  execFileSync('qemu-img', ['create', '-q', '-f', format, path, '8M'])
  return readFileSync(path)
}

describe('image cache', () => {
  it('fetches an image once, however many ask', async () => {
    const { images, home } = cache()
    const id = crypto.randomUUID()
    const data = bytes()
    const from = source(data)
    const [one, two] = await Promise.all([images.ensure(id, from), images.ensure(id, from)])
    const three = await images.ensure(id, from)
    assert.deepEqual([one, two], [three, three])
    assert.equal(from.downloads, 1)
    assert.equal(one?.format, 'raw')
    assert.equal(one?.virtualSize, data.length)
    assert.ok(readFileSync(one?.path ?? '').equals(data))
    assert.ok(statSync(one?.path ?? '').blocks * 512 < data.length * 0.75, 'zeros are holes')
    assert.deepEqual(readdirSync(home), [id])
    assert.deepEqual(await images.verify(), [])
  })

  it('refuses bytes that are not what was promised, and keeps nothing', async () => {
    const { images, home } = cache()
    const id = crypto.randomUUID()
    const data = bytes()
    await assert.rejects(images.ensure(id, source(data, { hashValue: '00' })), { code: 'corrupt' })
    await assert.rejects(images.ensure(id, source(data, { hashValue: null, checksum: '00' })), { code: 'corrupt' })
    await assert.rejects(images.ensure(id, source(data, { sizeBytes: 1_000 })), { code: 'corrupt' })
    await assert.rejects(images.ensure(id, source(data, { sizeBytes: 2 << 20 })), { code: 'corrupt' })
    assert.deepEqual(readdirSync(home), [])
    assert.equal((await images.ensure(id, source(data))).sizeBytes, data.length)
  })

  it('lets no tool see a disguised image', { skip: !haveQemuImg && 'no qemu-img' }, async () => {
    const { images, home } = cache()
    await assert.rejects(images.ensure(crypto.randomUUID(), source(made('qcow2'))), { code: 'refused' })
    const path = join(folder, 'evil.qcow2')
    rmSync(path, { force: true })
    execFileSync('qemu-img', ['create', '-q', '-u', '-f', 'qcow2', '-b', '/etc/passwd', '-F', 'raw', path, '1M'])
    await assert.rejects(images.ensure(crypto.randomUUID(), source(readFileSync(path), { diskFormat: 'qcow2' })), {
      code: 'refused',
    })
    assert.deepEqual(readdirSync(home), [])
  })

  it(
    'keeps qcow2 as it is and converts what guests cannot stand on',
    { skip: !haveQemuImg && 'no qemu-img' },
    async () => {
      const { images } = cache()
      const kept = await images.ensure(crypto.randomUUID(), source(made('qcow2'), { diskFormat: 'qcow2' }))
      assert.deepEqual([kept.format, kept.virtualSize], ['qcow2', 8 << 20])
      const converted = await images.ensure(crypto.randomUUID(), source(made('vdi'), { diskFormat: 'vdi' }))
      assert.deepEqual([converted.format, converted.virtualSize], ['qcow2', 8 << 20])
      assert.equal(readFileSync(converted.path).readUInt32BE(0), 0x514649fb)
      assert.deepEqual(await images.verify(), [])
    },
  )

  it('keeps kernels byte for byte', async () => {
    const { images } = cache()
    const data = bytes()
    const kernel = await images.ensure(crypto.randomUUID(), source(data, { diskFormat: 'aki' }))
    assert.equal(kernel.format, 'file')
    assert.ok(readFileSync(kernel.path).equals(data))
  })

  it('one who gives up does not spoil it for the other; when all give up nothing stays', async () => {
    const { images, home } = cache()
    const id = crypto.randomUUID()
    const data = bytes()
    let go = (): void => undefined
    const gate = new Promise<void>(resolve => (go = resolve))
    const from = source(data, {
      async *download(signal) {
        yield data.subarray(0, 1_000)
        await Promise.race([gate, new Promise(resolve => signal.addEventListener('abort', resolve))])
        yield data.subarray(1_000)
      },
    })
    const impatient = new AbortController()
    const first = images.ensure(id, from, { signal: impatient.signal })
    const second = images.ensure(id, from)
    impatient.abort(new Error('no time'))
    await assert.rejects(first, /no time/)
    go()
    assert.equal((await second).sizeBytes, data.length)

    const other = crypto.randomUUID()
    const stop = new AbortController()
    const never = source(data, {
      async *download(signal) {
        yield data.subarray(0, 1_000)
        await new Promise(resolve => signal.addEventListener('abort', resolve))
      },
    })
    const lost = images.ensure(other, never, { signal: stop.signal })
    stop.abort(new Error('no time'))
    await assert.rejects(lost, /no time/)
    assert.deepEqual(readdirSync(home), [id])
  })

  it('counts who stands on an image and evicts only what nobody needs', async () => {
    const { images, home } = cache()
    const [used, idle] = [crypto.randomUUID(), crypto.randomUUID()]
    const { path } = await images.ensure(used, source(bytes()))
    await images.ensure(idle, source(bytes()))
    linkSync(path, join(folder, 'guest-base'))
    const users = new Map((await images.inventory()).map(entry => [entry.imageId, entry.users]))
    assert.deepEqual([users.get(used), users.get(idle)], [1, 0])
    assert.deepEqual(await images.evict({ olderThanMs: 60_000 }), [])
    assert.deepEqual(await images.evict({ olderThanMs: 0 }), [idle])
    assert.deepEqual(readdirSync(home), [used])
    unlinkSync(join(folder, 'guest-base'))
    assert.deepEqual(await images.evict({ olderThanMs: 0 }), [used])
  })

  it('notices damage, fetches again, and cleans up after a killed process', async () => {
    const { images, home } = cache()
    const id = crypto.randomUUID()
    const from = source(bytes())
    const { path } = await images.ensure(id, from)
    writeFileSync(path, 'short')
    assert.equal((await images.inventory())[0]?.whole, false)
    assert.equal((await images.verify()).length, 1)
    await images.ensure(id, from)
    assert.equal(from.downloads, 2)
    assert.deepEqual(await images.verify(), [])
    writeFileSync(join(home, '.partial-x'), '')
    await images.clean()
    assert.deepEqual(readdirSync(home), [id])
  })
})
