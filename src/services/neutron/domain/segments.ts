// Segments of networks and the ranges their numbers come from: the verbs.
import type { CreateOf, UpdateOf } from '#kernel/contract/resource.ts'
import { flag, isSet } from '#kernel/db/codecs.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import { faults } from '#services/neutron/contract/faults.ts'
import { moreRules as rules } from '#services/neutron/contract/rules-more.ts'
import { segment, segmentRange } from '#services/neutron/contract/segments.ts'
import type { Listing } from '#services/neutron/db/listing.ts'
import { newStandard, standardOf, type Q, type Standard } from '#services/neutron/db/standard.ts'
import type { SegmentRangeTable, SegmentTable } from '#services/neutron/db/tables-more.ts'
import { seenNetwork } from '#services/neutron/domain/networks.ts'
import { named, plainNoun } from '#services/neutron/domain/plain.ts'
import type { DomainTools } from '#services/neutron/domain/tools.ts'

export interface NetworkSegment extends Standard {
  readonly networkId: string
  readonly networkType: string
  readonly physicalNetwork: string | null
  readonly segmentationId: number | null
}
const toSegment = (row: Readonly<SegmentTable>): NetworkSegment => ({
  ...standardOf(row),
  networkId: row.network_id,
  networkType: row.network_type,
  physicalNetwork: row.physical_network,
  segmentationId: row.segmentation_id,
})
export interface SegmentRange extends Standard {
  readonly isDefault: boolean
  readonly shared: boolean
  readonly networkType: string
  readonly physicalNetwork: string | null
  readonly minimum: number
  readonly maximum: number
}
const toRange = (row: Readonly<SegmentRangeTable>): SegmentRange => ({
  ...standardOf(row),
  isDefault: isSet(row.is_default),
  shared: isSet(row.shared),
  networkType: row.network_type,
  physicalNetwork: row.physical_network === '' ? null : row.physical_network,
  minimum: row.minimum,
  maximum: row.maximum,
})
const WITH_NUMBERS: ReadonlySet<string> = new Set(['vlan', 'vxlan', 'gre', 'geneve'])
const invalid = (says: string): never => {
  throw faults.InvalidInput({ error_message: says })
}

export const createSegments = (tools: DomainTools) => {
  const { clock } = tools
  const plain = plainNoun(tools, {
    of: segment,
    table: 'segments',
    entity: toSegment,
    rules: {
      get: rules.getSegment,
      create: rules.createSegment,
      update: rules.updateSegment,
      remove: rules.deleteSegment,
    },
    missing: id => faults.SegmentNotFound({ segment_id: id }),
  })
  async function check(q: Q, type: string, physical: string | null, number: number | null): Promise<void> {
    if (!['flat', 'vlan', 'vxlan', 'geneve', 'gre', 'local'].includes(type))
      invalid(`network_type value '${type}' not supported`)
    if ((type === 'flat' || type === 'vlan') && physical === null)
      invalid(`physical_network required for ${type} provider network`)
    if (!WITH_NUMBERS.has(type) && number !== null) invalid(`segmentation_id prohibited for ${type} provider network`)
    if (number === null) return
    const same = await q
      .selectFrom('segments')
      .select('id')
      .where('network_type', '=', type)
      .where('segmentation_id', '=', number)
      .where('physical_network', physical === null ? 'is' : '=', physical)
      .executeTakeFirst()
    if (same !== undefined) throw faults.TunnelIdInUse({ tunnel_id: number })
  }
  return {
    list: (ctx: Ctx, listing: Listing): Promise<NetworkSegment[]> => plain.list(ctx, listing),
    show: (ctx: Ctx, id: string): Promise<NetworkSegment> => plain.show(ctx, id),
    create: (ctx: Ctx, bodies: readonly CreateOf<(typeof segment)['rows']>[]): Promise<NetworkSegment[]> =>
      plain.create(ctx, bodies, async (q, body, id) => {
        const network = await seenNetwork(q, ctx, tools, body.network_id)
        const physical = body.physical_network ?? null
        const number = body.segmentation_id ?? null
        await check(q, body.network_type, physical, number)
        return {
          ...newStandard(id, network.projectId, { name: body.name ?? '', description: body.description }, clock.now()),
          network_id: network.id,
          network_type: body.network_type,
          physical_network: physical,
          segmentation_id: number,
        }
      }),
    update: (
      ctx: Ctx,
      id: string,
      body: UpdateOf<(typeof segment)['rows']>,
      revision: number | null,
    ): Promise<NetworkSegment> =>
      plain.update(ctx, id, body, revision, async () =>
        named({
          ...(body.name === undefined ? {} : { name: body.name ?? '' }),
          ...(body.description === undefined ? {} : { description: body.description }),
        }),
      ),
    /** @throws SegmentInUse while subnets are on it, or it is the only one of a network with ports */
    remove: (ctx: Ctx, id: string, revision: number | null): Promise<void> =>
      plain.remove(ctx, id, revision, async (q, it) => {
        const subnets = await q.selectFrom('subnets').select('id').where('segment_id', '=', id).execute()
        if (subnets.length > 0)
          throw faults.SegmentInUse({
            segment_id: id,
            reason: `The segment is still associated with subnet(s) ${subnets.map(row => row.id).join(', ')}`,
          })
        const others = await q
          .selectFrom('segments')
          .select('id')
          .where('network_id', '=', it.networkId)
          .where('id', '!=', id)
          .limit(1)
          .executeTakeFirst()
        const port = await q
          .selectFrom('ports')
          .select('id')
          .where('network_id', '=', it.networkId)
          .limit(1)
          .executeTakeFirst()
        if (others === undefined && port !== undefined)
          throw faults.SegmentInUse({ segment_id: id, reason: `The segment is still bound with port(s) ${port.id}` })
      }),
  }
}
export type Segments = ReturnType<typeof createSegments>

/** What a range shows of itself: numbers that networks have, and some of those that are free. */
export interface RangeUse {
  readonly used: Readonly<Record<string, string>>
  readonly available: readonly number[]
}
/** A range may hold millions; nobody reads more. */
const MOST_SHOWN = 1000

export const createSegmentRanges = (tools: DomainTools) => {
  const { database, clock } = tools
  const plain = plainNoun(tools, {
    of: segmentRange,
    table: 'segment_ranges',
    entity: toRange,
    rules: {
      get: rules.getNetworkSegmentRange,
      create: rules.createNetworkSegmentRange,
      update: rules.updateNetworkSegmentRange,
      remove: rules.deleteNetworkSegmentRange,
    },
    missing: id => faults.NetworkSegmentRangeNotFound({ range_id: id }),
    spec: { columns: { default: 'is_default' } },
  })
  async function usedIn(q: Q, it: SegmentRange): Promise<{ number: number; projectId: string }[]> {
    const rows = await q
      .selectFrom('networks')
      .select(['segmentation_id', 'project_id'])
      .where('network_type', '=', it.networkType)
      .where('physical_network', '=', it.physicalNetwork ?? '')
      .where('segmentation_id', '>=', it.minimum)
      .where('segmentation_id', '<=', it.maximum)
      .orderBy('segmentation_id')
      .execute()
    return rows.map(row => ({ number: row.segmentation_id ?? 0, projectId: row.project_id }))
  }
  async function checkRange(
    q: Q,
    range: { id: string; type: string; physical: string; minimum: number; maximum: number },
  ): Promise<void> {
    const most = range.type === 'vlan' ? 4094 : range.type === 'gre' ? 2_147_483_647 : 16_777_215
    if (range.minimum > range.maximum || range.maximum > most)
      invalid(`Invalid network segmentation ID range '${range.minimum}:${range.maximum}'`)
    if ((range.type === 'vlan') !== (range.physical !== ''))
      invalid('physical_network is required for vlan ranges, and only for them')
    const others = await q
      .selectFrom('segment_ranges')
      .select('id')
      .where('network_type', '=', range.type)
      .where('physical_network', '=', range.physical)
      .where('is_default', '=', 0)
      .where('minimum', '<=', range.maximum)
      .where('maximum', '>=', range.minimum)
      .where('id', '!=', range.id)
      .execute()
    if (others.length > 0) throw faults.NetworkSegmentRangeOverlaps({ range_id: others.map(row => row.id).join(', ') })
  }
  return {
    list: (ctx: Ctx, listing: Listing): Promise<SegmentRange[]> => plain.list(ctx, listing),
    show: (ctx: Ctx, id: string): Promise<SegmentRange> => plain.show(ctx, id),
    create: (ctx: Ctx, bodies: readonly CreateOf<(typeof segmentRange)['rows']>[]): Promise<SegmentRange[]> =>
      plain.create(ctx, bodies, async (q, body, id, projectId) => {
        const physical = body.physical_network ?? ''
        const { minimum, maximum } = body
        await checkRange(q, { id, type: body.network_type, physical, minimum, maximum })
        return {
          ...newStandard(id, body.shared ? '' : projectId, body, clock.now()),
          is_default: flag(false),
          shared: flag(body.shared),
          network_type: body.network_type,
          physical_network: physical,
          minimum,
          maximum,
        }
      }),
    update: (
      ctx: Ctx,
      id: string,
      body: UpdateOf<(typeof segmentRange)['rows']>,
      revision: number | null,
    ): Promise<SegmentRange> =>
      plain.update(ctx, id, body, revision, async (q, it) => {
        if (it.isDefault) throw faults.NetworkSegmentRangeDefaultReadOnly({ range_id: id })
        const minimum = body.minimum ?? it.minimum
        const maximum = body.maximum ?? it.maximum
        await checkRange(q, { id, type: it.networkType, physical: it.physicalNetwork ?? '', minimum, maximum })
        if ((await usedIn(q, it)).some(one => one.number < minimum || one.number > maximum))
          throw faults.NetworkSegmentRangeReferencedByProject({ range_id: id })
        return { ...named(body), minimum, maximum }
      }),
    /** @throws NetworkSegmentRangeDefaultReadOnly, NetworkSegmentRangeReferencedByProject */
    remove: (ctx: Ctx, id: string, revision: number | null): Promise<void> =>
      plain.remove(ctx, id, revision, async (q, it) => {
        if (it.isDefault) throw faults.NetworkSegmentRangeDefaultReadOnly({ range_id: id })
        if ((await usedIn(q, it)).length > 0) throw faults.NetworkSegmentRangeReferencedByProject({ range_id: id })
      }),
    usesOf: (ctx: Ctx, all: readonly SegmentRange[]): Promise<ReadonlyMap<string, RangeUse>> =>
      database.read(ctx, 'uses-of-segment-ranges', async q => {
        const found = new Map<string, RangeUse>()
        for (const it of all) {
          const used = await usedIn(q, it)
          const taken = new Set(used.map(one => one.number))
          const available: number[] = []
          for (let number = it.minimum; number <= it.maximum && available.length < MOST_SHOWN; number += 1)
            if (!taken.has(number)) available.push(number)
          found.set(it.id, {
            used: Object.fromEntries(used.map(one => [String(one.number), one.projectId])),
            available,
          })
        }
        return found
      }),
  }
}
export type SegmentRanges = ReturnType<typeof createSegmentRanges>
