// What new security groups begin with: rules kept by administrators, and whether groups are stateful. The verbs.
import type { CreateOf, UpdateOf } from '#kernel/contract/resource.ts'
import { flag, isSet } from '#kernel/db/codecs.ts'
import { isDuplicate } from '#kernel/db/errors.ts'
import { sql, type SqlBool } from 'kysely'
import type { Ctx } from '#kernel/lib/context.ts'
import { defaultRule, statefulness } from '#services/neutron/contract/default-groups.ts'
import { faults } from '#services/neutron/contract/faults.ts'
import { moreRules as rules } from '#services/neutron/contract/rules-more.ts'
import { listRows, type Listing } from '#services/neutron/db/listing.ts'
import { newStandard, revise, standardOf, type Q, type Standard } from '#services/neutron/db/standard.ts'
import type { DefaultRuleTable, DefaultStatefulnessTable } from '#services/neutron/db/tables-more.ts'
import { plainNoun } from '#services/neutron/domain/plain.ts'
import { checkedRule, fingerprintOf } from '#services/neutron/domain/rule-checks.ts'
import type { DomainTools } from '#services/neutron/domain/tools.ts'

export interface DefaultRule extends Standard {
  readonly direction: 'ingress' | 'egress'
  readonly ethertype: string
  readonly protocol: string | null
  readonly portMin: number | null
  readonly portMax: number | null
  readonly remoteIpPrefix: string | null
  readonly remoteGroupId: string | null
  readonly remoteAddressGroupId: string | null
  readonly forDefault: boolean
  readonly forOthers: boolean
}
const toDefaultRule = (row: Readonly<DefaultRuleTable>): DefaultRule => ({
  ...standardOf(row),
  direction: row.direction === 'egress' ? 'egress' : 'ingress',
  ethertype: row.ethertype,
  protocol: row.protocol,
  portMin: row.port_range_min,
  portMax: row.port_range_max,
  remoteIpPrefix: row.remote_ip_prefix,
  remoteGroupId: row.remote_group_id,
  remoteAddressGroupId: row.remote_address_group_id,
  forDefault: isSet(row.used_in_default_sg),
  forOthers: isSet(row.used_in_non_default_sg),
})
export interface Statefulness extends Standard {
  readonly stateful: boolean
}
const toStatefulness = (row: Readonly<DefaultStatefulnessTable>): Statefulness => ({
  ...standardOf(row),
  stateful: isSet(row.stateful),
})

export const createDefaultRules = (tools: DomainTools) => {
  const { clock } = tools
  const plain = plainNoun(tools, {
    of: defaultRule,
    table: 'default_security_group_rules',
    entity: toDefaultRule,
    rules: {
      get: rules.getDefaultSecurityGroupRule,
      create: rules.createDefaultSecurityGroupRule,
      remove: rules.deleteDefaultSecurityGroupRule,
    },
    missing: id => faults.DefaultSecurityGroupRuleNotFound({ id }),
    everybody: true,
  })
  async function checkNew(q: Q, fingerprint: string): Promise<void> {
    const same = await q
      .selectFrom('default_security_group_rules')
      .select('id')
      .where('fingerprint', '=', fingerprint)
      .executeTakeFirst()
    if (same !== undefined) throw faults.DefaultSecurityGroupRuleExists({ rule_id: same.id })
  }
  return {
    list: (ctx: Ctx, listing: Listing): Promise<DefaultRule[]> => plain.list(ctx, listing),
    show: (ctx: Ctx, id: string): Promise<DefaultRule> => plain.show(ctx, id),
    create: (ctx: Ctx, bodies: readonly CreateOf<(typeof defaultRule)['rows']>[]): Promise<DefaultRule[]> =>
      plain.create(ctx, bodies, async (q, body, id) => {
        const facts = checkedRule(body)
        const fingerprint = fingerprintOf(facts)
        await checkNew(q, fingerprint)
        const { normalized_cidr: _, ...columns } = facts
        return {
          ...newStandard(id, '', { description: body.description }, clock.now()),
          ...columns,
          fingerprint,
          used_in_default_sg: flag(body.used_in_default_sg),
          used_in_non_default_sg: flag(body.used_in_non_default_sg),
        }
      }),
    remove: (ctx: Ctx, id: string, revision: number | null): Promise<void> => plain.remove(ctx, id, revision),
  }
}
export type DefaultRules = ReturnType<typeof createDefaultRules>

export const createStatefulnesses = (tools: DomainTools) => {
  const { database, access, clock, ids } = tools
  const target = (projectId: string) => ({ project_id: projectId, tenant_id: projectId })
  async function seen(q: Q, ctx: Ctx, id: string): Promise<Statefulness> {
    const row = await q.selectFrom('default_statefulness').selectAll().where('id', '=', id).executeTakeFirst()
    const mine = row?.project_id === ctx.who?.projectId
    if (row === undefined || (!mine && !access.seesAll(ctx, rules.getSecurityGroupsDefaultStatefulness)))
      throw faults.SecurityGroupDefaultStatefulnessNotFound({ id })
    return toStatefulness(row)
  }
  return {
    list: (ctx: Ctx, listing: Listing): Promise<Statefulness[]> =>
      database.read(ctx, 'list-default-statefulness', async q => {
        const own = access.who(ctx).projectId ?? ''
        const scope = access.seesAll(ctx, rules.getSecurityGroupsDefaultStatefulness)
          ? []
          : [sql<SqlBool>`default_statefulness.project_id = ${own}`]
        const rows = await listRows(q, { table: 'default_statefulness' }, listing, scope, async id => ({
          ...(await seen(q, ctx, id)),
        }))
        return rows.map(toStatefulness)
      }),
    show: (ctx: Ctx, id: string): Promise<Statefulness> =>
      database.read(ctx, 'show-default-statefulness', q => seen(q, ctx, id)),
    /** Without a project: one's own; null: for all that say nothing. */
    async create(ctx: Ctx, bodies: readonly CreateOf<(typeof statefulness)['rows']>[]): Promise<Statefulness[]> {
      const named = bodies.map(body => ({ body, id: ids.uuid() }))
      return database.tx(ctx, 'create-default-statefulness', async q => {
        const made: Statefulness[] = []
        for (const { body, id } of named) {
          const asked = body.project_id
          const projectId =
            asked === null ? '' : access.projectOf(ctx, asked === undefined ? {} : { project_id: asked })
          const rule = rules.createSecurityGroupsDefaultStatefulness
          access.mustCreate(ctx, statefulness, rule, {}, target(projectId))
          const row = { ...newStandard(id, projectId, {}, clock.now()), stateful: flag(body.stateful) }
          try {
            await q.insertInto('default_statefulness').values(row).execute()
          } catch (error) {
            if (!isDuplicate(error)) throw error
            throw faults.SecurityGroupDefaultStatefulnessAlreadyExists({ project_id: projectId })
          }
          made.push(toStatefulness(row))
        }
        return made
      })
    },
    update: (ctx: Ctx, id: string, body: UpdateOf<(typeof statefulness)['rows']>): Promise<Statefulness> =>
      database.tx(ctx, 'update-default-statefulness', async q => {
        const it = await seen(q, ctx, id)
        const rule = rules.updateSecurityGroupsDefaultStatefulness
        access.mustChange(ctx, { rule, show: rules.getSecurityGroupsDefaultStatefulness }, target(it.projectId))
        if (body.stateful !== undefined)
          await revise(q, 'default_statefulness', id, clock.now(), { stateful: flag(body.stateful) })
        return seen(q, ctx, id)
      }),
    remove: (ctx: Ctx, id: string): Promise<void> =>
      database.tx(ctx, 'delete-default-statefulness', async q => {
        const it = await seen(q, ctx, id)
        const rule = rules.deleteSecurityGroupsDefaultStatefulness
        access.mustChange(ctx, { rule, show: rules.getSecurityGroupsDefaultStatefulness }, target(it.projectId))
        await q.deleteFrom('default_statefulness').where('id', '=', id).execute()
      }),
  }
}
export type Statefulnesses = ReturnType<typeof createStatefulnesses>
