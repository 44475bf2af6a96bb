// Weighers: which of the hosts that may is best? Pure; each gives a number that is spread over 0–1 across the hosts.
import type { HostState, RequestSpec } from '#services/nova/rpc.ts'

export interface Weigher {
  readonly name: string
  /** Positive spreads over hosts, negative packs. */
  readonly multiplier: number
  readonly weigh: (host: HostState, spec: RequestSpec) => number
}

export const weighers: readonly Weigher[] = [
  {
    name: 'RAMWeigher',
    multiplier: 1,
    weigh: host => (host.memoryMb - host.reservedMemoryMb) * host.ramRatio - host.memoryMbUsed,
  },
  { name: 'CPUWeigher', multiplier: 1, weigh: host => host.vcpus * host.cpuRatio - host.vcpusUsed },
  { name: 'DiskWeigher', multiplier: 1, weigh: host => host.diskGb * host.diskRatio - host.diskGbUsed },
  { name: 'IoOpsWeigher', multiplier: -1, weigh: host => host.building },
  {
    name: 'ServerGroupSoftAntiAffinityWeigher',
    multiplier: 1,
    weigh: (host, spec) => (spec.group?.policy === 'soft-anti-affinity' ? -(spec.group.hosts[host.host] ?? 0) : 0),
  },
  {
    name: 'ServerGroupSoftAffinityWeigher',
    multiplier: 1,
    weigh: (host, spec) => (spec.group?.policy === 'soft-affinity' ? (spec.group.hosts[host.host] ?? 0) : 0),
  },
]

/** Each host's share per weigher, normalised over the given hosts, and the sum; best first is the caller's to sort. */
export function weights(
  hosts: readonly HostState[],
  spec: RequestSpec,
): Map<string, { parts: Record<string, number>; sum: number }> {
  const found = new Map<string, { parts: Record<string, number>; sum: number }>(
    hosts.map(host => [host.host, { parts: {}, sum: 0 }]),
  )
  for (const weigher of weighers) {
    const raw = hosts.map(host => weigher.weigh(host, spec))
    const low = Math.min(...raw)
    const high = Math.max(...raw)
    hosts.forEach((host, index) => {
      const share = high === low ? 0 : (((raw[index] ?? low) - low) / (high - low)) * weigher.multiplier
      const of = found.get(host.host)
      if (of === undefined) return
      of.parts[weigher.name] = share
      of.sum += share
    })
  }
  return found
}
