// A router's way out: a port on an external network. Runs inside the caller's transaction.
import { flag } from '#kernel/db/codecs.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import { faults } from '#services/neutron/contract/faults.ts'
import { portsDb } from '#services/neutron/db/ports.ts'
import { floatingIpsDb, type Router } from '#services/neutron/db/routers.ts'
import { revise, type Q } from '#services/neutron/db/standard.ts'
import { allocationsDb, subnetsDb } from '#services/neutron/db/subnets.ts'
import { overlap } from '#services/neutron/domain/addresses.ts'
import { cidrOf, reallocate, type Wish } from '#services/neutron/domain/ipam.ts'
import { seenNetwork } from '#services/neutron/domain/networks.ts'
import { ROUTER_GATEWAY, ROUTER_INTERFACE } from '#services/neutron/domain/owners.ts'
import { insertServicePort } from '#services/neutron/domain/port-insert.ts'
import { checkFixedIps } from '#services/neutron/domain/port-checks.ts'
import { putQos } from '#services/neutron/domain/qos-bindings.ts'
import type { DomainTools } from '#services/neutron/domain/tools.ts'

export interface GatewayInfo {
  readonly network_id?: string
  readonly enable_snat?: boolean
  /** On what goes out with the gateway's own address; undefined keeps what is there while the network stays. */
  readonly qos_policy_id?: string | null
  readonly external_fixed_ips?: readonly { readonly subnet_id?: string; readonly ip_address?: string }[]
}

export const wishesOf = (info: GatewayInfo | null): Wish[] =>
  (info?.external_fixed_ips ?? []).map(ip => ({
    ...(ip.subnet_id === undefined ? {} : { subnetId: ip.subnet_id }),
    ...(ip.ip_address === undefined ? {} : { ip: ip.ip_address }),
  }))

/** The networks whose hosts must hear of it. */
export async function setGateway(
  q: Q,
  ctx: Ctx,
  tools: DomainTools,
  router: Router,
  asked: GatewayInfo | null,
): Promise<{ networks: readonly string[] }> {
  const now = tools.clock.now()
  const info = asked === null || Object.keys(asked).length === 0 ? null : asked
  if (info !== null && info.network_id === undefined)
    throw faults.HTTPBadRequest({
      reason:
        "Invalid input for external_gateway_info. Reason: Validation of dictionary's keys failed. Expected keys: {'network_id'} Provided keys: " +
        `{${Object.keys(info)
          .map(key => `'${key}'`)
          .join(', ')}}.`,
    })
  const networkId = info?.network_id ?? null
  const wishes = wishesOf(info)
  if (networkId !== null) await checkGatewayNetwork(q, ctx, tools, router, networkId, wishes)
  if (info !== null) checkFixedIps(info.external_fixed_ips ?? [], tools.settings)

  const stays = router.gatewayPortId !== null && router.gatewayNetworkId === networkId
  await putQos(
    q,
    ctx,
    tools,
    'router',
    router.id,
    info?.qos_policy_id ?? (stays && info?.qos_policy_id === undefined ? undefined : null),
  )
  if (router.gatewayPortId !== null && stays) {
    if (wishes.length > 0) await moveGateway(q, router.gatewayPortId, wishes)
    await revise(q, 'routers', router.id, now, { enable_snat: flag(info?.enable_snat ?? true) })
    return { networks: networkId === null ? [] : [networkId] }
  }
  if (router.gatewayPortId !== null) {
    if ((await floatingIpsDb.ofRouters(q, [router.id])).length > 0)
      throw faults.RouterExternalGatewayInUseByFloatingIp({
        router_id: router.id,
        net_id: router.gatewayNetworkId ?? '',
      })
    await portsDb.remove(q, router.gatewayPortId)
  }
  let portId: string | null = null
  if (networkId !== null) {
    const made = await insertServicePort(q, tools, {
      id: tools.ids.uuid(),
      projectId: '',
      networkId,
      deviceOwner: ROUTER_GATEWAY,
      deviceId: router.id,
      wishes: wishes.length === 0 ? null : wishes,
    })
    portId = made.port.id
  }
  await revise(q, 'routers', router.id, now, {
    gateway_port_id: portId,
    gateway_network_id: networkId,
    enable_snat: flag(info?.enable_snat ?? true),
  })
  return { networks: [networkId, router.gatewayNetworkId].filter(id => id !== null) }
}

/** A router may lead out to this network. @throws NetworkNotFound, BadRequest */
export async function checkGatewayNetwork(
  q: Q,
  ctx: Ctx,
  tools: DomainTools,
  router: Router,
  networkId: string,
  wishes: readonly Wish[],
): Promise<void> {
  const network = await seenNetwork(q, ctx, tools, networkId)
  if (!network.external)
    throw faults.BadRequest({ resource: 'router', msg: `Network ${networkId} is not an external network` })
  const subnets = await subnetsDb.ofNetwork(q, networkId)
  const same = subnets.find(subnet => subnet.gatewayIp !== null && wishes.some(wish => wish.ip === subnet.gatewayIp))
  if (same !== undefined)
    throw faults.BadRequest({
      resource: 'router',
      msg: `External IP ${same.gatewayIp ?? ''} is the same as the gateway IP`,
    })
  const interfaces = (await portsDb.ofDevice(q, router.id)).filter(port => port.deviceOwner === ROUTER_INTERFACE)
  const inside = await allocationsDb.ofPorts(
    q,
    interfaces.map(port => port.id),
  )
  const joined = await subnetsDb.byIds(
    q,
    [...inside.values()].flat().map(ip => ip.subnetId),
  )
  for (const outer of subnets)
    for (const inner of joined.values())
      if (overlap(cidrOf(outer), cidrOf(inner)))
        throw faults.BadRequest({
          resource: 'router',
          msg: `Cidr ${outer.cidr} of subnet ${outer.id} overlaps with cidr ${inner.cidr} of subnet ${inner.id}`,
        })
}

export async function moveGateway(q: Q, portId: string, wishes: readonly Wish[]): Promise<void> {
  const port = await portsDb.byId(q, portId)
  if (port === null) return
  const holder = { portId, networkId: port.networkId, mac: port.macAddress, deviceOwner: port.deviceOwner }
  await reallocate(
    q,
    holder,
    await subnetsDb.ofNetwork(q, port.networkId),
    await allocationsDb.ofPort(q, portId),
    wishes,
  )
}
