// What presenters load beside the entities themselves, once per list.
import type { Ctx } from '#kernel/lib/context.ts'
import { networksDb } from '#services/neutron/db/networks.ts'
import { portsDb } from '#services/neutron/db/ports.ts'
import { tagsOf } from '#services/neutron/db/standard.ts'
import { allocationsDb, type Allocation } from '#services/neutron/db/subnets.ts'
import type { DomainTools } from '#services/neutron/domain/tools.ts'

type Many<V> = ReadonlyMap<string, readonly V[]>
export interface Looks {
  tags(ctx: Ctx, ids: readonly string[]): Promise<Many<string>>
  /** Subnets of networks. */
  subnetsOf(ctx: Ctx, networkIds: readonly string[]): Promise<Many<string>>
  addressesOf(ctx: Ctx, portIds: readonly string[]): Promise<Many<Allocation>>
  groupsOf(ctx: Ctx, portIds: readonly string[]): Promise<Many<string>>
}

export const createLooks = ({ database }: Pick<DomainTools, 'database'>): Looks => ({
  tags: (ctx, ids) => database.read(ctx, 'tags', q => tagsOf(q, ids)),
  subnetsOf: (ctx, ids) => database.read(ctx, 'subnets-of-networks', q => networksDb.subnetIds(q, ids)),
  addressesOf: (ctx, ids) => database.read(ctx, 'addresses-of-ports', q => allocationsDb.ofPorts(q, ids)),
  groupsOf: (ctx, ids) => database.read(ctx, 'security-groups-of-ports', q => portsDb.groupsOf(q, ids)),
})
