// Derived from the tables: every filter and every sort key of every noun answers, and no list reads more than its page.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AnyResource } from '#kernel/contract/resource.ts'
import { addressGroup } from '#services/neutron/contract/address-groups.ts'
import { addressScope } from '#services/neutron/contract/address-scopes.ts'
import { agent } from '#services/neutron/contract/agents.ts'
import { allExtensions } from '#services/neutron/contract/extensions-more.ts'
import { defaultRule, statefulness } from '#services/neutron/contract/default-groups.ts'
import { meteringLabel, meteringLabelRule } from '#services/neutron/contract/metering.ts'
import { segment, segmentRange } from '#services/neutron/contract/segments.ts'
import { flavor, serviceProfile } from '#services/neutron/contract/service-flavors.ts'
import { network } from '#services/neutron/contract/networks.ts'
import { port } from '#services/neutron/contract/ports.ts'
import { floatingip, router } from '#services/neutron/contract/routers.ts'
import { rbacPolicy } from '#services/neutron/contract/rbac-policies.ts'
import { securityGroup, securityGroupRule } from '#services/neutron/contract/security-groups.ts'
import { subnetPool } from '#services/neutron/contract/subnet-pools.ts'
import { subnet } from '#services/neutron/contract/subnets.ts'
import { neutronForTests } from '#services/neutron/test-neutron.ts'

const NOUNS: readonly (readonly [path: string, of: AnyResource])[] = [
  ['networks', network],
  ['subnets', subnet],
  ['subnetpools', subnetPool],
  ['ports', port],
  ['routers', router],
  ['floatingips', floatingip],
  ['security-groups', securityGroup],
  ['security-group-rules', securityGroupRule],
  ['agents', agent],
  ['metering/metering-labels', meteringLabel],
  ['metering/metering-label-rules', meteringLabelRule],
  ['flavors', flavor],
  ['service_profiles', serviceProfile],
  ['default-security-group-rules', defaultRule],
  ['security-groups-default-statefulness', statefulness],
  ['segments', segment],
  ['network_segment_ranges', segmentRange],
  ['rbac-policies', rbacPolicy],
  ['address-scopes', addressScope],
  ['address-groups', addressGroup],
]
const sample = (of: AnyResource, key: string): string => {
  const schema = of.rows[key]?.shape.schema(0) ?? {}
  if (Array.isArray(schema['enum']) && schema['enum'].includes(true)) return 'True'
  return /integer|number/.test(String(schema['type'])) ? '4' : key === 'changed_since' ? '2020-01-01T00:00:00Z' : 'x'
}

test('every filter and every sort key of every noun', async () => {
  await using neutron = await neutronForTests()
  for (const token of ['member@p1', 'admin@admin'])
    for (const [path, of] of NOUNS) {
      for (const key of of.filters)
        await neutron.list(token, `/${path}?${encodeURIComponent(key)}=${encodeURIComponent(sample(of, key))}`)
      for (const key of of.sorts)
        for (const direction of ['asc', 'desc'])
          await neutron.list(token, `/${path}?limit=3&sort_key=${encodeURIComponent(key)}&sort_dir=${direction}`)
    }
})

test('every row’s extension is announced', () => {
  const known = new Set(allExtensions.map(extension => extension.alias))
  for (const [, of] of NOUNS)
    for (const [key, row] of Object.entries(of.rows))
      if (row.extension !== null) assert.ok(known.has(row.extension), `${of.name}.${key}: ${row.extension}`)
})

test('extensions, versions, core nouns', async () => {
  await using neutron = await neutronForTests()
  const listed = await neutron.list('reader@p1', '/extensions')
  assert.equal(listed.length, allExtensions.length)
  assert.equal((await neutron.ok('reader@p1', 'GET', '/extensions/router'))['alias'], 'router')
  assert.deepEqual(await neutron.refused('reader@p1', 'GET', '/extensions/dvr'), [
    404,
    'HTTPNotFound',
    'Extension with alias dvr does not exist',
  ])
  const versions = (await neutron.call('GET', '/')).json as unknown as {
    versions: { id: string; links: { href: string }[] }[]
  }
  assert.deepEqual(
    [versions.versions[0]?.id, versions.versions[0]?.links[0]?.href],
    ['v2.0', 'http://127.0.0.1:8080/test/v2.0/'],
  )
  assert.equal((await neutron.call('GET', '/v2.0')).status, 401)
  assert.equal((await neutron.list('reader@p1', '/')).length, 3)
  assert.equal((await neutron.call('GET', '/v2.0/networks.json', { token: 'reader@p1' })).status, 200)
})

test('what is not built is an extension that is absent', async () => {
  await using neutron = await neutronForTests()
  for (const path of ['/ndp_proxies', '/local_ips', '/vpn/vpnservices', '/bgp-speakers', '/lbaas/loadbalancers'])
    assert.deepEqual(await neutron.refused('admin@admin', 'GET', path), [
      404,
      'HTTPNotFound',
      'The resource could not be found.',
    ])
  assert.equal((await neutron.call('PATCH', '/v2.0/networks/x', { token: 'admin@admin', body: {} })).status, 405)
})
