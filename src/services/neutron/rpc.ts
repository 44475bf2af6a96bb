// What Neutron's actors ask of each other: the server tells a host's agent what should be, the agent tells what is.
import { call, rpc } from '#kernel/bus/rpc.ts'
import type {
  HostNetworkState,
  MechanismInventory,
  NetworkState,
  PortState,
  RouterState,
  SecurityGroupState,
  Wired,
} from '#services/neutron/drivers/mechanism.ts'

/** Things by id that came or changed, and the ids of those that went. */
export interface Delta<T> {
  readonly set: readonly T[]
  readonly gone: readonly string[]
}
export interface StateChange {
  readonly networks: Delta<NetworkState>
  readonly ports: Delta<PortState>
  readonly securityGroups: Delta<SecurityGroupState>
  readonly routers: Delta<RouterState>
  readonly addressSets: { readonly set: Readonly<Record<string, readonly string[]>>; readonly gone: readonly string[] }
}
/** A host's wanted state: whole, or what changed since the state with the number `base`. */
export type HostUpdate =
  | { readonly number: number; readonly whole: HostNetworkState }
  | { readonly number: number; readonly base: number; readonly change: StateChange }

/** What is really so: of everything named in the update, and of everything that is not as last told. */
export interface WiredReport {
  readonly ports: Readonly<Record<string, Wired>>
  readonly networks: Readonly<Record<string, Wired>>
  readonly routers: Readonly<Record<string, Wired>>
}
/** `unknown`: the agent does not have the state that the change builds on; it wants the whole. */
export type Applied = { readonly unknown: true } | { readonly unknown: false; readonly report: WiredReport }

export interface HostView {
  readonly inventory: MechanismInventory
  /** Digest that each filtered port of the wanted state should show. */
  readonly expectedFilters: Readonly<Record<string, string>>
  readonly real: boolean
}

export const agentRpc = rpc('neutron-agent', {
  apply: call<HostUpdate, Applied>({ timeoutMs: 120_000 }),
  look: call<Record<never, never>, HostView>({ timeoutMs: 30_000 }),
})

/** One agent's sign of life. */
export interface AgentHello {
  readonly agentType: string
  readonly binary: string
  readonly topic: string
  readonly availabilityZone: string | null
  readonly configurations: Readonly<Record<string, unknown>>
}
/** A guest's request for metadata; the body in base64. */
export interface MetadataAsk {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly sourceIp: string
  readonly networkId?: string
  readonly routerId?: string
}
export interface MetadataSays {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export const serverRpc = rpc('neutron-plugin', {
  /** `number`: of the state the agent has; 0 for none. The server sends what is missing. */
  hello: call<{ host: string; started: boolean; number: number; agents: readonly AgentHello[] }>({ timeoutMs: 30_000 }),
  /** Something is not as last told: a guest's device came or went. */
  wired: call<{ host: string; report: WiredReport }>({ timeoutMs: 30_000 }),
  metadata: call<MetadataAsk, MetadataSays>({ timeoutMs: 20_000 }),
})
