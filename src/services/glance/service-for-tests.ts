// A whole Glance in memory for tests, its images in a folder of their own.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'

import { openSqlite } from '#host/node/sqlite.ts'
import { mergeConfig } from '#kernel/config/config.ts'
import { createBus } from '#kernel/bus/bus.ts'
import { memoryTransport } from '#kernel/bus/memory-transport.ts'
import { crossings } from '#kernel/crossing/crossing.ts'
import type { Database } from '#kernel/db/database.ts'
import { migrate } from '#kernel/db/migrations.ts'
import { testAuthenticate, testCaller, type TestAnswer } from '#kernel/http/test-caller.ts'
import { systemClock } from '#kernel/lib/clock.ts'
import { randomIds } from '#kernel/lib/ids.ts'
import { silentLog } from '#kernel/lib/log.ts'
import { glanceConfig } from '#services/glance/config.ts'
import { migrations, type GlanceTables } from '#services/glance/db/tables.ts'
import { createFileCache } from '#services/glance/drivers/cache-file/cache-file.ts'
import { createFileStore } from '#services/glance/drivers/store-file/store-file.ts'
import { createGlance, type Glance, type GlanceTools } from '#services/glance/service.ts'

/** JSON to be looked into. */
export interface Data {
  readonly [key: string]: Data
}
export interface Answer extends TestAnswer {
  readonly data: Data
}
export interface TestGlance {
  readonly glance: Glance
  readonly folder: string
  readonly database: Database<GlanceTables>
  readonly errors: string[]
  /** `await call('GET', '/v2/images', { token: 'member@p1' })`; without a token the caller is `admin@p1`. */
  call(
    method: string,
    path: string,
    given?: { token?: string; body?: unknown; bytes?: AsyncIterable<Uint8Array>; headers?: Record<string, string> },
  ): Promise<Answer>
  /** Resolves when no task is under way and the cache is filled. */
  idle(): Promise<void>
  close(): Promise<void>
}
export interface TestGlanceOptions {
  readonly settings?: Readonly<Record<string, string>>
  readonly tools?: Partial<GlanceTools>
  /** An earlier one's, to start again from. */
  readonly from?: { readonly folder: string; readonly database: Database<GlanceTables> }
}

export async function testGlance(options: TestGlanceOptions = {}): Promise<TestGlance> {
  const folder = options.from?.folder ?? (await mkdtemp(join(tmpdir(), 'koto-glance-')))
  const database =
    options.from?.database ?? openSqlite<GlanceTables>({ file: ':memory:', name: 'glance', clock: systemClock() })
  if (options.from === undefined) await migrate(database, migrations, systemClock())
  const errors: string[] = []
  const config = mergeConfig([glanceConfig], [{ name: 'test', values: Object.entries(options.settings ?? {}) }])
  const glance = createGlance({
    database,
    clock: systemClock(),
    ids: randomIds(),
    cross: crossings([]),
    log: { ...silentLog, error: (_ctx, says, error) => void errors.push(`${says}: ${String(error)}`) },
    authenticate: testAuthenticate,
    settings: config.of(glanceConfig),
    store: createFileStore(`${folder}/images`),
    staging: createFileStore(`${folder}/staging`),
    cache: createFileCache(`${folder}/cache`, `${folder}/images`),
    door: { open: async () => Promise.reject(new Error('no door')) },
    bus: createBus({ transport: memoryTransport(systemClock()), cross: crossings([]), ids: randomIds() }),
    ...options.tools,
  })
  await glance.start()
  const short = testCaller(glance.handle)
  return {
    glance,
    folder,
    database,
    errors,
    async call(method, path, given = {}) {
      const token = given.token ?? 'admin@p1'
      if (given.bytes === undefined) {
        const answer = await short(method, path, { ...given, token })
        return { ...answer, data: answer.json as unknown as Data }
      }
      const answer = await glance.handle({
        method,
        path,
        query: '',
        base: 'http://127.0.0.1:8080/test',
        from: 'client',
        headers: { 'x-auth-token': token, 'content-type': 'application/octet-stream', ...given.headers },
        body: given.bytes,
      })
      const json: unknown = typeof answer.body === 'string' && answer.body !== '' ? JSON.parse(answer.body) : null
      return { ...answer, json: json as never, data: json as Data }
    },
    async idle() {
      const busy = database.kysely.selectFrom('tasks').select('id').where('status', 'in', ['pending', 'processing'])
      for (const until = Date.now() + 10_000; Date.now() < until; await wait(2))
        if ((await busy.executeTakeFirst()) === undefined) return glance.idle()
      throw new Error('tasks are under way for too long')
    },
    async close() {
      await glance.stop()
      await database.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
