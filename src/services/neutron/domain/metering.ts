// Metering labels and their rules: the verbs.
import type { CreateOf } from '#kernel/contract/resource.ts'
import { flag, isSet } from '#kernel/db/codecs.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import { faults } from '#services/neutron/contract/faults.ts'
import { meteringLabel, meteringLabelRule } from '#services/neutron/contract/metering.ts'
import { moreRules as rules } from '#services/neutron/contract/rules-more.ts'
import type { Listing } from '#services/neutron/db/listing.ts'
import { newStandard, standardOf, type Standard } from '#services/neutron/db/standard.ts'
import type { MeteringLabelRuleTable, MeteringLabelTable } from '#services/neutron/db/tables-more.ts'
import { formatCidr, parseCidr } from '#services/neutron/domain/addresses.ts'
import { plainNoun } from '#services/neutron/domain/plain.ts'
import type { DomainTools } from '#services/neutron/domain/tools.ts'

export interface MeteringLabel extends Standard {
  readonly shared: boolean
}
export interface MeteringLabelRule extends Standard {
  readonly labelId: string
  readonly direction: 'ingress' | 'egress'
  readonly excluded: boolean
  readonly remoteIpPrefix: string
}
const toLabel = (row: Readonly<MeteringLabelTable>): MeteringLabel => ({
  ...standardOf(row),
  shared: isSet(row.shared),
})
const toRule = (row: Readonly<MeteringLabelRuleTable>): MeteringLabelRule => ({
  ...standardOf(row),
  labelId: row.metering_label_id,
  direction: row.direction === 'egress' ? 'egress' : 'ingress',
  excluded: isSet(row.excluded),
  remoteIpPrefix: row.remote_ip_prefix,
})

export const createMetering = (tools: DomainTools) => {
  const labels = plainNoun(tools, {
    of: meteringLabel,
    table: 'metering_labels',
    entity: toLabel,
    rules: { get: rules.getMeteringLabel, create: rules.createMeteringLabel, remove: rules.deleteMeteringLabel },
    missing: id => faults.MeteringLabelNotFound({ label_id: id }),
  })
  const labelRules = plainNoun(tools, {
    of: meteringLabelRule,
    table: 'metering_label_rules',
    entity: toRule,
    rules: {
      get: rules.getMeteringLabelRule,
      create: rules.createMeteringLabelRule,
      remove: rules.deleteMeteringLabelRule,
    },
    missing: id => faults.MeteringLabelRuleNotFound({ rule_id: id }),
  })
  return {
    labels: {
      list: (ctx: Ctx, listing: Listing): Promise<MeteringLabel[]> => labels.list(ctx, listing),
      show: (ctx: Ctx, id: string): Promise<MeteringLabel> => labels.show(ctx, id),
      create: (ctx: Ctx, bodies: readonly CreateOf<(typeof meteringLabel)['rows']>[]): Promise<MeteringLabel[]> =>
        labels.create(ctx, bodies, async (_q, body, id, projectId) => ({
          ...newStandard(id, projectId, body, tools.clock.now()),
          shared: flag(body.shared),
        })),
      /** With all its rules. */
      remove: (ctx: Ctx, id: string, revision: number | null): Promise<void> =>
        labels.remove(ctx, id, revision, async q => {
          await q.deleteFrom('metering_label_rules').where('metering_label_id', '=', id).execute()
        }),
    },
    rules: {
      list: (ctx: Ctx, listing: Listing): Promise<MeteringLabelRule[]> => labelRules.list(ctx, listing),
      show: (ctx: Ctx, id: string): Promise<MeteringLabelRule> => labelRules.show(ctx, id),
      /** @throws MeteringLabelNotFound for a label that the caller does not see */
      create: (
        ctx: Ctx,
        bodies: readonly CreateOf<(typeof meteringLabelRule)['rows']>[],
      ): Promise<MeteringLabelRule[]> =>
        labelRules.create(ctx, bodies, async (q, body, id, projectId) => {
          await labels.seen(q, ctx, body.metering_label_id)
          const cidr = parseCidr(body.remote_ip_prefix)
          if (cidr === null)
            throw faults.HTTPBadRequest({
              reason: `Invalid input for remote_ip_prefix. Reason: '${body.remote_ip_prefix}' is not a valid IP subnet.`,
            })
          return {
            ...newStandard(id, projectId, {}, tools.clock.now()),
            metering_label_id: body.metering_label_id,
            direction: body.direction,
            excluded: flag(body.excluded),
            remote_ip_prefix: formatCidr(cidr),
          }
        }),
      remove: (ctx: Ctx, id: string, revision: number | null): Promise<void> => labelRules.remove(ctx, id, revision),
    },
  }
}
export type Metering = ReturnType<typeof createMetering>
