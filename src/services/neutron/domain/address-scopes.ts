// Address scopes: the verbs, and whether a subnet pool may join one.
import type { CreateOf, UpdateOf } from '#kernel/contract/resource.ts'
import { flag, fromJson } from '#kernel/db/codecs.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import { addressScope } from '#services/neutron/contract/address-scopes.ts'
import { faults } from '#services/neutron/contract/faults.ts'
import { moreRules as rules } from '#services/neutron/contract/rules-more.ts'
import { toAddressScope, type AddressScope } from '#services/neutron/db/address-sets.ts'
import type { Listing } from '#services/neutron/db/listing.ts'
import { AS_SHARED } from '#services/neutron/db/sharing.ts'
import { newStandard, type Q } from '#services/neutron/db/standard.ts'
import type { Access } from '#services/neutron/domain/access.ts'
import { overlap, parseCidr, type Cidr } from '#services/neutron/domain/addresses.ts'
import { named, plainNoun } from '#services/neutron/domain/plain.ts'
import { isSharedWith, shareWithAll } from '#services/neutron/domain/sharing.ts'
import type { DomainTools } from '#services/neutron/domain/tools.ts'

type Create = CreateOf<(typeof addressScope)['rows']>
type Update = UpdateOf<(typeof addressScope)['rows']>

export const createAddressScopes = (tools: DomainTools) => {
  const plain = plainNoun(tools, {
    of: addressScope,
    table: 'address_scopes',
    entity: toAddressScope,
    rules: {
      get: rules.getAddressScope,
      create: rules.createAddressScope,
      update: rules.updateAddressScope,
      remove: rules.deleteAddressScope,
    },
    missing: id => faults.AddressScopeNotFound({ address_scope_id: id }),
    shares: 'address_scope',
  })
  const share = (q: Q, id: string, projectId: string): Promise<void> =>
    shareWithAll(q, tools, { type: 'address_scope', id, projectId }, AS_SHARED)
  return {
    list: (ctx: Ctx, listing: Listing): Promise<AddressScope[]> => plain.list(ctx, listing),
    show: (ctx: Ctx, id: string): Promise<AddressScope> => plain.show(ctx, id),
    create: (ctx: Ctx, bodies: readonly Create[]): Promise<AddressScope[]> =>
      plain.create(ctx, bodies, async (q, body, id, projectId) => {
        if (body.shared) await share(q, id, projectId)
        return {
          ...newStandard(id, projectId, { name: body.name }, tools.clock.now()),
          ip_version: body.ip_version,
          shared: flag(body.shared),
        }
      }),
    /** @throws AddressScopeUpdateError when it would be shared no more */
    update: (ctx: Ctx, id: string, body: Update, revision: number | null): Promise<AddressScope> =>
      plain.update(ctx, id, body, revision, async (q, it) => {
        if (it.shared && body.shared === false)
          throw faults.AddressScopeUpdateError({
            address_scope_id: id,
            reason: "Shared address scope can't be unshared",
          })
        if (body.shared === true) await share(q, id, it.projectId)
        return { ...named(body), ...(body.shared === undefined ? {} : { shared: flag(body.shared) }) }
      }),
    remove: (ctx: Ctx, id: string, revision: number | null): Promise<void> =>
      plain.remove(ctx, id, revision, async q => {
        const pool = await q
          .selectFrom('subnetpools')
          .select('id')
          .where('address_scope_id', '=', id)
          .limit(1)
          .executeTakeFirst()
        if (pool !== undefined) throw faults.AddressScopeInUse({ address_scope_id: id })
      }),
  }
}
export type AddressScopes = ReturnType<typeof createAddressScopes>

/** @throws IllegalSubnetPoolUpdate when the pool is in a scope of somebody else's */
export async function checkScopeOwned(q: Q, ctx: Ctx, access: Access, poolId: string, scopeId: string): Promise<void> {
  const row = await q.selectFrom('address_scopes').select('project_id').where('id', '=', scopeId).executeTakeFirst()
  if (row === undefined || row.project_id === ctx.who?.projectId || access.isAdmin(ctx)) return
  throw faults.IllegalSubnetPoolUpdate({
    reason: `subnetpool ${poolId} cannot be updated when associated with shared address scope ${scopeId}`,
  })
}

/**
 * A pool with these prefixes joins a scope, or stays in it. @throws AddressScopeNotFound, IllegalSubnetPool*,
 * NetworkAddressScopeAffinityError, AddressScopePrefixConflict
 */
export async function checkScope(
  q: Q,
  ctx: Ctx,
  access: Access,
  scopeId: string,
  pool: { readonly id: string; readonly ipVersion: number; readonly prefixes: readonly Cidr[] },
): Promise<void> {
  const row = await q.selectFrom('address_scopes').selectAll().where('id', '=', scopeId).executeTakeFirst()
  const mine = row !== undefined && (row.project_id === ctx.who?.projectId || access.isAdmin(ctx))
  if (row === undefined || (!mine && !(await isSharedWith(q, ctx, scopeId))))
    throw faults.AddressScopeNotFound({ address_scope_id: scopeId })
  const words = { subnetpool_id: pool.id, address_scope_id: scopeId }
  if (row.ip_version !== pool.ipVersion)
    throw faults.IllegalSubnetPoolIpVersionAssociationToAddressScope({ ...words, ip_version: row.ip_version })
  await checkAffinity(q, pool.id, pool.ipVersion)
  const others = await q
    .selectFrom('subnetpools')
    .select('prefixes')
    .where('address_scope_id', '=', scopeId)
    .where('id', '!=', pool.id)
    .execute()
  const taken = others.flatMap(other => fromJson(other.prefixes)).flatMap(text => parseCidr(text) ?? [])
  if (pool.prefixes.some(one => taken.some(other => overlap(one, other)))) throw faults.AddressScopePrefixConflict()
}
/** All subnets of a family on the networks that the pool's are on must be the pool's: they change scope together. */
async function checkAffinity(q: Q, poolId: string, version: number): Promise<void> {
  const stranger = await q
    .selectFrom('subnets')
    .select('id')
    .where('ip_version', '=', version)
    .where('network_id', 'in', eb => eb.selectFrom('subnets').select('network_id').where('subnetpool_id', '=', poolId))
    .where(eb => eb.or([eb('subnetpool_id', 'is', null), eb('subnetpool_id', '!=', poolId)]))
    .limit(1)
    .executeTakeFirst()
  if (stranger !== undefined) throw faults.NetworkAddressScopeAffinityError()
}
