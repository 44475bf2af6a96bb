// Backups in files: bytes come back as they were, only what changed is written, and damage is noticed.
import assert from 'node:assert/strict'
import { mkdir, mkdtemp, open, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { test } from 'node:test'
import { createFileBackups } from '#services/cinder/drivers/backups-file/backups-file.ts'
import { backupsSuite, type BackupsBench } from '#services/cinder/drivers/backups.suite.ts'

const CHUNK = 4096
const id = (n: number): string => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`
const never = new AbortController().signal

const use = async (): Promise<void> => undefined
interface Bench extends BackupsBench {
  readonly folder: string
}
async function bench(): Promise<Bench> {
  const base = await mkdtemp(`${tmpdir()}/koto-backups-`)
  const folder = `${base}/kept`
  let free = 0
  return {
    folder,
    store: createFileBackups({ folder, chunkBytes: CHUNK }),
    /** Five pieces and a half: the first of the mark, the second always the same, zeros, the last of the mark again. */
    async raw(mark) {
      const path = `${base}/raw-${(free += 1)}`
      const file = await open(path, 'w')
      await file.truncate(5.5 * CHUNK)
      await file.write(Buffer.alloc(CHUNK, mark), 0, CHUNK, 0)
      await file.write(Buffer.alloc(CHUNK, 99), 0, CHUNK, CHUNK)
      await file.write(Buffer.alloc(CHUNK / 2, mark), 0, CHUNK / 2, 5 * CHUNK)
      await file.close()
      return {
        path,
        extents: [
          { start: 0, length: 3 * CHUNK },
          { start: 5 * CHUNK, length: CHUNK / 2 },
        ],
      }
    },
    close: () => rm(base, { recursive: true }),
  }
}
backupsSuite('file', bench)

test('file: an increment holds what differs, and what comes back is what was', async () => {
  const b = await bench()
  try {
    await b.store.start()
    const heard: number[] = []
    const first = await b.raw(1)
    const second = await b.raw(2)
    assert.deepEqual(await b.store.keep(id(1), null, { raw: async () => first }, n => heard.push(n), never), {
      objectCount: 3,
      sizeBytes: 5.5 * CHUNK,
    })
    assert.deepEqual(await b.store.keep(id(2), id(1), { raw: async () => second }, () => undefined, never), {
      objectCount: 2,
      sizeBytes: 5.5 * CHUNK,
    })
    assert.deepEqual((await readdir(`${b.folder}/${id(2)}`)).toSorted(), [
      '0000000000.gz',
      '0000000005.gz',
      'manifest.json',
    ])
    for (const [n, raw] of [first, second].entries()) {
      const bytes = await b.store.fetched(id(n + 1), path => readFile(path ?? ''), never)
      assert.ok(bytes.equals(await readFile(raw.path)))
    }
    // A piece of the parent that rots is noticed by the increment too.
    await b.store.adopt(id(2), id(3))
    await writeFile(`${b.folder}/${id(2)}/0000000000.gz`, 'rubbish')
    await assert.rejects(b.store.fetched(id(2), use, never), { code: 'corrupt' })
    await rm(`${b.folder}/${id(1)}/0000000001.gz`)
    await assert.rejects(b.store.fetched(id(1), use, never), { code: 'corrupt' })
  } finally {
    await b.close()
  }
})

test('file: half-made backups are gone after a start, and no name leads out of the folder', async () => {
  const b = await bench()
  try {
    await mkdir(`${b.folder}/.partial-${id(1)}`, { recursive: true })
    assert.equal((await b.store.inventory()).leftovers.length, 1)
    await b.store.start()
    assert.deepEqual(await b.store.inventory(), { backups: [], leftovers: [] })
    for (const bad of ['../x', 'x', '', `${id(1)}/..`]) await assert.rejects(b.store.remove(bad), RangeError)
  } finally {
    await b.close()
  }
})
