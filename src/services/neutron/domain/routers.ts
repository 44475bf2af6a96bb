// Routers: the verbs.
import type { CreateOf, UpdateOf } from '#kernel/contract/resource.ts'
import { flag, json } from '#kernel/db/codecs.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import type { Target } from '#kernel/policy/enforcer.ts'
import { faults } from '#services/neutron/contract/faults.ts'
import { router } from '#services/neutron/contract/routers.ts'
import { rules } from '#services/neutron/contract/rules.ts'
import type { Rule } from '#kernel/contract/rule.ts'
import type { Listing } from '#services/neutron/db/listing.ts'
import { conntrackHelpersDb, type ConntrackHelper } from '#services/neutron/db/port-forwardings.ts'
import { portsDb } from '#services/neutron/db/ports.ts'
import { floatingIpsDb, ownRouters, routersDb, toRouter, type Router } from '#services/neutron/db/routers.ts'
import { qosDb } from '#services/neutron/db/qos.ts'
import { schedulesDb } from '#services/neutron/db/schedules.ts'
import { deleteTags, newStandard, revise, type Q } from '#services/neutron/db/standard.ts'
import type { Route } from '#services/neutron/db/tables.ts'
import { checkZones } from '#services/neutron/domain/networks.ts'
import { ROUTER_INTERFACE } from '#services/neutron/domain/owners.ts'
import { claim } from '#services/neutron/domain/quotas.ts'
import { constrain } from '#services/neutron/domain/revision.ts'
import { setGateway } from '#services/neutron/domain/router-gateway.ts'
import {
  addInterface,
  removeInterface,
  type AskedJoint,
  type Joint,
} from '#services/neutron/domain/router-interfaces.ts'
import { routesFor, withoutRoutes, withRoutes } from '#services/neutron/domain/router-routes.ts'
import type { DomainTools } from '#services/neutron/domain/tools.ts'

type Create = CreateOf<(typeof router)['rows']>
type Update = UpdateOf<(typeof router)['rows']>
const target = (it: Router): Target => ({ project_id: it.projectId, tenant_id: it.projectId })

export const createRouters = (tools: DomainTools) => {
  const { database, access, clock, ids, settings, wiring } = tools

  async function seen(q: Q, ctx: Ctx, id: string): Promise<Router> {
    const found = await routersDb.byId(q, id)
    if (found === null || (found.projectId !== ctx.who?.projectId && !access.seesAll(ctx, rules.getRouter)))
      throw faults.RouterNotFound({ router_id: id })
    return found
  }
  async function insert(q: Q, ctx: Ctx, body: Create, id: string): Promise<Router> {
    const projectId = access.projectOf(ctx, body)
    access.mustCreate(ctx, router, rules.createRouter, body, { project_id: projectId, tenant_id: projectId })
    checkZones(body.availability_zone_hints)
    await claim(q, settings, projectId, 'router')
    const row = {
      ...newStandard(id, projectId, body, clock.now()),
      admin_state_up: flag(body.admin_state_up),
      status: 'ACTIVE',
      gateway_port_id: null,
      gateway_network_id: null,
      enable_snat: flag(true),
      enable_default_route_bfd: flag(body.enable_default_route_bfd),
      enable_default_route_ecmp: flag(body.enable_default_route_ecmp),
      routes: json<Route[]>([]),
      availability_zone_hints: json(body.availability_zone_hints),
    }
    await q.insertInto('routers').values(row).execute()
    const made = toRouter(row)
    if (body.external_gateway_info !== null) await setGateway(q, ctx, tools, made, body.external_gateway_info)
    return (await routersDb.byId(q, id)) ?? made
  }
  /** Loads the router for an action with a rule of its own, and does it. */
  const act = async <R>(
    ctx: Ctx,
    id: string,
    name: string,
    rule: Rule,
    deed: (q: Q, it: Router) => Promise<R>,
  ): Promise<R> =>
    database.tx(ctx, name, async q => {
      const it = await seen(q, ctx, id)
      access.mustChange(ctx, { rule, show: rules.getRouter }, target(it))
      return deed(q, it)
    })
  const changeRoutes = async (
    ctx: Ctx,
    id: string,
    rule: Rule,
    change: (has: readonly Route[]) => Route[],
  ): Promise<Router> => {
    const changed = await act(ctx, id, 'change-routes', rule, async (q, it) => {
      await revise(q, 'routers', id, clock.now(), { routes: json(await routesFor(q, settings, it, change(it.routes))) })
      return (await routersDb.byId(q, id)) ?? it
    })
    wiring.touch({ routers: [id] })
    return changed
  }

  return {
    async create(ctx: Ctx, bodies: readonly Create[]): Promise<Router[]> {
      const named = bodies.map(body => ({ body, id: ids.uuid() }))
      const made = await database.tx(ctx, 'create-router', async q => {
        const all: Router[] = []
        for (const { body, id } of named) all.push(await insert(q, ctx, body, id))
        return all
      })
      wiring.touch({ routers: made.map(one => one.id) })
      return made
    },
    async list(ctx: Ctx, listing: Listing): Promise<Router[]> {
      const found = await database.read(ctx, 'list-routers', q =>
        routersDb.list(
          q,
          listing,
          access.seesAll(ctx, rules.getRouter) ? [] : [ownRouters(access.who(ctx).projectId ?? '')],
          async id => {
            await seen(q, ctx, id)
            const row = await routersDb.row(q, id)
            if (row === undefined) throw faults.RouterNotFound({ router_id: id })
            return row
          },
        ),
      )
      return access.visible(ctx, rules.getRouter, found, target)
    },
    async show(ctx: Ctx, id: string): Promise<Router> {
      const found = await database.read(ctx, 'show-router', q => seen(q, ctx, id))
      access.mustSee(ctx, rules.getRouter, target(found))
      return found
    },
    async update(ctx: Ctx, id: string, body: Update, revision: number | null): Promise<Router> {
      const { changed, networks } = await database.tx(ctx, 'update-router', async q => {
        const it = await seen(q, ctx, id)
        access.mustChange(ctx, { rule: rules.updateRouter, show: rules.getRouter }, target(it), { of: router, body })
        constrain(it.revision, revision)
        const gateway =
          body.external_gateway_info === undefined
            ? { networks: [] }
            : await setGateway(q, ctx, tools, it, body.external_gateway_info)
        const routes = body.routes === undefined ? undefined : await routesFor(q, settings, it, body.routes)
        await revise(q, 'routers', id, clock.now(), {
          ...(body.name === undefined ? {} : { name: body.name }),
          ...(body.description === undefined ? {} : { description: body.description }),
          ...(body.admin_state_up === undefined ? {} : { admin_state_up: flag(body.admin_state_up) }),
          ...(body.enable_default_route_bfd === undefined
            ? {}
            : { enable_default_route_bfd: flag(body.enable_default_route_bfd) }),
          ...(body.enable_default_route_ecmp === undefined
            ? {}
            : { enable_default_route_ecmp: flag(body.enable_default_route_ecmp) }),
          ...(routes === undefined ? {} : { routes: json(routes) }),
        })
        return { changed: (await routersDb.byId(q, id)) ?? it, networks: gateway.networks }
      })
      wiring.touch({ routers: [id], networks })
      return changed
    },
    async remove(ctx: Ctx, id: string, revision: number | null): Promise<void> {
      const networks = await database.tx(ctx, 'delete-router', async q => {
        const it = await seen(q, ctx, id)
        access.mustChange(ctx, { rule: rules.deleteRouter, show: rules.getRouter }, target(it))
        constrain(it.revision, revision)
        const ports = await portsDb.ofDevice(q, id)
        const joined = ports.filter(port => port.deviceOwner === ROUTER_INTERFACE).map(port => port.id)
        if (joined.length > 0)
          throw faults.RouterInUse({ router_id: id, reason: `has ports still attached: ${joined.join(', ')}` })
        if ((await floatingIpsDb.ofRouters(q, [id])).length > 0)
          throw faults.RouterExternalGatewayInUseByFloatingIp({ router_id: id, net_id: it.gatewayNetworkId ?? '' })
        for (const port of ports) await portsDb.remove(q, port.id)
        await schedulesDb.forget(q, id)
        await qosDb.bind(q, 'router', id, null)
        await deleteTags(q, [id])
        await q.deleteFrom('conntrack_helpers').where('router_id', '=', id).execute()
        await q.deleteFrom('routers').where('id', '=', id).execute()
        return ports.map(port => port.networkId)
      })
      wiring.touch({ routers: [id], networks })
    },
    async addInterface(ctx: Ctx, id: string, asked: AskedJoint): Promise<Joint> {
      const joint = await act(ctx, id, 'add-router-interface', rules.addRouterInterface, (q, it) =>
        addInterface(q, ctx, tools, it, asked),
      )
      wiring.touch({ routers: [id], networks: [joint.networkId] })
      return joint
    },
    async removeInterface(ctx: Ctx, id: string, asked: AskedJoint): Promise<Joint> {
      const joint = await act(ctx, id, 'remove-router-interface', rules.removeRouterInterface, (q, it) =>
        removeInterface(q, ctx, tools, it, asked),
      )
      wiring.touch({ routers: [id], networks: [joint.networkId] })
      return joint
    },
    addRoutes: (ctx: Ctx, id: string, routes: readonly Route[]): Promise<Router> =>
      changeRoutes(ctx, id, rules.addExtraroutes, has => withRoutes(has, routes)),
    removeRoutes: (ctx: Ctx, id: string, routes: readonly Route[]): Promise<Router> =>
      changeRoutes(ctx, id, rules.removeExtraroutes, has => withoutRoutes(has, routes)),
    helpersOf: (ctx: Ctx, ids: readonly string[]): Promise<ReadonlyMap<string, readonly ConntrackHelper[]>> =>
      database.read(ctx, 'conntrack-helpers-of-routers', q => conntrackHelpersDb.ofRouters(q, ids)),
  }
}
export type Routers = ReturnType<typeof createRouters>
