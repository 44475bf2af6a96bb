// The wanted state of one host as its agent keeps it: whole states and changes put together.
import type { HostNetworkState } from '#services/neutron/drivers/mechanism.ts'
import type { Delta, HostUpdate } from '#services/neutron/rpc.ts'

function merged<T extends { readonly id: string }>(has: readonly T[], delta: Delta<T>): readonly T[] {
  if (delta.set.length === 0 && delta.gone.length === 0) return has
  const all = new Map(has.map(one => [one.id, one]))
  for (const id of delta.gone) all.delete(id)
  for (const one of delta.set) all.set(one.id, one)
  return [...all.values()]
}

export interface Kept {
  readonly number: number
  readonly state: HostNetworkState
}

/** The state after an update; null when it builds on another than the one kept. */
export function afterUpdate(kept: Kept | null, update: HostUpdate): Kept | null {
  if ('whole' in update) return { number: update.number, state: update.whole }
  if (kept === null || kept.number !== update.base) return null
  const { change } = update
  const { state } = kept
  const sets = new Map(Object.entries(state.addressSets))
  for (const id of change.addressSets.gone) sets.delete(id)
  for (const [id, members] of Object.entries(change.addressSets.set)) sets.set(id, members)
  return {
    number: update.number,
    state: {
      host: state.host,
      networks: merged(state.networks, change.networks),
      ports: merged(state.ports, change.ports),
      securityGroups: merged(state.securityGroups, change.securityGroups),
      routers: merged(state.routers, change.routers),
      addressSets: Object.fromEntries(sets),
    },
  }
}
