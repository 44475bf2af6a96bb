// Subnet pools: the verbs, and cutting a subnet's prefix from one.
import type { CreateOf, UpdateOf } from '#kernel/contract/resource.ts'
import { flag, json } from '#kernel/db/codecs.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import type { Target } from '#kernel/policy/enforcer.ts'
import { faults } from '#services/neutron/contract/faults.ts'
import { moreRules } from '#services/neutron/contract/rules-more.ts'
import { rules } from '#services/neutron/contract/rules.ts'
import { subnetPool } from '#services/neutron/contract/subnet-pools.ts'
import type { Rule } from '#kernel/contract/rule.ts'
import type { Listing } from '#services/neutron/db/listing.ts'
import { subnetPoolsDb, toSubnetPool, visiblePools, type SubnetPool } from '#services/neutron/db/subnet-pools.ts'
import { AS_SHARED, sharingDb } from '#services/neutron/db/sharing.ts'
import { subnetsDb } from '#services/neutron/db/subnets.ts'
import { deleteTags, newStandard, revise, type Q } from '#services/neutron/db/standard.ts'
import { formatCidr, overlap, parseCidr, type Cidr } from '#services/neutron/domain/addresses.ts'
import type { Access } from '#services/neutron/domain/access.ts'
import { compact, nextFree, within, without } from '#services/neutron/domain/prefixes.ts'
import { constrain } from '#services/neutron/domain/revision.ts'
import { checkScope, checkScopeOwned } from '#services/neutron/domain/address-scopes.ts'
import { seenNetwork } from '#services/neutron/domain/networks.ts'
import { claim } from '#services/neutron/domain/quotas.ts'
import { asSeen, shareWithAll } from '#services/neutron/domain/sharing.ts'
import type { DomainTools } from '#services/neutron/domain/tools.ts'

type Create = CreateOf<(typeof subnetPool)['rows']>
type Update = UpdateOf<(typeof subnetPool)['rows']>
const target = (it: SubnetPool): Target => ({ project_id: it.projectId, tenant_id: it.projectId, shared: it.shared })

const cidrsOf = (prefixes: readonly string[]): Cidr[] => prefixes.flatMap(text => parseCidr(text) ?? [])
/** Prefixes of one family, put together. @throws HTTPBadRequest, EmptySubnetPoolPrefixList, PrefixVersionMismatch */
function checkedPrefixes(asked: readonly string[]): Cidr[] {
  if (asked.length === 0) throw faults.EmptySubnetPoolPrefixList()
  const found = asked.map(text => {
    const cidr = parseCidr(text)
    if (cidr === null)
      throw faults.HTTPBadRequest({ reason: `Invalid input for prefixes. Reason: '${text}' is not a valid IP subnet.` })
    return cidr
  })
  if (new Set(found.map(cidr => cidr.version)).size > 1) throw faults.PrefixVersionMismatch()
  return compact(found)
}

interface Bounds {
  readonly min: number
  readonly max: number
  readonly standard: number
}
/** @throws IllegalSubnetPoolPrefixBounds */
function checkBounds(version: 4 | 6, bounds: Bounds): Bounds {
  const most = version === 4 ? 32 : 128
  const illegal = (type: string, length: number, base: string, limit: number): never => {
    throw faults.IllegalSubnetPoolPrefixBounds({
      prefix_type: type,
      prefixlen: length,
      base_prefix_type: base,
      base_prefixlen: limit,
    })
  }
  if (bounds.min > bounds.max) illegal('min_prefixlen', bounds.min, 'max_prefixlen', bounds.max)
  if (bounds.max > most) illegal('max_prefixlen', bounds.max, 'ip_version_max', most)
  if (bounds.standard < bounds.min) illegal('default_prefixlen', bounds.standard, 'min_prefixlen', bounds.min)
  if (bounds.standard > bounds.max) illegal('default_prefixlen', bounds.standard, 'max_prefixlen', bounds.max)
  return bounds
}

/** A pool that the caller sees. @throws SubnetPoolNotFound */
export async function seenPool(q: Q, ctx: Ctx, access: Access, id: string): Promise<SubnetPool> {
  const known = await subnetPoolsDb.byId(q, id)
  const [found] = known === null ? [] : await asSeen(q, ctx, [known])
  if (
    found === undefined ||
    (found.projectId !== ctx.who?.projectId && !found.shared && !access.seesAll(ctx, rules.getSubnetpool))
  )
    throw faults.SubnetPoolNotFound({ subnetpool_id: id })
  return found
}

/** IPv4 quotas count addresses, IPv6 quotas networks of 64 bits. */
const units = (version: 4 | 6, prefix: number): number => 2 ** ((version === 4 ? 32 : 64) - prefix)

/**
 * Cuts a prefix for a subnet: the one asked for, or the next free one of the length asked for, else of the pool's own.
 * @throws MinPrefixSubnetAllocationError, MaxPrefixSubnetAllocationError, SubnetPoolQuotaExceeded, SubnetAllocationError, BadRequest
 */
export async function cutFrom(
  q: Q,
  pool: SubnetPool,
  projectId: string,
  wanted: { readonly version: 4 | 6; readonly cidr: Cidr | null; readonly prefixlen: number | undefined },
): Promise<Cidr> {
  if (wanted.version !== pool.ipVersion)
    throw faults.BadRequest({
      resource: 'subnets',
      msg: `Cannot allocate IPv${wanted.version} subnet from IPv${pool.ipVersion} subnet pool`,
    })
  const prefix = wanted.cidr?.prefix ?? wanted.prefixlen ?? pool.defaultPrefixlen
  if (prefix > pool.maxPrefixlen)
    throw faults.MaxPrefixSubnetAllocationError({ prefixlen: prefix, max_prefixlen: pool.maxPrefixlen })
  if (prefix < pool.minPrefixlen)
    throw faults.MinPrefixSubnetAllocationError({ prefixlen: prefix, min_prefixlen: pool.minPrefixlen })
  const taken = await subnetPoolsDb.allocations(q, pool.id)
  if (pool.defaultQuota !== null && pool.defaultQuota > 0) {
    const used = cidrsOf(taken.filter(one => one.project_id === projectId).map(one => one.cidr)).reduce(
      (sum, one) => sum + units(pool.ipVersion, one.prefix),
      0,
    )
    if (used + units(pool.ipVersion, prefix) > pool.defaultQuota) throw faults.SubnetPoolQuotaExceeded()
  }
  const all = cidrsOf(pool.prefixes)
  const gone = cidrsOf(taken.map(one => one.cidr))
  if (wanted.cidr !== null) {
    if (!within([wanted.cidr], without(all, gone)))
      throw faults.SubnetAllocationError({
        reason: 'Cannot allocate requested subnet from the available set of prefixes',
      })
    return wanted.cidr
  }
  const found = nextFree(all, gone, prefix)
  if (found === null)
    throw faults.SubnetAllocationError({ reason: `Insufficient prefix space to allocate subnet size /${prefix}` })
  return found
}

export const createSubnetPools = (tools: DomainTools) => {
  const { database, access, clock, ids, settings } = tools

  async function checkDefault(q: Q, version: 4 | 6): Promise<void> {
    if ((await subnetPoolsDb.defaultOf(q, version)) !== null)
      throw faults.InvalidInput({
        error_message:
          'A default subnetpool for this IP family has already been set. Only one default may exist per IP family',
      })
  }
  async function insert(q: Q, ctx: Ctx, body: Create, id: string): Promise<SubnetPool> {
    const projectId = access.projectOf(ctx, body)
    access.mustCreate(ctx, subnetPool, rules.createSubnetpool, body, { project_id: projectId, tenant_id: projectId })
    const prefixes = checkedPrefixes(body.prefixes)
    const version = prefixes[0]?.version ?? 4
    const min = Number(body.min_prefixlen ?? (version === 4 ? 8 : 64))
    const bounds = checkBounds(version, {
      min,
      max: Number(body.max_prefixlen ?? (version === 4 ? 32 : 128)),
      standard: Number(body.default_prefixlen ?? min),
    })
    if (body.is_default) await checkDefault(q, version)
    await claim(q, settings, projectId, 'subnetpool')
    const scope = body.address_scope_id ?? null
    if (scope !== null) await checkScope(q, ctx, access, scope, { id, ipVersion: version, prefixes })
    if (body.shared) await shareWithAll(q, tools, { type: 'subnetpool', id, projectId }, AS_SHARED)
    const row = {
      address_scope_id: scope,
      ...newStandard(id, projectId, body, clock.now()),
      ip_version: version,
      prefixes: json(prefixes.map(formatCidr)),
      default_prefixlen: bounds.standard,
      min_prefixlen: bounds.min,
      max_prefixlen: bounds.max,
      default_quota: body.default_quota ?? null,
      is_default: flag(body.is_default),
      shared: flag(body.shared),
    }
    await q.insertInto('subnetpools').values(row).execute()
    return toSubnetPool(row)
  }
  const changePrefixes = (
    ctx: Ctx,
    id: string,
    rule: Rule,
    change: (q: Q, it: SubnetPool) => Promise<Cidr[]>,
  ): Promise<string[]> =>
    database.tx(ctx, 'change-prefixes', async q => {
      const it = await seenPool(q, ctx, access, id)
      access.mustChange(ctx, { rule, show: rules.getSubnetpool }, target(it))
      const prefixes = (await change(q, it)).map(formatCidr)
      await revise(q, 'subnetpools', id, clock.now(), { prefixes: json(prefixes) })
      return prefixes
    })

  return {
    async create(ctx: Ctx, bodies: readonly Create[]): Promise<SubnetPool[]> {
      const named = bodies.map(body => ({ body, id: ids.uuid() }))
      return database.tx(ctx, 'create-subnetpool', async q => {
        const made: SubnetPool[] = []
        for (const { body, id } of named) made.push(await insert(q, ctx, body, id))
        return made
      })
    },
    async list(ctx: Ctx, listing: Listing): Promise<SubnetPool[]> {
      const found = await database.read(ctx, 'list-subnetpools', q =>
        subnetPoolsDb
          .list(
            q,
            listing,
            access.seesAll(ctx, rules.getSubnetpool) ? [] : [visiblePools(access.who(ctx).projectId ?? '')],
            async id => {
              await seenPool(q, ctx, access, id)
              const row = await subnetPoolsDb.row(q, id)
              if (row === undefined) throw faults.SubnetPoolNotFound({ subnetpool_id: id })
              return row
            },
            access.who(ctx).projectId ?? '',
          )
          .then(some => asSeen(q, ctx, some)),
      )
      return access.visible(ctx, rules.getSubnetpool, found, target)
    },
    async show(ctx: Ctx, id: string): Promise<SubnetPool> {
      const found = await database.read(ctx, 'show-subnetpool', q => seenPool(q, ctx, access, id))
      access.mustSee(ctx, rules.getSubnetpool, target(found))
      return found
    },
    update: (ctx: Ctx, id: string, body: Update, revision: number | null): Promise<SubnetPool> =>
      database.tx(ctx, 'update-subnetpool', async q => {
        const it = await seenPool(q, ctx, access, id)
        access.mustChange(ctx, { rule: rules.updateSubnetpool, show: rules.getSubnetpool }, target(it), {
          of: subnetPool,
          body,
        })
        constrain(it.revision, revision)
        const prefixes = body.prefixes === undefined ? cidrsOf(it.prefixes) : checkedPrefixes(body.prefixes)
        if (body.prefixes !== undefined && prefixes[0]?.version !== it.ipVersion) throw faults.PrefixVersionMismatch()
        if (!within(cidrsOf(it.prefixes), prefixes))
          throw faults.IllegalSubnetPoolPrefixUpdate({ msg: 'Existing prefixes must be a subset of the new prefixes' })
        const bounds = checkBounds(it.ipVersion, {
          min: Number(body.min_prefixlen ?? it.minPrefixlen),
          max: Number(body.max_prefixlen ?? it.maxPrefixlen),
          standard: Number(body.default_prefixlen ?? it.defaultPrefixlen),
        })
        if (body.is_default === true && !it.isDefault) await checkDefault(q, it.ipVersion)
        if (it.addressScopeId !== null) await checkScopeOwned(q, ctx, access, id, it.addressScopeId)
        const scope = body.address_scope_id === undefined ? it.addressScopeId : body.address_scope_id
        if (scope !== null) await checkScope(q, ctx, access, scope, { id, ipVersion: it.ipVersion, prefixes })
        await revise(q, 'subnetpools', id, clock.now(), {
          address_scope_id: scope,
          ...(body.name === undefined ? {} : { name: body.name }),
          ...(body.description === undefined ? {} : { description: body.description }),
          ...(body.default_quota === undefined ? {} : { default_quota: body.default_quota }),
          ...(body.is_default === undefined ? {} : { is_default: flag(body.is_default) }),
          prefixes: json(prefixes.map(formatCidr)),
          default_prefixlen: bounds.standard,
          min_prefixlen: bounds.min,
          max_prefixlen: bounds.max,
        })
        return seenPool(q, ctx, access, id)
      }),
    remove: (ctx: Ctx, id: string, revision: number | null): Promise<void> =>
      database.tx(ctx, 'delete-subnetpool', async q => {
        const it = await seenPool(q, ctx, access, id)
        access.mustChange(ctx, { rule: rules.deleteSubnetpool, show: rules.getSubnetpool }, target(it))
        constrain(it.revision, revision)
        if ((await subnetPoolsDb.allocations(q, id)).length > 0)
          throw faults.SubnetPoolDeleteError({ reason: 'Subnet pool has existing allocations' })
        await deleteTags(q, [id])
        await sharingDb.forget(q, id)
        await q.deleteFrom('subnetpools').where('id', '=', id).execute()
      }),
    /**
     * The subnets of a network's family that belong to no pool become this pool's, and their CIDRs its prefixes.
     * @throws NetworkNotFound, IllegalSubnetPoolUpdate
     */
    onboard: (ctx: Ctx, id: string, networkId: string): Promise<{ id: string; cidr: string }[]> =>
      database.tx(ctx, 'onboard-subnets', async q => {
        const it = await seenPool(q, ctx, access, id)
        const change = { rule: moreRules.onboardNetworkSubnets, show: rules.getSubnetpool }
        access.mustChange(ctx, change, target(it))
        const network = await seenNetwork(q, ctx, tools, networkId)
        if (network.projectId !== ctx.who?.projectId && !access.isAdmin(ctx))
          throw faults.PolicyNotAuthorized({ rules: 'rule:onboard_network_subnets' })
        const taken = cidrsOf((await subnetPoolsDb.allocations(q, id)).map(one => one.cidr))
        const found = (await subnetsDb.ofNetwork(q, networkId)).filter(one => one.ipVersion === it.ipVersion)
        for (const one of found)
          if (cidrsOf([one.cidr]).some(cidr => taken.some(other => overlap(cidr, other))))
            throw faults.IllegalSubnetPoolUpdate({
              reason: `Onboarding subnet ${one.id}: ${one.cidr} conflicts with allocated prefixes in subnet pool ${id}`,
            })
        const prefixes = checkedPrefixes([...it.prefixes, ...found.map(one => one.cidr)])
        if (it.addressScopeId !== null)
          await checkScope(q, ctx, access, it.addressScopeId, { id, ipVersion: it.ipVersion, prefixes })
        await revise(q, 'subnetpools', id, clock.now(), { prefixes: json(prefixes.map(formatCidr)) })
        for (const one of found) await revise(q, 'subnets', one.id, clock.now(), { subnetpool_id: id })
        return found.map(one => ({ id: one.id, cidr: one.cidr }))
      }),
    addPrefixes: (ctx: Ctx, id: string, asked: readonly string[]): Promise<string[]> =>
      changePrefixes(ctx, id, rules.addPrefixes, async (_q, it) => checkedPrefixes([...it.prefixes, ...asked])),
    /** @throws IllegalSubnetPoolPrefixUpdate when a subnet was cut from them. */
    removePrefixes: (ctx: Ctx, id: string, asked: readonly string[]): Promise<string[]> =>
      changePrefixes(ctx, id, rules.removePrefixes, async (q, it) => {
        const gone = asked.length === 0 ? [] : checkedPrefixes(asked)
        const used = cidrsOf((await subnetPoolsDb.allocations(q, id)).map(one => one.cidr))
        const left = without(cidrsOf(it.prefixes), gone)
        if (!within(used, left))
          throw faults.IllegalSubnetPoolPrefixUpdate({
            msg: 'One or more the prefixes to be removed is in use by a subnet.',
          })
        return left
      }),
  }
}
export type SubnetPools = ReturnType<typeof createSubnetPools>
