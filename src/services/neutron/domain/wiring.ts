// Keeps hosts as the database says: what was touched is read anew, hosts it concerns are told what changed, and what they answer is
// written down. Requests never wait for it. A host that missed something is told the whole when it says hello.
import type { Bus } from '#kernel/bus/bus.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import { networkHost, L3_AGENT } from '#services/neutron/domain/network-host.ts'
import { changeBetween, piecesOf, stateOf, type Pieces } from '#services/neutron/domain/wiring-compose.ts'
import { createWiringModel, type WiringModel } from '#services/neutron/domain/wiring-model.ts'
import { record } from '#services/neutron/domain/wiring-results.ts'
import type { DomainTools, Touched, Wiring } from '#services/neutron/domain/tools.ts'
import { agentRpc, type HostUpdate, type WiredReport } from '#services/neutron/rpc.ts'

/** What follows in this time travels together. */
const TOGETHER_MS = 2
const RETRY_MS = 3000

interface Link {
  readonly host: string
  /** What the agent has; null when unknown. */
  sent: { readonly number: number; readonly pieces: Pieces } | null
  /** Ports that it said are up. */
  readonly up: Set<string>
  readonly force: Set<string>
  /** Its agent said hello at least once in this process. */
  known: boolean
  again: boolean
  pushing: Promise<void> | null
}

export interface HostWiring extends Wiring {
  readonly model: WiringModel
  /** Reads everything; nothing is told before. */
  start(): Promise<void>
  stop(): Promise<void>
  /** An agent says what it has. */
  /** `tunnelIp`: where it can be reached in the network below; null where its networks end at itself. */
  hello(host: string, number: number, started: boolean, tunnelIp?: string | null): void
  report(ctx: Ctx, host: string, report: WiredReport): Promise<void>
  /** Resolves when all hosts have been told what there is to tell (or could not be reached). */
  settled(): Promise<void>
  hosts(): readonly string[]
  /** The host that serves DHCP, routers and metadata. */
  node(): string | null
}

export function createWiring(
  tools: Omit<DomainTools, 'wiring' | 'access' | 'settings'> & { readonly bus: Bus; readonly ctx: () => Ctx },
): HostWiring {
  const { database, clock, bus, log } = tools
  const model = createWiringModel()
  const agents = bus.client(agentRpc)
  const links = new Map<string, Link>()
  /** Hosts in the network below. */
  const tunnels = new Map<string, string>()
  let node: string | null = null
  let touched = {
    networks: new Set<string>(),
    ports: new Set<string>(),
    routers: new Set<string>(),
    groups: new Set<string>(),
  }
  let cancelFlush: (() => void) | null = null
  let flushing: Promise<void> = Promise.resolve()
  const retries = new Set<() => void>()
  let started = false
  let stopped = false
  let number = 0

  const linkOf = (host: string): Link => {
    let link = links.get(host)
    if (link === undefined)
      links.set(
        host,
        (link = { host, sent: null, up: new Set(), force: new Set(), known: false, again: false, pushing: null }),
      )
    return link
  }

  async function once(link: Link): Promise<void> {
    const pieces = piecesOf(model, link.host, link.host === node, { tunnels, node })
    const force = new Set(link.force)
    link.force.clear()
    const change = link.sent === null ? null : changeBetween(link.sent.pieces, pieces, force)
    if (link.sent !== null && change === null) return
    number += 1
    const update: HostUpdate =
      link.sent === null || change === null
        ? { number, whole: stateOf(link.host, pieces) }
        : { number, base: link.sent.number, change }
    const ctx = tools.ctx()
    const applied = await agents.on(link.host).apply(ctx, update)
    if (applied.unknown) {
      link.sent = null
      link.again = true
      return
    }
    link.sent = { number: update.number, pieces }
    await remember(ctx, link, applied.report)
  }
  async function remember(ctx: Ctx, link: Link, report: WiredReport): Promise<void> {
    for (const [id, wired] of Object.entries(report.ports))
      if (wired === 'up') link.up.add(id)
      else link.up.delete(id)
    await record(ctx, tools, model, link.host, report)
  }
  async function push(link: Link): Promise<void> {
    for (;;) {
      link.again = false
      try {
        await once(link)
      } catch (error) {
        link.sent = null
        if (!stopped) {
          log.warn(null, `${link.host} could not be told about its network`, { why: (error as Error).message })
          retryLater(link)
        }
        return
      }
      if (!link.again || stopped) return
    }
  }
  function tell(host: string): void {
    const link = linkOf(host)
    if (!link.known || stopped) return
    link.again = true
    link.pushing ??= push(link).finally(() => (link.pushing = null))
  }
  function retryLater(link: Link): void {
    const cancel = clock.after(RETRY_MS, () => {
      retries.delete(cancel)
      tell(link.host)
    })
    retries.add(cancel)
  }

  /** Networks that what was touched belongs to, where networks span hosts. */
  function networksOf(what: typeof touched): string[] {
    if (tunnels.size < 2) return []
    const ports = [...what.ports, ...[...what.routers].flatMap(id => model.routers.get(id)?.portIds ?? [])]
    return [...what.networks, ...ports.flatMap(id => model.ports.get(id)?.port.networkId ?? [])]
  }
  const hostsOn = (networkId: string): Set<string> =>
    new Set(
      [...model.portsOfNetwork(networkId)].flatMap(id => {
        const known = model.ports.get(id)
        return known === undefined || known.state === null ? [] : [known.port.hostId]
      }),
    )

  async function flush(): Promise<void> {
    const what = touched
    touched = { networks: new Set(), ports: new Set(), routers: new Set(), groups: new Set() }
    const ctx = tools.ctx()
    const spanning = new Set(networksOf(what))
    const reloaded = await database.read(ctx, 'reload-wiring', q => model.reload(q, what))
    // A port that the database has as down though its host said up was bound anew within one turn: its host is asked again.
    for (const id of what.ports) {
      const known = model.ports.get(id)
      if (known?.state === null || known === undefined || known.port.status === 'ACTIVE') continue
      const link = links.get(known.port.hostId)
      if (link?.up.has(id) === true) link.force.add(id)
    }
    for (const link of links.values())
      for (const id of link.up) if (!model.portsOfHost(link.host).has(id)) link.up.delete(id)
    for (const host of reloaded.hosts) tell(host)
    // Hosts that share a network know of each other's ports.
    for (const id of networksOf(what)) spanning.add(id)
    for (const id of spanning) for (const host of hostsOn(id)) tell(host)
    if (reloaded.node && node !== null) tell(node)
  }
  function flushSoon(): void {
    if (cancelFlush !== null || !started || stopped) return
    cancelFlush = clock.after(TOGETHER_MS, flushNow)
  }
  function flushNow(): void {
    cancelFlush?.()
    cancelFlush = null
    flushing = flushing
      .then(flush)
      .catch((error: unknown) => log.error(null, 'what changed in the network could not be read', error))
  }

  return {
    model,
    touch(what: Touched) {
      for (const key of ['networks', 'ports', 'routers', 'groups'] as const)
        for (const id of what[key] ?? []) touched[key].add(id)
      flushSoon()
    },
    async start() {
      const ctx = tools.ctx()
      await database.read(ctx, 'load-wiring', async q => {
        await model.load(q)
        node = (await networkHost(q, L3_AGENT))?.host ?? null
      })
      started = true
      flushSoon()
    },
    async stop() {
      stopped = true
      cancelFlush?.()
      for (const cancel of retries) cancel()
      await flushing
      await Promise.all([...links.values()].flatMap(link => link.pushing ?? []))
    },
    hello(host, has, isNew, tunnelIp = null) {
      const link = linkOf(host)
      link.known = true
      if ((tunnels.get(host) ?? null) !== tunnelIp) {
        if (tunnelIp === null) tunnels.delete(host)
        else tunnels.set(host, tunnelIp)
        for (const other of links.keys()) if (other !== host) tell(other)
      }
      if (isNew || has !== link.sent?.number) link.sent = null
      if (node === null) {
        const ctx = tools.ctx()
        flushing = flushing.then(async () => {
          node = await database.read(ctx, 'network-host', async q => (await networkHost(q, L3_AGENT))?.host ?? null)
          tell(host)
        })
        return
      }
      if (link.sent === null) tell(host)
    },
    report: (ctx, host, report) => remember(ctx, linkOf(host), report),
    async settled() {
      for (;;) {
        if (cancelFlush !== null) flushNow()
        await flushing
        const running = [...links.values()].flatMap(link => link.pushing ?? [])
        if (running.length === 0 && cancelFlush === null) return
        await Promise.all(running)
      }
    },
    hosts: () => [...links.values()].filter(link => link.known).map(link => link.host),
    node: () => node,
  }
}
