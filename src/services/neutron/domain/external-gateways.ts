// Several ways out of one router: the verbs. Each is a port on an external network; the first is the router's own gateway, and when it
// goes the next takes its place.
import type { AnyResource } from '#kernel/contract/resource.ts'
import type { Rule } from '#kernel/contract/rule.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import { gatewaysToAdd, gatewaysToRemove, gatewaysToUpdate } from '#services/neutron/contract/external-gateways.ts'
import { faults } from '#services/neutron/contract/faults.ts'
import { rules } from '#services/neutron/contract/rules.ts'
import { portsDb, type Port } from '#services/neutron/db/ports.ts'
import { floatingIpsDb, routersDb, type Router } from '#services/neutron/db/routers.ts'
import { revise, type Q } from '#services/neutron/db/standard.ts'
import { allocationsDb, type Allocation } from '#services/neutron/db/subnets.ts'
import { ROUTER_GATEWAY } from '#services/neutron/domain/owners.ts'
import { insertServicePort } from '#services/neutron/domain/port-insert.ts'
import {
  checkGatewayNetwork,
  moveGateway,
  setGateway,
  wishesOf,
  type GatewayInfo,
} from '#services/neutron/domain/router-gateway.ts'
import type { DomainTools } from '#services/neutron/domain/tools.ts'

export interface Gateway {
  readonly networkId: string
  readonly ips: readonly Allocation[]
}
interface Change {
  readonly router: Router
  readonly networks: readonly string[]
}
const target = (it: Router) => ({ project_id: it.projectId, tenant_id: it.projectId })

/** Ports that lead out of a router, its own gateway first. */
async function gatewayPorts(q: Q, router: Router): Promise<Port[]> {
  const found = (await portsDb.ofDevice(q, router.id)).filter(port => port.deviceOwner === ROUTER_GATEWAY)
  return [
    ...found.filter(port => port.id === router.gatewayPortId),
    ...found.filter(port => port.id !== router.gatewayPortId),
  ]
}
const fresh = async (q: Q, it: Router): Promise<Router> => (await routersDb.byId(q, it.id)) ?? it

export const createExternalGateways = (tools: DomainTools) => {
  const { database, access, clock, ids, wiring } = tools

  async function add(q: Q, ctx: Ctx, it: Router, infos: readonly GatewayInfo[]): Promise<string[]> {
    const networks: string[] = []
    for (const info of infos) {
      const router = await fresh(q, it)
      if (router.gatewayPortId === null) {
        networks.push(...(await setGateway(q, ctx, tools, router, info)).networks)
        continue
      }
      const networkId = info.network_id
      if (networkId === undefined)
        throw faults.HTTPBadRequest({
          reason:
            "Invalid input for external_gateways. Reason: Validation of dictionary's keys failed. Expected keys: {'network_id'}",
        })
      const wishes = wishesOf(info)
      await checkGatewayNetwork(q, ctx, tools, router, networkId, wishes)
      await insertServicePort(q, tools, {
        id: ids.uuid(),
        projectId: '',
        networkId,
        deviceOwner: ROUTER_GATEWAY,
        deviceId: router.id,
        wishes: wishes.length === 0 ? null : wishes,
      })
      networks.push(networkId)
    }
    return networks
  }
  /** Which of the router's gateways is meant: by network, and by address where there are several on it. */
  async function match(q: Q, router: Router, info: GatewayInfo): Promise<Port | null> {
    const ports = (await gatewayPorts(q, router)).filter(port => port.networkId === info.network_id)
    const asked = new Set((info.external_fixed_ips ?? []).flatMap(ip => ip.ip_address ?? []))
    if (asked.size === 0) {
      if (ports.length > 1) throw faults.UnableToMatchGateways({ router_id: router.id })
      return ports[0] ?? null
    }
    for (const port of ports) if ((await allocationsDb.ofPort(q, port.id)).some(ip => asked.has(ip.ip))) return port
    return null
  }
  async function take(q: Q, ctx: Ctx, it: Router, gone: readonly Port[]): Promise<string[]> {
    const router = await fresh(q, it)
    for (const port of gone) {
      const left = (await gatewayPorts(q, router)).filter(
        one => !gone.includes(one) && one.networkId === port.networkId,
      )
      const floating = (await floatingIpsDb.ofRouters(q, [router.id])).filter(
        one => one.floatingNetworkId === port.networkId,
      )
      if (floating.length > 0 && left.length === 0)
        throw faults.RouterExternalGatewayInUseByFloatingIp({ router_id: router.id, net_id: port.networkId })
      await portsDb.remove(q, port.id)
    }
    if (gone.some(port => port.id === router.gatewayPortId)) {
      const [next] = await gatewayPorts(q, { ...router, gatewayPortId: null })
      await revise(q, 'routers', router.id, clock.now(), {
        gateway_port_id: next?.id ?? null,
        gateway_network_id: next?.networkId ?? null,
      })
    } else await revise(q, 'routers', router.id, clock.now())
    return gone.map(port => port.networkId)
  }
  async function update(q: Q, ctx: Ctx, it: Router, infos: readonly GatewayInfo[]): Promise<string[]> {
    const kept: string[] = []
    const missing: GatewayInfo[] = []
    const networks: string[] = []
    for (const info of infos) {
      const found = await match(q, it, info)
      if (found === null || kept.includes(found.id)) missing.push(info)
      else {
        kept.push(found.id)
        const wishes = wishesOf(info)
        if (wishes.length > 0) await moveGateway(q, found.id, wishes)
        networks.push(found.networkId)
      }
    }
    const gone = (await gatewayPorts(q, it)).filter(port => !kept.includes(port.id))
    networks.push(...(await add(q, ctx, it, missing)))
    if (gone.length > 0) networks.push(...(await take(q, ctx, it, gone)))
    const first = infos[0] === undefined ? null : await match(q, await fresh(q, it), infos[0])
    if (first !== null)
      await revise(q, 'routers', it.id, clock.now(), {
        gateway_port_id: first.id,
        gateway_network_id: first.networkId,
        ...(infos[0]?.enable_snat === undefined ? {} : { enable_snat: infos[0].enable_snat ? 1 : 0 }),
      })
    return networks
  }

  const act = async (
    ctx: Ctx,
    id: string,
    rule: Rule,
    of: AnyResource,
    infos: readonly GatewayInfo[] | undefined,
    deed: (q: Q, it: Router, infos: readonly GatewayInfo[]) => Promise<readonly string[]>,
  ): Promise<Router> => {
    const { router, networks } = await database.tx(ctx, 'change-external-gateways', async (q): Promise<Change> => {
      const it = await routersDb.byId(q, id)
      if (it === null || (it.projectId !== ctx.who?.projectId && !access.seesAll(ctx, rules.getRouter)))
        throw faults.RouterNotFound({ router_id: id })
      const body = infos === undefined ? {} : { external_gateways: infos }
      access.mustChange(ctx, { rule, show: rules.getRouter }, target(it), { of, body })
      const touched = infos === undefined ? [] : await deed(q, it, infos)
      return { router: await fresh(q, it), networks: touched }
    })
    wiring.touch({ routers: [id], networks })
    return router
  }
  return {
    add: (ctx: Ctx, id: string, infos: readonly GatewayInfo[] | undefined): Promise<Router> =>
      act(ctx, id, rules.addExternalGateways, gatewaysToAdd, infos, (q, it, all) => add(q, ctx, it, all)),
    /** Makes the gateways those of the list, in its order. */
    update: (ctx: Ctx, id: string, infos: readonly GatewayInfo[] | undefined): Promise<Router> =>
      act(ctx, id, rules.updateExternalGateways, gatewaysToUpdate, infos, (q, it, all) => update(q, ctx, it, all)),
    /** @throws UnableToRemoveGateways, UnableToMatchGateways */
    remove: (ctx: Ctx, id: string, infos: readonly GatewayInfo[] | undefined): Promise<Router> =>
      act(ctx, id, rules.removeExternalGateways, gatewaysToRemove, infos, async (q, it, all) => {
        if (all.length === 0) return []
        if ((await gatewayPorts(q, it)).length === 0) throw faults.UnableToRemoveGateways({ router_id: id })
        const gone = new Map<string, Port>()
        for (const info of all) {
          const found = await match(q, it, info)
          if (found === null) throw faults.UnableToMatchGateways({ router_id: id })
          gone.set(found.id, found)
        }
        return take(q, ctx, it, [...gone.values()])
      }),
    /** Router → its ways out, its own gateway first. */
    of: (ctx: Ctx, all: readonly Router[]): Promise<ReadonlyMap<string, readonly Gateway[]>> =>
      database.read(ctx, 'gateways-of-routers', async q => {
        const ports = (
          await portsDb.ofDevices(
            q,
            all.filter(one => one.gatewayPortId !== null).map(one => one.id),
          )
        ).filter(port => port.deviceOwner === ROUTER_GATEWAY)
        const ips = await allocationsDb.ofPorts(
          q,
          ports.map(port => port.id),
        )
        return new Map(
          all.map(router => {
            const own = ports.filter(port => port.deviceId === router.id)
            own.sort((a, b) => Number(b.id === router.gatewayPortId) - Number(a.id === router.gatewayPortId))
            return [router.id, own.map(port => ({ networkId: port.networkId, ips: ips.get(port.id) ?? [] }))]
          }),
        )
      }),
  }
}
export type ExternalGateways = ReturnType<typeof createExternalGateways>
