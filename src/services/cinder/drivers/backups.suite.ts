// What every store of backups keeps of the port's promises: run by each driver's own test.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BackupFault, type BackupStore } from '#services/cinder/drivers/backups.ts'

export interface BackupsBench {
  readonly store: BackupStore
  /** Contents that can be told apart by `mark`. */
  raw(mark: number): Promise<{ path: string; extents: { start: number; length: number }[] }>
  close(): Promise<void>
}
const id = (n: number): string => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`
const [B1, B2, B3] = [id(1), id(2), id(3)]
const never = new AbortController().signal
const use = async (): Promise<void> => undefined
const quiet = (): void => undefined
const fault =
  (code: string) =>
  (error: unknown): boolean =>
    error instanceof BackupFault && error.code === code

/** Each test gets a bench of its own. */
export function backupsSuite(name: string, makeBench: () => Promise<BackupsBench>): void {
  const on = (says: string, deed: (bench: BackupsBench) => Promise<void>): void => {
    test(`${name}: ${says}`, async () => {
      const bench = await makeBench()
      try {
        await bench.store.start()
        await deed(bench)
      } finally {
        await bench.close()
      }
    })
  }
  const ids = async (store: BackupStore): Promise<string[]> =>
    (await store.inventory()).backups.map(one => one.backupId).toSorted()

  on('keeps, fetches and removes, each as often as one likes', async ({ store, raw }) => {
    for (let i = 0; i < 2; i += 1) await store.keep(B1, null, { raw: () => raw(1) }, quiet, never)
    for (let i = 0; i < 2; i += 1) await store.keep(B2, B1, { raw: () => raw(2) }, quiet, never)
    assert.deepEqual(await ids(store), [B1, B2])
    assert.deepEqual((await store.inventory()).backups.find(one => one.backupId === B2)?.needs, [B1])
    await store.fetched(B2, use, never)
    for (let i = 0; i < 2; i += 1) await store.adopt(B2, B3)
    await store.adopt(B3, B3)
    for (let i = 0; i < 2; i += 1) await store.remove(B2)
    await store.remove(B1)
    await store.fetched(B3, use, never)
    await store.remove(B3)
    assert.deepEqual(await store.inventory(), { backups: [], leftovers: [] })
  })
  on('says what is not there', async ({ store, raw }) => {
    await assert.rejects(store.fetched(B1, use, never), fault('not-found'))
    await assert.rejects(store.adopt(B1, B2), fault('not-found'))
    await assert.rejects(store.keep(B2, B1, { raw: () => raw(1) }, quiet, never), fault('not-found'))
    assert.deepEqual(await store.inventory(), { backups: [], leftovers: [] })
  })
  on('leaves nothing when it is stopped', async ({ store, raw }) => {
    const stop = new AbortController()
    stop.abort(new Error('enough'))
    await assert.rejects(store.keep(B1, null, { raw: () => raw(1) }, quiet, stop.signal), /enough/)
    assert.deepEqual(await store.inventory(), { backups: [], leftovers: [] })
    await store.remove(B1)
  })
}
