import assert from 'node:assert/strict'
import { test } from 'node:test'

import { testPlacement } from '#services/placement/test-placement.ts'

test('errors in one shape, with a code from 1.23', async () => {
  const { call } = await testPlacement()
  const answer = await call('GET', '/nowhere', { at: '1.22' })
  assert.equal(answer.headers['content-type'], 'application/json')
  const [first = {}] = answer.data['errors'] as unknown as Record<string, unknown>[]
  const { request_id: requestId, ...error } = first
  assert.deepEqual(error, {
    status: 404,
    title: 'Not Found',
    detail: 'The resource could not be found.\n\n   ',
  })
  assert.match(String(requestId), /^req-/)
  assert.equal((await call('GET', '/nowhere', { at: '1.23' })).code, 'placement.undefined_code')
  const page = await call('GET', '/nowhere', { headers: { accept: 'text/html' } })
  assert.match(String(page.headers['content-type']), /text\/html/)
  assert.match(String(page.body), /<h1>404 Not Found<\/h1>/)
})

test('versions are asked for, repeated and refused', async () => {
  const { ok } = await testPlacement()
  const root = await ok(200, 'GET', '/', { token: null, at: 'latest' })
  assert.equal(root.headers['openstack-api-version'], 'placement 1.39')
  assert.equal(root.headers['vary'], 'openstack-api-version')
  assert.deepEqual(root.data['versions']?.['0'], {
    id: 'v1.0',
    max_version: '1.39',
    min_version: '1.0',
    status: 'CURRENT',
    links: [{ rel: 'self', href: '' }],
  })
  for (const at of ['0.5', '1.40', '2.0']) {
    const refused = await ok(406, 'GET', '/', { at })
    assert.match(refused.says, new RegExp(`Unacceptable version header: ${at}`))
    assert.equal(refused.headers['openstack-api-version'], undefined)
    const error = refused.data['errors']?.['0'] as unknown as Record<string, unknown>
    assert.deepEqual([error['min_version'], error['max_version']], ['1.0', '1.39'])
  }
  for (const at of ['pony.horse', '1.2.3', '1']) await ok(400, 'GET', '/', { at })
})

test('media types: 415, 406, 405 and 400, before anybody looks at policy', async () => {
  const { ok } = await testPlacement()
  const token = 'reader@p1'
  const body = '{"name": "x"}'
  const post = (status: number, headers: Record<string, string>) =>
    ok(status, 'POST', '/resource_providers', { token, body, headers })
  await post(415, { 'content-type': 'text/plain' })
  await post(415, { 'content-type': 'application/vnd.json' })
  await post(403, { 'content-type': 'application/json; charset=UTF-8' })
  assert.match((await post(400, { 'content-type': '', 'content-length': '13' })).says, /content-type header required/)
  const bare = await ok(415, 'PUT', '/resource_providers/x', { token })
  assert.match(bare.says, /The media type None is not supported, use application\/json/)
  const get = (status: number, accept: string) => ok(status, 'GET', '/resource_providers', { headers: { accept } })
  await get(200, '*/*')
  await get(200, 'text/html, application/*;q=0.1')
  await get(406, 'text/plain')
  await get(406, '*/*, application/json;q=0')
  const wrong = await ok(405, 'DELETE', '/resource_providers')
  assert.deepEqual(String(wrong.headers['allow']).split(', ').sort(), ['GET', 'POST'])
  await ok(405, 'HEAD', '/resource_providers')
})
