// The default network driver: the kernel's own bridges, namespaces, nftables and dnsmasq, all inside the cloud's fabric.
import { join } from 'node:path'
import type { Clock } from '#kernel/lib/clock.ts'
import { monitorLinks, type LinkEvent } from '#host/linux/link-monitor.ts'
import { createEgress } from '#host/linux/egress.ts'
import { EXTERNAL, type Fabric } from '#host/linux/fabric.ts'
import type {
  ApplyResult,
  HostNetworkState,
  Mechanism,
  MechanismCapabilities,
  OnMetadata,
  Wired,
} from '#services/neutron/drivers/mechanism.ts'
import { cidr, ip, reason } from '#services/neutron/drivers/checked.ts'
import { prefixOf } from '#services/neutron/drivers/addresses.ts'
import { createDnsmasqServers, inTurns } from '#services/neutron/drivers/mechanism-linux/dnsmasq-servers.ts'
import { dhcpNamespacePlan, dhcpPlan } from '#services/neutron/drivers/dhcp-plan.ts'
import { createFilterLoader, probeReplies } from '#services/neutron/drivers/mechanism-linux/filter-loader.ts'
import type { Replies } from '#services/neutron/drivers/firewall.ts'
import { readInventory } from '#services/neutron/drivers/mechanism-linux/inventory.ts'
import { createMetadataProxy, type MetadataDoor } from '#services/neutron/drivers/mechanism-linux/metadata-proxy.ts'
import {
  OWN_DEVICE,
  TAP_DEVICE,
  dhcpNamespace,
  externalPair,
  routerNamespace,
} from '#services/neutron/drivers/names.ts'
import { converge } from '#services/neutron/drivers/mechanism-linux/converge.ts'
import type { NamespacePlan } from '#services/neutron/drivers/namespace-plan.ts'
import { outsidePlan } from '#services/neutron/drivers/mechanism-linux/outside-plan.ts'
import { raPlan } from '#services/neutron/drivers/mechanism-linux/ra-plan.ts'
import { createOverlay } from '#services/neutron/drivers/mechanism-linux/overlay.ts'
import { createShaper } from '#services/neutron/drivers/mechanism-linux/shaper.ts'
import { METADATA_PORT, routerPlan } from '#services/neutron/drivers/router-plan.ts'
import { sift } from '#services/neutron/drivers/sift.ts'
import { wiringOf } from '#services/neutron/drivers/wiring.ts'

export interface LinuxMechanismOptions {
  /** Must have been started. */
  readonly fabric: Fabric
  readonly stateDir: string
  readonly clock: Clock
  /** Whether we are the machine's root; dnsmasq then gives up its rights. */
  readonly root: boolean
  readonly onMetadata: OnMetadata
  /** Lets guests reach the world through this machine's own connections, by pasta; default false. */
  readonly egress?: boolean
  /** This machine's address by which other hosts reach it: networks then span hosts by VXLAN. As root only. */
  readonly tunnelIp?: string
  /** Chooses how replies are known instead of asking the kernel. */
  readonly replies?: Replies
}

/** What one namespace should hold, and whose failure it is. */
interface Place {
  readonly plan: NamespacePlan
  readonly owner: { readonly kind: 'networks' | 'routers'; readonly id: string }
}

/** Asks the kernel what it offers, and gives the driver. Nothing is made before the first `apply`. */
export async function createLinuxMechanism(options: LinuxMechanismOptions): Promise<Mechanism> {
  const { fabric } = options
  const replies = options.replies ?? (await probeReplies(fabric))
  const filters = createFilterLoader(fabric, replies)
  const dnsmasq = createDnsmasqServers(
    fabric,
    options.clock,
    join(options.stateDir, 'network', 'dnsmasq.log'),
    options.root,
  )
  const shaper = createShaper(fabric)
  const overlay = createOverlay(fabric, options.tunnelIp ?? null)
  const metadata = createMetadataProxy(fabric, options.clock, options.onMetadata)
  const egress = createEgress(fabric, join(options.stateDir, 'network', 'pasta.log'))
  let egressFailed: string | null = options.egress === true ? null : 'no way out was configured'
  const applied = new Map<string, NamespacePlan>()
  let first = true
  let background: Promise<unknown> = Promise.resolve()
  const metadataFailed = new Map<string, string>()

  const run = async (desired: HostNetworkState, asked: boolean): Promise<ApplyResult> => {
    let full = asked || first
    first = false
    // Whoever ended the holder did not end us: it is made again, beside the guests if there are any.
    if (!(await fabric.alive()) && !(await fabric.start()).adopted) {
      full = true
      // Its sockets are in namespaces that nobody can reach any more.
      await background
      await metadata.close()
    }
    const { usable, refused } = sift(desired)
    const failed = { networks: refused.networks, ports: refused.ports, routers: refused.routers }
    const note = (kind: keyof typeof failed, itemId: string, error: unknown): void =>
      void (failed[kind].has(itemId) || failed[kind].set(itemId, reason(error)))
    if (full) applied.clear()

    const places = placesOf(usable, options.egress === true, note)
    const there = new Set(await fabric.namespaces())
    const stale = [...there].filter(name => /^q(router|dhcp)-/.test(name) && !places.has(name))
    // Filters stand before a device is on a bridge: there is no moment in which a guest is open.
    const [links, wall] = await Promise.all([fabric.link.links(), filters.load(usable, full)])
    for (const [portId, why] of wall.failed) note('ports', portId, why)

    // What runs in a namespace that goes, goes first.
    const plans = usable.networks.flatMap(network => {
      const ports = usable.ports.filter(port => port.networkId === network.id)
      try {
        const plan = dhcpPlan(network, ports, options.root ? 'nobody' : 'root', (portId, why) =>
          note('ports', portId, why),
        )
        return plan === null ? [] : [plan]
      } catch (error) {
        note('networks', network.id, error)
        return []
      }
    })
    for (const router of usable.routers) {
      try {
        const plan = raPlan(router, usable.networks, options.root ? 'nobody' : 'root')
        if (plan !== null) plans.push(plan)
      } catch (error) {
        note('routers', router.id, error)
      }
    }
    const doors = doorsOf(usable).filter(door => places.has(door.namespace))
    if (stale.length > 0) {
      const leaving = new Set(stale)
      await dnsmasq.converge(
        plans.filter(plan => !leaving.has(plan.namespace)),
        full,
      )
      await metadata.converge(doors.filter(door => there.has(door.namespace)))
    }
    await fabric.removeNamespaces(stale)
    for (const name of stale) applied.delete(name)
    await fabric.addNamespaces([...places.keys()])

    // The peers of namespaces that went have gone with them.
    const noteNetwork = (id: string, why: unknown): void => note('networks', id, why)
    const made = await overlay.make(usable, links, noteNetwork)
    const wiring = wiringOf(usable, stale.length > 0 || made ? await fabric.link.links() : links)
    const said = await fabric.link.run(wiring.lines.map(item => item.line))
    for (const [index, item] of wiring.lines.entries()) {
      const complaint = said[index]
      if (complaint !== null && complaint !== undefined && item.owner.kind !== 'none')
        note(`${item.owner.kind}s`, item.owner.id, complaint)
      const renewed = item.renews === undefined ? undefined : applied.get(item.renews)
      if (item.renews !== undefined && renewed !== undefined) applied.set(item.renews, forgetDevices(renewed))
    }
    const queued = wiring.lines.length > 0 || full || stale.length > 0 ? await fabric.link.links() : links
    await overlay.forward(usable, queued, full, noteNetwork)
    for (const { owner, why } of await shaper.converge(usable, queued, full)) note(owner.kind, owner.id, why)
    // Before the addresses: pasta sets the namespace's default route itself.
    if (options.egress === true && places.has(EXTERNAL)) {
      egressFailed = await egress.start().then(() => null, reason)
    }
    await inTurns([...places], async ([namespace, { plan, owner }]) => {
      const before = applied.get(namespace) ?? null
      if (before !== null && samePlan(before, plan)) return
      try {
        await converge(fabric, namespace, plan, before)
        applied.set(namespace, plan)
      } catch (error) {
        // Unknown now: the next run reads the namespace itself.
        applied.delete(namespace)
        note(owner.kind, owner.id, error)
      }
    })
    for (const [key, why] of await dnsmasq.converge(plans, full)) {
      const [kind, owner = ''] = key.split('/')
      note(kind === 'dhcp' ? 'networks' : 'routers', owner, why)
    }
    background = background.then(async () => {
      const late = await metadata.converge(doors)
      metadataFailed.clear()
      for (const [namespace, why] of late) metadataFailed.set(namespace, why)
    })
    return resultOf(desired, usable, wiring.wired, failed)
  }

  const queue = coalesce(async (desired, full) => {
    try {
      return await run(desired, full)
    } catch (error) {
      // How far it came is not known: the next run asks the machine.
      first = true
      throw error
    }
  })
  return {
    get capabilities() {
      return capabilitiesOf(replies, egressFailed, options.tunnelIp)
    },
    apply: (desired, applyOptions = {}) => queue(desired, applyOptions.full === true),
    watch(changed) {
      let stop = (): void => undefined
      let ended = false
      const listen = (): void => {
        // What is on a bridge already was put there by us.
        const heard = (event: LinkEvent): void => {
          if (TAP_DEVICE.test(event.name) && (event.gone || event.master === null)) changed()
        }
        stop = monitorLinks(fabric, heard, () => {
          // It ended with the fabric, or was ended: whatever was missed is seen by the next apply.
          void options.clock.sleep(1_000).then(() => (ended ? undefined : (listen(), changed())))
        })
      }
      listen()
      return () => {
        ended = true
        stop()
      }
    },
    async settled() {
      await background
      const [problem] = metadataFailed
      if (problem !== undefined) throw new Error(`metadata is not answered in ${problem[0]}: ${problem[1]}`)
    },
    inventory: () => readInventory(fabric, dnsmasq, metadata),
    expectedFilters: desired => filters.preview(sift(desired).usable).digests,
    async remove() {
      await background
      await metadata.close()
      await egress.stop()
      await dnsmasq.converge([], true)
      const names = (await fabric.namespaces()).filter(name => /^q(router|dhcp)-/.test(name))
      await fabric.removeNamespaces(names)
      const links = await fabric.link.links()
      await fabric.link.run(links.filter(link => OWN_DEVICE.test(link.name)).map(link => `link del dev ${link.name}`))
      const tables = ['bridge', 'inet'].map(family => `add table ${family} koto\ndelete table ${family} koto\n`)
      await fabric.exec.run(['nft', '-f', '-'], { stdin: tables.join('') })
      applied.clear()
      filters.forget()
      shaper.forget()
      overlay.forget()
      first = true
    },
    async close() {
      await background
      await metadata.close()
    },
  }
}

/** The namespaces of a state and what they hold. */
function placesOf(
  state: HostNetworkState,
  egress: boolean,
  note: (kind: 'networks' | 'routers', id: string, error: unknown) => void,
): Map<string, Place> {
  const places = new Map<string, Place>()
  const outside = new Map<string, string[]>()
  let lastExternal = ''
  for (const network of state.networks) {
    const owner = { kind: 'networks', id: network.id } as const
    try {
      const plan = dhcpNamespacePlan(network)
      if (plan !== null) places.set(dhcpNamespace(network.id), { plan, owner })
      if (!network.external) continue
      lastExternal = network.id
      const own = network.subnets.flatMap(subnet =>
        subnet.gatewayIp === null ? [] : [`${ip(subnet.gatewayIp)}/${prefixOf(cidr(subnet.cidr))}`],
      )
      outside.set(externalPair(network.id)[0], own)
    } catch (error) {
      note('networks', network.id, error)
    }
  }
  if (outside.size > 0)
    places.set(EXTERNAL, { plan: outsidePlan(outside, egress), owner: { kind: 'networks', id: lastExternal } })
  for (const router of state.routers) {
    places.set(routerNamespace(router.id), { plan: routerPlan(router), owner: { kind: 'routers', id: router.id } })
  }
  return places
}

/** Metadata is answered at every DHCP port, and at every router that has an inside. */
function doorsOf(state: HostNetworkState): MetadataDoor[] {
  return [
    ...state.networks.flatMap(network =>
      network.dhcpPort === undefined
        ? []
        : [
            {
              namespace: dhcpNamespace(network.id),
              where: { host: '::', port: 80 },
              origin: { networkId: network.id },
            },
          ],
    ),
    ...state.routers.flatMap(router =>
      router.interfaces.length === 0
        ? []
        : [
            {
              namespace: routerNamespace(router.id),
              where: { host: '0.0.0.0', port: METADATA_PORT },
              origin: { routerId: router.id },
            },
          ],
    ),
  ]
}

/** A namespace that got a new device keeps its tables and switches; addresses and routes are set again. */
function forgetDevices(plan: NamespacePlan): NamespacePlan {
  return { ...plan, devices: new Map(), routes: [] }
}

const plain = (value: unknown): string =>
  JSON.stringify(value, (_key, inner: unknown) => (inner instanceof Map ? [...inner] : inner))
const samePlan = (a: NamespacePlan, b: NamespacePlan): boolean => plain(a) === plain(b)

function resultOf(
  desired: HostNetworkState,
  usable: HostNetworkState,
  wired: ReadonlySet<string>,
  failed: { networks: Map<string, string>; ports: Map<string, string>; routers: Map<string, string> },
): ApplyResult {
  const wiredOf = (kind: keyof typeof failed, itemId: string, up: boolean): Wired => {
    const why = failed[kind].get(itemId)
    return why === undefined ? (up ? 'up' : 'down') : { failed: why }
  }
  const routers = new Set(usable.routers.map(router => router.id))
  return {
    ports: Object.fromEntries(desired.ports.map(port => [port.id, wiredOf('ports', port.id, wired.has(port.id))])),
    networks: Object.fromEntries(
      desired.networks.map(network => [network.id, wiredOf('networks', network.id, network.adminUp)]),
    ),
    routers: Object.fromEntries(
      desired.routers.map(router => [router.id, wiredOf('routers', router.id, routers.has(router.id))]),
    ),
  }
}

/** One run at a time; those who ask meanwhile share the next one, with the newest state. */
function coalesce(run: (desired: HostNetworkState, full: boolean) => Promise<ApplyResult>) {
  let running: Promise<unknown> | null = null
  let next: { desired: HostNetworkState; full: boolean; result: Promise<ApplyResult> } | null = null
  return (desired: HostNetworkState, full: boolean): Promise<ApplyResult> => {
    if (next !== null) {
      next.desired = desired
      next.full ||= full
      return next.result
    }
    const begin = (): Promise<ApplyResult> => {
      const mine = next
      next = null
      const work = run(mine?.desired ?? desired, mine?.full ?? full)
      running = work.then(
        () => (running = null),
        () => (running = null),
      )
      return work
    }
    const waiting = { desired, full, result: (running ?? Promise.resolve()).then(begin) }
    next = waiting
    return waiting.result
  }
}

function capabilitiesOf(
  replies: Replies,
  egressFailed: string | null,
  tunnelIp: string | undefined,
): MechanismCapabilities {
  const says: string[] = []
  if (egressFailed !== null) says.push(`Guests do not reach the world outside the cloud: ${egressFailed}.`)
  if (replies === 'reflexive') {
    says.push(
      'Connections are not tracked on bridges here: security groups remember each flow for five minutes instead.',
    )
  }
  return {
    driver: 'linux',
    real: true,
    firewall: replies === 'reflexive' ? 'reflexive' : 'conntrack',
    ipv6: true,
    overlay: tunnelIp !== undefined,
    ...(tunnelIp === undefined ? {} : { tunnelIp }),
    egress: egressFailed === null,
    says,
  }
}
