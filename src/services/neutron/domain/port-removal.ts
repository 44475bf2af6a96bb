// A port goes: its addresses, groups and tags with it; floating IPs let go of it. Runs inside the caller's transaction.
import type { Ctx } from '#kernel/lib/context.ts'
import { faults } from '#services/neutron/contract/faults.ts'
import { portsDb, type Port } from '#services/neutron/db/ports.ts'
import { floatingIpsDb, routersDb } from '#services/neutron/db/routers.ts'
import { revise, type Q } from '#services/neutron/db/standard.ts'
import { forwardingsWithout, removeForwardings } from '#services/neutron/domain/port-forwardings.ts'
import { FLOATING_IP, isCompute, isServicePort } from '#services/neutron/domain/owners.ts'
import { checkNotInTrunk } from '#services/neutron/domain/trunk-binding.ts'
import type { DomainTools, NovaNews, Touched } from '#services/neutron/domain/tools.ts'

export interface PortRemoval {
  readonly touched: Touched
  readonly news: readonly NovaNews[]
}

/** Only the verbs of routers and floating IPs remove their ports, while those exist. @throws ServicePortInUse */
async function checkService(q: Q, port: Port): Promise<void> {
  if (!isServicePort(port.deviceOwner) || port.deviceId === '') return
  const device = await (port.deviceOwner === FLOATING_IP
    ? floatingIpsDb.byId(q, port.deviceId)
    : routersDb.byId(q, port.deviceId))
  if (device !== null)
    throw faults.ServicePortInUse({ port_id: port.id, reason: `has device owner ${port.deviceOwner}` })
}

/** @throws ServicePortInUse, FipAssociated */
export async function removePort(
  q: Q,
  ctx: Ctx,
  tools: Pick<DomainTools, 'access' | 'clock'>,
  port: Port,
): Promise<PortRemoval> {
  await checkService(q, port)
  await checkNotInTrunk(q, port.id)
  const floating = await floatingIpsDb.ofPort(q, port.id)
  if (
    !tools.access.isAdmin(ctx) &&
    floating.some(one => one.projectId !== ctx.who?.projectId && one.projectId !== port.projectId)
  )
    throw faults.FipAssociated({ port_id: port.id })
  for (const one of floating)
    await revise(q, 'floatingips', one.id, tools.clock.now(), {
      port_id: null,
      fixed_ip_address: null,
      router_id: null,
      status: 'DOWN',
    })
  const forwarding = await removeForwardings(q, tools, await forwardingsWithout(q, port.id, []))
  await portsDb.remove(q, port.id)
  return {
    touched: {
      ports: [port.id],
      routers: [...forwarding, ...floating.flatMap(one => (one.routerId === null ? [] : [one.routerId]))],
    },
    news:
      isCompute(port.deviceOwner) && port.deviceId !== ''
        ? [{ event: 'network-vif-deleted', serverId: port.deviceId, portId: port.id }]
        : [],
  }
}
