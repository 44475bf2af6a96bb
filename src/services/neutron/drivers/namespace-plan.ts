// What stands inside one network namespace: a router, a DHCP server, the external side.
import type { Ruleset } from '#services/neutron/drivers/ruleset.ts'

export interface NamespacePlan {
  /** Devices that are up, with their addresses as `address/prefix`. */
  readonly devices: ReadonlyMap<string, readonly string[]>
  readonly routes: readonly RoutePlan[]
  /** Files below /proc/sys that hold 1. */
  readonly switches: readonly string[]
  readonly tables: readonly Ruleset[]
  /** Devices whose addresses are told to the neighbours when they change: floating IPs move at once. Values are their MACs. */
  readonly announce: ReadonlyMap<string, string>
}

export interface RoutePlan {
  /** `default` or a CIDR. */
  readonly destination: string
  readonly via: string | null
  readonly device: string | null
}

export const EMPTY_PLAN: NamespacePlan = {
  devices: new Map(),
  routes: [],
  switches: [],
  tables: [],
  announce: new Map(),
}
