// How much a project may have: limits, their defaults, and what is used. Counted inside the transaction that adds.
import type { Ctx } from '#kernel/lib/context.ts'
import { upsert } from '#kernel/db/helpers.ts'
import { faults } from '#services/neutron/contract/faults.ts'
import { quotaResources, type QuotaResource } from '#services/neutron/contract/quotas.ts'
import { rules } from '#services/neutron/contract/rules.ts'
import type { NeutronSettings } from '#services/neutron/config.ts'
import { countOf, type Q } from '#services/neutron/db/standard.ts'
import type { DomainTools } from '#services/neutron/domain/tools.ts'

const TABLES = {
  network: 'networks',
  subnet: 'subnets',
  subnetpool: 'subnetpools',
  port: 'ports',
  router: 'routers',
  floatingip: 'floatingips',
  rbac_policy: 'rbac_policies',
  security_group: 'security_groups',
  security_group_rule: 'security_group_rules',
} as const

export type Limits = Readonly<Record<QuotaResource, number>>
export interface QuotaDetail {
  readonly limit: number
  readonly used: number
  readonly reserved: number
}

const defaultsOf = (settings: NeutronSettings): Limits => ({
  network: settings.quotaNetwork,
  subnet: settings.quotaSubnet,
  subnetpool: settings.quotaSubnetpool,
  rbac_policy: settings.quotaRbacPolicy,
  port: settings.quotaPort,
  router: settings.quotaRouter,
  floatingip: settings.quotaFloatingip,
  security_group: settings.quotaSecurityGroup,
  security_group_rule: settings.quotaSecurityGroupRule,
})

async function limitOf(q: Q, settings: NeutronSettings, projectId: string, resource: QuotaResource): Promise<number> {
  const row = await q
    .selectFrom('quotas')
    .select('hard_limit')
    .where('project_id', '=', projectId)
    .where('resource', '=', resource)
    .executeTakeFirst()
  return row?.hard_limit ?? defaultsOf(settings)[resource]
}

/** Throws OverQuota when `more` of it would be too many. Call it inside the transaction that adds them. */
export async function claim(
  q: Q,
  settings: NeutronSettings,
  projectId: string,
  resource: QuotaResource,
  more = 1,
): Promise<void> {
  const limit = await limitOf(q, settings, projectId, resource)
  if (limit < 0) return
  const used = await countOf(q, TABLES[resource], projectId)
  if (used + more > limit)
    throw faults.OverQuota(
      { overs: `['${resource}']` },
      { because: [{ who: 'quota', says: `${resource} of the project`, has: used, wants: { limit, more } }] },
    )
}

export const createQuotas = (tools: Pick<DomainTools, 'database' | 'access' | 'settings'>) => {
  const { database, access, settings } = tools
  const target = (projectId: string): Record<string, unknown> => ({ project_id: projectId, tenant_id: projectId })
  const changed = async (q: Q, projectId: string): Promise<Limits> => {
    const rows = await q.selectFrom('quotas').selectAll().where('project_id', '=', projectId).execute()
    return { ...defaultsOf(settings), ...Object.fromEntries(rows.map(row => [row.resource, row.hard_limit])) } as Limits
  }
  const mustAdministrate = (ctx: Ctx): void => {
    if (!access.isAdmin(ctx)) throw faults.AdminRequired({ reason: 'Only admin can view or configure quota' })
  }
  return {
    /** A project's limits. @throws HTTPNotFound for those who may not see them. */
    async show(ctx: Ctx, projectId: string): Promise<Limits> {
      access.mustSee(ctx, rules.getQuota, target(projectId))
      return database.read(ctx, 'show-quota', q => changed(q, projectId))
    },
    defaults(ctx: Ctx, projectId: string): Limits {
      access.mustSee(ctx, rules.getQuota, target(projectId))
      return defaultsOf(settings)
    },
    /** Limits with what is used of them. */
    async details(ctx: Ctx, projectId: string): Promise<Readonly<Record<QuotaResource, QuotaDetail>>> {
      access.mustSee(ctx, rules.getQuota, target(projectId))
      return database.read(ctx, 'show-quota-details', async q => {
        const limits = await changed(q, projectId)
        const found: Partial<Record<QuotaResource, QuotaDetail>> = {}
        for (const resource of quotaResources)
          found[resource] = {
            limit: limits[resource],
            used: await countOf(q, TABLES[resource], projectId),
            reserved: 0,
          }
        return found as Record<QuotaResource, QuotaDetail>
      })
    },
    /** Every project whose limits were changed. */
    async list(ctx: Ctx): Promise<{ projectId: string; limits: Limits }[]> {
      mustAdministrate(ctx)
      return database.read(ctx, 'list-quotas', async q => {
        const rows = await q.selectFrom('quotas').select('project_id').distinct().orderBy('project_id').execute()
        return Promise.all(
          rows.map(async row => ({ projectId: row.project_id, limits: await changed(q, row.project_id) })),
        )
      })
    },
    async update(ctx: Ctx, projectId: string, wanted: Partial<Limits>): Promise<Limits> {
      access.mustChange(ctx, { rule: rules.updateQuota, show: rules.getQuota }, target(projectId))
      return database.tx(ctx, 'update-quota', async q => {
        for (const [resource, limit] of Object.entries(wanted))
          await upsert(q, 'quotas', { project_id: projectId, resource, hard_limit: limit }, ['project_id', 'resource'])
        return changed(q, projectId)
      })
    },
    /** Back to the defaults. */
    async reset(ctx: Ctx, projectId: string): Promise<void> {
      access.mustChange(ctx, { rule: rules.deleteQuota, show: rules.getQuota }, target(projectId))
      await database.tx(ctx, 'delete-quota', q => q.deleteFrom('quotas').where('project_id', '=', projectId).execute())
    },
  }
}
export type Quotas = ReturnType<typeof createQuotas>
