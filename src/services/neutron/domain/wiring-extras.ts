// What a host must know of a port beside the port itself: its place in a trunk, and its quality of service.
import { portsDb } from '#services/neutron/db/ports.ts'
import type { Q } from '#services/neutron/db/standard.ts'
import { trunksDb } from '#services/neutron/db/trunks.ts'
import { isTrusted } from '#services/neutron/domain/owners.ts'
import { effectsOf } from '#services/neutron/domain/qos-effects.ts'
import type { PortState } from '#services/neutron/drivers/mechanism.ts'

export type Extras = Pick<PortState, 'trunk' | 'qos'>

/** `ids`: those asked for and the subports that hang on them. */
export async function extrasOf(
  q: Q,
  asked: readonly string[],
): Promise<{ ids: readonly string[]; extras: ReadonlyMap<string, Extras> }> {
  const own = await trunksDb.ofParents(q, asked)
  const below =
    own.length === 0
      ? []
      : await trunksDb.subports(
          q,
          own.map(one => one.id),
        )
  const ids = [...new Set([...asked, ...below.map(place => place.portId)])]
  const places = await trunksDb.places(q, ids)
  const trunks = new Map(
    (await trunksDb.byIds(q, new Set([...places.values()].map(place => place.trunkId)))).map(one => [one.id, one]),
  )
  const ports = await portsDb.byIds(q, ids)
  const effects = await effectsOf(
    q,
    // A network's policy is for its guests, not for Neutron's own ports.
    new Map([...ports.values()].map(port => [port.id, isTrusted(port.deviceOwner) ? null : port.networkId])),
  )
  const extras = new Map<string, Extras>()
  for (const id of ids) {
    const place = places.get(id)
    const trunk = place === undefined ? undefined : trunks.get(place.trunkId)
    const qos = effects.get(id)
    if (trunk === undefined && qos === undefined) continue
    extras.set(id, {
      ...(trunk === undefined || place === undefined
        ? {}
        : { trunk: { parentId: trunk.portId, segmentationId: place.segmentationId } }),
      ...(qos === undefined ? {} : { qos }),
    })
  }
  return { ids, extras }
}
