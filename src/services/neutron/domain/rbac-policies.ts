// RBAC policies: the verbs. A policy's object must be one's own (or anybody's, for an administrator), and nobody loses what he uses.
import type { CreateOf, UpdateOf } from '#kernel/contract/resource.ts'
import type { Fault } from '#kernel/contract/fault.ts'
import { flag } from '#kernel/db/codecs.ts'
import { isDuplicate } from '#kernel/db/errors.ts'
import { sql, type SqlBool } from 'kysely'
import type { Ctx } from '#kernel/lib/context.ts'
import type { Target } from '#kernel/policy/enforcer.ts'
import { faults } from '#services/neutron/contract/faults.ts'
import { qosFaults } from '#services/neutron/contract/qos-faults.ts'
import { rbacPolicy } from '#services/neutron/contract/rbac-policies.ts'
import { moreRules as rules } from '#services/neutron/contract/rules-more.ts'
import type { Listing } from '#services/neutron/db/listing.ts'
import { qosDb } from '#services/neutron/db/qos.ts'
import {
  AS_EXTERNAL,
  AS_SHARED,
  EVERYBODY,
  SHARED_TABLES,
  sharingDb,
  type RbacPolicy,
  type SharedType,
} from '#services/neutron/db/sharing.ts'
import { revise, type Q } from '#services/neutron/db/standard.ts'
import { ROUTER_GATEWAY } from '#services/neutron/domain/owners.ts'
import { claim } from '#services/neutron/domain/quotas.ts'
import { constrain } from '#services/neutron/domain/revision.ts'
import { isSharedWith } from '#services/neutron/domain/sharing.ts'
import type { DomainTools } from '#services/neutron/domain/tools.ts'

type Create = CreateOf<(typeof rbacPolicy)['rows']>
type Update = UpdateOf<(typeof rbacPolicy)['rows']>

const MISSING: Readonly<Record<SharedType, (id: string) => Fault>> = {
  network: id => faults.NetworkNotFound({ net_id: id }),
  security_group: id => faults.SecurityGroupNotFound({ id }),
  subnetpool: id => faults.SubnetPoolNotFound({ subnetpool_id: id }),
  address_scope: id => faults.AddressScopeNotFound({ address_scope_id: id }),
  address_group: id => faults.AddressGroupNotFound({ address_group_id: id }),
  qos_policy: id => qosFaults.QosPolicyNotFound({ policy_id: id }),
}
/** Projects that use a shared object. */
const USERS: Readonly<Record<SharedType, (q: Q, id: string) => Promise<readonly string[]>>> = {
  async network(q, id) {
    const ports = await q.selectFrom('ports').select('project_id').distinct().where('network_id', '=', id).execute()
    const subnets = await q.selectFrom('subnets').select('project_id').distinct().where('network_id', '=', id).execute()
    return [...ports, ...subnets].map(row => row.project_id).filter(project => project !== '')
  },
  async security_group(q, id) {
    const rows = await q
      .selectFrom('port_security_groups')
      .innerJoin('ports', 'ports.id', 'port_security_groups.port_id')
      .select('ports.project_id')
      .distinct()
      .where('port_security_groups.security_group_id', '=', id)
      .execute()
    return rows.map(row => row.project_id)
  },
  qos_policy: (q, id) => qosDb.users(q, id),
  async subnetpool(q, id) {
    const rows = await q.selectFrom('subnets').select('project_id').distinct().where('subnetpool_id', '=', id).execute()
    return rows.map(row => row.project_id)
  },
  async address_scope(q, id) {
    const rows = await q
      .selectFrom('subnetpools')
      .select('project_id')
      .distinct()
      .where('address_scope_id', '=', id)
      .execute()
    return rows.map(row => row.project_id)
  },
  async address_group(q, id) {
    const rows = await q
      .selectFrom('security_group_rules')
      .select('project_id')
      .distinct()
      .where('remote_address_group_id', '=', id)
      .execute()
    return rows.map(row => row.project_id)
  },
}
/** Projects whose routers lead through an external network. */
async function routed(q: Q, networkId: string): Promise<readonly string[]> {
  const rows = await q
    .selectFrom('routers')
    .innerJoin('ports', 'ports.device_id', 'routers.id')
    .select('routers.project_id')
    .distinct()
    .where('ports.network_id', '=', networkId)
    .where('ports.device_owner', '=', ROUTER_GATEWAY)
    .execute()
  return rows.map(row => row.project_id)
}
const isShared = (type: string): type is SharedType => Object.hasOwn(SHARED_TABLES, type)

interface SharedObject {
  readonly type: SharedType
  readonly id: string
  readonly projectId: string
}

export const createRbacPolicies = (tools: DomainTools) => {
  const { database, access, clock, ids, settings } = tools
  const target = (it: RbacPolicy): Target => ({
    project_id: it.projectId,
    tenant_id: it.projectId,
    target_tenant: it.targetProject,
    target_project: it.targetProject,
  })

  async function seen(q: Q, ctx: Ctx, id: string): Promise<RbacPolicy> {
    const found = await sharingDb.byId(q, id)
    if (found === null || (found.projectId !== ctx.who?.projectId && !access.seesAll(ctx, rules.getRbacPolicy)))
      throw faults.RbacPolicyNotFound({ object_type: 'unknown', id })
    return found
  }
  async function objectOf(q: Q, type: SharedType, id: string): Promise<SharedObject | null> {
    const row = await q
      .selectFrom(SHARED_TABLES[type])
      .select(['id', 'project_id'])
      .where('id', '=', id)
      .executeTakeFirst()
    return row === undefined ? null : { type, id: row.id, projectId: row.project_id }
  }
  /** The object that the caller wants to share. What he does not see is not there; what he only uses he cannot share. */
  async function ownObject(q: Q, ctx: Ctx, type: SharedType, id: string): Promise<SharedObject> {
    const found = await objectOf(q, type, id)
    const may = found !== null && (found.projectId === ctx.who?.projectId || access.isAdmin(ctx))
    if (found !== null && may) return found
    if (found === null || !(await isSharedWith(q, ctx, id))) throw MISSING[type](id)
    throw faults.InvalidInput({
      error_message: `Only admins can manipulate policies on ${type === 'network' ? 'networks' : 'objects'} they do not own`,
    })
  }
  /** @throws InvalidInput for a target that is no project and not `*` */
  function checkedTarget(body: { readonly target_tenant?: string; readonly target_project?: string }): string {
    const wanted = body.target_project ?? body.target_tenant
    if (wanted === undefined)
      throw faults.HTTPBadRequest({
        reason: "Failed to parse request. Required attribute 'target_tenant' not specified",
      })
    if (wanted !== EVERYBODY && !/^[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}$/i.test(wanted))
      throw faults.InvalidInput({
        error_message: `'${wanted}' is not a valid target project ID; expected a UUID or '*'`,
      })
    return wanted
  }
  /** Nobody may lose what he uses. @throws RbacPolicyInUse, InvalidSharedSetting */
  async function checkUnused(q: Q, policy: RbacPolicy): Promise<void> {
    const type = policy.objectType
    if (!isShared(type)) return
    const object = await objectOf(q, type, policy.objectId)
    if (object === null || policy.targetProject === object.projectId) return
    const targets = await sharingDb.targets(q, policy.objectId, policy.action)
    const users = await (policy.action === AS_EXTERNAL ? routed(q, object.id) : USERS[type](q, object.id))
    const losing =
      policy.targetProject === EVERYBODY
        ? users.filter(project => project !== object.projectId && !targets.has(project))
        : targets.has(EVERYBODY)
          ? []
          : users.filter(project => project === policy.targetProject)
    if (losing.length === 0) return
    const details =
      type === 'network' && policy.action === AS_SHARED
        ? `Unable to reconfigure sharing settings for network ${object.id}. Multiple projects are using it.`
        : `project_id=${policy.targetProject}`
    throw faults.RbacPolicyInUse({ object_id: object.id, details })
  }
  /** The object's own columns say whether it is everybody's, and whether a network leads outside. */
  async function follow(q: Q, type: SharedType, id: string, action: string): Promise<void> {
    const targets = await sharingDb.targets(q, id, action)
    if (action === AS_EXTERNAL) await revise(q, 'networks', id, clock.now(), { external: flag(targets.size > 0) })
    else await revise(q, SHARED_TABLES[type], id, clock.now(), { shared: flag(targets.has(EVERYBODY)) })
  }
  async function insert(q: Q, ctx: Ctx, body: Create, id: string): Promise<RbacPolicy> {
    const projectId = access.projectOf(ctx, body)
    const type = body.object_type.trim().toLowerCase()
    if (!isShared(type))
      throw faults.InvalidInput({ error_message: `'${body.object_type}' is not a valid RBAC object type` })
    const wanted = checkedTarget(body)
    access.mustCreate(ctx, rbacPolicy, rules.createRbacPolicy, body, {
      project_id: projectId,
      tenant_id: projectId,
      target_tenant: wanted,
      target_project: wanted,
    })
    const valid = type === 'network' ? [AS_SHARED, AS_EXTERNAL] : [AS_SHARED]
    if (!valid.includes(body.action))
      throw faults.InvalidActionForType({
        action: body.action,
        object_type: type,
        valid_actions: `(${valid.map(one => `'${one}'`).join(', ')}${valid.length === 1 ? ',' : ''})`,
      })
    await ownObject(q, ctx, type, body.object_id)
    await checkPoolScope(q, type, body.object_id, wanted)
    await claim(q, settings, projectId, 'rbac_policy')
    const row = {
      id,
      project_id: projectId,
      object_type: type,
      object_id: body.object_id,
      target_project: wanted,
      action: body.action,
    }
    try {
      await sharingDb.insert(q, row)
    } catch (error) {
      if (isDuplicate(error)) throw faults.DuplicateRbacPolicy()
      throw error
    }
    await follow(q, type, body.object_id, body.action)
    return seen(q, ctx, id).catch(() => ({
      id,
      projectId,
      objectType: type,
      objectId: body.object_id,
      targetProject: wanted,
      action: body.action,
    }))
  }
  /** Who gets a pool must see the scope that it is in. @throws RbacPolicyInitError */
  async function checkPoolScope(q: Q, type: SharedType, id: string, wanted: string): Promise<void> {
    if (type !== 'subnetpool') return
    const pool = await q.selectFrom('subnetpools').select('address_scope_id').where('id', '=', id).executeTakeFirst()
    const scope = pool?.address_scope_id ?? null
    if (scope === null) return
    const targets = await sharingDb.targets(q, scope, AS_SHARED)
    if (!targets.has(EVERYBODY) && !targets.has(wanted))
      throw faults.RbacPolicyInitError({
        object_id: id,
        reason: "target project doesn't have access to associated address scope.",
      })
  }

  return {
    async create(ctx: Ctx, bodies: readonly Create[]): Promise<RbacPolicy[]> {
      const named = bodies.map(body => ({ body, id: ids.uuid() }))
      return database.tx(ctx, 'create-rbac-policy', async q => {
        const made: RbacPolicy[] = []
        for (const { body, id } of named) made.push(await insert(q, ctx, body, id))
        return made
      })
    },
    async list(ctx: Ctx, listing: Listing): Promise<RbacPolicy[]> {
      const own = access.who(ctx).projectId ?? ''
      const scope = access.seesAll(ctx, rules.getRbacPolicy) ? [] : [sql<SqlBool>`rbac_policies.project_id = ${own}`]
      const found = await database.read(ctx, 'list-rbac-policies', q =>
        sharingDb.list(q, listing, scope, async id => {
          await seen(q, ctx, id)
          const row = await sharingDb.row(q, id)
          if (row === undefined) throw faults.RbacPolicyNotFound({ object_type: 'unknown', id })
          return row
        }),
      )
      return access.visible(ctx, rules.getRbacPolicy, found, target)
    },
    async show(ctx: Ctx, id: string): Promise<RbacPolicy> {
      const found = await database.read(ctx, 'show-rbac-policy', q => seen(q, ctx, id))
      access.mustSee(ctx, rules.getRbacPolicy, target(found))
      return found
    },
    update: (ctx: Ctx, id: string, body: Update, revision: number | null): Promise<RbacPolicy> =>
      database.tx(ctx, 'update-rbac-policy', async q => {
        const it = await seen(q, ctx, id)
        const wanted =
          body.target_project === undefined && body.target_tenant === undefined ? it.targetProject : checkedTarget(body)
        access.mustChange(
          ctx,
          { rule: rules.updateRbacPolicy, show: rules.getRbacPolicy },
          { ...target(it), target_tenant: wanted, target_project: wanted },
          { of: rbacPolicy, body },
        )
        constrain(0, revision)
        if (!isShared(it.objectType) || wanted === it.targetProject) return it
        await ownObject(q, ctx, it.objectType, it.objectId)
        if (wanted !== EVERYBODY) await checkUnused(q, it)
        try {
          await sharingDb.setTarget(q, id, wanted)
        } catch (error) {
          if (isDuplicate(error)) throw faults.DuplicateRbacPolicy()
          throw error
        }
        await follow(q, it.objectType, it.objectId, it.action)
        return { ...it, targetProject: wanted }
      }),
    remove: (ctx: Ctx, id: string, revision: number | null): Promise<void> =>
      database.tx(ctx, 'delete-rbac-policy', async q => {
        const it = await seen(q, ctx, id)
        access.mustChange(ctx, { rule: rules.deleteRbacPolicy, show: rules.getRbacPolicy }, target(it))
        constrain(0, revision)
        await checkUnused(q, it)
        await sharingDb.remove(q, id)
        if (isShared(it.objectType)) await follow(q, it.objectType, it.objectId, it.action)
      }),
  }
}
export type RbacPolicies = ReturnType<typeof createRbacPolicies>
