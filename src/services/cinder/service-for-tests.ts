// A whole Cinder in memory for tests: neighbours are small answers, the back end is given or simulated.
import { createHash } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import { createBus } from '#kernel/bus/bus.ts'
import { memoryTransport } from '#kernel/bus/memory-transport.ts'
import { mergeConfig } from '#kernel/config/config.ts'
import { crossings, type Hook } from '#kernel/crossing/crossing.ts'
import { migrate } from '#kernel/db/migrations.ts'
import type { HttpAnswer } from '#kernel/http/call.ts'
import type { Outgoing, Transport } from '#kernel/http/client.ts'
import type { ServiceIdentity } from '#kernel/http/service-identity.ts'
import { testAuthenticate, testCaller, testWho, type TestCaller } from '#kernel/http/test-caller.ts'
import { systemClock, type Clock } from '#kernel/lib/clock.ts'
import { randomIds } from '#kernel/lib/ids.ts'
import type { Log } from '#kernel/lib/log.ts'
import { openSqlite } from '#host/node/sqlite.ts'
import { cinderConfig } from '#services/cinder/config.ts'
import { VOLUME_TRANSITIONS } from '#services/cinder/contract/states.ts'
import { migrations } from '#services/cinder/db/migrations.ts'
import type { CinderTables } from '#services/cinder/db/tables.ts'
import type { BackupStore } from '#services/cinder/drivers/backups.ts'
import type { Backend } from '#services/cinder/drivers/backend.ts'
import { createSimulatedBackend } from '#services/cinder/drivers/backend-simulated/backend-simulated.ts'
import { createSimulatedBackups } from '#services/cinder/drivers/backups-simulated/backups-simulated.ts'
import { createCinder, type Cinder } from '#services/cinder/service.ts'
import type { Database } from '#kernel/db/database.ts'

/** A neighbour that answers by a function; undefined is 404. */
export type Answers = (request: Outgoing) => Promise<Partial<HttpAnswer> | undefined> | Partial<HttpAnswer> | undefined

export const json = (body: unknown, status = 200): Partial<HttpAnswer> => ({ status, body: JSON.stringify(body) })

export interface TestCinder {
  readonly cinder: Cinder
  readonly call: TestCaller
  readonly database: Database<CinderTables>
  readonly backend: Backend
  readonly errors: string[]
  /** The volume when it is no longer in a transitional status; undefined when it is gone. */
  settled(id: string, token?: string): Promise<Record<string, unknown> | undefined>
  settledSnapshot(id: string, token?: string): Promise<Record<string, unknown> | undefined>
  until<T>(look: () => Promise<T | undefined | false>, what?: string): Promise<T>
  close(): Promise<void>
}

export interface TestCinderOptions {
  readonly settings?: Readonly<Record<string, string>>
  readonly backend?: Backend
  readonly backups?: BackupStore
  /** A second back end, `node-1@other`. */
  readonly second?: Backend
  readonly glance?: Answers
  readonly nova?: Answers
  readonly hooks?: readonly Hook[]
  readonly database?: Database<CinderTables>
  readonly clock?: Clock
}

const neighbour = (to: string, answers: Answers | undefined): Transport => ({
  to,
  send: async (_from, request) => {
    const found = await answers?.(request)
    return { status: found === undefined ? 404 : 200, headers: {}, body: null, ...found }
  },
})

/** Two projects with hexadecimal ids, so that they may stand in URLs. */
export const P1 = 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa1'
export const P2 = 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa2'
export const member = `member@${P1}`
export const admin = `admin@${P1}`
export const stranger = `member@${P2}`
export const nova = 'admin,service@aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa9'

/** Statuses that pass by themselves. */
const UNSETTLED = [...VOLUME_TRANSITIONS.filter(one => one !== 'attaching' && one !== 'detaching'), 'restoring']

export async function testCinder(options: TestCinderOptions = {}): Promise<TestCinder> {
  const clock = options.clock ?? systemClock()
  const ids = randomIds()
  const cross = crossings(options.hooks ?? [])
  const database = options.database ?? openSqlite<CinderTables>({ file: ':memory:', name: 'cinder', clock })
  await migrate(database, migrations, clock)
  const bus = createBus({ transport: memoryTransport(clock), cross, ids })
  const backend = options.backend ?? createSimulatedBackend({ totalGb: 30 })
  const errors: string[] = []
  const log: Log = {
    info: () => undefined,
    warn: (_ctx, says) => void errors.push(says),
    error: (_ctx, says, error) => void errors.push(`${says}: ${error instanceof Error ? error.stack : String(error)}`),
  }
  const identity: ServiceIdentity = {
    ctx: async (actor, from) => ({
      requestId: from?.requestId ?? 'req-test',
      who: testWho('admin,service@service'),
      actor,
      cross,
      ...(from?.signal === undefined ? {} : { signal: from.signal }),
    }),
  }
  const settings = mergeConfig(
    [cinderConfig],
    [
      {
        name: 'test',
        values: Object.entries(options.settings ?? {}).map(([key, value]): [string, string] => [
          `cinder.${key}`,
          value,
        ]),
      },
    ],
  ).of(cinderConfig)
  const cinder = createCinder({
    database,
    bus,
    clock,
    ids,
    cross,
    log,
    authenticate: testAuthenticate,
    identity,
    settings,
    neighbours: { glance: neighbour('glance-api', options.glance), nova: neighbour('nova-api', options.nova) },
    backends: [
      { host: 'node-1', name: 'file', backend },
      ...(options.second === undefined ? [] : [{ host: 'node-1', name: 'other', backend: options.second }]),
    ],
    backups: options.backups ?? createSimulatedBackups(),
    md5: text => createHash('md5').update(text).digest('hex'),
  })
  await cinder.start()
  const call = testCaller(cinder.handle, 'volume')
  const until: TestCinder['until'] = async (look, what = 'the condition') => {
    const end = clock.monotonic() + 20_000
    for (;;) {
      const found = await look()
      if (found !== undefined && found !== false) return found as never
      if (clock.monotonic() > end) throw new Error(`${what} did not come true; errors: ${errors.join('; ')}`)
      await wait(5) // keeps the process alive, which the clock does not
    }
  }
  const settled = async (path: string, key: string, token: string) => {
    const found = await until<{ thing?: Record<string, unknown> }>(async () => {
      const answer = await call('GET', path, { token })
      if (answer.status === 404) return {}
      const thing = (answer.json as Record<string, Record<string, unknown>>)[key] ?? {}
      return UNSETTLED.includes(String(thing['status'])) ? undefined : { thing }
    }, path)
    return found.thing
  }
  return {
    cinder,
    call,
    database,
    backend,
    errors,
    until,
    settled: (id, token = `admin@${P1}`) => settled(`/v3/volumes/${id}`, 'volume', token),
    settledSnapshot: (id, token = `admin@${P1}`) => settled(`/v3/snapshots/${id}`, 'snapshot', token),
    async close() {
      await cinder.stop()
      if (options.database === undefined) await database.close()
    },
  }
}
