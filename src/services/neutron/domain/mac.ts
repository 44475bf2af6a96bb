// Hardware addresses of Neutron's own: fa:16:3e and three random bytes, once per network.
import type { Ids } from '#kernel/lib/ids.ts'
import { faults } from '#services/neutron/contract/faults.ts'
import { portsDb } from '#services/neutron/db/ports.ts'
import type { Q } from '#services/neutron/db/standard.ts'
import { canonicalMac } from '#services/neutron/domain/addresses.ts'

const TRIES = 16
const RESERVED: ReadonlySet<string> = new Set(['00:00:00:00:00:00'])

/** An unused address on a network. @throws NetworkMacAddressGenerationFailure */
export async function freeMac(q: Q, ids: Ids, networkId: string): Promise<string> {
  for (let attempt = 0; attempt < TRIES; attempt += 1) {
    const mac = ['fa', '16', '3e', ...[...ids.bytes(3)].map(byte => byte.toString(16).padStart(2, '0'))].join(':')
    if ((await portsDb.byMac(q, networkId, mac)) === null) return mac
  }
  throw faults.NetworkMacAddressGenerationFailure({ net_id: networkId })
}

/** The address asked for, in ordinary form. @throws HTTPBadRequest, MacAddressInUse */
export async function askedMac(q: Q, networkId: string, asked: string, portId: string): Promise<string> {
  const mac = canonicalMac(asked)
  if (mac === null || RESERVED.has(mac))
    throw faults.HTTPBadRequest({
      reason: `Invalid input for mac_address. Reason: '${asked}' is not a valid MAC address.`,
    })
  const holder = await portsDb.byMac(q, networkId, mac)
  if (holder !== null && holder !== portId) throw faults.MacAddressInUse({ net_id: networkId, mac })
  return mac
}
