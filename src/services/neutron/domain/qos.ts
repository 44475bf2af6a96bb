// QoS policies and their rules: the verbs.
import type { CreateOf, UpdateOf } from '#kernel/contract/resource.ts'
import { flag } from '#kernel/db/codecs.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import type { Target } from '#kernel/policy/enforcer.ts'
import { qosFaults } from '#services/neutron/contract/qos-faults.ts'
import { qosRules } from '#services/neutron/contract/qos-rules.ts'
import {
  qosFields,
  qosPolicy,
  type QosKind,
  type QosRuleBody,
  type QosRuleNoun,
  type RuleRules,
} from '#services/neutron/contract/qos.ts'
import type { Listing } from '#services/neutron/db/listing.ts'
import { qosDb, toQosPolicy, visibleQosPolicies, type QosPolicy, type QosRule } from '#services/neutron/db/qos.ts'
import { AS_SHARED, sharingDb } from '#services/neutron/db/sharing.ts'
import { deleteTags, newStandard, revise, type Q } from '#services/neutron/db/standard.ts'
import { reachOf, seenQosPolicy } from '#services/neutron/domain/qos-bindings.ts'
import { checkConflicts } from '#services/neutron/domain/qos-conflicts.ts'
import { constrain } from '#services/neutron/domain/revision.ts'
import { asSeen, shareWithAll, unshareWithAll } from '#services/neutron/domain/sharing.ts'
import type { DomainTools } from '#services/neutron/domain/tools.ts'

type Create = CreateOf<(typeof qosPolicy)['rows']>
type Update = UpdateOf<(typeof qosPolicy)['rows']>
export const qosTarget = (it: QosPolicy): Target => ({
  project_id: it.projectId,
  tenant_id: it.projectId,
  shared: it.shared,
})
/** A rule belongs to whom its policy belongs to. */
const ruleTarget = (it: QosPolicy): Target => ({
  project_id: it.projectId,
  tenant_id: it.projectId,
  'ext_parent:project_id': it.projectId,
})

/** A kind of rule as it is spoken of on one path: its noun and who may do what. */
export interface Spoken {
  readonly kind: QosKind
  readonly of: QosRuleNoun
  readonly rules: RuleRules
}
const NUMBERS = [
  'max_kbps',
  'max_burst_kbps',
  'min_kbps',
  'max_kpps',
  'max_burst_kpps',
  'min_kpps',
  'dscp_mark',
] as const

export const createQos = (tools: DomainTools) => {
  const { database, access, clock, ids, wiring } = tools

  /** One default policy a project. @throws QoSPolicyDefaultAlreadyExists */
  async function checkDefault(q: Q, projectId: string, except: string): Promise<void> {
    const has = await qosDb.defaultOf(q, projectId)
    if (has !== null && has !== except) throw qosFaults.QoSPolicyDefaultAlreadyExists({ project_id: projectId })
  }
  async function insert(q: Q, ctx: Ctx, body: Create, id: string): Promise<QosPolicy> {
    const projectId = access.projectOf(ctx, body)
    access.mustCreate(ctx, qosPolicy, qosRules.createPolicy, body, { project_id: projectId, tenant_id: projectId })
    if (body.is_default) await checkDefault(q, projectId, id)
    const row = {
      ...newStandard(id, projectId, body, clock.now()),
      shared: flag(body.shared),
      is_default: flag(body.is_default),
    }
    await q.insertInto('qos_policies').values(row).execute()
    if (body.shared) await shareWithAll(q, tools, { type: 'qos_policy', id, projectId }, AS_SHARED)
    return toQosPolicy(row)
  }
  const ruleOf = async (q: Q, policyId: string, kind: QosKind, id: string): Promise<QosRule> => {
    const found = await qosDb.rule(q, id)
    if (found === undefined || found.policy_id !== policyId || found.type !== kind)
      throw qosFaults.QosRuleNotFound({ rule_id: id, policy_id: policyId })
    return found
  }
  /** The columns of a rule after a change; a kind has only its own numbers. */
  function withBody(has: QosRule, body: QosRuleBody): QosRule {
    const next: Record<string, unknown> = { ...has }
    for (const field of qosFields[has.type as QosKind]) if (body[field] !== undefined) next[field] = body[field]
    return next as unknown as QosRule
  }
  const emptyRule = (id: string, policyId: string, type: QosKind): QosRule => ({
    id,
    policy_id: policyId,
    type,
    direction: '',
    ...(Object.fromEntries(NUMBERS.map(name => [name, null])) as Record<(typeof NUMBERS)[number], null>),
  })
  /** Changes rules of a policy: everything it is on hears of it. */
  async function changeRules<R>(
    ctx: Ctx,
    name: string,
    policyId: string,
    may: { readonly rule: RuleRules['get']; readonly show: RuleRules['get'] },
    given: { readonly of: QosRuleNoun; readonly body: QosRuleBody } | undefined,
    deed: (q: Q, policy: QosPolicy, has: readonly QosRule[]) => Promise<R>,
  ): Promise<R> {
    const { result, reach } = await database.tx(ctx, name, async q => {
      const policy = await seenQosPolicy(q, ctx, tools, policyId)
      access.mustChange(ctx, may, ruleTarget(policy), given)
      const done = await deed(q, policy, await qosDb.rules(q, [policyId]))
      await revise(q, 'qos_policies', policyId, clock.now())
      return { result: done, reach: await reachOf(q, policyId) }
    })
    wiring.touch(reach)
    return result
  }
  /** The policy of a rule that is spoken of by its own id. */
  const policyOf = async (ctx: Ctx, { kind }: Spoken, id: string): Promise<string> => {
    const found = await database.read(ctx, 'policy-of-rule', q => qosDb.rule(q, id))
    if (found === undefined || found.type !== kind) throw qosFaults.QosRuleNotFound({ rule_id: id, policy_id: '' })
    const policy = await database.read(ctx, 'qos-policy', q => qosDb.byId(q, found.policy_id))
    if (policy === null || (policy.projectId !== ctx.who?.projectId && !access.seesAll(ctx, qosRules.getPolicy)))
      throw qosFaults.QosRuleNotFound({ rule_id: id, policy_id: '' })
    return found.policy_id
  }

  return {
    create: (ctx: Ctx, bodies: readonly Create[]): Promise<QosPolicy[]> => {
      const named = bodies.map(body => ({ body, id: ids.uuid() }))
      return database.tx(ctx, 'create-qos-policy', async q => {
        const made: QosPolicy[] = []
        for (const { body, id } of named) made.push(await insert(q, ctx, body, id))
        return made
      })
    },
    async list(ctx: Ctx, listing: Listing): Promise<QosPolicy[]> {
      const found = await database.read(ctx, 'list-qos-policies', async q =>
        asSeen(
          q,
          ctx,
          await qosDb.list(
            q,
            listing,
            access.seesAll(ctx, qosRules.getPolicy) ? [] : [visibleQosPolicies(access.who(ctx).projectId ?? '')],
            async id => {
              await seenQosPolicy(q, ctx, tools, id)
              const row = await qosDb.row(q, id)
              if (row === undefined) throw qosFaults.QosPolicyNotFound({ policy_id: id })
              return row
            },
            access.who(ctx).projectId ?? '',
          ),
        ),
      )
      return access.visible(ctx, qosRules.getPolicy, found, qosTarget)
    },
    async show(ctx: Ctx, id: string): Promise<QosPolicy> {
      const found = await database.read(ctx, 'show-qos-policy', q => seenQosPolicy(q, ctx, tools, id))
      access.mustSee(ctx, qosRules.getPolicy, qosTarget(found))
      return found
    },
    update: (ctx: Ctx, id: string, body: Update, revision: number | null): Promise<QosPolicy> =>
      database.tx(ctx, 'update-qos-policy', async q => {
        const it = await seenQosPolicy(q, ctx, tools, id)
        access.mustChange(ctx, { rule: qosRules.updatePolicy, show: qosRules.getPolicy }, qosTarget(it), {
          of: qosPolicy,
          body,
        })
        constrain(it.revision, revision)
        if (body.is_default === true) await checkDefault(q, it.projectId, id)
        if (body.shared === true) await shareWithAll(q, tools, { type: 'qos_policy', ...it }, AS_SHARED)
        if (body.shared === false) await unshareWithAll(q, id)
        await revise(q, 'qos_policies', id, clock.now(), {
          ...(body.name === undefined ? {} : { name: body.name }),
          ...(body.description === undefined ? {} : { description: body.description }),
          ...(body.shared === undefined ? {} : { shared: flag(body.shared) }),
          ...(body.is_default === undefined ? {} : { is_default: flag(body.is_default) }),
        })
        return (await qosDb.byId(q, id)) ?? it
      }),
    remove: (ctx: Ctx, id: string, revision: number | null): Promise<void> =>
      database.tx(ctx, 'delete-qos-policy', async q => {
        const it = await seenQosPolicy(q, ctx, tools, id)
        access.mustChange(ctx, { rule: qosRules.deletePolicy, show: qosRules.getPolicy }, qosTarget(it))
        constrain(it.revision, revision)
        const [used] = await qosDb.objects(q, id)
        if (used !== undefined)
          throw qosFaults.QosPolicyInUse({ policy_id: id, object_type: used.kind, object_id: used.object_id })
        await deleteTags(q, [id])
        await sharingDb.forget(q, id)
        await q.deleteFrom('qos_rules').where('policy_id', '=', id).execute()
        await q.deleteFrom('qos_policies').where('id', '=', id).execute()
      }),
    /** Rules of many policies: policy → rules. */
    async rulesOf(ctx: Ctx, policyIds: readonly string[]): Promise<ReadonlyMap<string, readonly QosRule[]>> {
      const rows = await database.read(ctx, 'rules-of-qos-policies', q => qosDb.rules(q, policyIds))
      const found = new Map<string, QosRule[]>()
      for (const row of rows) {
        const some = found.get(row.policy_id)
        if (some === undefined) found.set(row.policy_id, [row])
        else some.push(row)
      }
      return found
    },

    listRules: (ctx: Ctx, spoken: Spoken, policyId: string, listing: Listing): Promise<QosRule[]> =>
      database.read(ctx, 'list-qos-rules', async q => {
        const policy = await seenQosPolicy(q, ctx, tools, policyId)
        if (!access.allows(ctx, spoken.rules.get, ruleTarget(policy))) return []
        return qosDb.listRules(q, listing, policyId, spoken.kind, id => ruleOf(q, policyId, spoken.kind, id))
      }),
    showRule: (ctx: Ctx, spoken: Spoken, policyId: string, id: string): Promise<QosRule> =>
      database.read(ctx, 'show-qos-rule', async q => {
        const policy = await seenQosPolicy(q, ctx, tools, policyId)
        access.mustSee(ctx, spoken.rules.get, ruleTarget(policy))
        return ruleOf(q, policyId, spoken.kind, id)
      }),
    createRules: (ctx: Ctx, spoken: Spoken, policyId: string, bodies: readonly QosRuleBody[]): Promise<QosRule[]> => {
      const made = bodies.map(body => withBody(emptyRule(ids.uuid(), policyId, spoken.kind), body))
      const may = { rule: spoken.rules.create ?? spoken.rules.update, show: qosRules.getPolicy }
      return changeRules(ctx, 'create-qos-rule', policyId, may, undefined, async (q, _policy, has) => {
        const there = [...has]
        for (const rule of made) {
          checkConflicts(policyId, there, rule)
          await q.insertInto('qos_rules').values(rule).execute()
          there.push(rule)
        }
        return made
      })
    },
    updateRule: (ctx: Ctx, spoken: Spoken, policyId: string, id: string, body: QosRuleBody): Promise<QosRule> => {
      const may = { rule: spoken.rules.update, show: qosRules.getPolicy }
      return changeRules(ctx, 'update-qos-rule', policyId, may, { of: spoken.of, body }, async (q, _policy, has) => {
        const next = withBody(await ruleOf(q, policyId, spoken.kind, id), body)
        checkConflicts(policyId, has, next)
        await q.updateTable('qos_rules').set(next).where('id', '=', id).execute()
        return next
      })
    },
    removeRule: (ctx: Ctx, spoken: Spoken, policyId: string, id: string): Promise<void> => {
      const may = { rule: spoken.rules.remove, show: qosRules.getPolicy }
      return changeRules(ctx, 'delete-qos-rule', policyId, may, undefined, async q => {
        await ruleOf(q, policyId, spoken.kind, id)
        await q.deleteFrom('qos_rules').where('id', '=', id).execute()
      })
    },
    policyOf,
    /** Only administrators learn which drivers enforce what. @throws HTTPNotFound-like refusal by policy */
    isAdmin: (ctx: Ctx): boolean => access.isAdmin(ctx),
  }
}
export type Qos = ReturnType<typeof createQos>
