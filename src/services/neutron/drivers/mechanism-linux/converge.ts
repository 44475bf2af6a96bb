// From what is inside a network namespace to what its plan says.
import { EGRESS_DEVICE } from '#host/linux/egress.ts'
import type { Fabric } from '#host/linux/fabric.ts'
import { toNumber } from '#services/neutron/drivers/addresses.ts'
import type { NamespacePlan, RoutePlan } from '#services/neutron/drivers/namespace-plan.ts'
import { changeScript, wholeScript } from '#services/neutron/drivers/ruleset.ts'

/** What `ip` says is there: only what a plan can speak of. */
interface Found {
  readonly addresses: readonly (readonly [string, string])[]
  readonly routes: readonly RoutePlan[]
}

/**
 * Brings the namespace to `plan`. `before` is what was applied last by this process; null reads the namespace itself and replaces its
 * tables whole. Throws with the first complaint after having done all the rest.
 */
export async function converge(
  fabric: Fabric,
  namespace: string,
  plan: NamespacePlan,
  before: NamespacePlan | null,
): Promise<void> {
  const exec = fabric.execIn(namespace)
  const complaints: string[] = []
  const switches = plan.switches.filter(path => before === null || !before.switches.includes(path))
  if (switches.length > 0) await exec.run(['tee', ...switches.map(path => `/proc/sys/${path}`)], { stdin: '1' })
  const found = before === null ? await readNamespace(fabric, namespace) : foundOf(before)
  const { lines, announced } = addressLines(plan, found, before)
  if (lines.length > 0) {
    const done = await exec.run(['ip', '-force', '-batch', '-'], { stdin: `${lines.join('\n')}\n`, anyCode: true })
    if (done.code !== 0) complaints.push(...complaintsOf(done.stderr, lines))
  }
  const scripts = plan.tables.map(table => {
    const old = before?.tables.find(other => other.family === table.family)
    return old === undefined ? wholeScript(table) : changeScript(old, table)
  })
  const script = scripts.join('')
  if (script !== '') await exec.run(['nft', '-f', '-'], { stdin: script })
  if (announced.length > 0) {
    // With arp_notify on, setting the MAC it has makes the kernel tell every address of the device to the neighbours.
    const tell = announced.map(device => `link set dev ${device} address ${plan.announce.get(device) ?? ''}`)
    await exec.run(['ip', '-force', '-batch', '-'], { stdin: `${tell.join('\n')}\n`, anyCode: true })
  }
  if (complaints.length > 0) throw new Error(complaints[0])
}

function addressLines(
  plan: NamespacePlan,
  found: Found,
  before: NamespacePlan | null,
): { lines: string[]; announced: string[] } {
  const lines: string[] = before === null ? ['link set lo up'] : []
  const changed = new Set<string>()
  const wanted = new Set(
    [...plan.devices].flatMap(([device, list]) => list.map(address => addressKey(device, address))),
  )
  const there = new Set(found.addresses.map(([device, address]) => addressKey(device, address)))
  const gone = found.addresses.filter(
    ([device, address]) => plan.devices.has(device) && !wanted.has(addressKey(device, address)),
  )
  for (const [device, address] of gone) {
    lines.push(`addr del ${address} dev ${device}`)
    changed.add(device)
  }
  for (const [device, list] of plan.devices) {
    for (const address of list) {
      if (there.has(addressKey(device, address))) continue
      lines.push(`addr replace ${address} dev ${device}${address.includes(':') ? ' nodad' : ''}`)
      changed.add(device)
    }
    if (before?.devices.has(device) !== true) {
      lines.push(`link set dev ${device} up`)
      changed.add(device)
    }
  }
  const routeKeys = new Set(plan.routes.map(routeKey))
  const routesThere = new Set(found.routes.map(routeKey))
  for (const route of found.routes) if (!routeKeys.has(routeKey(route))) lines.push(routeLine('del', route))
  // An address that goes takes routes with it, so after any change all are said again.
  const again = changed.size > 0
  for (const route of plan.routes)
    if (again || !routesThere.has(routeKey(route))) lines.push(routeLine('replace', route))
  return { lines, announced: [...changed].filter(device => plan.announce.has(device)) }
}

function routeLine(verb: 'replace' | 'del', route: RoutePlan): string {
  const via = route.via === null ? '' : ` via ${route.via}`
  const device = route.device === null ? '' : ` dev ${route.device}`
  // A gateway may lie outside the subnet; the device says where it is.
  const onlink = verb === 'replace' && via !== '' && device !== '' ? ' onlink' : ''
  return `route ${verb} ${route.destination}${via}${device}${onlink}`
}

const addressKey = (device: string, address: string): string => {
  const [ip = '', prefix] = address.split('/')
  return `${device} ${ip.includes(':') ? 6 : 4} ${toNumber(ip)}/${prefix ?? ''}`
}

const routeKey = (route: RoutePlan): string =>
  `${route.destination} ${route.via ?? ''} ${route.via === null ? (route.device ?? '') : ''}`

const foundOf = (plan: NamespacePlan): Found => ({
  addresses: [...plan.devices].flatMap(([device, list]) => list.map(address => [device, address] as const)),
  routes: plan.routes,
})

/** Reads addresses and routes that somebody set; what the kernel makes by itself is left out. */
async function readNamespace(fabric: Fabric, namespace: string): Promise<Found> {
  const exec = fabric.execIn(namespace)
  const ask = (argv: readonly string[]) => exec.run(['ip', '-o', ...argv], { anyCode: true }).then(done => done.stdout)
  const [addresses, four, six] = await Promise.all([
    ask(['addr', 'show']),
    ask(['route', 'show']),
    ask(['-6', 'route', 'show']),
  ])
  const rows: [string, string][] = []
  for (const match of addresses.matchAll(/^\d+: (\S+)\s+inet6? (\S+) (.*)$/gm)) {
    const [, device = '', address = '', rest = ''] = match
    if (device === 'lo' || device === EGRESS_DEVICE || (address.startsWith('fe80:') && !rest.includes('nodad')))
      continue
    rows.push([device, address.includes('/') ? address : `${address}/32`])
  }
  const routes = `${four}${six}`.split('\n').flatMap((line): RoutePlan[] => {
    const destination = line.split(' ')[0] ?? ''
    if (
      destination === '' ||
      /proto (kernel|ra)/.test(line) ||
      line.includes(` dev ${EGRESS_DEVICE}`) ||
      /^(fe80|multicast|ff00|unreachable|broadcast|local)/.test(line)
    )
      return []
    return [{ destination, via: / via (\S+)/.exec(line)?.[1] ?? null, device: / dev (\S+)/.exec(line)?.[1] ?? null }]
  })
  return { addresses: rows, routes }
}

/** `ip`'s complaints with the line each is about. Removing what is not there is not one. */
function complaintsOf(stderr: string, lines: readonly string[]): string[] {
  const complaints: string[] = []
  let from = 0
  for (const match of stderr.matchAll(/Command failed -:(\d+)\n?/g)) {
    const line = lines[Number(match[1]) - 1] ?? ''
    const said = stderr.slice(from, match.index).trim().replace(/\s+/g, ' ')
    from = match.index + match[0].length
    if (!/^(addr|route) del/.test(line)) complaints.push(`${said} (${line})`)
  }
  return complaints
}
