// "Some network": a network, subnets cut from the default pools, and a router to the default external network, made when they are first
// asked for. Each step looks for what an earlier try left, so that a try that was cut off is finished by the next.
import type { Ctx } from '#kernel/lib/context.ts'
import { faults } from '#services/neutron/contract/faults.ts'
import { moreRules as rules } from '#services/neutron/contract/rules-more.ts'
import { everything } from '#services/neutron/db/listing.ts'
import { subnetPoolsDb } from '#services/neutron/db/subnet-pools.ts'
import { routersDb } from '#services/neutron/db/routers.ts'
import { subnetsDb } from '#services/neutron/db/subnets.ts'
import { network } from '#services/neutron/contract/networks.ts'
import { router } from '#services/neutron/contract/routers.ts'
import { subnet } from '#services/neutron/contract/subnets.ts'
import type { Networks } from '#services/neutron/domain/networks.ts'
import type { Routers } from '#services/neutron/domain/routers.ts'
import type { Subnets } from '#services/neutron/domain/subnets.ts'
import type { DomainTools } from '#services/neutron/domain/tools.ts'

export interface AutoTopology {
  readonly id: string
  readonly projectId: string
}
const NETWORK = 'auto_allocated_network'
const ROUTER = 'auto_allocated_router'
const fail = (reason: string): never => {
  throw faults.AutoAllocationFailure({ reason })
}
/** A body as the contract's defaults make it. */
const filled = <T>(of: { readonly create: { raise?: (value: unknown, at: number) => unknown } }, body: object): T =>
  (of.create.raise === undefined ? body : of.create.raise(body, 0)) as T

export const createAutoTopologies = (
  tools: DomainTools,
  verbs: { readonly networks: Networks; readonly subnets: Subnets; readonly routers: Routers },
) => {
  const { database, access } = tools
  const { networks, subnets, routers } = verbs

  /** @throws PolicyNotAuthorized for another project's, unless an administrator asks */
  function projectFor(ctx: Ctx, asked: string): string {
    const own = access.who(ctx).projectId ?? ''
    const wanted = asked === 'None' || asked === 'null' ? own : asked
    if (wanted !== own && !access.isAdmin(ctx))
      throw faults.PolicyNotAuthorized({ rules: 'rule:get_auto_allocated_topology' })
    return wanted
  }
  /** Whoever may ask may have it made, also one who may only read. */
  const elevated = (ctx: Ctx): Ctx =>
    ctx.who === null ? ctx : { ...ctx, who: { ...ctx.who, roles: [...new Set([...ctx.who.roles, 'admin'])] } }

  async function requirements(ctx: Ctx): Promise<{ outside: string; pools: { id: string; version: 4 | 6 }[] }> {
    return database.read(ctx, 'auto-topology-requirements', async q => {
      const outside = await q.selectFrom('networks').select('id').where('is_default', '=', 1).executeTakeFirst()
      if (outside === undefined) return fail('No default router:external network')
      const pools: { id: string; version: 4 | 6 }[] = []
      for (const version of [4, 6] as const) {
        const pool = await subnetPoolsDb.defaultOf(q, version)
        if (pool !== null) pools.push({ id: pool.id, version })
      }
      if (pools.length === 0) fail('No default subnetpools defined')
      return { outside: outside.id, pools }
    })
  }
  const named = (name: string, projectId: string) => ({
    ...everything,
    filters: { name: [name], project_id: [projectId] },
  })

  async function build(ctx: Ctx, projectId: string): Promise<string> {
    const { outside, pools } = await requirements(ctx)
    const [net] = [
      ...(await networks.list(ctx, named(NETWORK, projectId))),
      ...((await networks.list(ctx, named(NETWORK, projectId))).length > 0
        ? []
        : await networks.create(ctx, [
            filled(network, { name: NETWORK, project_id: projectId, admin_state_up: false }),
          ])),
    ]
    const networkId = net?.id ?? ''
    const has = await database.read(ctx, 'auto-topology-subnets', q => subnetsDb.ofNetwork(q, networkId))
    for (const pool of pools)
      if (!has.some(one => one.ipVersion === pool.version))
        has.push(
          ...(await subnets.create(ctx, [
            filled(subnet, {
              name: `auto_allocated_subnet_v${pool.version}`,
              network_id: networkId,
              project_id: projectId,
              ip_version: pool.version,
              subnetpool_id: pool.id,
            }),
          ])),
        )
    const known = await routers.list(ctx, named(ROUTER, projectId))
    const [way] =
      known.length > 0
        ? known
        : await routers.create(ctx, [
            filled(router, {
              name: ROUTER,
              project_id: projectId,
              external_gateway_info: { network_id: outside },
            }),
          ])
    const routerId = way?.id ?? ''
    for (const one of has) {
      const joined = await database.read(ctx, 'auto-topology-interfaces', q => routersDb.ofSubnet(q, one.id))
      if (!joined.some(each => each.router_id === routerId))
        await routers.addInterface(ctx, routerId, { subnet_id: one.id })
    }
    await networks.update(ctx, networkId, { admin_state_up: true }, null)
    await database.tx(ctx, 'save-auto-topology', async q => {
      await q.deleteFrom('auto_topologies').where('project_id', '=', projectId).execute()
      await q
        .insertInto('auto_topologies')
        .values({ project_id: projectId, network_id: networkId, router_id: routerId })
        .execute()
    })
    return networkId
  }
  const saved = (ctx: Ctx, projectId: string) =>
    database.read(ctx, 'auto-topology', async q => {
      const row = await q
        .selectFrom('auto_topologies')
        .selectAll()
        .where('project_id', '=', projectId)
        .executeTakeFirst()
      if (row === undefined) return null
      const net = await q.selectFrom('networks').select('id').where('id', '=', row.network_id).executeTakeFirst()
      return net === undefined ? null : row
    })

  return {
    /** Made when it is not there yet; `isDryRun` only says whether it could be. @throws AutoAllocationFailure */
    async show(ctx: Ctx, asked: string, isDryRun: boolean): Promise<AutoTopology> {
      const projectId = projectFor(ctx, asked)
      access.mustSee(ctx, rules.getAutoAllocatedTopology, { project_id: projectId, tenant_id: projectId })
      if (isDryRun) {
        await requirements(ctx)
        return { id: 'dry-run=pass', projectId }
      }
      const known = await saved(ctx, projectId)
      return { id: known?.network_id ?? (await build(elevated(ctx), projectId)), projectId }
    },
    /** With all that was made. */
    async remove(ctx: Ctx, asked: string): Promise<void> {
      const projectId = projectFor(ctx, asked)
      const target = { project_id: projectId, tenant_id: projectId }
      const change = { rule: rules.deleteAutoAllocatedTopology, show: rules.getAutoAllocatedTopology }
      access.mustChange(ctx, change, target)
      const known = await saved(ctx, projectId)
      if (known === null) return
      const as = elevated(ctx)
      const way = await database.read(ctx, 'auto-topology-router', q => routersDb.byId(q, known.router_id))
      const own = await database.read(ctx, 'auto-topology-subnets', q => subnetsDb.ofNetwork(q, known.network_id))
      for (const one of own) {
        const joined = await database.read(ctx, 'auto-topology-interfaces', q => routersDb.ofSubnet(q, one.id))
        if (joined.some(each => each.router_id === known.router_id))
          await routers.removeInterface(as, known.router_id, { subnet_id: one.id })
      }
      if (way !== null) await routers.remove(as, way.id, null)
      await networks.remove(as, known.network_id, null)
      await database.tx(ctx, 'forget-auto-topology', async q => {
        await q.deleteFrom('auto_topologies').where('project_id', '=', projectId).execute()
      })
    },
  }
}
export type AutoTopologies = ReturnType<typeof createAutoTopologies>
