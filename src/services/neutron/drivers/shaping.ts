// Bandwidth limits as settings of devices: what each device's queue should be, as lines for `tc`.
import type { HostNetworkState, Limit, RouterState } from '#services/neutron/drivers/mechanism.ts'
import { family, ip, whole } from '#services/neutron/drivers/checked.ts'
import { gatewayPair, ifbName, portDevice, routerNamespace } from '#services/neutron/drivers/names.ts'

/** One device with queues of ours. */
export interface ShapedDevice {
  /** Null: the fabric itself. */
  readonly namespace: string | null
  readonly device: string
  /** The device on a bridge whose coming anew means that this one is new too. */
  readonly lives: string
  /** Whose failure it is. */
  readonly owner: { readonly kind: 'ports' | 'routers'; readonly id: string }
  /** A device for what comes in, which is made with it. */
  readonly ifb: string | null
  readonly lines: readonly string[]
}

const MOST = 2_147_483_647
/** Upstream's share of the rate where no burst is given, so that TCP reaches it. */
const USUAL_BURST = 0.8
/** A bucket must hold the largest frame, several at once where the kernel joins them. */
const LEAST_BURST_BYTES = 10_000

const rateOf = (limit: Limit): string => `${Math.max(1, whole(limit.rate, 0, MOST, 'a rate'))}kbit`
function burstOf(limit: Limit): string {
  const kbits = whole(limit.burst, 0, MOST, 'a burst') || Math.floor(limit.rate * USUAL_BURST)
  return `${Math.min(MOST, Math.max(LEAST_BURST_BYTES, Math.floor((kbits * 1000) / 8)))}b`
}
/** All of a device in one class. The queue behind it counts packets and not bytes: frames that the kernel joined do not overflow it. */
const bucket = (device: string, limit: Limit): string[] => [
  `qdisc add dev ${device} root handle 1: htb default 1`,
  `class add dev ${device} parent 1: classid 1:1 htb rate ${rateOf(limit)} burst ${burstOf(limit)} cburst ${burstOf(limit)}`,
]

/** All devices with queues of a state that has passed the checks. */
export function shapingOf(state: HostNetworkState): ShapedDevice[] {
  const shaped: ShapedDevice[] = []
  for (const port of state.ports) {
    const device = portDevice(port)
    const owner = { kind: 'ports', id: port.id } as const
    const lines: string[] = []
    if (port.qos?.ingressKbps !== undefined) lines.push(...bucket(device, port.qos.ingressKbps))
    const out = port.qos?.egressKbps
    if (out !== undefined) {
      const ifb = ifbName(port.id)
      // What a guest sends is queued on a device beside, and then goes on as if it had just come.
      lines.push(
        `qdisc add dev ${device} handle ffff: ingress`,
        `filter add dev ${device} parent ffff: protocol all prio 49 u32 match u32 0 0 action mirred egress redirect dev ${ifb}`,
        ...bucket(ifb, out),
      )
    }
    if (lines.length > 0)
      shaped.push({
        namespace: null,
        device,
        lives: device,
        owner,
        ifb: out === undefined ? null : ifbName(port.id),
        lines,
      })
  }
  for (const router of state.routers) shaped.push(...gatewayShaping(router))
  return shaped
}

/** A gateway has a class per address: the router's own, and each floating IP's. What has none of them is not limited. */
function gatewayShaping(router: RouterState): ShapedDevice[] {
  const { gateway } = router
  if (gateway === null) return []
  const own = { kind: 'routers', id: router.id } as const
  const [inner, outer] = gatewayPair(gateway.portId)
  const limits = [
    ...gateway.ips.map(address => ({ address: ip(address.ip), qos: gateway.qos })),
    ...router.floatingIps.map(item => ({ address: ip(item.floating), qos: item.qos })),
  ]
  const device = (namespace: string | null, name: string, side: 'src' | 'dst', key: 'egressKbps' | 'ingressKbps') => {
    const lines = limits.flatMap(({ address, qos }, index) => {
      const limit = qos?.[key]
      if (limit === undefined) return []
      const word = (index + 1).toString(16)
      const match =
        family(address) === 4
          ? `protocol ip prio 1 u32 match ip ${side} ${address}/32`
          : `protocol ipv6 prio 2 u32 match ip6 ${side} ${address}/128`
      return [
        `class add dev ${name} parent 1: classid 1:${word} htb rate ${rateOf(limit)} burst ${burstOf(limit)} cburst ${burstOf(limit)}`,
        `filter add dev ${name} parent 1: ${match} flowid 1:${word}`,
      ]
    })
    return lines.length === 0
      ? []
      : [
          {
            namespace,
            device: name,
            lives: outer,
            owner: own,
            ifb: null,
            lines: [`qdisc add dev ${name} root handle 1: htb`, ...lines],
          },
        ]
  }
  return [
    ...device(routerNamespace(router.id), inner, 'src', 'egressKbps'),
    ...device(null, outer, 'dst', 'ingressKbps'),
  ]
}
