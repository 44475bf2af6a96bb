// How full networks are, and from which subnets floating IPs come.
import type { Ctx } from '#kernel/lib/context.ts'
import { faults } from '#services/neutron/contract/faults.ts'
import { rules } from '#services/neutron/contract/rules.ts'
import { everything } from '#services/neutron/db/listing.ts'
import { networksDb, visibleNetworks, type Network } from '#services/neutron/db/networks.ts'
import type { Q } from '#services/neutron/db/standard.ts'
import { subnetsDb, type Subnet } from '#services/neutron/db/subnets.ts'
import { hostRange, parseIp } from '#services/neutron/domain/addresses.ts'
import { cidrOf } from '#services/neutron/domain/ipam.ts'
import type { DomainTools } from '#services/neutron/domain/tools.ts'

export interface SubnetUsage {
  readonly subnet: Subnet
  readonly used: number
  readonly total: bigint
}
export interface NetworkUsage {
  readonly network: Network
  readonly subnets: readonly SubnetUsage[]
}

/** What the pools hold; a subnet without pools counts its host addresses. */
function totalOf(subnet: Subnet): bigint {
  let total = 0n
  for (const pool of subnet.allocationPools) {
    const start = parseIp(pool.start)
    const end = parseIp(pool.end)
    if (start !== null && end !== null) total += end.value - start.value + 1n
  }
  if (subnet.allocationPools.length > 0) return total
  const { first, last } = hostRange(cidrOf(subnet))
  return last - first + 1n
}

export const createUsage = ({ database, access }: Pick<DomainTools, 'database' | 'access'>) => {
  async function usageOf(q: Q, networks: readonly Network[]): Promise<NetworkUsage[]> {
    const subnets = await subnetsDb.ofNetworks(
      q,
      networks.map(one => one.id),
    )
    const counts = await q
      .selectFrom('allocations')
      .select(['subnet_id', eb => eb.fn.countAll<number>().as('used')])
      .groupBy('subnet_id')
      .execute()
    const used = new Map(counts.map(row => [row.subnet_id, Number(row.used)]))
    return networks.map(network => ({
      network,
      subnets: subnets
        .filter(subnet => subnet.networkId === network.id)
        .map(subnet => ({ subnet, used: used.get(subnet.id) ?? 0, total: totalOf(subnet) })),
    }))
  }
  const none = async (): Promise<never> => {
    throw new Error('a list without pages has no marker')
  }
  return {
    async list(ctx: Ctx): Promise<NetworkUsage[]> {
      if (!access.seesAll(ctx, rules.getNetworkIpAvailability)) return []
      return database.read(ctx, 'network-ip-availabilities', async q =>
        usageOf(q, await networksDb.list(q, everything, [], none)),
      )
    },
    /** @throws NetworkNotFound */
    async show(ctx: Ctx, id: string): Promise<NetworkUsage> {
      return database.read(ctx, 'network-ip-availability', async q => {
        const network = access.seesAll(ctx, rules.getNetworkIpAvailability) ? await networksDb.byId(q, id) : null
        if (network === null) throw faults.NetworkNotFound({ net_id: id })
        const [usage] = await usageOf(q, [network])
        return usage ?? { network, subnets: [] }
      })
    },
    /** IPv4 subnets of external networks. */
    async floatingIpPools(ctx: Ctx): Promise<{ subnet: Subnet; network: Network }[]> {
      const projectId = access.who(ctx).projectId ?? ''
      if (!access.allows(ctx, rules.getFloatingipPool, { project_id: projectId, tenant_id: projectId })) return []
      return database.read(ctx, 'floatingip-pools', async q => {
        const networks = await networksDb.list(
          q,
          { ...everything, filters: { 'router:external': [1] } },
          [visibleNetworks(projectId)],
          none,
        )
        const subnets = await subnetsDb.ofNetworks(
          q,
          networks.map(one => one.id),
        )
        return networks.flatMap(network =>
          subnets
            .filter(subnet => subnet.networkId === network.id && subnet.ipVersion === 4)
            .map(subnet => ({ subnet, network })),
        )
      })
    },
  }
}
export type Usage = ReturnType<typeof createUsage>
