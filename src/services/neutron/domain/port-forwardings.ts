// Single ports of a floating IP lead to ports inside: the verbs. A floating IP is led whole or by its ports, never both ways.
import type { CreateOf, UpdateOf } from '#kernel/contract/resource.ts'
import type { Rule } from '#kernel/contract/rule.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import { faults } from '#services/neutron/contract/faults.ts'
import { portForwarding } from '#services/neutron/contract/port-forwardings.ts'
import { moreRules } from '#services/neutron/contract/rules-more.ts'
import { rules } from '#services/neutron/contract/rules.ts'
import { portForwardingsDb, toPortForwarding, type PortForwarding } from '#services/neutron/db/port-forwardings.ts'
import { portsDb, type Port } from '#services/neutron/db/ports.ts'
import { floatingIpsDb, type FloatingIp } from '#services/neutron/db/routers.ts'
import { newStandard, revise, type Q } from '#services/neutron/db/standard.ts'
import { allocationsDb } from '#services/neutron/db/subnets.ts'
import type { Access } from '#services/neutron/domain/access.ts'
import { canonicalIp } from '#services/neutron/domain/addresses.ts'
import { routerBetween } from '#services/neutron/domain/floating-ips.ts'
import type { DomainTools } from '#services/neutron/domain/tools.ts'

type Create = CreateOf<(typeof portForwarding)['rows']>
type Update = UpdateOf<(typeof portForwarding)['rows']>
const bad = (msg: string): never => {
  throw faults.BadRequest({ resource: 'port_forwarding', msg })
}
interface Range {
  readonly from: number
  readonly to: number
}
/** @throws BadRequest */
function rangeOf(one: number | null | undefined, range: string | undefined, key: string): Range | null {
  if (range === undefined) return one === undefined || one === null ? null : { from: one, to: one }
  if (one !== undefined && one !== null) bad(`${key} and ${key}_range cannot both be specified`)
  const [from = 0, to = from] = range.split(':').map(Number)
  if (from < 1 || to > 65_535) bad('Invalid port value, the port value must be a value between 1 and 65535.')
  if (to < from) bad(`Invalid port range ${range}: its end is before its beginning`)
  return { from, to }
}
const shown = (range: Range): string => `${range.from}:${range.to}`
const meet = (a: Range, b: Range): boolean => a.from <= b.to && b.from <= a.to
const parent = (it: FloatingIp) => ({
  project_id: it.projectId,
  tenant_id: it.projectId,
  'ext_parent:project_id': it.projectId,
  'ext_parent:tenant_id': it.projectId,
})

interface Wanted {
  readonly protocol: string
  readonly external: Range
  readonly internal: Range
  readonly portId: string
  readonly ip: string | null
}

export const createPortForwardings = (tools: DomainTools) => {
  const { database, access, clock, ids, wiring } = tools

  /** @throws FloatingIPNotFound */
  async function floatingFor(q: Q, ctx: Ctx, id: string): Promise<FloatingIp> {
    const found = await floatingIpsDb.byId(q, id)
    if (found === null || (found.projectId !== ctx.who?.projectId && !access.seesAll(ctx, rules.getFloatingip)))
      throw faults.FloatingIPNotFound({ floatingip_id: id })
    return found
  }
  async function forwardingFor(q: Q, floatingId: string, id: string): Promise<PortForwarding> {
    const found = await portForwardingsDb.byId(q, id)
    if (found === null || found.floatingIpId !== floatingId) throw faults.PortForwardingNotFound({ id })
    return found
  }
  const mustChange = (ctx: Ctx, rule: Rule, it: FloatingIp): void =>
    access.mustChange(ctx, { rule, show: moreRules.getFloatingipPortForwarding }, parent(it))

  /** What a forwarding may be. The columns of it, and the router that does it. `except`: the one that is changed. */
  async function planned(q: Q, ctx: Ctx, floating: FloatingIp, wanted: Wanted, except: string | null) {
    const { internal, external } = wanted
    if (internal.to > internal.from && internal.to - internal.from !== external.to - external.from)
      bad(
        'Invalid ranges of internal and/or external ports. The relation between internal and external ports must be N-N or 1-N',
      )
    const port = await insidePort(q, ctx, access, wanted.portId)
    const [bound] = await floatingIpsDb.ofPort(q, port.id)
    if (bound !== undefined)
      throw faults.PortHasBindingFloatingIP({
        floating_ip_address: bound.floatingIpAddress,
        fip_id: bound.id,
        port_id: port.id,
        fixed_ip: wanted.ip ?? '',
      })
    const v4 = (await allocationsDb.ofPort(q, port.id)).filter(one => !one.ip.includes(':'))
    const chosen = wanted.ip === null ? v4[0] : v4.find(one => one.ip === wanted.ip)
    if (v4.length === 0) bad(`Requested internal port ${port.id} must allocate an IPv4 address at least.`)
    if (chosen === undefined)
      return bad(
        `Requested internal IP address ${wanted.ip ?? ''} is not suitable for internal neutron port ${port.id}, as its fixed_ips are ${v4.map(one => one.ip).join(', ')}`,
      )
    const siblings = ((await portForwardingsDb.ofFloatingIps(q, [floating.id])).get(floating.id) ?? []).filter(
      one => one.id !== except && one.protocol === wanted.protocol,
    )
    const inside = (await portForwardingsDb.ofPort(q, port.id)).filter(
      one => one.id !== except && one.protocol === wanted.protocol && one.internalIp === chosen.ip,
    )
    for (const one of inside) {
      const has = { from: one.internalPort, to: one.internalPortEnd }
      if (meet(has, internal)) collide('internal_port_range', has, internal)
    }
    for (const one of siblings) {
      const has = { from: one.externalPort, to: one.externalPortEnd }
      if (meet(has, external)) collide('external_port_range', has, external)
    }
    const routerId = await routerFor(q, port, chosen.subnetId, floating)
    return {
      routerId,
      columns: {
        protocol: wanted.protocol,
        external_port: external.from,
        external_port_end: external.to,
        internal_port_id: port.id,
        internal_ip_address: chosen.ip,
        internal_port: internal.from,
        internal_port_end: internal.to,
      },
    }
  }
  async function routerFor(q: Q, port: Port, subnetId: string, floating: FloatingIp): Promise<string> {
    let found: string
    try {
      found = await routerBetween(q, port, subnetId, floating.floatingNetworkId)
    } catch {
      return bad(
        `External network ${floating.floatingNetworkId} is not reachable from subnet ${subnetId}. Cannot set Port forwarding for port ${port.id} with Floating IP ${floating.id}`,
      )
    }
    if (floating.routerId !== null && floating.routerId !== found)
      bad(
        `The Floating IP ${floating.id} had been set on router ${floating.routerId}, the internal Neutron port ${port.id} can not reach it`,
      )
    return found
  }

  return {
    list: (ctx: Ctx, floatingId: string): Promise<PortForwarding[]> =>
      database.read(ctx, 'list-port-forwardings', async q => {
        const floating = await floatingFor(q, ctx, floatingId)
        if (!access.allows(ctx, moreRules.getFloatingipPortForwarding, parent(floating))) return []
        return [...((await portForwardingsDb.ofFloatingIps(q, [floatingId])).get(floatingId) ?? [])]
      }),
    show: (ctx: Ctx, floatingId: string, id: string): Promise<PortForwarding> =>
      database.read(ctx, 'show-port-forwarding', async q => {
        const floating = await floatingFor(q, ctx, floatingId)
        access.mustSee(ctx, moreRules.getFloatingipPortForwarding, parent(floating))
        return forwardingFor(q, floatingId, id)
      }),
    async create(ctx: Ctx, floatingId: string, bodies: readonly Create[]): Promise<PortForwarding[]> {
      const named = bodies.map(body => ({ body, id: ids.uuid() }))
      const { made, routerId } = await database.tx(ctx, 'create-port-forwarding', async q => {
        const all: PortForwarding[] = []
        let router: string | null = null
        for (const { body, id } of named) {
          const floating = await floatingFor(q, ctx, floatingId)
          const rule = moreRules.createFloatingipPortForwarding
          access.mustCreate(ctx, portForwarding, rule, body, parent(floating))
          const external = rangeOf(body.external_port, body.external_port_range, 'external_port')
          const internal = rangeOf(body.internal_port, body.internal_port_range, 'internal_port')
          if (external === null || internal === null)
            return bad('external_port and internal_port, or ranges of them, must be specified')
          if (floating.portId !== null)
            throw faults.FloatingIPPortAlreadyAssociated({
              port_id: body.internal_port_id,
              fip_id: floating.id,
              floating_ip_address: floating.floatingIpAddress,
              fixed_ip: body.internal_ip_address ?? '',
              net_id: floating.floatingNetworkId,
            })
          const plan = await planned(
            q,
            ctx,
            floating,
            {
              protocol: body.protocol,
              external,
              internal,
              portId: body.internal_port_id,
              ip: body.internal_ip_address === undefined ? null : canonicalIp(body.internal_ip_address),
            },
            null,
          )
          const row = {
            ...newStandard(id, floating.projectId, { description: body.description }, clock.now()),
            floatingip_id: floatingId,
            ...plan.columns,
          }
          await q.insertInto('port_forwardings').values(row).execute()
          await revise(q, 'floatingips', floatingId, clock.now(), { router_id: plan.routerId })
          router = plan.routerId
          all.push(toPortForwarding(row))
        }
        return { made: all, routerId: router }
      })
      wiring.touch({ routers: routerId === null ? [] : [routerId] })
      return made
    },
    async update(ctx: Ctx, floatingId: string, id: string, body: Update): Promise<PortForwarding> {
      const { changed, routerId } = await database.tx(ctx, 'update-port-forwarding', async q => {
        const floating = await floatingFor(q, ctx, floatingId)
        const it = await forwardingFor(q, floatingId, id)
        mustChange(ctx, moreRules.updateFloatingipPortForwarding, floating)
        const plan = await planned(
          q,
          ctx,
          floating,
          {
            protocol: body.protocol ?? it.protocol,
            external: rangeOf(body.external_port, body.external_port_range, 'external_port') ?? {
              from: it.externalPort,
              to: it.externalPortEnd,
            },
            internal: rangeOf(body.internal_port, body.internal_port_range, 'internal_port') ?? {
              from: it.internalPort,
              to: it.internalPortEnd,
            },
            portId: body.internal_port_id ?? it.internalPortId,
            ip:
              body.internal_ip_address !== undefined
                ? canonicalIp(body.internal_ip_address)
                : body.internal_port_id !== undefined && body.internal_port_id !== it.internalPortId
                  ? null
                  : it.internalIp,
          },
          id,
        )
        await revise(q, 'port_forwardings', id, clock.now(), {
          ...plan.columns,
          ...(body.description === undefined ? {} : { description: body.description }),
        })
        return { changed: await forwardingFor(q, floatingId, id), routerId: plan.routerId }
      })
      wiring.touch({ routers: [routerId] })
      return changed
    },
    async remove(ctx: Ctx, floatingId: string, id: string): Promise<void> {
      const routers = await database.tx(ctx, 'delete-port-forwarding', async q => {
        const floating = await floatingFor(q, ctx, floatingId)
        const it = await forwardingFor(q, floatingId, id)
        mustChange(ctx, moreRules.deleteFloatingipPortForwarding, floating)
        return removeForwardings(q, tools, [it])
      })
      wiring.touch({ routers })
    },
  }
}
export type PortForwardings = ReturnType<typeof createPortForwardings>

const collide = (key: string, has: Range, wanted: Range): never =>
  bad(`There is a port collision with the ${key}. The following ranges collide: ${shown(has)} and ${shown(wanted)}`)

/** @throws PortNotFound for one that the caller does not see */
async function insidePort(q: Q, ctx: Ctx, access: Access, id: string): Promise<Port> {
  const port = await portsDb.byId(q, id)
  if (port === null || (port.projectId !== ctx.who?.projectId && !access.seesAll(ctx, rules.getPort)))
    throw faults.PortNotFound({ port_id: id })
  return port
}

/** Takes them away; a floating IP without any is on no router. Routers that must hear of it. */
export async function removeForwardings(
  q: Q,
  tools: Pick<DomainTools, 'clock'>,
  gone: readonly PortForwarding[],
): Promise<string[]> {
  const routers = new Set<string>()
  for (const one of gone) {
    await portForwardingsDb.remove(q, one.id)
    const floating = await floatingIpsDb.byId(q, one.floatingIpId)
    if (floating === null) continue
    if (floating.routerId !== null) routers.add(floating.routerId)
    const left = (await portForwardingsDb.ofFloatingIps(q, [floating.id])).get(floating.id) ?? []
    await revise(
      q,
      'floatingips',
      floating.id,
      tools.clock.now(),
      left.length > 0 ? {} : { router_id: null, status: 'DOWN' },
    )
  }
  return [...routers]
}
/** Forwardings to a port's addresses that it has no more. */
export async function forwardingsWithout(q: Q, portId: string, ips: readonly string[]): Promise<PortForwarding[]> {
  return (await portForwardingsDb.ofPort(q, portId)).filter(one => !ips.includes(one.internalIp))
}
