import assert from 'node:assert/strict'
import { test } from 'node:test'

import { testGlance } from '#services/glance/service-for-tests.ts'

const NS = '/v2/metadefs/namespaces'
const property = { title: 'Cores', type: 'integer', minimum: 1 }
const whole = {
  namespace: 'My::Space',
  display_name: 'Mine',
  visibility: 'public',
  resource_type_associations: [{ name: 'OS::Nova::Flavor', prefix: 'hw_' }],
  properties: { cores: property },
  objects: [{ name: 'Box', required: ['a'], properties: { a: { title: 'A', type: 'string', junk: 1 } } }],
  tags: [{ name: 'red' }, { name: 'blue' }],
}

test('a namespace with all that is in it: create, show, prefix, replace, delete', async () => {
  const { call, close } = await testGlance()
  const made = await call('POST', NS, { body: whole })
  assert.equal(made.status, 201)
  assert.equal(made.headers['location'], `${NS}/My::Space`)
  const shown = await call('GET', `${NS}/My::Space`, { token: 'reader@p2' })
  assert.equal(shown.status, 200)
  const data = shown.data as never as Record<string, never>
  assert.deepEqual(data['properties'], { cores: { title: 'Cores', type: 'integer', minimum: 1 } })
  assert.deepEqual(data['tags'], [{ name: 'blue' }, { name: 'red' }])
  assert.equal(shown.data['protected'] as never, false)
  assert.equal(shown.data['description'], undefined)
  assert.deepEqual((shown.data['objects'] as never as { properties: object }[])[0]?.properties, {
    a: { title: 'A', type: 'string' },
  })
  const prefixed = await call('GET', `${NS}/My::Space?resource_type=OS::Nova::Flavor`)
  assert.deepEqual(Object.keys(prefixed.data['properties'] as object), ['hw_cores'])
  assert.deepEqual((prefixed.data['objects'] as never as { required: string[] }[])[0]?.required, ['hw_a'])
  const one = await call('GET', `${NS}/My::Space/properties/hw_cores?resource_type=OS::Nova::Flavor`)
  assert.equal(one.data['name'] as never, 'cores')
  assert.equal((await call('GET', `${NS}/My::Space/properties/cores?resource_type=OS::Nova::Flavor`)).status, 404)

  const renamed = await call('PUT', `${NS}/My::Space`, { body: { namespace: 'Other', protected: true } })
  assert.equal(renamed.data['visibility'] as never, 'private')
  assert.equal(renamed.data['display_name'], undefined)
  assert.equal((await call('GET', `${NS}/Other/objects/Box`)).status, 200)
  for (const path of ['', '/objects', '/tags', '/properties', '/objects/Box', '/tags/red', '/properties/cores'])
    assert.equal((await call('DELETE', `${NS}/Other${path}`)).status, 403, path)
  await call('PUT', `${NS}/Other`, { body: { namespace: 'Other' } })
  for (const path of ['/objects/Box', '/tags', '/properties', '/resource_types/OS::Nova::Flavor', ''])
    assert.equal((await call('DELETE', `${NS}/Other${path}`)).status, 204, path)
  assert.equal((await call('GET', `${NS}/Other`)).status, 404)
  await close()
})

test('objects, properties, tags and associations have their verbs', async () => {
  const { call, close } = await testGlance()
  await call('POST', NS, { body: { namespace: 'n' } })
  const object = await call('POST', `${NS}/n/objects`, { body: { name: 'o', properties: { p: property } } })
  assert.equal(object.status, 201)
  assert.equal(object.data['self'] as never, `${NS}/n/objects/o`)
  assert.equal((await call('POST', `${NS}/n/objects`, { body: { name: 'o' } })).status, 409)
  assert.equal((await call('PUT', `${NS}/n/objects/o`, { body: { name: 'o2', description: 'd' } })).status, 200)
  assert.equal((await call('GET', `${NS}/n/objects`)).data['schema'] as never, 'v2/schemas/metadefs/objects')
  const made = await call('POST', `${NS}/n/properties`, { body: { name: 'p', ...property } })
  assert.deepEqual([made.status, made.data], [201, { name: 'p', ...property }])
  assert.equal((await call('PUT', `${NS}/n/properties/p`, { body: { name: 'q', ...property } })).status, 200)
  assert.deepEqual((await call('GET', `${NS}/n/properties`)).data, { properties: { q: property } })
  assert.equal((await call('POST', `${NS}/n/tags/one`)).status, 201)
  assert.equal((await call('POST', `${NS}/n/tags/one`)).status, 409)
  assert.equal((await call('PUT', `${NS}/n/tags/one`, { body: { name: 'uno' } })).data['name'] as never, 'uno')
  const set = await call('POST', `${NS}/n/tags`, { body: { tags: [{ name: 'a' }, { name: 'b' }] } })
  assert.deepEqual([set.status, set.data], [201, { tags: [{ name: 'a' }, { name: 'b' }] }])
  const more = { body: { tags: [{ name: 'c' }] }, headers: { 'x-openstack-append': 'True' } }
  assert.equal((await call('POST', `${NS}/n/tags`, more)).status, 201)
  const page = await call('GET', `${NS}/n/tags?sort_key=name&sort_dir=asc&limit=2`)
  assert.deepEqual(page.data, { tags: [{ name: 'a' }, { name: 'b' }] })
  const rest = await call('GET', `${NS}/n/tags?sort_key=name&sort_dir=asc&limit=2&marker=b`)
  assert.deepEqual(rest.data, { tags: [{ name: 'c' }] })
  assert.equal((await call('POST', `${NS}/n/tags`, { body: { tags: [{ name: 'x' }, { name: 'x' }] } })).status, 409)
  assert.equal(((await call('GET', `${NS}/n/tags`)).data['tags'] as never as object[]).length, 3)
  const type = await call('POST', `${NS}/n/resource_types`, { body: { name: 'My::Type', prefix: 'x_' } })
  assert.equal(type.status, 201)
  const types = (await call('GET', '/v2/metadefs/resource_types')).data['resource_types'] as never as { name: string }[]
  assert.ok(types.some(one => one.name === 'My::Type') && types.some(one => one.name === 'OS::Nova::Server'))
  assert.equal((await call('DELETE', `${NS}/n/resource_types/My::Type`)).status, 204)
  assert.equal((await call('DELETE', `${NS}/n/resource_types/My::Type`)).status, 404)
  await close()
})

test('private namespaces of others are not there, and only administrators change', async () => {
  const { call, close } = await testGlance()
  for (const [namespace, visibility] of [
    ['open', 'public'],
    ['shut', 'private'],
  ])
    await call('POST', NS, { body: { namespace, visibility } })
  const stranger = { token: 'member@p2' }
  const names = async (token: string, query = ''): Promise<string[]> =>
    ((await call('GET', NS + query, { token })).data['namespaces'] as never as { namespace: string }[]).map(
      one => one.namespace,
    )
  assert.deepEqual(await names('member@p2'), ['open'])
  assert.deepEqual((await names('reader@p1')).sort(), ['open', 'shut'])
  assert.deepEqual(await names('reader@p1', '?visibility=private'), ['shut'])
  for (const path of ['', '/objects', '/tags', '/properties', '/resource_types', '/objects/x', '/tags/x']) {
    const foreign = await call('GET', `${NS}/shut${path}`, stranger)
    const none = await call('GET', `${NS}/gone${path}`, stranger)
    assert.equal(foreign.status, 404)
    assert.equal(String(foreign.body).replaceAll('shut', 'gone'), none.body)
  }
  assert.equal((await call('DELETE', `${NS}/shut`, stranger)).status, 404)
  assert.equal((await call('DELETE', `${NS}/open`, stranger)).status, 403)
  assert.equal((await call('POST', `${NS}/open/tags/t`, stranger)).status, 403)
  assert.equal((await call('POST', NS, { ...stranger, body: { namespace: 'x' } })).status, 403)
  assert.equal((await call('POST', NS, { body: { namespace: 'open' } })).status, 409)
  await close()
})

test('pages of namespaces, and what makes no sense', async () => {
  const { call, close } = await testGlance()
  for (const namespace of ['a', 'b', 'c'])
    await call('POST', NS, { body: { namespace, resource_type_associations: [{ name: `T::${namespace}` }] } })
  const first = await call('GET', `${NS}?limit=2&sort_key=namespace&sort_dir=asc`)
  assert.match(String(first.data['next']), /marker=b/)
  const next = await call('GET', String(first.data['next']))
  assert.deepEqual(
    (next.data['namespaces'] as never as { namespace: string }[]).map(one => one.namespace),
    ['c'],
  )
  const typed = await call('GET', `${NS}?resource_types=T::a,T::c&sort_key=namespace&sort_dir=asc`)
  assert.equal((typed.data['namespaces'] as never as object[]).length, 2)
  for (const query of ['limit=x', 'limit=-1', 'sort_dir=up', 'sort_key=nonsense', 'visibility=odd'])
    assert.equal((await call('GET', `${NS}?${query}`)).status, 400, query)
  assert.equal((await call('GET', `${NS}?marker=nobody`)).status, 404)
  const bad: [string, string, unknown, number][] = [
    ['POST', NS, {}, 400],
    ['POST', NS, { namespace: 'x'.repeat(81) }, 400],
    ['POST', NS, { namespace: 'x', extra: 1 }, 400],
    ['POST', NS, { namespace: 'x', visibility: 'shared' }, 400],
    ['POST', NS, { namespace: 'x', protected: 'yes' }, 400],
    ['POST', NS, { namespace: 'x', created_at: 'now' }, 403],
    ['POST', NS, { namespace: 'x\u0000' }, 400],
    ['POST', NS, { namespace: 'x', properties: { p: { type: 'string' } } }, 400],
    ['POST', NS, { namespace: 'x', properties: { p: { title: 'P', type: 'odd' } } }, 400],
    ['POST', NS, { namespace: 'x', objects: [{ description: 'no name' }] }, 400],
    ['POST', NS, { namespace: 'x', tags: [{ name: 't' }, { name: 't' }] }, 409],
    ['POST', `${NS}/a/objects`, { name: 'x'.repeat(81) }, 400],
    ['POST', `${NS}/a/properties`, { name: 'p', type: 'string' }, 400],
    ['POST', `${NS}/a/tags/${'t'.repeat(81)}`, undefined, 400],
    ['PUT', `${NS}/a/tags/none`, { name: 't' }, 404],
    ['PUT', `${NS}/a`, { namespace: 'b' }, 409],
  ]
  for (const [method, path, body, status] of bad) {
    const answer = await call(method, path, body === undefined ? {} : { body })
    assert.equal(answer.status, status, `${method} ${path} ${JSON.stringify(body)}: ${String(answer.body)}`)
  }
  assert.match(String((await call('POST', NS, { body: {} })).data['message']), /schema 'namespace'/)
  // A refused namespace leaves nothing.
  assert.equal((await call('GET', `${NS}/x`)).status, 404)
  for (const noun of ['namespace', 'object', 'property', 'tag', 'resource_type'])
    assert.equal((await call('GET', `/v2/schemas/metadefs/${noun}`)).status, 200)
  await close()
})
