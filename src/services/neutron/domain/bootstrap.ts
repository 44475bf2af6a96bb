// First networks, through the public API: the way out, the demo project's own network behind a router, and one for everybody. Asked at
// each start; what is there is left alone.
import { client, type Transport } from '#kernel/http/client.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import { networks } from '#services/neutron/contract/networks.ts'
import { routers } from '#services/neutron/contract/routers.ts'
import { subnets } from '#services/neutron/contract/subnets.ts'

export interface NetworkWish {
  readonly neutron: Transport
  /** An administrator's. */
  readonly ctx: Ctx
  /** Whose the private network and the router are. */
  readonly demoProjectId: string
}
interface Named {
  readonly id: string
  readonly name: string
  readonly project_id: string
}
type Net = Named & { readonly subnets: readonly string[] }

const PUBLIC_CIDR = '172.24.4.0/24'

/** Networks `public`, `private` and `shared` with a subnet each, and `router1` between the first two. */
export async function bootstrapNetwork({ neutron, ctx, demoProjectId }: NetworkWish): Promise<void> {
  const net = client(networks, neutron)
  const sub = client(subnets, neutron)
  const route = client(routers, neutron)
  const has = ((
    await net.list(ctx, {
      query: { name: ['public', 'private', 'shared'], fields: ['id', 'name', 'project_id', 'subnets'] },
    })
  )['networks'] ?? []) as unknown as Net[]

  const ensure = async (
    name: string,
    projectId: string | null,
    network: Readonly<Record<string, unknown>>,
    subnet: Readonly<Record<string, unknown>>,
  ): Promise<Net> => {
    let found = has.find(one => one.name === name && (projectId === null || one.project_id === projectId))
    const owner = projectId === null ? {} : { project_id: projectId }
    if (found === undefined)
      found = (await net.create(ctx, { body: { network: { name, ...owner, ...network } as never } }))[
        'network'
      ] as unknown as Net
    if (found.subnets.length > 0) return found
    const made = (
      await sub.create(ctx, {
        body: { subnet: { name: `${name}-subnet`, network_id: found.id, ip_version: 4, ...owner, ...subnet } as never },
      })
    )['subnet'] as unknown as Named
    return { ...found, subnets: [made.id] }
  }
  const outside = await ensure(
    'public',
    null,
    { 'router:external': true, 'provider:network_type': 'flat', 'provider:physical_network': 'public' },
    {
      cidr: PUBLIC_CIDR,
      gateway_ip: '172.24.4.1',
      enable_dhcp: false,
      allocation_pools: [{ start: '172.24.4.2', end: '172.24.4.254' }],
    },
  )
  const inside = await ensure('private', demoProjectId, {}, { cidr: '10.0.0.0/26', gateway_ip: '10.0.0.1' })
  await ensure('shared', null, { shared: true }, { cidr: '192.168.233.0/24', gateway_ip: '192.168.233.1' })

  const known = ((await route.list(ctx, { query: { name: 'router1', project_id: demoProjectId, fields: ['id'] } }))[
    'routers'
  ] ?? []) as unknown as Named[]
  if (known.length > 0) return
  const router = (
    await route.create(ctx, {
      body: {
        router: {
          name: 'router1',
          project_id: demoProjectId,
          external_gateway_info: { network_id: outside.id },
        } as never,
      },
    })
  )['router'] as unknown as Named
  await route.addInterface(ctx, { params: { id: router.id }, body: { subnet_id: inside.subnets[0] } })
}
