// Security groups and their rules: the verbs.
import type { CreateOf, UpdateOf } from '#kernel/contract/resource.ts'
import { flag, time } from '#kernel/db/codecs.ts'
import { isDuplicate } from '#kernel/db/errors.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import type { Target } from '#kernel/policy/enforcer.ts'
import { faults } from '#services/neutron/contract/faults.ts'
import { rules } from '#services/neutron/contract/rules.ts'
import { securityGroup, securityGroupRule } from '#services/neutron/contract/security-groups.ts'
import { addressGroupsDb } from '#services/neutron/db/address-sets.ts'
import { defaultStateful, firstRules } from '#services/neutron/db/default-rules.ts'
import type { Listing } from '#services/neutron/db/listing.ts'
import {
  visibleGroups,
  ownRules,
  rulesDb,
  securityGroupsDb,
  toRule,
  toSecurityGroup,
  type SecurityGroup,
  type SecurityGroupRule,
} from '#services/neutron/db/security-groups.ts'
import { sharingDb } from '#services/neutron/db/sharing.ts'
import { deleteTags, newStandard, revise, type Q } from '#services/neutron/db/standard.ts'
import { ensureDefaultGroup, insertFirstRules } from '#services/neutron/domain/default-group.ts'
import { claim } from '#services/neutron/domain/quotas.ts'
import { constrain } from '#services/neutron/domain/revision.ts'
import { checkedRule, fingerprintOf } from '#services/neutron/domain/rule-checks.ts'
import { asSeen, isSharedWith } from '#services/neutron/domain/sharing.ts'
import type { DomainTools } from '#services/neutron/domain/tools.ts'

type Create = CreateOf<(typeof securityGroup)['rows']>
type Update = UpdateOf<(typeof securityGroup)['rows']>
type CreateRule = CreateOf<(typeof securityGroupRule)['rows']>

export const groupTarget = (it: SecurityGroup): Target => ({
  project_id: it.projectId,
  tenant_id: it.projectId,
  shared: it.shared,
})
/** A rule belongs to whom its group belongs to. */
const ruleTarget = (it: Pick<SecurityGroupRule, 'projectId'>, groupProject: string): Target => ({
  project_id: it.projectId,
  tenant_id: it.projectId,
  'security_group:project_id': groupProject,
})

/** A rule with whom its group belongs to, and whether that is a default group. */
export interface RuleOfGroup extends SecurityGroupRule {
  readonly groupProjectId: string
  readonly belongsToDefault: boolean
}

export const createSecurityGroups = (tools: DomainTools) => {
  const { database, access, clock, ids, settings, wiring } = tools

  async function seen(q: Q, ctx: Ctx, id: string): Promise<SecurityGroup> {
    const known = await securityGroupsDb.byId(q, id)
    const [found] = known === null ? [] : await asSeen(q, ctx, [known])
    const sees = found?.shared === true || found?.projectId === ctx.who?.projectId
    if (found === undefined || (!sees && !access.seesAll(ctx, rules.getSecurityGroup)))
      throw faults.SecurityGroupNotFound({ id })
    return found
  }
  async function insert(q: Q, ctx: Ctx, body: Create, id: string): Promise<SecurityGroup> {
    const projectId = access.projectOf(ctx, body)
    access.mustCreate(ctx, securityGroup, rules.createSecurityGroup, body, {
      project_id: projectId,
      tenant_id: projectId,
    })
    if (body.name.toLowerCase() === 'default') throw faults.SecurityGroupDefaultAlreadyExists()
    await ensureDefaultGroup(q, tools, projectId)
    await claim(q, settings, projectId, 'security_group')
    const row = {
      ...newStandard(id, projectId, body, clock.now()),
      stateful: flag(body.stateful ?? (await defaultStateful(q, projectId))),
      shared: flag(false),
    }
    await q.insertInto('security_groups').values(row).execute()
    await claim(q, settings, projectId, 'security_group_rule', (await firstRules(q, false)).length)
    await insertFirstRules(q, tools, id, projectId, false)
    return toSecurityGroup(row)
  }
  /** The default group of whoever asks is there before he looks. */
  const withDefault = async (ctx: Ctx): Promise<void> => {
    const projectId = ctx.who?.projectId ?? null
    if (
      projectId === null ||
      !access.allows(ctx, rules.getSecurityGroup, { project_id: projectId, tenant_id: projectId })
    )
      return
    const known = await database.read(ctx, 'default-security-group', q => securityGroupsDb.defaultOf(q, projectId))
    if (known === null)
      await database.tx(ctx, 'make-default-security-group', q => ensureDefaultGroup(q, tools, projectId))
  }
  const marker =
    (q: Q, ctx: Ctx) =>
    async (id: string): ReturnType<typeof markerRow> => {
      await seen(q, ctx, id)
      return markerRow(q, id)
    }
  const markerRow = async (q: Q, id: string) => {
    const row = await securityGroupsDb.row(q, id)
    if (row === undefined) throw faults.SecurityGroupNotFound({ id })
    return row
  }

  return {
    async create(ctx: Ctx, bodies: readonly Create[]): Promise<SecurityGroup[]> {
      const named = bodies.map(body => ({ body, id: ids.uuid() }))
      return database.tx(ctx, 'create-security-group', async q => {
        const made: SecurityGroup[] = []
        for (const { body, id } of named) made.push(await insert(q, ctx, body, id))
        return made
      })
    },
    async list(ctx: Ctx, listing: Listing): Promise<SecurityGroup[]> {
      await withDefault(ctx)
      const found = await database.read(ctx, 'list-security-groups', q =>
        securityGroupsDb
          .list(
            q,
            listing,
            access.seesAll(ctx, rules.getSecurityGroup) ? [] : [visibleGroups(access.who(ctx).projectId ?? '')],
            marker(q, ctx),
            access.who(ctx).projectId ?? '',
          )
          .then(some => asSeen(q, ctx, some)),
      )
      return access.visible(ctx, rules.getSecurityGroup, found, groupTarget)
    },
    async show(ctx: Ctx, id: string): Promise<SecurityGroup> {
      const found = await database.read(ctx, 'show-security-group', q => seen(q, ctx, id))
      access.mustSee(ctx, rules.getSecurityGroup, groupTarget(found))
      return found
    },
    async update(ctx: Ctx, id: string, body: Update, revision: number | null): Promise<SecurityGroup> {
      const changed = await database.tx(ctx, 'update-security-group', async q => {
        const it = await seen(q, ctx, id)
        const change = { rule: rules.updateSecurityGroup, show: rules.getSecurityGroup }
        access.mustChange(ctx, change, groupTarget(it), { of: securityGroup, body })
        constrain(it.revision, revision)
        if (body.name !== undefined && it.name === 'default' && body.name !== 'default')
          throw faults.SecurityGroupCannotUpdateDefault()
        if (body.name?.toLowerCase() === 'default' && it.name !== 'default')
          throw faults.SecurityGroupDefaultAlreadyExists()
        if (body.stateful !== undefined && body.stateful !== it.stateful && (await securityGroupsDb.isUsed(q, id)))
          throw faults.SecurityGroupInUse({ id })
        await revise(q, 'security_groups', id, clock.now(), {
          ...(body.name === undefined ? {} : { name: body.name }),
          ...(body.description === undefined ? {} : { description: body.description }),
          ...(body.stateful === undefined ? {} : { stateful: flag(body.stateful) }),
        })
        return (await securityGroupsDb.byId(q, id)) ?? it
      })
      wiring.touch({ groups: [id] })
      return changed
    },
    async remove(ctx: Ctx, id: string, revision: number | null): Promise<void> {
      const groups = await database.tx(ctx, 'delete-security-group', async q => {
        const it = await seen(q, ctx, id)
        access.mustChange(ctx, { rule: rules.deleteSecurityGroup, show: rules.getSecurityGroup }, groupTarget(it))
        constrain(it.revision, revision)
        if (await securityGroupsDb.isUsed(q, id)) throw faults.SecurityGroupInUse({ id })
        const isDefault = (await securityGroupsDb.defaultsAmong(q, [id])).has(id)
        if (isDefault && !access.isAdmin(ctx)) throw faults.SecurityGroupCannotRemoveDefault()
        const pointing = await q
          .selectFrom('security_group_rules')
          .select('security_group_id')
          .where('remote_group_id', '=', id)
          .execute()
        await q.deleteFrom('security_group_rules').where('remote_group_id', '=', id).execute()
        await q.deleteFrom('security_group_rules').where('security_group_id', '=', id).execute()
        await q.deleteFrom('default_security_groups').where('security_group_id', '=', id).execute()
        await deleteTags(q, [id])
        await sharingDb.forget(q, id)
        await q.deleteFrom('security_groups').where('id', '=', id).execute()
        return [...new Set(pointing.map(row => row.security_group_id))]
      })
      wiring.touch({ groups: [id, ...groups] })
    },
    /** Rules of many groups: group → rules. */
    async rulesOf(ctx: Ctx, groupIds: readonly string[]): Promise<ReadonlyMap<string, readonly RuleOfGroup[]>> {
      return database.read(ctx, 'rules-of-security-groups', async q => {
        const found = new Map<string, RuleOfGroup[]>()
        for (const one of await describe(q, await rulesDb.ofGroups(q, groupIds))) {
          const list = found.get(one.securityGroupId)
          if (list === undefined) found.set(one.securityGroupId, [one])
          else list.push(one)
        }
        return found
      })
    },
  }
}
export type SecurityGroups = ReturnType<typeof createSecurityGroups>

async function describe(q: Q, found: readonly SecurityGroupRule[]): Promise<RuleOfGroup[]> {
  const ids = new Set(found.map(rule => rule.securityGroupId))
  const groups = await securityGroupsDb.byIds(q, ids)
  const defaults = await securityGroupsDb.defaultsAmong(q, ids)
  return found.map(rule => ({
    ...rule,
    groupProjectId: groups.get(rule.securityGroupId)?.projectId ?? rule.projectId,
    belongsToDefault: defaults.has(rule.securityGroupId),
  }))
}

export const createSecurityGroupRules = (tools: DomainTools) => {
  const { database, access, clock, ids, settings, wiring } = tools

  async function seen(q: Q, ctx: Ctx, id: string): Promise<RuleOfGroup> {
    const [found] = await describe(
      q,
      [await rulesDb.byId(q, id)].filter(one => one !== null),
    )
    const own = ctx.who?.projectId
    if (
      found === undefined ||
      (found.projectId !== own && found.groupProjectId !== own && !access.seesAll(ctx, rules.getSecurityGroupRule))
    )
      throw faults.SecurityGroupRuleNotFound({ id })
    return found
  }
  async function groupOf(q: Q, ctx: Ctx, id: string, projectId: string): Promise<SecurityGroup> {
    const group = await securityGroupsDb.byId(q, id)
    const may =
      group !== null && (group.projectId === projectId || access.isAdmin(ctx) || (await isSharedWith(q, ctx, id)))
    if (group === null || !may) throw faults.SecurityGroupNotFound({ id })
    return group
  }
  /** @throws AddressGroupNotFound for one that the caller does not see */
  async function checkAddressGroup(q: Q, ctx: Ctx, id: string, projectId: string): Promise<void> {
    const group = (await addressGroupsDb.byIds(q, [id])).get(id)
    const may = group?.projectId === projectId || access.isAdmin(ctx) || (await isSharedWith(q, ctx, id))
    if (group === undefined || !may) throw faults.AddressGroupNotFound({ address_group_id: id })
  }
  async function insert(q: Q, ctx: Ctx, body: CreateRule, id: string): Promise<SecurityGroupRule> {
    const projectId = access.projectOf(ctx, body)
    const group = await groupOf(q, ctx, body.security_group_id, projectId)
    access.mustCreate(
      ctx,
      securityGroupRule,
      rules.createSecurityGroupRule,
      body,
      ruleTarget({ projectId }, group.projectId),
    )
    const facts = checkedRule(body)
    if (facts.remote_group_id !== null) await groupOf(q, ctx, facts.remote_group_id, projectId)
    if (facts.remote_address_group_id !== null)
      await checkAddressGroup(q, ctx, facts.remote_address_group_id, projectId)
    await claim(q, settings, projectId, 'security_group_rule')
    const fingerprint = fingerprintOf(facts)
    const same = await rulesDb.sameRule(q, group.id, fingerprint)
    if (same !== null) throw faults.SecurityGroupRuleExists({ rule_id: same })
    const now = time(clock.now())
    const row = {
      id,
      project_id: projectId,
      security_group_id: group.id,
      ...facts,
      description: body.description,
      fingerprint,
      created_at: now,
      updated_at: now,
      revision_number: 0,
    }
    try {
      await q.insertInto('security_group_rules').values(row).execute()
    } catch (error) {
      if (!isDuplicate(error)) throw error
      throw faults.SecurityGroupRuleExists({ rule_id: (await rulesDb.sameRule(q, group.id, fingerprint)) ?? '' })
    }
    await revise(q, 'security_groups', group.id, clock.now())
    return toRule(row)
  }

  return {
    async create(ctx: Ctx, bodies: readonly CreateRule[]): Promise<RuleOfGroup[]> {
      if (new Set(bodies.map(body => body.security_group_id)).size > 1) throw faults.SecurityGroupNotSingleGroupRules()
      const named = bodies.map(body => ({ body, id: ids.uuid() }))
      const made = await database.tx(ctx, 'create-security-group-rule', async q => {
        const all: SecurityGroupRule[] = []
        for (const { body, id } of named) all.push(await insert(q, ctx, body, id))
        return describe(q, all)
      })
      wiring.touch({ groups: made.map(one => one.securityGroupId) })
      return made
    },
    async list(ctx: Ctx, listing: Listing): Promise<RuleOfGroup[]> {
      const projectId = ctx.who?.projectId ?? null
      const found = await database.read(ctx, 'list-security-group-rules', async q =>
        describe(
          q,
          await rulesDb.list(
            q,
            listing,
            access.seesAll(ctx, rules.getSecurityGroupRule) ? [] : [ownRules(projectId ?? '')],
            async id => {
              await seen(q, ctx, id)
              const row = await rulesDb.row(q, id)
              if (row === undefined) throw faults.SecurityGroupRuleNotFound({ id })
              return row
            },
          ),
        ),
      )
      return access.visible(ctx, rules.getSecurityGroupRule, found, one => ruleTarget(one, one.groupProjectId))
    },
    async show(ctx: Ctx, id: string): Promise<RuleOfGroup> {
      const found = await database.read(ctx, 'show-security-group-rule', q => seen(q, ctx, id))
      access.mustSee(ctx, rules.getSecurityGroupRule, ruleTarget(found, found.groupProjectId))
      return found
    },
    async remove(ctx: Ctx, id: string, revision: number | null): Promise<void> {
      const groupId = await database.tx(ctx, 'delete-security-group-rule', async q => {
        const it = await seen(q, ctx, id)
        const change = { rule: rules.deleteSecurityGroupRule, show: rules.getSecurityGroupRule }
        access.mustChange(ctx, change, ruleTarget(it, it.groupProjectId))
        constrain(it.revision, revision)
        await q.deleteFrom('security_group_rules').where('id', '=', id).execute()
        await revise(q, 'security_groups', it.securityGroupId, clock.now())
        return it.securityGroupId
      })
      wiring.touch({ groups: [groupId] })
    },
  }
}
export type SecurityGroupRules = ReturnType<typeof createSecurityGroupRules>
