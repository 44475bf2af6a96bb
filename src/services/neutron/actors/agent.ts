// Neutron's agent on one host: takes the wanted state, has the mechanism make it so, and tells what is really so. Guests' devices come
// and go without anybody asking, so it looks again while one is missing, and now and then anyway.
import type { Bus, Served } from '#kernel/bus/bus.ts'
import type { Cross } from '#kernel/crossing/crossing.ts'
import type { Clock } from '#kernel/lib/clock.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import type { Ids } from '#kernel/lib/ids.ts'
import type { Log } from '#kernel/lib/log.ts'
import type { ApplyResult, Mechanism, Wired } from '#services/neutron/drivers/mechanism.ts'
import { afterUpdate, type Kept } from '#services/neutron/actors/agent-state.ts'
import { agentRpc, serverRpc, type AgentHello, type HostUpdate, type WiredReport } from '#services/neutron/rpc.ts'

export interface AgentTools {
  readonly bus: Bus
  readonly host: string
  readonly mechanism: Mechanism
  readonly clock: Clock
  readonly ids: Ids
  readonly cross: Cross
  readonly log: Log
  /** True for the host that serves DHCP, routers and metadata; default true. */
  readonly networkNode?: boolean
  /** Between signs of life. */
  readonly reportIntervalMs: number
}
export interface NeutronAgent {
  start(): Promise<void>
  stop(): Promise<void>
  /** A hint that a guest's device came or went: looks at once instead of at the next turn. */
  deviceAppeared(): void
}

const FIRST_LOOK_MS = 50
const LAST_LOOK_MS = 5000
const HELLO_AGAIN_MS = 1000

const isUp = (wired: Wired): boolean => wired === 'up'
const same = (a: Wired | undefined, b: Wired): boolean =>
  a === b || (typeof a === 'object' && typeof b === 'object' && a.failed === b.failed)

export function createNeutronAgent(tools: AgentTools): NeutronAgent {
  const { bus, host, mechanism, clock, ids, cross, log } = tools
  const server = bus.client(serverRpc).any()
  const actor = `${agentRpc.actor}@${host}`
  const newCtx = (): Ctx => ({ requestId: `req-${ids.uuid()}`, who: null, actor, cross })
  let kept: Kept | null = null
  /** What the server was told last. */
  const told = {
    ports: new Map<string, Wired>(),
    networks: new Map<string, Wired>(),
    routers: new Map<string, Wired>(),
  }
  let served: Served | null = null
  let stopped = false
  let tail: Promise<unknown> = Promise.resolve()
  let cancelLook = (): void => undefined
  let cancelHello = (): void => undefined
  let unwatch = (): void => undefined
  let isLooking = false
  let lookMs = FIRST_LOOK_MS

  /** One thing at a time. */
  const inTurn = <T>(deed: () => Promise<T>): Promise<T> => {
    const mine = tail.then(deed)
    tail = mine.catch(() => undefined)
    return mine
  }

  /** What of the result is news, and remembers it as told. */
  function newsOf(result: ApplyResult, named: ReadonlySet<string>): WiredReport | null {
    let isNews = false
    const kind = (of: keyof typeof told): Record<string, Wired> => {
      const news: Record<string, Wired> = {}
      for (const [id, wired] of Object.entries(result[of])) {
        if (same(told[of].get(id), wired) && !named.has(id)) continue
        news[id] = wired
        told[of].set(id, wired)
        isNews = true
      }
      for (const id of told[of].keys()) if (!Object.hasOwn(result[of], id)) told[of].delete(id)
      return news
    }
    const report = { ports: kind('ports'), networks: kind('networks'), routers: kind('routers') }
    return isNews ? report : null
  }
  const make = async (current: Kept): Promise<ApplyResult> =>
    cross(
      {
        kind: 'driver',
        side: 'send',
        from: actor,
        to: `network-${mechanism.capabilities.driver}`,
        name: 'apply',
        requestId: newCtx().requestId,
      },
      () => mechanism.apply(current.state),
    )

  /** Is a guest awaited whose device is not there? */
  const waits = (): boolean =>
    kept?.state.ports.some(port => port.adminUp && !isUp(told.ports.get(port.id) ?? 'down')) === true

  function lookLater(): void {
    cancelLook()
    if (stopped || !mechanism.capabilities.real || !waits()) return
    cancelLook = clock.after(
      lookMs,
      () => void inTurn(look).catch((error: unknown) => log.warn(null, `${actor}: ${(error as Error).message}`)),
    )
    lookMs = Math.min(lookMs * 2, LAST_LOOK_MS)
  }
  /** A device came or went. Hints that come before the look begins share it. */
  function lookNow(): void {
    lookMs = FIRST_LOOK_MS
    cancelLook()
    if (isLooking || stopped) return
    isLooking = true
    void inTurn(look).catch((error: unknown) => log.warn(null, `${actor}: ${(error as Error).message}`))
  }
  async function look(): Promise<void> {
    isLooking = false
    if (stopped || kept === null) return
    try {
      const report = newsOf(await make(kept), new Set())
      if (report !== null) {
        lookMs = FIRST_LOOK_MS
        await server.wired(newCtx(), { host, report })
      }
    } finally {
      lookLater()
    }
  }

  async function apply(update: HostUpdate): Promise<{ unknown: true } | { unknown: false; report: WiredReport }> {
    const next = afterUpdate(kept, update)
    if (next === null) return { unknown: true }
    const named = new Set<string>()
    if ('whole' in update) for (const map of Object.values(told)) map.clear()
    else
      for (const delta of [update.change.ports, update.change.networks, update.change.routers])
        for (const one of delta.set) named.add(one.id)
    kept = next
    const report = newsOf(await make(next), named)
    lookMs = FIRST_LOOK_MS
    lookLater()
    return { unknown: false, report: report ?? { ports: {}, networks: {}, routers: {} } }
  }

  const hellos = (): AgentHello[] => {
    const { capabilities } = mechanism
    const devices = kept?.state.ports.length ?? 0
    const shared = { topic: 'N/A', availabilityZone: null }
    const bridge: AgentHello = {
      ...shared,
      agentType: 'Linux bridge agent',
      binary: 'neutron-linuxbridge-agent',
      configurations: {
        driver: capabilities.driver,
        vif_type: capabilities.real ? 'bridge' : 'other',
        port_filter: capabilities.firewall !== 'none' || !capabilities.real,
        devices,
        firewall: capabilities.firewall,
        ipv6: capabilities.ipv6,
        ...(capabilities.tunnelIp === undefined
          ? {}
          : { tunneling_ip: capabilities.tunnelIp, tunnel_types: ['vxlan'] }),
        says: capabilities.says,
      },
    }
    if (tools.networkNode === false) return [bridge]
    const networks = kept?.state.networks.filter(network => network.dhcpPort !== undefined) ?? []
    return [
      bridge,
      {
        agentType: 'DHCP agent',
        binary: 'neutron-dhcp-agent',
        topic: 'dhcp_agent',
        availabilityZone: 'nova',
        configurations: {
          driver: capabilities.driver,
          networks: networks.length,
          subnets: networks.reduce((sum, network) => sum + network.subnets.length, 0),
          ports: devices,
        },
      },
      {
        agentType: 'L3 agent',
        binary: 'neutron-l3-agent',
        topic: 'l3_agent',
        availabilityZone: 'nova',
        configurations: {
          agent_mode: 'legacy',
          routers: kept?.state.routers.length ?? 0,
          floating_ips: kept?.state.routers.reduce((sum, router) => sum + router.floatingIps.length, 0) ?? 0,
        },
      },
      { ...shared, agentType: 'Metadata agent', binary: 'neutron-metadata-agent', configurations: {} },
    ]
  }
  async function hello(started: boolean): Promise<void> {
    let next = tools.reportIntervalMs
    try {
      await server.hello(newCtx(), { host, started, number: kept?.number ?? 0, agents: hellos() })
      if (!started && mechanism.capabilities.real) await inTurn(look)
    } catch (error) {
      next = HELLO_AGAIN_MS
      log.warn(null, `${actor} cannot reach the server`, { why: (error as Error).message })
    }
    if (!stopped) cancelHello = clock.after(next, () => void hello(started && next === HELLO_AGAIN_MS))
  }

  return {
    async start() {
      stopped = false
      served = await bus.serve(agentRpc, host, {
        apply: (_ctx, update) => inTurn(() => apply(update)),
        look: async () => ({
          inventory: await mechanism.inventory(),
          expectedFilters: kept === null ? {} : mechanism.expectedFilters(kept.state),
          real: mechanism.capabilities.real,
        }),
      })
      unwatch = mechanism.watch(lookNow)
      await hello(true)
    },
    async stop() {
      stopped = true
      unwatch()
      cancelLook()
      cancelHello()
      await served?.close()
      await tail
    },
    deviceAppeared: lookNow,
  }
}
