import assert from 'node:assert/strict'
import { test } from 'node:test'

import { faultTable } from '#kernel/contract/fault.ts'
import { action, get, post } from '#kernel/contract/route.ts'
import { ruleTable } from '#kernel/contract/rule.ts'
import { may, must, object } from '#kernel/contract/shape.ts'
import { int, intLike, list, name, text } from '#kernel/contract/shapes.ts'
import { versionList } from '#kernel/contract/version.ts'
import { crossings, type Crossing } from '#kernel/crossing/crossing.ts'
import type { HttpAnswer } from '#kernel/http/call.ts'
import { client, inProcess, RemoteFault } from '#kernel/http/client.ts'
import { dialect } from '#kernel/http/dialect.ts'
import { handlers } from '#kernel/http/handlers.ts'
import { createPipeline } from '#kernel/http/pipeline.ts'
import { byVersion, needs, presenter } from '#kernel/http/presenter.ts'
import type { ServiceDefinition } from '#kernel/http/service.ts'
import type { Who } from '#kernel/lib/context.ts'
import { randomIds } from '#kernel/lib/ids.ts'
import { createEnforcer } from '#kernel/policy/enforcer.ts'

const rules = ruleTable(['project'], {
  read: ['widget:read', 'role:reader and project_id:%(project_id)s', 'See widgets'],
  write: ['widget:write', 'role:member and project_id:%(project_id)s', 'Make widgets'],
  secret: ['widget:secret', 'role:admin', 'See the secret of a widget'],
})
const faults = faultTable({ WidgetNotFound: [404, 'Widget {id} could not be found.'] })

const Widget = object({
  id: must(text()),
  name: must(name()),
  size: must(int()),
  maker: must(text()),
  colour: may(text()).since('2.3'),
  secret: may(text()).seenBy(rules.secret),
  old: may(text()).until('2.2'),
})
const CreateWidget = object({
  widget: must(
    object({
      name: must(name()),
      size: may(intLike({ min: 1, max: 10 })).otherwise(1),
      colour: may(text()).since('2.3'),
      nets: may(list(text())).becomesRequired('2.4', { otherwise: [] }),
    }),
  ),
})
const widgets = {
  list: get('/v2/widgets', {
    policy: rules.read,
    query: object({ limit: may(intLike({ min: 0 })) }, { extra: true }),
    reply: object({ widgets: must(list(Widget)) }),
  }),
  show: get('/v2/widgets/{id}', { policy: rules.read, faults: [faults.WidgetNotFound] }),
  create: post('/v2/widgets', { policy: rules.write, body: CreateWidget, status: { '2.1': 200, '2.2': 201 } }),
  paint: action('/v2/widgets/{id}/action', 'paint', { policy: rules.write, body: object({ colour: must(text()) }) }),
  version: get('/', { policy: 'public', status: 300 }),
}
interface Entity {
  id: string
  name: string
  sizeMm: number
  projectId: string
}

const who = (roles: string[]): Who => ({
  userId: 'u',
  userName: 'alice',
  userDomainId: 'default',
  userDomainName: 'Default',
  projectId: 'p',
  projectName: 'demo',
  projectDomainId: 'default',
  projectDomainName: 'Default',
  domainId: null,
  system: false,
  roles,
  token: 't',
  expiresAt: 0,
  auditIds: ['a'],
  methods: ['password'],
})

function makeService(): {
  handle: (
    method: string,
    path: string,
    options?: { token?: string; version?: string; body?: unknown },
  ) => Promise<HttpAnswer & { json: Record<string, never> }>
  seen: Crossing[]
  loads: () => number
  raw: ReturnType<typeof createPipeline>
} {
  const seen: Crossing[] = []
  let loads = 0
  const present = presenter<Entity, { makers: Map<string, string> }>()(
    Widget,
    {
      id: w => w.id,
      name: w => w.name,
      size: w => w.sizeMm,
      maker: needs(['makers'], (w, { makers }) => makers.get(w.id) ?? '?'),
      colour: () => 'red',
      secret: () => 'hidden',
      old: byVersion({ '2.1': () => 'first', '2.2': () => 'second' }),
    },
    { loaders: { makers: async (_ctx, all) => (loads++, new Map(all.map(w => [w.id, 'acme']))) } },
  )
  const bodies: unknown[] = []
  const table = handlers(widgets, {
    list: async call => ({
      widgets: await call.list(
        present,
        [1, 2, 3].map(n => ({ id: `w${n}`, name: 'n', sizeMm: n, projectId: 'p' })),
      ),
      limit: call.query.limit,
    }),
    show: async call => {
      if (call.params.id !== 'w1') throw faults.WidgetNotFound({ id: call.params.id })
      return { widget: await call.show(present, { id: 'w1', name: 'n', sizeMm: 1, projectId: 'p' }) }
    },
    create: call => (bodies.push(call.body), { made: call.body.widget }),
    paint: call => ({ painted: call.body.colour }),
    version: () => ({ versions: [] }),
  })
  const service: ServiceDefinition = {
    name: 'widgets',
    actor: 'widget-api',
    types: ['widget'],
    prefix: '/widget',
    catalogPath: '/v2',
    classicPort: null,
    versions: versionList('widget', '2.1', '2.4', {
      '2.2': 'create answers 201',
      '2.3': 'colour',
      '2.4': 'nets is required',
    }),
    dialect: dialect({ envelope: fault => ({ error: { code: fault.status, message: fault.message } }) }),
    rules: Object.values(rules),
    baseRules: {},
    surface: ['DELETE /v2/widgets/{id}', 'POST /v2/widgets/{id}/action explode'],
  }
  const raw = createPipeline(service, [table], {
    authenticate: async (_ctx, token) => (token === 'none' ? null : who(token.split(','))),
    policy: createEnforcer(service.rules, {}),
    cross: crossings([(c, next) => (seen.push(c), next())]),
    ids: randomIds(),
    report: (_ctx, error) => {
      throw error
    },
  })
  return {
    raw,
    seen,
    loads: () => loads,
    handle: async (method, path, options = {}) => {
      const [pathname = '', query = ''] = path.split('?')
      const answer = await raw({
        method,
        path: pathname,
        query,
        base: 'http://h/widget',
        from: 'client',
        headers: {
          ...(options.token === undefined ? {} : { 'x-auth-token': options.token }),
          ...(options.version === undefined ? {} : { 'openstack-api-version': `widget ${options.version}` }),
          'content-type': 'application/json',
        },
        body:
          options.body === undefined
            ? null
            : typeof options.body === 'string'
              ? options.body
              : JSON.stringify(options.body),
      })
      return {
        ...answer,
        json: typeof answer.body === 'string' && answer.body.startsWith('{') ? JSON.parse(answer.body) : {},
      }
    },
  }
}
const member = 'member,reader'

test('the order: token, version, route, policy, body, handler', async () => {
  const { handle, seen } = makeService()
  assert.equal((await handle('GET', '/v2/widgets')).status, 401)
  assert.equal((await handle('GET', '/nothing')).status, 401)
  assert.equal((await handle('GET', '/nothing', { token: member })).status, 404)
  assert.equal((await handle('GET', '/')).status, 300)
  assert.equal((await handle('GET', '/v2/widgets', { token: member, version: '2.9' })).status, 406)
  assert.equal((await handle('GET', '/v2/widgets', { token: member, version: '2.x' })).status, 400)
  assert.equal((await handle('POST', '/v2/widgets', { token: 'reader', body: 'not json' })).status, 403)
  assert.equal((await handle('PUT', '/v2/widgets', { token: member })).status, 405)
  assert.equal((await handle('DELETE', '/v2/widgets/w1', { token: member })).status, 501)
  assert.equal((await handle('POST', '/v2/widgets/w1/action', { token: member, body: { explode: null } })).status, 501)
  assert.equal((await handle('POST', '/v2/widgets/w1/action', { token: member, body: { other: null } })).status, 400)
  const painted = await handle('POST', '/v2/widgets/w1/action', { token: member, body: { paint: { colour: 'blue' } } })
  assert.deepEqual([painted.status, painted.json], [202, { painted: 'blue' }])
  assert.equal(seen[0]?.name, 'GET /v2/widgets')
})

test('fields come, go and change with versions; loaders run once; secrets need the rule', async () => {
  const { handle, loads } = makeService()
  const first = await handle('GET', '/v2/widgets/w1', { token: member })
  assert.deepEqual(first.json, { widget: { id: 'w1', name: 'n', size: 1, maker: 'acme', old: 'first' } })
  assert.equal(first.headers['openstack-api-version'], 'widget 2.1')
  assert.match(String(first.headers['vary']), /OpenStack-API-Version/)
  const later = await handle('GET', '/v2/widgets/w1', { token: 'admin,member,reader', version: 'latest' })
  assert.deepEqual(later.json, {
    widget: { id: 'w1', name: 'n', size: 1, maker: 'acme', colour: 'red', secret: 'hidden' },
  })
  const before = loads()
  await handle('GET', '/v2/widgets?limit=3&unknown=x', { token: member })
  assert.equal(loads(), before + 1)
})

test('bodies are checked at their version and raised to the newest meaning', async () => {
  const { handle } = makeService()
  const ok = await handle('POST', '/v2/widgets', { token: member, body: { widget: { name: 'x', size: '3' } } })
  assert.deepEqual([ok.status, ok.json], [200, { made: { name: 'x', size: 3, nets: [] } }])
  assert.equal(
    (await handle('POST', '/v2/widgets', { token: member, version: '2.2', body: { widget: { name: 'x' } } })).status,
    201,
  )
  const bad = async (body: unknown, version = '2.1'): Promise<string> => {
    const answer = await handle('POST', '/v2/widgets', { token: member, version, body })
    assert.equal(answer.status, 400, JSON.stringify(answer.json))
    return (answer.json as unknown as { error: { message: string } }).error.message
  }
  assert.match(
    await bad({ widget: { name: 'x', colour: 'red' } }),
    /Additional properties are not allowed \('colour' was unexpected\)/,
  )
  assert.match(await bad({ widget: { name: 'x' } }, '2.4'), /'nets' is a required property/)
  assert.match(await bad({ widget: { name: 'x', size: 11 } }), /11 is greater than the maximum of 10/)
  assert.match(await bad({ widget: { name: 'x', size: '99' } }), /greater than the maximum/)
  assert.match(await bad({ widget: { name: ' ' } }), /Invalid input for field\/attribute name/)
  assert.match(await bad({ widget: { name: 'a\0b' } }), /NUL/)
  assert.match(await bad('{"widget": {"name": "a", "size": 12345678901234567890}}'), /too large/)
  assert.match(await bad('{'.repeat(3)), /not JSON/)
  assert.match(await bad('[1]'), /is not of type 'object'/)
})

test('a neighbour calls by name and is refused in words', async () => {
  const { raw } = makeService()
  const widget = client(widgets, inProcess(raw, 'widget-api', 'http://h/widget'), 'widget')
  const ctx = {
    requestId: 'req-00000000-0000-4000-8000-000000000000',
    who: who(['member', 'reader']),
    actor: 'other-api',
    cross: crossings([]),
  }
  const asMember = { ...ctx, who: { ...who([]), token: member } }
  const reply = await widget.create(asMember, { body: { widget: { name: 'n', size: 2, nets: [] } }, at: '2.4' })
  assert.deepEqual(reply, { made: { name: 'n', size: 2, nets: [] } })
  await assert.rejects(
    widget.show(asMember, { params: { id: 'nope' } }),
    (error: unknown) =>
      error instanceof RemoteFault && error.status === 404 && error.message === 'Widget nope could not be found.',
  )
})
