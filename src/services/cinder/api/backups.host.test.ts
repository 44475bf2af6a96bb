// Backups, restores and uploads with real bytes: the file back end, real tools, the file store.
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { test } from 'node:test'
import { createExec } from '#host/node/exec.ts'
import { systemClock } from '#kernel/lib/clock.ts'
import { createFileBackend } from '#services/cinder/drivers/backend-file/backend-file.ts'
import { createFileBackups } from '#services/cinder/drivers/backups-file/backups-file.ts'
import { admin, json, member, testCinder, type Answers } from '#services/cinder/service-for-tests.ts'

const exec = createExec()
const there = await exec.run(['qemu-img', '--version']).then(
  () => true,
  () => false,
)
type Bag = Record<string, unknown>
const bag = (value: unknown, key: string): Bag => (value as Record<string, Bag>)[key] ?? {}

test(
  'what is restored and uploaded is what was written',
  { skip: there ? false : 'qemu-utils are not installed' },
  async () => {
    const folder = await mkdtemp(`${tmpdir()}/koto-cinder-`)
    const images = new Map<string, Bag>()
    const glance: Answers = async request => {
      const id = request.path.split('/')[3] ?? ''
      if (request.method === 'POST') {
        const image = JSON.parse(String(request.body)) as Bag
        images.set(String(image['id']), { ...image, status: 'queued' })
        return json(image, 201)
      }
      if (request.method === 'PUT') {
        const chunks: Uint8Array[] = []
        for await (const chunk of request.body as AsyncIterable<Uint8Array>) chunks.push(chunk)
        await writeFile(`${folder}/image-${id}`, Buffer.concat(chunks))
        images.set(id, { ...images.get(id), status: 'active' })
        return { status: 204 }
      }
      const found = images.get(id)
      return found === undefined ? undefined : json(found)
    }
    const clock = systemClock()
    const backend = createFileBackend({
      folder: `${folder}/volumes`,
      exec,
      clock,
      host: 'node-1',
      totalGb: 10,
      nbdAddress: '127.0.0.1',
    })
    const t = await testCinder({ backend, backups: createFileBackups({ folder: `${folder}/backups` }), glance })
    const io = (path: string, command: string, format = 'qcow2') =>
      exec.run(['qemu-io', '-f', format, '-c', command, path])
    const of = (id: string): string => `${folder}/volumes/volume-${id}`
    const byteAt = async (path: string, mib: number, format = 'qcow2'): Promise<number> => {
      const { stdout } = await io(path, `read -v ${mib}M 16`, format)
      return Number.parseInt(/^[0-9a-f]+:\s+([0-9a-f]{2})/m.exec(stdout)?.[1] ?? '', 16)
    }
    const backup = async (wish: Bag): Promise<Bag> => {
      const made = await t.call('POST', '/v3/backups', { token: member, body: { backup: wish } })
      const id = String(bag(made.json, 'backup')['id'])
      return t.until(async () => {
        const found = bag((await t.call('GET', `/v3/backups/${id}`, { token: admin })).json, 'backup')
        return found['status'] === 'creating' ? undefined : found
      })
    }
    try {
      const made = await t.call('POST', '/v3/volumes', { token: member, body: { volume: { size: 1 } } })
      const id = String(bag(made.json, 'volume')['id'])
      await t.settled(id)
      await io(of(id), 'write -P 1 1M 64k')
      await io(of(id), 'write -P 2 900M 64k')
      const first = await backup({ volume_id: id })
      assert.deepEqual([first['status'], first['object_count']], ['available', 2])
      await io(of(id), 'write -P 3 1M 64k')
      const second = await backup({ volume_id: id, incremental: true })
      assert.deepEqual([second['status'], second['object_count']], ['available', 1])
      const restore = async (backupId: unknown, volumeId: string | null): Promise<string> => {
        const body = { restore: volumeId === null ? {} : { volume_id: volumeId } }
        const answer = await t.call('POST', `/v3/backups/${String(backupId)}/restore`, { token: member, body })
        assert.equal(answer.status, 202, JSON.stringify(answer.json))
        const into = String(bag(answer.json, 'restore')['volume_id'])
        assert.equal((await t.settled(into))?.['status'], 'available')
        return into
      }
      const fresh = await restore(second['id'], null)
      assert.deepEqual(
        [await byteAt(of(fresh), 1), await byteAt(of(fresh), 900), await byteAt(of(fresh), 5)],
        [3, 2, 0],
      )
      await io(of(id), 'write -P 9 500M 64k')
      await restore(first['id'], id)
      assert.deepEqual([await byteAt(of(id), 1), await byteAt(of(id), 900), await byteAt(of(id), 500)], [1, 2, 0])

      // Back to a snapshot, and out as an image.
      const kept = await t.call('POST', '/v3/snapshots', { token: member, body: { snapshot: { volume_id: id } } })
      const snapshotId = String(bag(kept.json, 'snapshot')['id'])
      await t.settledSnapshot(snapshotId)
      await io(of(id), 'write -P 7 1M 64k')
      const act = (body: Bag) => t.call('POST', `/v3/volumes/${id}/action`, { token: member, at: '3.68', body })
      assert.equal((await act({ revert: { snapshot_id: snapshotId } })).status, 202)
      await t.settled(id)
      assert.equal(await byteAt(of(id), 1), 1)
      for (const format of ['qcow2', 'vmdk']) {
        const answer = await act({ 'os-volume_upload_image': { image_name: 'out', disk_format: format } })
        await t.settled(id)
        const image = `${folder}/image-${String(bag(answer.json, 'os-volume_upload_image')['image_id'])}`
        assert.equal(await byteAt(image, 900, format), 2)
      }
      assert.deepEqual(await t.cinder.audit(), [])
      assert.deepEqual(t.errors, [])
    } finally {
      await t.close()
      await rm(folder, { recursive: true })
    }
  },
)
