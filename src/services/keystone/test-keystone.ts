// For tests: an identity service in memory with its first data, a clock moved by hand, and callers that log in for real.
import { createFernet, memoryKeys } from '#host/node/fernet.ts'
import { createPasswords } from '#host/node/password.ts'
import { openSqlite } from '#host/node/sqlite.ts'
import { mergeConfig } from '#kernel/config/config.ts'
import { crossings, type Crossing } from '#kernel/crossing/crossing.ts'
import { migrate } from '#kernel/db/migrations.ts'
import type { HttpAnswer } from '#kernel/http/call.ts'
import { systemClock, type Clock } from '#kernel/lib/clock.ts'
import { randomIds } from '#kernel/lib/ids.ts'
import { keystoneConfig } from '#services/keystone/config.ts'
import { migrations } from '#services/keystone/db/migrations/list.ts'
import type { KeystoneTables } from '#services/keystone/db/tables.ts'
import { createKeystone, type Keystone } from '#services/keystone/service.ts'

export const ADMIN_PASSWORD = 'admin-password'
export const SERVICE_PASSWORD = 'service-password'
export const BASE = 'http://127.0.0.1:8080/identity'

export interface Answer extends HttpAnswer {
  readonly json: Record<string, unknown>
}
export interface Given {
  readonly token?: string
  readonly body?: unknown
  readonly headers?: Record<string, string>
  readonly base?: string
}
export type Scope = { project: string } | { projectId: string } | { domain: string } | 'system' | 'unscoped' | undefined
export interface TestKeystone {
  readonly keystone: Keystone
  readonly crossed: Crossing[]
  /** Errors that were reported: must stay empty. */
  readonly errors: unknown[]
  readonly clock: Clock & { move(ms: number): void }
  call(method: string, path: string, given?: Given): Promise<Answer>
  /** Logs in with a password; the answer as it came. Users of domain Default unless told. */
  logIn(user: string, password: string, scope?: Scope, domain?: string): Promise<Answer>
  /** A token's text. Throws when refused. */
  token(user: string, scope?: Scope, password?: string, domain?: string): Promise<string>
  admin(): Promise<string>
  /** The id of a thing by its name, asked as admin: `id('users', 'demo')`. */
  id(collection: string, name: string): Promise<string>
  close(): Promise<void>
}

const ENDPOINTS = [
  { service: 'keystone', type: 'identity', url: '$(front_door)s/identity' },
  { service: 'nova', type: 'compute', url: '$(front_door)s/compute/v2.1' },
  { service: 'cinder', type: 'volumev3', url: '$(front_door)s/volume/v3/$(project_id)s' },
]
export const wish = (change: { adminPassword?: string } = {}) => ({
  adminPassword: ADMIN_PASSWORD,
  servicePassword: SERVICE_PASSWORD,
  endpoints: ENDPOINTS,
  ...change,
})
export const auth = (user: string, password: string, scope?: Scope, domain = 'default'): object => ({
  auth: {
    identity: { methods: ['password'], password: { user: { name: user, domain: { id: domain }, password } } },
    ...(scope === undefined ? {} : { scope: scopeOf(scope, domain) }),
  },
})
export const scopeOf = (scope: Exclude<Scope, undefined>, domain = 'default'): unknown => {
  if (scope === 'unscoped') return 'unscoped'
  if (scope === 'system') return { system: { all: true } }
  if ('domain' in scope) return { domain: { id: scope.domain } }
  if ('projectId' in scope) return { project: { id: scope.projectId } }
  return { project: { name: scope.project, domain: { id: domain } } }
}

/** `settings`: options by their outside names, e.g. `{ lockout_failure_attempts: '2' }`. */
export async function testKeystone(
  settings: Readonly<Record<string, string>> = {},
  options: { policyOverrides?: Record<string, string>; withoutFirstData?: boolean } = {},
): Promise<TestKeystone> {
  const system = systemClock()
  let ahead = 0
  const clock = { ...system, now: () => system.now() + ahead, move: (ms: number) => void (ahead += ms) }
  const crossed: Crossing[] = []
  const errors: unknown[] = []
  const database = openSqlite<KeystoneTables>({ file: ':memory:', name: 'keystone', clock })
  await migrate(database, migrations, clock)
  const values = Object.entries(settings).map(([name, value]) => [`keystone.${name}`, value] as const)
  const keystone = createKeystone({
    database,
    clock,
    ids: randomIds(),
    cross: crossings([
      (crossing, next) => {
        crossed.push(crossing)
        return next()
      },
    ]),
    log: { info: () => undefined, warn: () => undefined, error: (_ctx, _says, error) => void errors.push(error) },
    settings: mergeConfig([keystoneConfig], [{ name: 'test', values }]).of(keystoneConfig),
    drivers: {
      passwords: createPasswords({ logN: 4 }),
      tokenSeal: createFernet(memoryKeys()),
      credentialSeal: createFernet(memoryKeys()),
    },
    ...(options.policyOverrides === undefined ? {} : { policyOverrides: options.policyOverrides }),
  })
  if (options.withoutFirstData !== true) await keystone.bootstrap(wish())
  await keystone.start()

  const call = async (method: string, path: string, given: Given = {}): Promise<Answer> => {
    const [pathname = '', query = ''] = path.split('?')
    const answer = await keystone.handle({
      method,
      path: pathname,
      query,
      base: given.base ?? BASE,
      from: 'client',
      headers: {
        ...(given.token === undefined ? {} : { 'x-auth-token': given.token }),
        ...(given.body === undefined ? {} : { 'content-type': 'application/json' }),
        ...given.headers,
      },
      body: given.body === undefined ? null : typeof given.body === 'string' ? given.body : JSON.stringify(given.body),
    })
    const isJson =
      typeof answer.body === 'string' && answer.body !== '' && /json/.test(answer.headers['content-type'] ?? '')
    return { ...answer, json: (isJson ? JSON.parse(answer.body as string) : null) as never }
  }
  const logIn: TestKeystone['logIn'] = (user, password, scope, domain) =>
    call('POST', '/v3/auth/tokens', { body: auth(user, password, scope, domain) })
  const token: TestKeystone['token'] = async (user, scope, password = ADMIN_PASSWORD, domain = 'default') => {
    const answer = await logIn(user, password, scope, domain)
    const text = answer.headers['x-subject-token']
    if (answer.status !== 201 || text === undefined) throw new Error(`${user} was refused: ${String(answer.body)}`)
    return text
  }
  let adminToken: string | null = null
  const admin = async (): Promise<string> => {
    if (
      adminToken !== null &&
      (await call('HEAD', '/v3/auth/tokens', { token: adminToken, headers: { 'x-subject-token': adminToken } }))
        .status === 200
    )
      return adminToken
    return (adminToken = await token('admin', { project: 'admin' }))
  }
  return {
    keystone,
    crossed,
    errors,
    clock,
    call,
    logIn,
    token,
    admin,
    async id(collection, name) {
      const answer = await call('GET', `/v3/${collection}?name=${encodeURIComponent(name)}`, { token: await admin() })
      const found = (answer.json[collection] as { id: string }[])[0]
      if (found === undefined) throw new Error(`no ${name} in ${collection}`)
      return found.id
    },
    async close() {
      await keystone.stop()
      await database.close()
    },
  }
}
