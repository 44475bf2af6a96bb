// Names of ports, networks and floating IPs.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { neutronForTests } from '#services/neutron/test-neutron.ts'

const member = 'member@p1'

test('names are kept, shown with each address, and told to hosts', async () => {
  await using neutron = await neutronForTests()
  const net = await neutron.ok(member, 'POST', '/networks', { network: { dns_domain: 'Example.org.' } })
  assert.equal(net['dns_domain'], 'example.org.')
  await neutron.ok(member, 'POST', '/subnets', { subnet: { network_id: net.id, ip_version: 4, cidr: '10.0.0.0/24' } })
  const port = await neutron.ok(member, 'POST', '/ports', { port: { network_id: net.id, dns_name: 'Web' } })
  assert.deepEqual(
    [port['dns_name'], port['dns_assignment']],
    ['web', [{ ip_address: '10.0.0.3', hostname: 'web', fqdn: 'web.openstacklocal.' }]],
  )
  assert.equal((await neutron.list(member, '/ports?dns_name=web')).length, 1)
  const plain = await neutron.ok(member, 'PUT', `/ports/${port.id}`, { port: { dns_name: '' } })
  assert.deepEqual(plain['dns_assignment'], [
    { ip_address: '10.0.0.3', hostname: 'host-10-0-0-3', fqdn: 'host-10-0-0-3.openstacklocal.' },
  ])
  for (const dns_name of ['-web', 'a b', 'web_1', 'x'.repeat(64), `${'a.'.repeat(130)}`, 5, 'a..b'])
    assert.equal(
      (await neutron.refused(member, 'PUT', `/ports/${port.id}`, { port: { dns_name } }))[1],
      'HTTPBadRequest',
      String(dns_name),
    )
  for (const dns_domain of ['example.org', '.', 'a..'])
    assert.equal(
      (await neutron.refused(member, 'PUT', `/networks/${net.id}`, { network: { dns_domain } }))[1],
      'HTTPBadRequest',
    )
  const guest = await neutron.ok('service,admin@service', 'POST', '/ports', {
    port: { network_id: net.id, dns_name: 'db.inner', 'binding:host_id': 'h1', device_owner: 'compute:nova' },
  })
  await neutron.neutron.settled()
  assert.equal((await neutron.ok('admin@admin', 'GET', `/ports/${guest.id}`))['status'], 'ACTIVE')
})

test('how full networks are, of one family', async () => {
  await using neutron = await neutronForTests()
  const net = await neutron.ok(member, 'POST', '/networks', { network: {} })
  await neutron.ok(member, 'POST', '/networks', { network: {} })
  for (const [ip_version, cidr] of [
    [4, '10.0.0.0/24'],
    [6, '2001:db8::/64'],
  ])
    await neutron.ok(member, 'POST', '/subnets', { subnet: { network_id: net.id, ip_version, cidr } })
  const path = '/network-ip-availabilities'
  assert.equal((await neutron.list('admin@admin', path)).length, 2)
  const [found, ...more] = await neutron.list('admin@admin', `${path}?ip_version=6`)
  assert.deepEqual([found?.['network_id'], more], [net.id, []])
  assert.equal((found?.['subnet_ip_availability'] as unknown as object[] | undefined)?.length, 1)
})
