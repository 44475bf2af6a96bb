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

export interface TestNeutron extends AsyncDisposable {
  readonly neutron: Neutron
  readonly call: TestCaller
  readonly database: Database<NeutronTables>
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
  return {
    neutron,
    database,
    host,
    call: testCaller(neutron.handle),
    async [Symbol.asyncDispose]() {
      for (const agent of agents) await agent.stop()
      await neutron.stop()
      await bus.close()
      await database.close()
    },
  }
}
