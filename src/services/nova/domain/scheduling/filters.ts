// Filters: may this host take this server? Pure; each answers with its reason. The list is the order they are asked in.
import { no, yes, type Verdict } from '#kernel/contract/verdict.ts'
import type { HostState, RequestSpec } from '#services/nova/rpc.ts'

export interface Filter {
  /** Upstream's class name: operators know it. */
  readonly name: string
  readonly passes: (host: HostState, spec: RequestSpec) => Verdict
}

/** MB the server asks for on the host's disk: root unless it boots from a volume, ephemeral and swap. */
export const diskGbOf = (spec: RequestSpec): number =>
  (spec.bootFromVolume ? 0 : spec.flavor.diskGb) + spec.flavor.ephemeralGb + Math.ceil(spec.flavor.swapMb / 1024)

const room =
  (
    name: string,
    what: string,
    wants: (spec: RequestSpec) => number,
    has: (host: HostState) => number,
  ): Filter['passes'] =>
  (host, spec) => {
    const wanted = wants(spec)
    const free = has(host)
    return wanted <= free
      ? yes
      : no({
          who: name,
          says: `not enough ${what}: ${wanted} wanted, ${Math.max(0, Math.floor(free))} free`,
          has: free,
          wants: wanted,
        })
  }

/** `<in> a`, `>= 3`, `s== x`, `<or> a <or> b`, or a plain value (ComputeCapabilities and aggregate extra specs). */
export function specMatches(wanted: string, has: string): boolean {
  const words = wanted.trim().split(/\s+/)
  const [operator = '', ...rest] = words
  const value = rest.join(' ')
  switch (operator) {
    case '<in>':
      return has.includes(value)
    case '<or>':
      return words.filter((_, index) => index % 2 === 1).includes(has)
    case '=':
    case '>=':
      return Number(has) >= Number(value)
    case '==':
      return Number(has) === Number(value)
    case '!=':
      return Number(has) !== Number(value)
    case '<=':
      return Number(has) <= Number(value)
    case 's==':
      return has === value
    case 's!=':
      return has !== value
    default:
      return has === wanted
  }
}

export const filters: readonly Filter[] = [
  {
    name: 'ComputeFilter',
    passes: host =>
      !host.up
        ? no({ who: 'ComputeFilter', says: 'the host has not reported for too long' })
        : host.disabled
          ? no({ who: 'ComputeFilter', says: 'the compute service of the host is disabled' })
          : yes,
  },
  {
    name: 'IgnoreHosts',
    passes: (host, spec) =>
      spec.ignoreHosts.includes(host.host) ? no({ who: 'IgnoreHosts', says: 'the host is to be left out' }) : yes,
  },
  {
    name: 'RequestedHost',
    passes: (host, spec) =>
      spec.requestedHost === null || spec.requestedHost === host.host || spec.requestedHost === host.node
        ? yes
        : no({ who: 'RequestedHost', says: `another host was asked for`, has: host.host, wants: spec.requestedHost }),
  },
  {
    name: 'HypervisorType',
    passes: (host, spec) =>
      spec.fromHypervisor === undefined || spec.fromHypervisor === host.hypervisorType
        ? yes
        : no({
            who: 'HypervisorType',
            says: 'the server comes from another kind of hypervisor',
            has: host.hypervisorType,
            wants: spec.fromHypervisor,
          }),
  },
  {
    name: 'AvailabilityZoneFilter',
    passes: (host, spec) =>
      spec.availabilityZone === null || spec.availabilityZone === host.availabilityZone
        ? yes
        : no({
            who: 'AvailabilityZoneFilter',
            says: 'the host is in another availability zone',
            has: host.availabilityZone,
            wants: spec.availabilityZone,
          }),
  },
  {
    name: 'VCPU',
    passes: room(
      'VCPU',
      'vcpus',
      spec => spec.flavor.vcpus,
      host => host.vcpus * host.cpuRatio - host.vcpusUsed,
    ),
  },
  {
    name: 'VCPUMax',
    passes: (host, spec) =>
      spec.flavor.vcpus <= host.vcpus
        ? yes
        : no({
            who: 'VCPUMax',
            says: `one server may have at most ${host.vcpus} vcpus here`,
            has: host.vcpus,
            wants: spec.flavor.vcpus,
          }),
  },
  {
    name: 'MEMORY_MB',
    passes: room(
      'MEMORY_MB',
      'memory (MB of ram)',
      spec => spec.flavor.ramMb,
      host => (host.memoryMb - host.reservedMemoryMb) * host.ramRatio - host.memoryMbUsed,
    ),
  },
  {
    name: 'DISK_GB',
    passes: room('DISK_GB', 'disk (GB)', diskGbOf, host => host.diskGb * host.diskRatio - host.diskGbUsed),
  },
  {
    name: 'ImagePropertiesFilter',
    passes: (host, spec) => {
      const wanted = spec.imageProperties['img_hv_type'] ?? spec.imageProperties['hypervisor_type']
      return wanted === undefined || wanted.toLowerCase() === host.hypervisorType.toLowerCase()
        ? yes
        : no({
            who: 'ImagePropertiesFilter',
            says: 'the image wants another hypervisor',
            has: host.hypervisorType,
            wants: wanted,
          })
    },
  },
  {
    name: 'AggregateInstanceExtraSpecsFilter',
    passes: (host, spec) => {
      const prefix = 'aggregate_instance_extra_specs:'
      for (const [key, wanted] of Object.entries(spec.flavor.extraSpecs)) {
        if (!key.startsWith(prefix)) continue
        const name = key.slice(prefix.length)
        const values = host.aggregates.flatMap(aggregate => aggregate.metadata[name] ?? [])
        if (!values.some(value => specMatches(wanted, value))) {
          return no({
            who: 'AggregateInstanceExtraSpecsFilter',
            says: `no aggregate of the host has ${name} as the flavor wants it`,
            has: values,
            wants: wanted,
          })
        }
      }
      return yes
    },
  },
  {
    name: 'DifferentHostFilter',
    passes: (host, spec) => {
      const others = spec.hints['different_host_hosts']
      return Array.isArray(others) && others.includes(host.host)
        ? no({ who: 'DifferentHostFilter', says: 'a server it must be apart from is on this host' })
        : yes
    },
  },
  {
    name: 'SameHostFilter',
    passes: (host, spec) => {
      const others = spec.hints['same_host_hosts']
      return Array.isArray(others) && !others.includes(host.host)
        ? no({ who: 'SameHostFilter', says: 'the server it must be with is on another host', wants: others })
        : yes
    },
  },
  {
    name: 'ServerGroupAntiAffinityFilter',
    passes: (host, spec) => {
      if (spec.group?.policy !== 'anti-affinity') return yes
      const here = spec.group.hosts[host.host] ?? 0
      const most = spec.group.maxPerHost ?? 1
      return here < most
        ? yes
        : no({
            who: 'ServerGroupAntiAffinityFilter',
            says: `${here} of the group are on this host, ${most} may be`,
            has: here,
            wants: most,
          })
    },
  },
  {
    name: 'ServerGroupAffinityFilter',
    passes: (host, spec) => {
      if (spec.group?.policy !== 'affinity') return yes
      const hosts = Object.keys(spec.group.hosts)
      return hosts.length === 0 || hosts.includes(host.host)
        ? yes
        : no({ who: 'ServerGroupAffinityFilter', says: 'the group lives on another host', wants: hosts })
    },
  },
]
