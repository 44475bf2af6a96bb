// What is really on the machine, for the audit: everything here is read from the kernel and from running programs.
import type { Fabric } from '#host/linux/fabric.ts'
import type { MechanismInventory } from '#services/neutron/drivers/mechanism.ts'
import type { DnsmasqServers } from '#services/neutron/drivers/mechanism-linux/dnsmasq-servers.ts'
import { TABLE } from '#services/neutron/drivers/firewall.ts'
import type { MetadataProxy } from '#services/neutron/drivers/mechanism-linux/metadata-proxy.ts'

type Filters = Record<string, { rules: number; defaultDeny: boolean; digest: string }>

/** Reads all. Throws when the fabric itself cannot be asked. */
export async function readInventory(
  fabric: Fabric,
  dnsmasq: DnsmasqServers,
  metadata: MetadataProxy,
): Promise<MechanismInventory> {
  const [namespaces, links, running, listing] = await Promise.all([
    fabric.namespaces(),
    fabric.link.links(),
    dnsmasq.running(),
    fabric.exec.run(['nft', '-j', 'list', 'table', 'bridge', TABLE], { anyCode: true }),
  ])
  const dhcpServers = await Promise.all(
    [...running]
      .flatMap(([key, pid]) => (key.startsWith('dhcp/') ? [{ key, pid }] : []))
      .map(async ({ key, pid }) => {
        const { hosts, leases } = await dnsmasq.files(key)
        return { networkId: key.slice('dhcp/'.length), pid, hosts: hostRows(hosts), leases: leaseRows(leases) }
      }),
  )
  const routers = await Promise.all(
    namespaces
      .filter(name => name.startsWith('qrouter-'))
      .map(async name => {
        const map = await fabric
          .execIn(name)
          .run(['nft', '-j', 'list', 'map', 'ip', 'koto', 'floating'], { anyCode: true })
        return { routerId: name.slice('qrouter-'.length), floatingIps: mapElements(map.stdout) }
      }),
  )
  return {
    // The fabric's own is where all this is.
    namespaces: namespaces.filter(name => name !== 'fabric'),
    links: links.map(({ name, master, up, mtu }) => ({ name, master, up, mtu })),
    dhcpServers,
    filters: filtersOf(listing.stdout),
    routers,
    metadata: metadata.open().map(name => name.replace(/^q(router|dhcp)-/, '')),
  }
}

function hostRows(text: string): { mac: string; ips: string[] }[] {
  return text.split('\n').flatMap(row => {
    const words = row.split(',')
    const [mac, last] = [words[0] ?? '', words.at(-1) ?? '']
    return mac === '' ? [] : [{ mac, ips: [last.replace(/^\[|\]$/g, '')] }]
  })
}

function leaseRows(text: string): { mac: string; ip: string }[] {
  return text.split('\n').flatMap(row => {
    const [, mac = '', ip = ''] = row.split(' ')
    return /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/.test(mac) ? [{ mac, ip }] : []
  })
}

interface NftItem {
  readonly rule?: {
    readonly chain: string
    readonly comment?: string
    readonly expr: readonly Record<string, unknown>[]
  }
  readonly map?: { readonly elem?: readonly unknown[] }
}

function items(json: string): readonly NftItem[] {
  try {
    return (JSON.parse(json) as { nftables: NftItem[] }).nftables
  } catch {
    return []
  }
}

/** A port's three chains are known by the comment on their first rules: the port and the digest of what was meant. */
function filtersOf(json: string): Filters {
  const chains = new Map<string, { portId: string; digest: string; rules: number; lastDrops: boolean }>()
  for (const { rule } of items(json)) {
    if (rule === undefined) continue
    const [portId, digest] = (rule.comment ?? '').split(' ')
    const chain = chains.get(rule.chain) ?? { portId: portId ?? '', digest: digest ?? '', rules: 0, lastDrops: false }
    chain.rules += 1
    chain.lastDrops =
      rule.expr.every(part => 'counter' in part || 'drop' in part) && rule.expr.some(part => 'drop' in part)
    chains.set(rule.chain, chain)
  }
  const filters: Filters = {}
  for (const [name, chain] of chains) {
    if (!/^[aei]_/.test(name) || chain.portId === '') continue
    const sum = (filters[chain.portId] ??= { rules: 0, defaultDeny: true, digest: chain.digest })
    sum.rules += chain.rules
    sum.defaultDeny &&= chain.lastDrops
    if (sum.digest !== chain.digest) sum.digest = 'mixed'
  }
  return filters
}

function mapElements(json: string): Record<string, string> {
  const pairs = items(json).flatMap(item => item.map?.elem ?? [])
  return Object.fromEntries(pairs.flatMap(pair => (Array.isArray(pair) ? [[String(pair[0]), String(pair[1])]] : [])))
}
