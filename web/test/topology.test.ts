// Where things stand in the picture of the networks.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Network, Port } from '#app/api/network.ts'
import { layOut } from '#app/api/topology.ts'

const network = (id: string, external = false): Network => ({
  id,
  name: id,
  status: 'ACTIVE',
  shared: false,
  project_id: 'p1',
  subnets: ['s'],
  'router:external': external,
})
const port = (network_id: string, device_id: string, ip_address: string): Port => ({
  id: `${network_id}-${device_id}`,
  network_id,
  device_id,
  device_owner: 'compute:nova',
  fixed_ips: [{ ip_address }],
})

void test('external networks stand above, and each thing hangs on its networks', () => {
  const picture = layOut(
    [network('private'), network('public', true)],
    [
      {
        id: 'r1',
        name: 'router1',
        status: 'ACTIVE',
        external_gateway_info: { network_id: 'public', external_fixed_ips: [{ ip_address: '172.24.4.5' }] },
      },
    ],
    [
      { id: 'a', name: 'a' },
      { id: 'alone', name: 'alone' },
    ],
    [port('private', 'r1', '10.0.0.1'), port('private', 'a', '10.0.0.9')],
  )
  assert.deepEqual(
    picture.bars.map(bar => [bar.name, bar.external]),
    [
      ['public', true],
      ['private', false],
    ],
  )
  const [above, below] = picture.bars.map(bar => bar.y)
  const [router, server] = picture.nodes
  assert.deepEqual(router?.links, [
    { y: above, address: '172.24.4.5' },
    { y: below, address: '10.0.0.1' },
  ])
  assert.deepEqual([server?.name, server?.links.map(link => link.address)], ['a', ['10.0.0.9']])
  assert.equal(picture.nodes.length, 2)
  assert.ok((router?.x ?? 0) < (server?.x ?? 0) && (server?.y ?? 0) < picture.height)
})

void test('an empty cloud has a picture too', () => {
  const picture = layOut([], [], [], [])
  assert.deepEqual([picture.bars, picture.nodes], [[], []])
  assert.ok(picture.width > 0 && picture.height > 0)
})
