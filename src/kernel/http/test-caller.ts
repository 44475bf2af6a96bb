// For tests of a service's API without Keystone: tokens are `roles@project` and callers are short to write.
import type { Handle, HttpAnswer } from '#kernel/http/call.ts'
import type { Authenticate } from '#kernel/http/pipeline.ts'
import type { Who } from '#kernel/lib/context.ts'

const IMPLIED: Readonly<Record<string, readonly string[]>> = {
  admin: ['admin', 'manager', 'member', 'reader'],
  manager: ['manager', 'member', 'reader'],
  member: ['member', 'reader'],
}
/** `admin@p1`, `member@p1`, `reader@p2`, `service@service`, `admin@system`, `admin@domain:d1`. The user is `user-of-<token>`. */
export function testWho(token: string): Who {
  const [role = '', scope = ''] = token.split('@')
  const project = scope === 'system' || scope.startsWith('domain:') ? null : scope
  return {
    userId: `user-of-${token}`,
    userName: role,
    userDomainId: 'default',
    userDomainName: 'Default',
    projectId: project,
    projectName: project,
    projectDomainId: project === null ? null : 'default',
    projectDomainName: project === null ? null : 'Default',
    domainId: scope.startsWith('domain:') ? scope.slice(7) : null,
    system: scope === 'system',
    roles: role.split(',').flatMap(one => IMPLIED[one] ?? [one]),
    token,
    expiresAt: Number.MAX_SAFE_INTEGER,
    auditIds: ['audit'],
    methods: ['password'],
  }
}
/** Accepts any token with an `@` in it. */
export const testAuthenticate: Authenticate = async (_ctx, token) => (token.includes('@') ? testWho(token) : null)

export interface TestAnswer extends HttpAnswer {
  /** The body as JSON; null when there is none. */
  readonly json: never
}
export interface TestCaller {
  (
    method: string,
    path: string,
    given?: { token?: string; body?: unknown; at?: string; headers?: Record<string, string> },
  ): Promise<TestAnswer>
}
/** `const call = testCaller(handle, 'compute'); await call('GET', '/v2.1/servers?limit=1', { token: 'member@p1', at: '2.37' })`. */
export const testCaller =
  (handle: Handle, versionType?: string): TestCaller =>
  async (method, path, given = {}) => {
    const [pathname = '', query = ''] = path.split('?')
    const answer = await handle({
      method,
      path: pathname,
      query,
      base: 'http://127.0.0.1:8080/test',
      from: 'client',
      headers: {
        ...(given.token === undefined ? {} : { 'x-auth-token': given.token }),
        ...(given.at === undefined || versionType === undefined
          ? {}
          : { 'openstack-api-version': `${versionType} ${given.at}` }),
        ...(given.body === undefined ? {} : { 'content-type': 'application/json' }),
        ...given.headers,
      },
      body: given.body === undefined ? null : typeof given.body === 'string' ? given.body : JSON.stringify(given.body),
    })
    let json: unknown = null
    if (typeof answer.body === 'string' && /json/.test(answer.headers['content-type'] ?? ''))
      json = JSON.parse(answer.body)
    return { ...answer, json: json as never }
  }
