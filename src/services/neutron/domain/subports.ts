// What the subports of a trunk may be. Refusals in upstream's words.
import type { Ctx } from '#kernel/lib/context.ts'
import { faults } from '#services/neutron/contract/faults.ts'
import { rules } from '#services/neutron/contract/rules.ts'
import { trunkFaults } from '#services/neutron/contract/trunk-faults.ts'
import { networksDb } from '#services/neutron/db/networks.ts'
import { portsDb, type Port } from '#services/neutron/db/ports.ts'
import type { Q } from '#services/neutron/db/standard.ts'
import { trunksDb } from '#services/neutron/db/trunks.ts'
import type { DomainTools } from '#services/neutron/domain/tools.ts'

export interface AskedSubport {
  readonly port_id: string
  readonly segmentation_type?: string
  readonly segmentation_id?: unknown
}
export interface Wanted {
  readonly portId: string
  readonly type: 'vlan'
  readonly number: number
}
const invalid = (says: string): never => {
  throw faults.InvalidInput({ error_message: says })
}
const UUID = /^[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}$/i
const shown = (value: unknown): string => JSON.stringify(value)?.slice(0, 200) ?? ''
const INHERIT = 'inherit'

/** What can be said of a list of subports without looking anything up. @throws what `refuse` makes of the complaint */
export function checkSubports(data: unknown, refuse: (says: string) => never): AskedSubport[] {
  if (!Array.isArray(data)) return refuse(`Invalid data format for subports: '${shown(data)}' is not a list`)
  if (data.length > 1000) refuse('Too many subports')
  const ports = new Set<string>()
  const numbers = new Set<string>()
  for (const one of data as unknown[]) {
    if (one === null || typeof one !== 'object' || Array.isArray(one))
      return refuse(`Invalid data format for subport: '${shown(one)}' is not a dict`)
    const { port_id: port, segmentation_type: type, segmentation_id: number } = one as Record<string, unknown>
    if (port === undefined) return refuse('A valid port UUID must be specified')
    if (typeof port !== 'string' || !UUID.test(port)) return refuse(`Invalid UUID for subport: '${shown(port)}'`)
    if (ports.has(port)) refuse(`Non unique UUID for subport: '${port}'`)
    ports.add(port)
    if (type === INHERIT) continue
    if ((type === undefined || number === undefined || number === null) && Object.keys(one).length > 1)
      refuse(
        `Invalid subport details '${shown(one)}': missing segmentation information. Must specify both segmentation_id and segmentation_type`,
      )
    const key = `${shown(type)} ${String(number)}`
    if (number !== undefined && numbers.has(key))
      refuse(`Segmentation ID '${String(number)}' for '${port}' is not unique`)
    numbers.add(key)
  }
  return data as AskedSubport[]
}

/** Nobody is parent and subport, or in two trunks. @throws TrunkPortInUse, ParentPortInUse */
export async function checkFree(q: Q, portId: string): Promise<void> {
  if ((await trunksDb.places(q, [portId])).size > 0) throw trunkFaults.TrunkPortInUse({ port_id: portId })
  if ((await trunksDb.ofParents(q, [portId])).length > 0) throw trunkFaults.ParentPortInUse({ port_id: portId })
}

/** A port that the caller sees as his own. @throws PortNotFound */
export async function seenPort(q: Q, ctx: Ctx, tools: Pick<DomainTools, 'access'>, id: string): Promise<Port> {
  const port = await portsDb.byId(q, id)
  if (port === null || (port.projectId !== ctx.who?.projectId && !tools.access.seesAll(ctx, rules.getPort)))
    throw faults.PortNotFound({ port_id: id })
  return port
}

/** Subports with their numbers found out and everything checked. */
export async function resolveSubports(
  q: Q,
  ctx: Ctx,
  tools: Pick<DomainTools, 'access'>,
  parent: Port,
  asked: readonly AskedSubport[],
): Promise<Wanted[]> {
  const trunkMtu = (await networksDb.byId(q, parent.networkId))?.mtu ?? null
  const wanted: Wanted[] = []
  for (const one of asked) {
    const id = one.port_id
    if (id === parent.id) throw trunkFaults.ParentPortInUse({ port_id: id })
    const port = await seenPort(q, ctx, tools, id)
    const network = await networksDb.byId(q, port.networkId)
    if (network !== null && trunkMtu !== null && network.mtu > trunkMtu)
      throw trunkFaults.SubPortMtuGreaterThanTrunkPortMtu({
        port_id: id,
        port_mtu: network.mtu,
        trunk_id: parent.id,
        trunk_mtu: trunkMtu,
      })
    const inherits = one.segmentation_type === INHERIT
    const type = inherits ? network?.networkType : one.segmentation_type
    const given = inherits ? network?.segmentationId : one.segmentation_id
    if (type === undefined || given === undefined || given === null)
      return invalid(
        `Invalid subport details '${shown(one)}': missing segmentation information. Must specify both segmentation_id and segmentation_type`,
      )
    if (!/^[+-]?\d{1,9}$/.test(String(given)))
      invalid(`Invalid subport details: segmentation_id '${shown(given)}' is not an integer`)
    const number = Number(given)
    if (type !== 'vlan') return invalid(`Unknown segmentation_type '${type}'`)
    if (number < 1 || number > 4094) invalid(`Segmentation ID '${number}' is not in range`)
    await checkFree(q, id)
    if (port.deviceId !== '') throw faults.PortInUse({ net_id: port.networkId, port_id: id, device_id: port.deviceId })
    wanted.push({ portId: id, type: 'vlan', number })
  }
  return wanted
}
