// For tests: Neutron on a database in memory, asked as `roles@project`.
import { openSqlite } from '#host/node/sqlite.ts'
import { mergeConfig } from '#kernel/config/config.ts'
import { crossings } from '#kernel/crossing/crossing.ts'
import type { Database } from '#kernel/db/database.ts'
import { migrate } from '#kernel/db/migrations.ts'
import { testAuthenticate, testCaller, type TestCaller } from '#kernel/http/test-caller.ts'
import { systemClock } from '#kernel/lib/clock.ts'
import { randomIds } from '#kernel/lib/ids.ts'
import type { Log } from '#kernel/lib/log.ts'
import { neutronConfig } from '#services/neutron/config.ts'
import { migrations } from '#services/neutron/db/migrations.ts'
import type { NeutronTables } from '#services/neutron/db/tables.ts'
import { createNeutron, type Neutron } from '#services/neutron/service.ts'

export interface TestNeutron extends AsyncDisposable {
  readonly neutron: Neutron
  readonly call: TestCaller
  readonly database: Database<NeutronTables>
}

const loud: Log = {
  info: () => undefined,
  warn: () => undefined,
  error: (_ctx, says, error) => {
    throw new Error(says, { cause: error })
  },
}

export async function neutronForTests(
  options: { readonly set?: Readonly<Record<string, string>> } = {},
): Promise<TestNeutron> {
  const clock = systemClock()
  const database = openSqlite<NeutronTables>({ file: ':memory:', name: 'neutron', clock })
  await migrate(database, migrations, clock)
  const settings = mergeConfig([neutronConfig], [{ name: 'test', values: Object.entries(options.set ?? {}) }]).of(
    neutronConfig,
  )
  const neutron = createNeutron({
    database,
    clock,
    ids: randomIds(),
    cross: crossings([]),
    log: loud,
    authenticate: testAuthenticate,
    settings,
  })
  return {
    neutron,
    database,
    call: testCaller(neutron.handle),
    [Symbol.asyncDispose]: () => database.close(),
  }
}
