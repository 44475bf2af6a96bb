// What presenters load beside the entities themselves, once per list.
import type { Ctx } from '#kernel/lib/context.ts'
import { scopesOfPools } from '#services/neutron/db/address-sets.ts'
import { networksDb } from '#services/neutron/db/networks.ts'
import { portsDb } from '#services/neutron/db/ports.ts'
import { qosDb } from '#services/neutron/db/qos.ts'
import { trunksDb, type Subport } from '#services/neutron/db/trunks.ts'
import { tagsOf, type Q } from '#services/neutron/db/standard.ts'
import { allocationsDb, subnetsDb, type Allocation } from '#services/neutron/db/subnets.ts'
import type { DomainTools } from '#services/neutron/domain/tools.ts'

type Many<V> = ReadonlyMap<string, readonly V[]>
export interface Looks {
  tags(ctx: Ctx, ids: readonly string[]): Promise<Many<string>>
  /** Subnets of networks. */
  subnetsOf(ctx: Ctx, networkIds: readonly string[]): Promise<Many<string>>
  /** Address scopes of networks by family, through the pools of their subnets. */
  scopesOf(
    ctx: Ctx,
    networkIds: readonly string[],
  ): Promise<ReadonlyMap<string, Readonly<Record<4 | 6, string | null>>>>
  addressesOf(ctx: Ctx, portIds: readonly string[]): Promise<Many<Allocation>>
  /** Policies on things: id → policy. */
  qosOf(ctx: Ctx, ids: readonly string[]): Promise<ReadonlyMap<string, string>>
  /** Of ports that are parents of trunks: port → its trunk and what that carries. */
  trunksOf(ctx: Ctx, portIds: readonly string[]): Promise<ReadonlyMap<string, TrunkDetails>>
  groupsOf(ctx: Ctx, portIds: readonly string[]): Promise<Many<string>>
}

export interface TrunkDetails {
  readonly trunkId: string
  readonly subports: readonly { readonly place: Subport; readonly mac: string }[]
}
async function trunkDetails(q: Q, portIds: readonly string[]): Promise<ReadonlyMap<string, TrunkDetails>> {
  const trunks = await trunksDb.ofParents(q, portIds)
  if (trunks.length === 0) return new Map()
  const places = await trunksDb.subports(
    q,
    trunks.map(one => one.id),
  )
  const ports = await portsDb.byIds(
    q,
    places.map(place => place.portId),
  )
  return new Map(
    trunks.map(one => [
      one.portId,
      {
        trunkId: one.id,
        subports: places
          .filter(place => place.trunkId === one.id)
          .map(place => ({ place, mac: ports.get(place.portId)?.macAddress ?? '' })),
      },
    ]),
  )
}

export const createLooks = ({ database }: Pick<DomainTools, 'database'>): Looks => ({
  tags: (ctx, ids) => database.read(ctx, 'tags', q => tagsOf(q, ids)),
  subnetsOf: (ctx, ids) => database.read(ctx, 'subnets-of-networks', q => networksDb.subnetIds(q, ids)),
  scopesOf: (ctx, ids) =>
    database.read(ctx, 'address-scopes-of-networks', async q => {
      const subnets = (await subnetsDb.ofNetworks(q, ids)).filter(one => one.subnetPoolId !== null)
      const scopes = await scopesOfPools(q, new Set(subnets.flatMap(one => one.subnetPoolId ?? [])))
      const found = new Map<string, Record<4 | 6, string | null>>()
      for (const one of subnets) {
        const known = found.get(one.networkId) ?? { 4: null, 6: null }
        known[one.ipVersion] = scopes.get(one.subnetPoolId ?? '') ?? known[one.ipVersion]
        found.set(one.networkId, known)
      }
      return found
    }),
  addressesOf: (ctx, ids) => database.read(ctx, 'addresses-of-ports', q => allocationsDb.ofPorts(q, ids)),
  qosOf: (ctx, ids) => database.read(ctx, 'qos-of-things', q => qosDb.bindings(q, new Set(ids))),
  trunksOf: (ctx, ids) => database.read(ctx, 'trunks-of-ports', q => trunkDetails(q, ids)),
  groupsOf: (ctx, ids) => database.read(ctx, 'security-groups-of-ports', q => portsDb.groupsOf(q, ids)),
})
