// What a server is said to have as addresses follows Neutron, whatever the server is doing meanwhile.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Hook } from '#kernel/crossing/crossing.ts'
import { createCloud } from '#main/library.ts'
import { active, boot, removed, show, sound, until } from './story.ts'

test('a floating IP given while the server is being built is shown when it is there', async () => {
  const gate = Promise.withResolvers<void>()
  const spawning = Promise.withResolvers<void>()
  const hold: Hook = async (crossing, next) => {
    if (crossing.name === 'spawn') {
      spawning.resolve()
      await gate.promise
    }
    return next()
  }
  await using cloud = await createCloud({ hypervisor: 'simulated', network: 'simulated', hooks: [hold] })
  const demo = await cloud.as('demo')
  const id = await boot(demo)
  await spawning.promise
  const { ports } = await demo.json<{ ports: { id: string }[] }>(`/networking/v2.0/ports?device_id=${id}`)
  const outer = await demo.json<{ networks: { id: string }[] }>('/networking/v2.0/networks?name=public')
  const { floatingip } = await demo.json<{ floatingip: { id: string; floating_ip_address: string } }>(
    '/networking/v2.0/floatingips',
    { body: { floatingip: { floating_network_id: outer.networks[0]?.id, port_id: ports[0]?.id } } },
  )
  gate.resolve()
  await active(demo, id)
  const shown = async (): Promise<string[]> =>
    Object.values((await show(demo, id)).addresses).flatMap(list => list.map(one => one.addr))
  await until('the floating IP', async () => ((await shown()).includes(floatingip.floating_ip_address) ? true : null))
  await removed(demo, id)
  assert.equal((await demo.fetch(`/networking/v2.0/floatingips/${floatingip.id}`, { method: 'DELETE' })).status, 204)
  await sound(cloud)
})

test('a router is switched off and on, and the ledgers agree', async () => {
  await using cloud = await createCloud({ hypervisor: 'simulated', network: 'simulated' })
  const demo = await cloud.as('demo')
  const net = '/networking/v2.0'
  const { network } = await demo.json<{ network: { id: string } }>(`${net}/networks`, { body: { network: {} } })
  const { subnet } = await demo.json<{ subnet: { id: string } }>(`${net}/subnets`, {
    body: { subnet: { network_id: network.id, cidr: '10.77.0.0/24', ip_version: 4 } },
  })
  const { router } = await demo.json<{ router: { id: string } }>(`${net}/routers`, { body: { router: {} } })
  const url = `${net}/routers/${router.id}`
  await demo.json(`${url}/add_router_interface`, { method: 'PUT', body: { subnet_id: subnet.id } })
  const agrees = (): Promise<true> =>
    until('a sound cloud', async () => ((await cloud.control.audit()).length === 0 ? true : null), 5000)
  for (const up of [false, true]) {
    await demo.json(url, { method: 'PUT', body: { router: { admin_state_up: up } } })
    await agrees()
  }
})
