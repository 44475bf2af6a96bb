// Address groups: the verbs. What a group holds is told to the hosts whose rules name it.
import type { CreateOf, UpdateOf } from '#kernel/contract/resource.ts'
import type { Rule } from '#kernel/contract/rule.ts'
import { flag, json } from '#kernel/db/codecs.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import { addressGroup } from '#services/neutron/contract/address-groups.ts'
import { faults } from '#services/neutron/contract/faults.ts'
import { moreRules as rules } from '#services/neutron/contract/rules-more.ts'
import { addressGroupsDb, toAddressGroup, type AddressGroup } from '#services/neutron/db/address-sets.ts'
import type { Listing } from '#services/neutron/db/listing.ts'
import { newStandard } from '#services/neutron/db/standard.ts'
import { formatCidr, parseCidr } from '#services/neutron/domain/addresses.ts'
import { named, plainNoun } from '#services/neutron/domain/plain.ts'
import type { DomainTools } from '#services/neutron/domain/tools.ts'

type Create = CreateOf<(typeof addressGroup)['rows']>
type Update = UpdateOf<(typeof addressGroup)['rows']>
const shown = (addresses: readonly string[]): string => `[${addresses.map(one => `'${one}'`).join(', ')}]`

/** Each prefix in its ordinary form, each once. @throws HTTPBadRequest */
function normalized(asked: readonly string[]): string[] {
  const found = asked.map(text => {
    const cidr = text.includes('/') ? parseCidr(text) : null
    if (cidr === null)
      throw faults.HTTPBadRequest({
        reason: `Invalid input for addresses. Reason: '${text}' is not a valid IP subnet.`,
      })
    return formatCidr(cidr)
  })
  return [...new Set(found)]
}

export const createAddressGroups = (tools: DomainTools) => {
  const { clock, wiring } = tools
  const plain = plainNoun(tools, {
    of: addressGroup,
    table: 'address_groups',
    entity: toAddressGroup,
    rules: {
      get: rules.getAddressGroup,
      create: rules.createAddressGroup,
      update: rules.updateAddressGroup,
      remove: rules.deleteAddressGroup,
    },
    missing: id => faults.AddressGroupNotFound({ address_group_id: id }),
    shares: 'address_group',
  })
  async function change(
    ctx: Ctx,
    id: string,
    rule: Rule,
    next: (has: readonly string[]) => string[],
  ): Promise<AddressGroup> {
    let groups: readonly string[] = []
    const changed = await plain.update(
      ctx,
      id,
      {},
      null,
      async (q, it) => {
        groups = await addressGroupsDb.namedBy(q, id)
        return { addresses: json(next(it.addresses)) }
      },
      rule,
    )
    wiring.touch({ groups })
    return changed
  }
  return {
    list: (ctx: Ctx, listing: Listing): Promise<AddressGroup[]> => plain.list(ctx, listing),
    show: (ctx: Ctx, id: string): Promise<AddressGroup> => plain.show(ctx, id),
    create: (ctx: Ctx, bodies: readonly Create[]): Promise<AddressGroup[]> =>
      plain.create(ctx, bodies, async (_q, body, id, projectId) => ({
        ...newStandard(id, projectId, body, clock.now()),
        addresses: json(normalized(body.addresses ?? [])),
        shared: flag(false),
      })),
    update: (ctx: Ctx, id: string, body: Update, revision: number | null): Promise<AddressGroup> =>
      plain.update(ctx, id, body, revision, async () => named(body)),
    /** @throws AddressGroupInUse */
    remove: (ctx: Ctx, id: string, revision: number | null): Promise<void> =>
      plain.remove(ctx, id, revision, async q => {
        if ((await addressGroupsDb.namedBy(q, id)).length > 0) throw faults.AddressGroupInUse({ address_group_id: id })
      }),
    /** @throws AddressesAlreadyExist */
    add: (ctx: Ctx, id: string, asked: readonly string[]): Promise<AddressGroup> => {
      const more = normalized(asked)
      return change(ctx, id, rules.addAddresses, has => {
        const known = more.filter(one => has.includes(one))
        if (known.length > 0) throw faults.AddressesAlreadyExist({ addresses: shown(known), address_group_id: id })
        return [...has, ...more]
      })
    },
    /** @throws AddressesNotFound */
    take: (ctx: Ctx, id: string, asked: readonly string[]): Promise<AddressGroup> => {
      const gone = normalized(asked)
      return change(ctx, id, rules.removeAddresses, has => {
        const unknown = gone.filter(one => !has.includes(one))
        if (unknown.length > 0) throw faults.AddressesNotFound({ addresses: shown(unknown), address_group_id: id })
        return has.filter(one => !gone.includes(one))
      })
    },
  }
}
export type AddressGroups = ReturnType<typeof createAddressGroups>
