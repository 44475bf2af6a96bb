// Helpers of a router's connection tracking: the verbs. Written down for the router; which helpers there are is upstream's default list.
import type { CreateOf, UpdateOf } from '#kernel/contract/resource.ts'
import type { Rule } from '#kernel/contract/rule.ts'
import { isDuplicate } from '#kernel/db/errors.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import { faults } from '#services/neutron/contract/faults.ts'
import { conntrackHelper } from '#services/neutron/contract/port-forwardings.ts'
import { moreRules } from '#services/neutron/contract/rules-more.ts'
import { rules } from '#services/neutron/contract/rules.ts'
import { conntrackHelpersDb, toConntrackHelper, type ConntrackHelper } from '#services/neutron/db/port-forwardings.ts'
import { routersDb, type Router } from '#services/neutron/db/routers.ts'
import { newStandard, revise, type Q } from '#services/neutron/db/standard.ts'
import type { DomainTools } from '#services/neutron/domain/tools.ts'

type Create = CreateOf<(typeof conntrackHelper)['rows']>
type Update = UpdateOf<(typeof conntrackHelper)['rows']>
/** Helper → protocols it understands. */
const ALLOWED: ReadonlyMap<string, readonly string[]> = new Map([
  ['amanda', ['udp']],
  ['ftp', ['tcp']],
  ['h323', ['udp', 'tcp']],
  ['irc', ['tcp']],
  ['netbios-ns', ['udp']],
  ['pptp', ['tcp']],
  ['sane', ['tcp']],
  ['sip', ['udp', 'tcp']],
  ['snmp', ['udp']],
  ['tftp', ['udp']],
])
/** @throws ConntrackHelperNotAllowed, InvalidProtocolForHelper */
function check(helper: string, protocol: string): void {
  const protocols = ALLOWED.get(helper)
  if (protocols === undefined) throw faults.ConntrackHelperNotAllowed({ helper })
  if (!protocols.includes(protocol))
    throw faults.InvalidProtocolForHelper({ helper, protocol, supported_protocols: protocols.join(', ') })
}
const parent = (it: Router) => ({
  project_id: it.projectId,
  tenant_id: it.projectId,
  'ext_parent:project_id': it.projectId,
  'ext_parent:tenant_id': it.projectId,
})

export const createConntrackHelpers = (tools: DomainTools) => {
  const { database, access, clock, ids } = tools
  async function routerFor(q: Q, ctx: Ctx, id: string): Promise<Router> {
    const found = await routersDb.byId(q, id)
    if (found === null || (found.projectId !== ctx.who?.projectId && !access.seesAll(ctx, rules.getRouter)))
      throw faults.RouterNotFound({ router_id: id })
    return found
  }
  async function helperFor(q: Q, routerId: string, id: string): Promise<ConntrackHelper> {
    const found = await conntrackHelpersDb.byId(q, id)
    if (found === null || found.routerId !== routerId) throw faults.ConntrackHelperNotFound({ id })
    return found
  }
  const mustChange = (ctx: Ctx, rule: Rule, it: Router): void =>
    access.mustChange(ctx, { rule, show: moreRules.getRouterConntrackHelper }, parent(it))
  const once = async (deed: () => Promise<unknown>, values: Readonly<Record<string, unknown>>): Promise<void> => {
    try {
      await deed()
    } catch (error) {
      if (!isDuplicate(error)) throw error
      throw faults.BadRequest({
        resource: 'conntrack_helper',
        msg: `A duplicate conntrack helper entry with same attributes already exists, conflicting values are ${JSON.stringify(values)}`,
      })
    }
  }

  return {
    list: (ctx: Ctx, routerId: string): Promise<ConntrackHelper[]> =>
      database.read(ctx, 'list-conntrack-helpers', async q => {
        const router = await routerFor(q, ctx, routerId)
        if (!access.allows(ctx, moreRules.getRouterConntrackHelper, parent(router))) return []
        return [...((await conntrackHelpersDb.ofRouters(q, [routerId])).get(routerId) ?? [])]
      }),
    show: (ctx: Ctx, routerId: string, id: string): Promise<ConntrackHelper> =>
      database.read(ctx, 'show-conntrack-helper', async q => {
        access.mustSee(ctx, moreRules.getRouterConntrackHelper, parent(await routerFor(q, ctx, routerId)))
        return helperFor(q, routerId, id)
      }),
    create(ctx: Ctx, routerId: string, bodies: readonly Create[]): Promise<ConntrackHelper[]> {
      const named = bodies.map(body => ({ body, id: ids.uuid() }))
      return database.tx(ctx, 'create-conntrack-helper', async q => {
        const made: ConntrackHelper[] = []
        for (const { body, id } of named) {
          const router = await routerFor(q, ctx, routerId)
          const rule = moreRules.createRouterConntrackHelper
          access.mustCreate(ctx, conntrackHelper, rule, body, parent(router))
          check(body.helper, body.protocol)
          const facts = { router_id: routerId, protocol: body.protocol, port: body.port, helper: body.helper }
          const row = { ...newStandard(id, router.projectId, {}, clock.now()), ...facts }
          await once(() => q.insertInto('conntrack_helpers').values(row).execute(), facts)
          made.push(toConntrackHelper(row))
        }
        return made
      })
    },
    update: (ctx: Ctx, routerId: string, id: string, body: Update): Promise<ConntrackHelper> =>
      database.tx(ctx, 'update-conntrack-helper', async q => {
        const router = await routerFor(q, ctx, routerId)
        const it = await helperFor(q, routerId, id)
        mustChange(ctx, moreRules.updateRouterConntrackHelper, router)
        const facts = {
          protocol: body.protocol ?? it.protocol,
          port: body.port ?? it.port,
          helper: body.helper ?? it.helper,
        }
        check(facts.helper, facts.protocol)
        await once(() => revise(q, 'conntrack_helpers', id, clock.now(), facts), facts)
        return helperFor(q, routerId, id)
      }),
    remove: (ctx: Ctx, routerId: string, id: string): Promise<void> =>
      database.tx(ctx, 'delete-conntrack-helper', async q => {
        const router = await routerFor(q, ctx, routerId)
        await helperFor(q, routerId, id)
        mustChange(ctx, moreRules.deleteRouterConntrackHelper, router)
        await q.deleteFrom('conntrack_helpers').where('id', '=', id).execute()
      }),
  }
}
export type ConntrackHelpers = ReturnType<typeof createConntrackHelpers>
