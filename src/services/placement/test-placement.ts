// For tests: a placement service in memory, a clock moved by hand, and callers that are short to write.
import assert from 'node:assert/strict'

import { openSqlite } from '#host/node/sqlite.ts'
import { mergeConfig } from '#kernel/config/config.ts'
import { crossings } from '#kernel/crossing/crossing.ts'
import type { Database } from '#kernel/db/database.ts'
import { migrate } from '#kernel/db/migrations.ts'
import { testAuthenticate, testCaller, type TestAnswer } from '#kernel/http/test-caller.ts'
import { randomIds } from '#kernel/lib/ids.ts'
import { virtualClock, type VirtualClock } from '#kernel/lib/virtual-clock.ts'
import { placementConfig } from '#services/placement/config.ts'
import { migrations } from '#services/placement/db/migrations/list.ts'
import type { PlacementTables } from '#services/placement/db/tables.ts'
import { createPlacement, type Placement, type PlacementTools } from '#services/placement/service.ts'

export const NEWEST = '1.39'
export const ADMIN = 'admin@p1'

export interface Given {
  /** Default: {@link ADMIN}. Null: none. */
  readonly token?: string | null
  readonly body?: unknown
  /** Default: {@link NEWEST}. */
  readonly at?: string
  readonly headers?: Record<string, string>
}
/** An answer with its JSON, to be looked into. */
export interface Answer extends TestAnswer {
  readonly data: Data
  /** The sentence of the first error. */
  readonly says: string
  readonly code: string | undefined
}
export interface Data {
  readonly [key: string]: Data
}
export interface TestPlacement {
  readonly placement: Placement
  readonly database: Database<PlacementTables>
  readonly clock: VirtualClock
  /** Statements that were prepared. */
  readonly statements: ReadonlySet<string>
  readonly newId: () => string
  call(method: string, path: string, given?: Given): Promise<Answer>
  /** The same, and the status must be this. */
  ok(status: number, method: string, path: string, given?: Given): Promise<Answer>
  /** Makes a provider and says its id. */
  provider(
    name: string,
    more?: { parent?: string; inventories?: Record<string, Figures>; traits?: string[]; aggregates?: string[] },
  ): Promise<string>
  generation(providerId: string): Promise<number>
  /** Errors of ours that were reported must be none; the ledgers must agree. */
  sound(): Promise<void>
}
export type Figures = number | Readonly<Record<string, number>>

/** An inventory of so much, or with more figures. */
const inventory = (of: Figures): Record<string, number> =>
  typeof of === 'number' ? { total: of, max_unit: of } : { max_unit: of['total'] ?? 1, ...of }

export async function testPlacement(
  change: Omit<Partial<PlacementTools>, 'settings'> & { settings?: Partial<PlacementTools['settings']> } = {},
): Promise<TestPlacement> {
  const clock = virtualClock()
  const ids = randomIds()
  const statements = new Set<string>()
  const errors: unknown[] = []
  const database = openSqlite<PlacementTables>({
    file: ':memory:',
    name: 'placement',
    clock,
    onStatement: sql => void statements.add(sql),
  })
  await migrate(database, migrations, clock)
  const placement = createPlacement({
    database,
    clock,
    ids,
    cross: crossings([]),
    authenticate: testAuthenticate,
    log: { info: () => undefined, warn: () => undefined, error: (_ctx, says, error) => void errors.push(says, error) },
    ...change,
    settings: { ...mergeConfig([placementConfig], []).of(placementConfig), ...change.settings },
  })
  const caller = testCaller(placement.handle, 'placement')
  const call: TestPlacement['call'] = async (method, path, given = {}) => {
    const { token = ADMIN, body, at = NEWEST, headers } = given
    const answer = await caller(method, path, {
      at,
      ...(token === null ? {} : { token }),
      ...(body === undefined ? {} : { body }),
      ...(headers === undefined ? {} : { headers }),
    })
    const json = answer.json as { errors?: { detail: string; code?: string }[] } | null
    const first = json?.errors?.[0]
    return { ...answer, data: answer.json as Data, says: first?.detail ?? '', code: first?.code }
  }
  const ok: TestPlacement['ok'] = async (status, method, path, given) => {
    const answer = await call(method, path, given)
    assert.equal(answer.status, status, `${method} ${path}: ${String(answer.body)}`)
    return answer
  }
  const generation = async (id: string): Promise<number> =>
    Number((await ok(200, 'GET', `/resource_providers/${id}`)).data['generation'])
  return {
    placement,
    database,
    clock,
    statements,
    newId: () => ids.uuid(),
    call,
    ok,
    generation,
    async provider(name, more = {}) {
      const body = { name, ...(more.parent === undefined ? {} : { parent_provider_uuid: more.parent }) }
      await clock.advance(1000) // lists are in order of age
      const id = String((await ok(200, 'POST', '/resource_providers', { body })).data['uuid'])
      const path = `/resource_providers/${id}`
      const inventories = Object.entries(more.inventories ?? {})
      if (inventories.length > 0)
        await ok(200, 'PUT', `${path}/inventories`, {
          body: {
            resource_provider_generation: await generation(id),
            inventories: Object.fromEntries(inventories.map(([name, of]) => [name, inventory(of)])),
          },
        })
      for (const trait of more.traits ?? []) if (trait.startsWith('CUSTOM_')) await call('PUT', `/traits/${trait}`)
      if (more.traits !== undefined)
        await ok(200, 'PUT', `${path}/traits`, {
          body: { resource_provider_generation: await generation(id), traits: more.traits },
        })
      if (more.aggregates !== undefined)
        await ok(200, 'PUT', `${path}/aggregates`, {
          body: { resource_provider_generation: await generation(id), aggregates: more.aggregates },
        })
      return id
    },
    async sound() {
      assert.deepEqual(errors, [])
      assert.deepEqual(await placement.audit(), [])
      assert.deepEqual(await database.check(), [])
    },
  }
}
