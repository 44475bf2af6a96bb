// How a network is realised: its type, its number, and how large its frames may be.
import { faults } from '#services/neutron/contract/faults.ts'
import type { NeutronSettings } from '#services/neutron/config.ts'
import { networksDb } from '#services/neutron/db/networks.ts'
import type { Q } from '#services/neutron/db/standard.ts'

export interface Segment {
  readonly networkType: 'flat' | 'vlan' | 'vxlan' | 'local'
  readonly physicalNetwork: string | null
  readonly segmentationId: number | null
}
export const VXLAN_FIRST = 1
export const VXLAN_LAST = 16_777_215
/** What VXLAN over IPv4 adds to a frame. */
const VXLAN_OVERHEAD = 50
const IPV4_MIN_MTU = 68
const IPV6_MIN_MTU = 1280

interface Wanted {
  readonly 'provider:network_type'?: string
  readonly 'provider:physical_network'?: string | null
  readonly 'provider:segmentation_id'?: number | null
}
const invalid = (says: string): never => {
  throw faults.InvalidInput({ error_message: says })
}

/** @throws InvalidInput, FlatNetworkInUse, TunnelIdInUse, NoNetworkAvailable */
export async function chooseSegment(
  q: Q,
  settings: NeutronSettings,
  wanted: Wanted,
  projectId: string,
): Promise<Segment> {
  const physical = wanted['provider:physical_network'] ?? null
  const number = wanted['provider:segmentation_id'] ?? null
  const type = wanted['provider:network_type']
  if (type === undefined && (physical !== null || number !== null)) invalid('network_type required')
  switch (type) {
    case 'flat': {
      if (physical === null) return invalid('physical_network required for flat provider network')
      if (number !== null) invalid('segmentation_id prohibited for flat provider network')
      if (!settings.physicalNetworks.includes(physical))
        invalid(`physical_network '${physical}' unknown for flat provider network`)
      if (await networksDb.flatInUse(q, physical)) throw faults.FlatNetworkInUse({ physical_network: physical })
      return { networkType: 'flat', physicalNetwork: physical, segmentationId: null }
    }
    case 'local':
      if (physical !== null) invalid('physical_network prohibited for local provider network')
      if (number !== null) invalid('segmentation_id prohibited for local provider network')
      return { networkType: 'local', physicalNetwork: null, segmentationId: null }
    case 'vlan':
      return vlanSegment(q, settings, physical, number)
    case undefined:
    case 'vxlan': {
      if (physical !== null) invalid('provider:physical_network specified for vxlan network')
      if (number !== null && (number < VXLAN_FIRST || number > VXLAN_LAST))
        invalid(`segmentation_id out of range (${VXLAN_FIRST} through ${VXLAN_LAST})`)
      if (number !== null) {
        const taken = await networksDb.freeSegment(q, 'vxlan', '', number, number)
        if (taken === null) throw faults.TunnelIdInUse({ tunnel_id: number })
        return { networkType: 'vxlan', physicalNetwork: null, segmentationId: number }
      }
      return { networkType: 'vxlan', physicalNetwork: null, segmentationId: await freeTunnel(q, projectId) }
    }
    default:
      return invalid(`network_type value '${type}' not supported`)
  }
}

const VLAN_FIRST = 1
const VLAN_LAST = 4094
/** `physnet1:100:199` of the options, by physical network; a name alone is known and has no range. */
export function vlanRanges(settings: NeutronSettings): ReadonlyMap<string, readonly (readonly [number, number])[]> {
  const ranges = new Map<string, (readonly [number, number])[]>()
  for (const text of settings.vlanRanges) {
    const [name = '', first, last] = text.split(':')
    const has = ranges.get(name) ?? []
    if (first !== undefined && last !== undefined) has.push([Number(first), Number(last)])
    ranges.set(name, has)
  }
  return ranges
}

/** A number of a physical network: the one asked for, else the next of its ranges, else of any. @throws VlanIdInUse, NoNetworkAvailable */
async function vlanSegment(
  q: Q,
  settings: NeutronSettings,
  physical: string | null,
  number: number | null,
): Promise<Segment> {
  const known = vlanRanges(settings)
  if (physical === null) {
    if (number !== null) invalid('segmentation_id requires physical_network for VLAN provider network')
  } else {
    if (!known.has(physical)) invalid(`physical_network '${physical}' unknown for VLAN provider network`)
    if (number !== null && (number < VLAN_FIRST || number > VLAN_LAST))
      invalid(`segmentation_id out of range (${VLAN_FIRST} through ${VLAN_LAST})`)
    if (number !== null) {
      if ((await networksDb.freeSegment(q, 'vlan', physical, number, number)) === null)
        throw faults.VlanIdInUse({ vlan_id: number, physical_network: physical })
      return { networkType: 'vlan', physicalNetwork: physical, segmentationId: number }
    }
  }
  for (const [name, ranges] of known) {
    if (physical !== null && name !== physical) continue
    for (const [first, last] of ranges) {
      const free = await networksDb.freeSegment(q, 'vlan', name, first, last)
      if (free !== null) return { networkType: 'vlan', physicalNetwork: name, segmentationId: free }
    }
  }
  throw faults.NoNetworkAvailable()
}

/** From the project's own ranges first, then from those for all. @throws NoNetworkAvailable */
async function freeTunnel(q: Q, projectId: string): Promise<number> {
  const ranges = await q
    .selectFrom('segment_ranges')
    .select(['minimum', 'maximum', 'project_id', 'shared', 'is_default'])
    .where('network_type', '=', 'vxlan')
    .orderBy('shared')
    .orderBy('is_default')
    .orderBy('minimum')
    .execute()
  for (const range of ranges) {
    if (range.shared === 0 && range.project_id !== projectId) continue
    const free = await networksDb.freeSegment(q, 'vxlan', '', range.minimum, range.maximum)
    if (free !== null) return free
  }
  throw faults.NoNetworkAvailable()
}

/** The MTU of a network: what was asked for, or the most its type can carry for 0. @throws InvalidInput */
export function mtuOf(settings: NeutronSettings, type: string, wanted: number): number {
  const most = type === 'vxlan' ? settings.globalPhysnetMtu - VXLAN_OVERHEAD : settings.globalPhysnetMtu
  if (wanted > most) invalid(`Requested MTU is too big, maximum is ${most}`)
  return wanted === 0 ? most : wanted
}
/** @throws NetworkMTUSubnetConflict when frames are too small for the family. */
export function checkMtu(networkId: string, mtu: number, version: 4 | 6): void {
  if (mtu >= IPV6_MIN_MTU) return
  if (mtu < IPV4_MIN_MTU) throw faults.NetworkMTUSubnetConflict({ net_id: networkId, mtu: IPV4_MIN_MTU })
  if (version === 6) throw faults.NetworkMTUSubnetConflict({ net_id: networkId, mtu: IPV6_MIN_MTU })
}
