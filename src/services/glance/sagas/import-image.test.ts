// The stock tests on the import of an image, of staged bytes and of fetched ones.
import type { Kysely } from 'kysely'

import { openSqlite } from '#host/node/sqlite.ts'
import { createBus } from '#kernel/bus/bus.ts'
import { memoryTransport } from '#kernel/bus/memory-transport.ts'
import { crossings, type Hook } from '#kernel/crossing/crossing.ts'
import { migrate } from '#kernel/db/migrations.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import { randomIds } from '#kernel/lib/ids.ts'
import { virtualClock } from '#kernel/lib/virtual-clock.ts'
import { sagaLogDb } from '#kernel/saga/db-log.ts'
import { createEngine, local, type Ended, type Engine } from '#kernel/saga/engine.ts'
import {
  diesAfterEveryCrossing,
  runsTwiceWithoutHarm,
  undoTwiceIsHarmless,
  unwindsFromEveryStep,
  type MakeWorld,
} from '#kernel/saga/saga.suite.ts'
import type { Saga } from '#kernel/saga/saga.ts'
import { imagesDb, type Image } from '#services/glance/db/images.ts'
import { migrations, type GlanceTables } from '#services/glance/db/tables.ts'
import { tasksDb } from '#services/glance/db/tasks.ts'
import type { Store } from '#services/glance/domain/images.ts'
import { importTools } from '#services/glance/domain/import-tools.ts'
import { importImage, type ImportImage } from '#services/glance/sagas/import-image.ts'
import type { ApiTools, Tools } from '#services/glance/sagas/tools.ts'

const IMAGE = '00000000-0000-4000-8000-000000000001'
const TASK = '00000000-0000-4000-8000-000000000002'
async function* bytes(): AsyncIterable<Uint8Array> {
  yield new Uint8Array(1000)
}
const image: Image = {
  id: IMAGE,
  name: 'i',
  owner: 'p1',
  status: 'uploading',
  visibility: 'shared',
  diskFormat: 'raw',
  containerFormat: 'bare',
  size: null,
  virtualSize: null,
  minDisk: 0,
  minRam: 0,
  isProtected: false,
  osHidden: false,
  checksum: null,
  hashAlgo: null,
  hashValue: null,
  properties: {},
  savingSince: null,
  importState: null,
  createdAt: 0,
  updatedAt: 0,
}

/** A store in memory: the virtual clock does not wait for disks. */
function memoryStore(): Store & { readonly names: () => string[] } {
  const kept = new Map<string, Uint8Array[]>()
  return {
    names: () => [...kept.keys()],
    async put(id, from) {
      const all: Uint8Array[] = []
      for await (const piece of from) all.push(piece)
      kept.set(id, all)
      const size = all.reduce((sum, piece) => sum + piece.length, 0)
      return { size, md5: 'md5', sha512: 'sha512', virtualSize: size }
    },
    has: async id => kept.get(id)?.length ?? null,
    async *get(id) {
      const all = kept.get(id)
      if (all === undefined) throw Object.assign(new Error('no such file'), { code: 'ENOENT' })
      yield* all
    },
    remove: async id => void kept.delete(id),
  }
}

const worldOf =
  <S>(uri: string | null): MakeWorld<Saga<Tools, ImportImage, S>> =>
  async (saga, hooks) => {
    const clock = virtualClock()
    const ids = randomIds()
    const database = openSqlite<GlanceTables>({ file: ':memory:', name: 'glance', clock })
    await migrate(database, migrations, clock)
    const q = database.kysely
    const store = memoryStore()
    const staging = memoryStore()
    if (uri === null) await staging.put(IMAGE, bytes(), { declared: null, maxBytes: 10_000 })
    await imagesDb(q).add(image)
    const state = { task: TASK, importing: ['file'], failed: [] }
    await imagesDb(q).enterImport(IMAGE, ['uploading'], { status: 'importing', state }, 0)
    await tasksDb(q).add({
      id: TASK,
      type: 'api_image_import',
      status: 'pending',
      owner: 'p1',
      input: {},
      result: null,
      message: '',
      imageId: IMAGE,
      requestId: null,
      userId: null,
      expiresAt: null,
      createdAt: 0,
      updatedAt: 0,
    })
    let engine: Engine<Kysely<GlanceTables>>
    const process = async (own: readonly Hook[]): Promise<Ctx> => {
      const cross = crossings(own)
      engine = createEngine<Kysely<GlanceTables>>({
        log: sagaLogDb(database as never) as never,
        bus: createBus({ transport: memoryTransport(clock), cross, ids }),
        clock,
        ids,
        cross,
        actor: 'glance-api',
        db: 'glance-db',
      })
      const tools = importTools({
        database,
        clock,
        store,
        staging,
        door: { open: async () => ({ bytes: bytes() }) },
        uriRules: { schemes: ['http'], hosts: [], notHosts: [], ports: [] },
        maxBytes: 10_000,
        taskTtlMs: 1000,
      })
      engine.register(saga, { places: { api: local<ApiTools>('glance-api', run => tools(run.ctx)) } })
      await engine.start()
      return { requestId: 'req-1', who: null, actor: 'glance-api', cross }
    }
    const ctx = await process(hooks)
    return {
      begin: (): Promise<Ended> => clock.during(engine.run(saga, { imageId: IMAGE, taskId: TASK, uri }, ctx)),
      async snapshot() {
        const now = await imagesDb(q).byId(IMAGE)
        const active = now?.status === 'active'
        return {
          // What fails is told by the status and the task, and what was staged is given up: that is meant.
          image: active ? [now.size, now.checksum, now.hashValue, now.importState] : 'not yet',
          task: active ? (await tasksDb(q).byId(TASK))?.status : 'not yet',
          kept: store.names(),
          staged: uri === null ? [] : staging.names(),
        }
      },
      async reborn() {
        await process([])
        await clock.during(engine.adopt({ force: true }))
        await clock.during(engine.idle())
      },
      async close() {
        await database.close()
      },
    }
  }

for (const uri of [null, 'http://example.org/image']) {
  const saga = importImage as never
  const world = worldOf(uri) as never
  runsTwiceWithoutHarm(saga, world)
  unwindsFromEveryStep(saga, world)
  undoTwiceIsHarmless(saga, world)
  diesAfterEveryCrossing(saga, world)
}
