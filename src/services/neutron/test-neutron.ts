// For tests: Neutron on a database in memory, asked as `roles@project`.
import { createBus } from '#kernel/bus/bus.ts'
import { memoryTransport } from '#kernel/bus/memory-transport.ts'
import { openSqlite } from '#host/node/sqlite.ts'
import { mergeConfig } from '#kernel/config/config.ts'
import { crossings } from '#kernel/crossing/crossing.ts'
import type { Database } from '#kernel/db/database.ts'
import { migrate } from '#kernel/db/migrations.ts'
import type { Handle } from '#kernel/http/call.ts'
import { inProcess } from '#kernel/http/client.ts'
import { testAuthenticate, testCaller, testWho, type TestCaller } from '#kernel/http/test-caller.ts'
import { systemClock } from '#kernel/lib/clock.ts'
import { randomIds } from '#kernel/lib/ids.ts'
import type { Log } from '#kernel/lib/log.ts'
import { neutronConfig } from '#services/neutron/config.ts'
import { migrations } from '#services/neutron/db/migrations.ts'
import type { NeutronTables } from '#services/neutron/db/tables.ts'
import { createNeutronAgent, type NeutronAgent } from '#services/neutron/actors/agent.ts'
import { createSimulatedMechanism } from '#services/neutron/drivers/mechanism-simulated/mechanism-simulated.ts'
import type { Mechanism } from '#services/neutron/drivers/mechanism.ts'
import { createNeutron, type Neutron } from '#services/neutron/service.ts'

/** A thing as JSON. */
export type Thing = Record<string, never> & { readonly id: string }

export interface TestNeutron extends AsyncDisposable {
  readonly neutron: Neutron
  readonly call: TestCaller
  readonly database: Database<NeutronTables>
  /** Asks and expects success: the reply's JSON; a single thing without its key. Paths without `/v2.0`. */
  ok(token: string, method: string, path: string, body?: unknown): Promise<Thing>
  /** The same for lists. */
  list(token: string, path: string): Promise<Thing[]>
  /** Asks and expects a refusal: `[409, 'NetworkInUse', '…']`. */
  refused(
    token: string,
    method: string,
    path: string,
    body?: unknown,
  ): Promise<[status: number, type: string, says: string]>
  /** Starts an agent on another host. */
  host(name: string, mechanism?: Mechanism): Promise<NeutronAgent>
}

const loud: Log = {
  info: () => undefined,
  warn: () => undefined,
  error: (_ctx, says, error) => {
    throw new Error(says, { cause: error })
  },
}

export async function neutronForTests(
  options: {
    readonly set?: Readonly<Record<string, string>>
    readonly nova?: Handle
    readonly hosts?: readonly string[]
  } = {},
): Promise<TestNeutron> {
  const clock = systemClock()
  const database = openSqlite<NeutronTables>({ file: ':memory:', name: 'neutron', clock })
  await migrate(database, migrations, clock)
  const settings = mergeConfig([neutronConfig], [{ name: 'test', values: Object.entries(options.set ?? {}) }]).of(
    neutronConfig,
  )
  const ids = randomIds()
  const cross = crossings([])
  const bus = createBus({ transport: memoryTransport(clock), cross, ids })
  const nova = options.nova === undefined ? undefined : inProcess(options.nova, 'nova-api', 'http://127.0.0.1/compute')
  const neutron = createNeutron({
    database,
    clock,
    ids,
    cross,
    log: loud,
    bus,
    authenticate: testAuthenticate,
    settings,
    neighbours: nova === undefined ? {} : { nova, novaMetadata: nova },
    metadataSecret: 'secret',
    identity: {
      ctx: async actor => ({ requestId: `req-${ids.uuid()}`, who: testWho('service,admin@service'), actor, cross }),
    },
  })
  await neutron.start()
  const agents: NeutronAgent[] = []
  const host = async (name: string, mechanism: Mechanism = createSimulatedMechanism()): Promise<NeutronAgent> => {
    const agent = createNeutronAgent({
      bus,
      host: name,
      mechanism,
      clock,
      ids,
      cross,
      log: loud,
      networkNode: agents.length === 0,
      reportIntervalMs: 30_000,
    })
    agents.push(agent)
    await agent.start()
    return agent
  }
  for (const name of options.hosts ?? ['h1']) await host(name)
  await neutron.settled()
  const call = testCaller(neutron.handle)
  const ask = async (token: string, method: string, path: string, body?: unknown) =>
    call(method, `/v2.0${path}`, { token, ...(body === undefined ? {} : { body }) })
  return {
    neutron,
    database,
    host,
    call,
    async ok(token, method, path, body) {
      const answer = await ask(token, method, path, body)
      if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.json)}`)
      const json = answer.json as unknown as Record<string, Thing> | null
      const [only, ...more] = Object.values(json ?? {})
      return more.length === 0 && only !== undefined && !Array.isArray(only) && typeof only === 'object'
        ? only
        : (json as unknown as Thing)
    },
    async list(token, path) {
      const answer = await ask(token, 'GET', path)
      if (answer.status !== 200) throw new Error(`GET ${path}: ${answer.status} ${JSON.stringify(answer.json)}`)
      return Object.values(answer.json as unknown as Record<string, Thing[]>)[0] ?? []
    },
    async refused(token, method, path, body) {
      const answer = await ask(token, method, path, body)
      const error = (answer.json as unknown as { NeutronError?: { type: string; message: string } } | null)
        ?.NeutronError
      if (answer.status < 400 || error === undefined)
        throw new Error(`${method} ${path} was not refused: ${answer.status} ${JSON.stringify(answer.json)}`)
      return [answer.status, error.type, error.message]
    },
    async [Symbol.asyncDispose]() {
      for (const agent of agents) await agent.stop()
      await neutron.stop()
      await bus.close()
      await database.close()
    },
  }
}
