// Floating IPs: addresses of the outside that lead to a port inside. The verbs.
import type { CreateOf, UpdateOf } from '#kernel/contract/resource.ts'
import { time } from '#kernel/db/codecs.ts'
import { isDuplicate } from '#kernel/db/errors.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import type { Target } from '#kernel/policy/enforcer.ts'
import { faults } from '#services/neutron/contract/faults.ts'
import { floatingip } from '#services/neutron/contract/routers.ts'
import { rules } from '#services/neutron/contract/rules.ts'
import type { Listing } from '#services/neutron/db/listing.ts'
import { portForwardingsDb, type PortForwarding } from '#services/neutron/db/port-forwardings.ts'
import { portsDb, type Port } from '#services/neutron/db/ports.ts'
import { qosDb } from '#services/neutron/db/qos.ts'
import { floatingIpsDb, ownFloatingIps, toFloatingIp, type FloatingIp } from '#services/neutron/db/routers.ts'
import { deleteTags, revise, type Q } from '#services/neutron/db/standard.ts'
import { allocationsDb, subnetsDb } from '#services/neutron/db/subnets.ts'
import { seenNetwork } from '#services/neutron/domain/networks.ts'
import { FLOATING_IP, isCompute, isTrusted } from '#services/neutron/domain/owners.ts'
import { insertServicePort } from '#services/neutron/domain/port-insert.ts'
import { putQos } from '#services/neutron/domain/qos-bindings.ts'
import { claim } from '#services/neutron/domain/quotas.ts'
import { constrain } from '#services/neutron/domain/revision.ts'
import type { DomainTools, NovaNews } from '#services/neutron/domain/tools.ts'

type Create = CreateOf<(typeof floatingip)['rows']>
type Update = UpdateOf<(typeof floatingip)['rows']>
const target = (it: FloatingIp): Target => ({ project_id: it.projectId, tenant_id: it.projectId })
const bad = (msg: string): never => {
  throw faults.BadRequest({ resource: 'floatingip', msg })
}

interface Association {
  readonly port: Port
  readonly fixedIp: string
  readonly routerId: string
}

/** The router between a subnet inside and a network outside: the subnet's own gateway before others. @throws ExternalGatewayForFloatingIPNotFound */
export async function routerBetween(q: Q, port: Port, subnetId: string, networkId: string): Promise<string> {
  const subnet = await subnetsDb.byId(q, subnetId)
  const rows = await q
    .selectFrom('allocations')
    .innerJoin('ports', 'ports.id', 'allocations.port_id')
    .innerJoin('routers', 'routers.id', 'ports.device_id')
    .select(['routers.id as router_id', 'allocations.ip_address'])
    .where('allocations.subnet_id', '=', subnetId)
    .where('ports.device_owner', '=', 'network:router_interface')
    .where('routers.gateway_network_id', '=', networkId)
    .orderBy('routers.id')
    .execute()
  const found = rows.find(row => row.ip_address === subnet?.gatewayIp) ?? rows[0]
  if (found === undefined)
    throw faults.ExternalGatewayForFloatingIPNotFound({
      external_network_id: networkId,
      subnet_id: subnetId,
      port_id: port.id,
    })
  return found.router_id
}

export const createFloatingIps = (tools: DomainTools) => {
  const { database, access, clock, ids, settings, wiring, nova } = tools

  async function seen(q: Q, ctx: Ctx, id: string): Promise<FloatingIp> {
    const found = await floatingIpsDb.byId(q, id)
    if (found === null || (found.projectId !== ctx.who?.projectId && !access.seesAll(ctx, rules.getFloatingip)))
      throw faults.FloatingIPNotFound({ floatingip_id: id })
    return found
  }

  /** Where an association leads. @throws BadRequest, PortNotFound, ExternalGatewayForFloatingIPNotFound */
  async function associate(
    q: Q,
    ctx: Ctx,
    asked: { readonly portId: string; readonly fixedIp: string | null },
    floating: { readonly networkId: string; readonly projectId: string },
  ): Promise<Association> {
    const port = await portsDb.byId(q, asked.portId)
    const mayAll = access.isAdmin(ctx)
    if (port === null || (port.projectId !== ctx.who?.projectId && !access.seesAll(ctx, rules.getPort)))
      throw faults.PortNotFound({ port_id: asked.portId })
    if (port.projectId !== floating.projectId && !mayAll)
      bad(
        `Cannot process floating IP association with Port ${port.id}, since that port is owned by a different project`,
      )
    if ((await portForwardingsDb.ofPort(q, port.id)).length > 0)
      throw faults.PortHasPortForwarding({ port_id: port.id })
    if (isTrusted(port.deviceOwner)) bad(`Port ${port.id} is unable to be assigned a floating IP`)
    const ips = await allocationsDb.ofPort(q, port.id)
    const v4 = ips.filter(ip => !ip.ip.includes(':'))
    if (asked.fixedIp !== null) {
      if (asked.fixedIp.includes(':'))
        bad(`Cannot process floating IP association with ${asked.fixedIp}, since that is not an IPv4 address`)
      if (!v4.some(ip => ip.ip === asked.fixedIp)) bad(`Port ${port.id} does not have fixed ip ${asked.fixedIp}`)
    } else if (v4.length === 0) bad(`Cannot add floating IP to port ${port.id} that has no fixed IPv4 addresses`)
    else if (v4.length > 1)
      bad(
        `Port ${port.id} has multiple fixed IPv4 addresses.  Must provide a specific IPv4 address when assigning a floating IP`,
      )
    const chosen = v4.find(ip => ip.ip === asked.fixedIp) ?? v4[0]
    const routerId = await routerBetween(q, port, chosen?.subnetId ?? '', floating.networkId)
    return { port, fixedIp: chosen?.ip ?? '', routerId }
  }
  const alreadyUsed = (it: { id: string; address: string; networkId: string }, to: Association): Error =>
    faults.FloatingIPPortAlreadyAssociated({
      port_id: to.port.id,
      fip_id: it.id,
      floating_ip_address: it.address,
      fixed_ip: to.fixedIp,
      net_id: it.networkId,
    })
  const newsOf = (ports: readonly (Port | null)[]): NovaNews[] =>
    ports.flatMap(port =>
      port !== null && isCompute(port.deviceOwner) && port.deviceId !== ''
        ? [{ event: 'network-changed' as const, serverId: port.deviceId, portId: port.id }]
        : [],
    )

  async function insert(q: Q, ctx: Ctx, body: Create, id: string): Promise<{ made: FloatingIp; port: Port | null }> {
    const projectId = access.projectOf(ctx, body)
    const network = await seenNetwork(q, ctx, tools, body.floating_network_id)
    access.mustCreate(ctx, floatingip, rules.createFloatingip, body, { project_id: projectId, tenant_id: projectId })
    await claim(q, settings, projectId, 'floatingip')
    if (!network.external) bad(`Network ${network.id} is not a valid external network`)
    const subnets = await subnetsDb.ofNetwork(q, network.id)
    const v4 = subnets.filter(subnet => subnet.ipVersion === 4)
    if (v4.length === 0) bad(`Network ${network.id} does not contain any IPv4 subnet`)
    if (body.fixed_ip_address !== null && body.port_id === null)
      bad('fixed_ip_address cannot be specified without a port_id')
    const wish = {
      ...(body.subnet_id === null ? {} : { subnetId: body.subnet_id }),
      ...(body.floating_ip_address === null ? {} : { ip: body.floating_ip_address }),
    }
    const outside = await insertServicePort(q, tools, {
      id: ids.uuid(),
      projectId: '',
      networkId: network.id,
      deviceOwner: FLOATING_IP,
      deviceId: id,
      status: 'N/A',
      wishes: Object.keys(wish).length > 0 ? [wish] : null,
    })
    const address = outside.fixedIps.find(ip => !ip.ip.includes(':'))?.ip
    if (address === undefined) throw faults.ExternalIpAddressExhausted({ net_id: network.id })
    const to =
      body.port_id === null
        ? null
        : await associate(
            q,
            ctx,
            { portId: body.port_id, fixedIp: body.fixed_ip_address },
            { networkId: network.id, projectId },
          )
    const now = time(clock.now())
    const row = {
      id,
      project_id: projectId,
      description: body.description,
      floating_ip_address: address,
      floating_network_id: network.id,
      floating_port_id: outside.port.id,
      router_id: to?.routerId ?? null,
      port_id: to?.port.id ?? null,
      fixed_ip_address: to?.fixedIp ?? null,
      status: 'DOWN',
      dns_name: body.dns_name,
      dns_domain: body.dns_domain,
      created_at: now,
      updated_at: now,
      revision_number: 1,
    }
    try {
      await q.insertInto('floatingips').values(row).execute()
    } catch (error) {
      if (to === null || !isDuplicate(error)) throw error
      throw alreadyUsed({ id, address, networkId: network.id }, to)
    }
    await putQos(q, ctx, tools, 'fip', id, body.qos_policy_id)
    return { made: toFloatingIp(row), port: to?.port ?? null }
  }

  /** Changes where it leads. Says which ports and routers were and are concerned. */
  async function lead(
    q: Q,
    ctx: Ctx,
    it: FloatingIp,
    asked: { readonly portId: string | null; readonly fixedIp: string | null },
  ): Promise<{ ports: (Port | null)[]; routers: string[] }> {
    if (asked.fixedIp !== null && asked.portId === null) bad('fixed_ip_address cannot be specified without a port_id')
    const before = it.portId === null ? null : await portsDb.byId(q, it.portId)
    const forwarded = ((await portForwardingsDb.ofFloatingIps(q, [it.id])).get(it.id) ?? []).length > 0
    if (forwarded && asked.portId !== null) throw faults.FipInUseByPortForwarding({ id: it.id })
    if (forwarded) return { ports: [], routers: [] }
    const to =
      asked.portId === null
        ? null
        : await associate(
            q,
            ctx,
            { portId: asked.portId, fixedIp: asked.fixedIp },
            { networkId: it.floatingNetworkId, projectId: it.projectId },
          )
    const same = to?.port.id === it.portId && to?.fixedIp === it.fixedIpAddress && to?.routerId === it.routerId
    try {
      await revise(q, 'floatingips', it.id, clock.now(), {
        port_id: to?.port.id ?? null,
        fixed_ip_address: to?.fixedIp ?? null,
        router_id: to?.routerId ?? null,
        ...(same ? {} : { status: 'DOWN' }),
      })
    } catch (error) {
      if (to === null || !isDuplicate(error)) throw error
      throw alreadyUsed({ id: it.id, address: it.floatingIpAddress, networkId: it.floatingNetworkId }, to)
    }
    return { ports: [before, to?.port ?? null], routers: [it.routerId, to?.routerId ?? null].filter(id => id !== null) }
  }

  return {
    async create(ctx: Ctx, bodies: readonly Create[]): Promise<FloatingIp[]> {
      const named = bodies.map(body => ({ body, id: ids.uuid() }))
      const all = await database.tx(ctx, 'create-floatingip', async q => {
        const made: { made: FloatingIp; port: Port | null }[] = []
        for (const { body, id } of named) made.push(await insert(q, ctx, body, id))
        return made
      })
      wiring.touch({ routers: all.flatMap(one => (one.made.routerId === null ? [] : [one.made.routerId])) })
      nova.tell(newsOf(all.map(one => one.port)))
      return all.map(one => one.made)
    },
    async list(ctx: Ctx, listing: Listing): Promise<FloatingIp[]> {
      const found = await database.read(ctx, 'list-floatingips', q =>
        floatingIpsDb.list(
          q,
          listing,
          access.seesAll(ctx, rules.getFloatingip) ? [] : [ownFloatingIps(access.who(ctx).projectId ?? '')],
          async id => {
            await seen(q, ctx, id)
            const row = await floatingIpsDb.row(q, id)
            if (row === undefined) throw faults.FloatingIPNotFound({ floatingip_id: id })
            return row
          },
        ),
      )
      return access.visible(ctx, rules.getFloatingip, found, target)
    },
    async show(ctx: Ctx, id: string): Promise<FloatingIp> {
      const found = await database.read(ctx, 'show-floatingip', q => seen(q, ctx, id))
      access.mustSee(ctx, rules.getFloatingip, target(found))
      return found
    },
    async update(ctx: Ctx, id: string, body: Update, revision: number | null): Promise<FloatingIp> {
      const { changed, touched } = await database.tx(ctx, 'update-floatingip', async q => {
        const it = await seen(q, ctx, id)
        access.mustChange(ctx, { rule: rules.updateFloatingip, show: rules.getFloatingip }, target(it), {
          of: floatingip,
          body,
        })
        constrain(it.revision, revision)
        // compat: an update that names neither port nor address leaves the association as it is (description alone).
        const touches = body.port_id !== undefined || body.fixed_ip_address !== undefined
        const led = touches
          ? await lead(q, ctx, it, {
              portId: body.port_id === undefined ? it.portId : body.port_id,
              fixedIp: body.fixed_ip_address ?? null,
            })
          : { ports: [], routers: [] }
        const marked = await putQos(q, ctx, tools, 'fip', id, body.qos_policy_id)
        if (body.description !== undefined || !touches)
          await revise(
            q,
            'floatingips',
            id,
            clock.now(),
            body.description === undefined ? {} : { description: body.description },
          )
        return {
          changed: (await floatingIpsDb.byId(q, id)) ?? it,
          touched: marked && it.routerId !== null ? { ...led, routers: [...led.routers, it.routerId] } : led,
        }
      })
      wiring.touch({ routers: touched.routers })
      nova.tell(newsOf(touched.ports))
      return changed
    },
    async remove(ctx: Ctx, id: string, revision: number | null): Promise<void> {
      const { it, port } = await database.tx(ctx, 'delete-floatingip', async q => {
        const found = await seen(q, ctx, id)
        access.mustChange(ctx, { rule: rules.deleteFloatingip, show: rules.getFloatingip }, target(found))
        constrain(found.revision, revision)
        const leads = found.portId === null ? null : await portsDb.byId(q, found.portId)
        await portForwardingsDb.forgetFloatingIp(q, id)
        await q.deleteFrom('floatingips').where('id', '=', id).execute()
        await deleteTags(q, [id])
        await qosDb.bind(q, 'fip', id, null)
        await portsDb.remove(q, found.floatingPortId)
        return { it: found, port: leads }
      })
      wiring.touch({ routers: it.routerId === null ? [] : [it.routerId] })
      nova.tell(newsOf([port]))
    },
    /** What leads in through single ports: floating IP → forwardings. */
    forwardingsOf: (ctx: Ctx, ids: readonly string[]): Promise<ReadonlyMap<string, readonly PortForwarding[]>> =>
      database.read(ctx, 'forwardings-of-floatingips', q => portForwardingsDb.ofFloatingIps(q, ids)),
    /** The ports that floating IPs lead to, for their details. */
    portsOf: (ctx: Ctx, ids: readonly string[]): Promise<ReadonlyMap<string, Port>> =>
      database.read(ctx, 'ports-of-floatingips', q => portsDb.byIds(q, ids)),
  }
}
export type FloatingIps = ReturnType<typeof createFloatingIps>
