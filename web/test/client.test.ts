// The one door: what it sends, what it keeps, and when it signs out.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ApiError } from '#app/api/api-error.ts'
import { createClient, type Client } from '#app/api/client.ts'
import { createSessionStore, type Session, type SessionStore } from '#app/api/session.ts'

const SESSION: Session = {
  token: 'gAAAA-scoped',
  unscoped: 'gAAAA-unscoped',
  expiresAt: '2030-01-01T00:00:00Z',
  user: { id: 'u', name: 'demo', domain: 'Default' },
  project: { id: 'p', name: 'demo' },
  roles: ['member'],
}

function storage(): Storage {
  const kept = new Map<string, string>()
  return {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
    removeItem: (key: string) => void kept.delete(key),
  } as Storage
}

interface Made {
  readonly client: Client
  readonly session: SessionStore
  readonly sent: { url: string; headers: Record<string, string> }[]
}

function made(answer: () => Response): Made {
  const session = createSessionStore(storage())
  session.write(SESSION)
  const sent: Made['sent'] = []
  const client = createClient({
    session,
    now: () => 0,
    fetch: async (url, init) => {
      sent.push({ url, headers: init.headers as Record<string, string> })
      return answer()
    },
  })
  return { client, session, sent }
}

const json = (status: number, body: unknown, headers = {}): Response =>
  new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/json', ...headers } })

void test('a call goes to its service with token and microversion', async () => {
  const { client, sent } = made(() => json(200, { servers: [] }))
  await client.send({ service: 'compute', method: 'GET', path: '/servers/detail', query: { limit: '5' } })
  assert.equal(sent[0]?.url, '/compute/v2.1/servers/detail?limit=5')
  assert.equal(sent[0]?.headers['X-Auth-Token'], 'gAAAA-scoped')
  assert.match(sent[0]?.headers['OpenStack-API-Version'] ?? '', /^compute 2\.\d+$/)
})

void test('a refusal carries the service’s own words and the request id', async () => {
  const { client, session } = made(() =>
    json(403, { forbidden: { code: 403, message: 'Quota exceeded' } }, { 'x-openstack-request-id': 'req-1' }),
  )
  await assert.rejects(client.send({ service: 'compute', method: 'POST', path: '/servers', body: {} }), error => {
    assert.ok(error instanceof ApiError)
    assert.deepEqual([error.status, error.message, error.requestId], [403, 'Quota exceeded', 'req-1'])
    return true
  })
  assert.notEqual(session.read(), null)
})

void test('401 to the session’s token signs out; 401 to a password does not', async () => {
  const { client, session } = made(() => json(401, { error: { message: 'no' } }))
  await assert.rejects(client.send({ service: 'identity', method: 'POST', path: '/auth/tokens', token: null }))
  assert.notEqual(session.read(), null)
  await assert.rejects(client.send({ service: 'compute', method: 'GET', path: '/servers/detail' }))
  assert.equal(session.read(), null)
})

void test('what is remembered of a call holds no secret', async () => {
  const { client } = made(() => json(201, {}))
  const user = { name: 'demo', domain: { name: 'Default' }, password: 'opensesame' }
  const identity = { methods: ['password'], password: { user } }
  await client.send({
    service: 'identity',
    method: 'POST',
    path: '/auth/tokens',
    token: null,
    body: { auth: { identity } },
  })
  await client.send({
    service: 'identity',
    method: 'POST',
    path: '/auth/tokens',
    token: null,
    body: { auth: { identity: { methods: ['token'], token: { id: SESSION.unscoped } } } },
  })
  await client.send({
    service: 'identity',
    method: 'DELETE',
    path: '/auth/tokens',
    token: SESSION.token,
    subjectToken: SESSION.token,
  })
  assert.equal(client.history().length, 3)
  assert.doesNotMatch(JSON.stringify(client.history()), /opensesame|gAAAA/)
})

void test('a cloud that is away is an error of its own', async () => {
  const { client } = made(() => {
    throw new TypeError('Failed to fetch')
  })
  await assert.rejects(
    client.send({ service: 'image', method: 'GET', path: '/images' }),
    error => error instanceof ApiError && error.status === 0,
  )
})

void test('a kept session comes back, a spoilt one does not', () => {
  const kept = storage()
  createSessionStore(kept).write(SESSION)
  assert.deepEqual(createSessionStore(kept).read(), SESSION)
  kept.setItem('koto.session', '{"token":5}')
  assert.equal(createSessionStore(kept).read(), null)
  kept.setItem('koto.session', '{')
  assert.equal(createSessionStore(kept).read(), null)
})
