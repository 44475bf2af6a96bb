// Subports are plugged in where their parent is: whoever moves the parent moves them. Inside the caller's transaction.
import { trunkFaults } from '#services/neutron/contract/trunk-faults.ts'
import { portsDb } from '#services/neutron/db/ports.ts'
import { revise, type Q } from '#services/neutron/db/standard.ts'
import { trunksDb, type Trunk } from '#services/neutron/db/trunks.ts'
import { bindTo, UNBOUND } from '#services/neutron/domain/port-binding.ts'
import type { DomainTools } from '#services/neutron/domain/tools.ts'

export const SUBPORT = 'trunk:subport'

/** Binds a trunk's subports as its parent is. Returns the ports whose hosts must hear of it. */
export async function bindSubports(q: Q, tools: Pick<DomainTools, 'clock'>, trunk: Trunk): Promise<string[]> {
  const parent = await portsDb.byId(q, trunk.portId)
  const places = await trunksDb.subports(q, [trunk.id])
  const ports = await portsDb.byIds(
    q,
    places.map(place => place.portId),
  )
  const host = parent?.hostId ?? ''
  for (const port of ports.values()) {
    if (port.hostId === host && port.deviceOwner === SUBPORT) continue
    await revise(q, 'ports', port.id, tools.clock.now(), {
      ...(await bindTo(q, host, port.vnicType)),
      device_owner: SUBPORT,
      status: 'DOWN',
    })
  }
  return [trunk.portId, ...ports.keys()]
}
/** After a parent was bound anew: null when the port is no parent. */
export async function followParent(q: Q, tools: Pick<DomainTools, 'clock'>, portId: string): Promise<string[]> {
  const [trunk] = await trunksDb.ofParents(q, [portId])
  if (trunk === undefined) return []
  await revise(q, 'trunks', trunk.id, tools.clock.now(), { status: 'DOWN' })
  return bindSubports(q, tools, trunk)
}
/** Ports that leave a trunk are nobody's again. */
export async function releaseSubports(
  q: Q,
  tools: Pick<DomainTools, 'clock'>,
  portIds: readonly string[],
): Promise<void> {
  for (const id of portIds)
    await revise(q, 'ports', id, tools.clock.now(), { ...UNBOUND, device_owner: '', status: 'DOWN' })
}

/** A port in a trunk stays. @throws PortInUseAsTrunkParent, PortInUseAsSubPort */
export async function checkNotInTrunk(q: Q, portId: string): Promise<void> {
  const place = (await trunksDb.places(q, [portId])).get(portId)
  if (place !== undefined) throw trunkFaults.PortInUseAsSubPort({ port_id: portId, trunk_id: place.trunkId })
  const [trunk] = await trunksDb.ofParents(q, [portId])
  if (trunk !== undefined) throw trunkFaults.PortInUseAsTrunkParent({ port_id: portId, trunk_id: trunk.id })
}

/** What hosts said of ports, as the status of trunks: all up, some not, or the parent itself not. */
export async function updateTrunks(q: Q, portIds: Iterable<string>): Promise<void> {
  const ids = [...portIds]
  const ofSubports = [...(await trunksDb.places(q, ids)).values()].map(place => place.trunkId)
  const trunks = new Map<string, Trunk>()
  for (const one of [...(await trunksDb.ofParents(q, ids)), ...(await trunksDb.byIds(q, new Set(ofSubports)))])
    trunks.set(one.id, one)
  for (const trunk of trunks.values()) {
    const places = await trunksDb.subports(q, [trunk.id])
    const ports = await portsDb.byIds(q, [trunk.portId, ...places.map(place => place.portId)])
    const up = (id: string): boolean => ports.get(id)?.status === 'ACTIVE'
    const status = !up(trunk.portId) ? 'DOWN' : places.every(place => up(place.portId)) ? 'ACTIVE' : 'DEGRADED'
    if (status !== trunk.status) await q.updateTable('trunks').set({ status }).where('id', '=', trunk.id).execute()
  }
}
