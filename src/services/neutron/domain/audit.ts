// Neutron's ledgers against each other, and against what hosts really have. Reads only. Whether compute ports and servers agree is
// Nova's audit.
import { sql } from 'kysely'
import type { Bus } from '#kernel/bus/bus.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import type { Audit, Violation } from '#kernel/lib/violation.ts'
import type { Q } from '#services/neutron/db/standard.ts'
import { keyOf, parseIp } from '#services/neutron/domain/addresses.ts'
import { belongings } from '#services/neutron/domain/audit-belongings.ts'
import { extras } from '#services/neutron/domain/audit-extras.ts'
import { cidrOf } from '#services/neutron/domain/ipam.ts'
import { DHCP, FLOATING_IP, ROUTER_GATEWAY, ROUTER_INTERFACE } from '#services/neutron/domain/owners.ts'
import { subnetsDb } from '#services/neutron/db/subnets.ts'
import type { DomainTools } from '#services/neutron/domain/tools.ts'
import { piecesOf, type Pieces } from '#services/neutron/domain/wiring-compose.ts'
import type { HostWiring } from '#services/neutron/domain/wiring.ts'
import { agentRpc, type HostView } from '#services/neutron/rpc.ts'

/** I-13: allocations, ports and pools. */
async function addresses(q: Q): Promise<Violation[]> {
  const found: Violation[] = []
  const says = (subject: string, text: string): number => found.push({ ledger: 'I-13', subject, says: text })
  const orphans = await q
    .selectFrom('allocations')
    .leftJoin('ports', 'ports.id', 'allocations.port_id')
    .leftJoin('subnets', 'subnets.id', 'allocations.subnet_id')
    .select([
      'allocations.ip_address',
      'allocations.port_id',
      'allocations.subnet_id',
      'ports.id as port',
      'subnets.id as subnet',
    ])
    .where(eb => eb.or([eb('ports.id', 'is', null), eb('subnets.id', 'is', null)]))
    .execute()
  for (const row of orphans)
    says(
      row.ip_address,
      `${row.ip_address} is allocated, but its ${row.port === null ? `port ${row.port_id}` : `subnet ${row.subnet_id}`} is not there`,
    )
  const rows = await q.selectFrom('allocations').select(['ip_address', 'ip_key', 'subnet_id']).execute()
  const subnets = await subnetsDb.byIds(q, new Set(rows.map(row => row.subnet_id)))
  for (const row of rows) {
    const subnet = subnets.get(row.subnet_id)
    const ip = parseIp(row.ip_address)
    if (subnet === undefined || ip === null) continue
    const cidr = cidrOf(subnet)
    if (ip.version !== cidr.version || ip.value < cidr.first || ip.value > cidr.last)
      says(row.ip_address, `${row.ip_address} is allocated outside of its subnet ${subnet.cidr}`)
    if (row.ip_key !== keyOf(ip.version, ip.value))
      says(row.ip_address, `${row.ip_address} is filed under the key of another address`)
  }
  return found
}
/** I-14: floating IPs, their ports and routers. */
async function floatingIps(q: Q): Promise<Violation[]> {
  const rows = await q
    .selectFrom('floatingips')
    .leftJoin('ports as inner', 'inner.id', 'floatingips.port_id')
    .leftJoin('ports as outer', 'outer.id', 'floatingips.floating_port_id')
    .leftJoin('routers', 'routers.id', 'floatingips.router_id')
    .select([
      'floatingips.id',
      'floatingips.floating_ip_address',
      'floatingips.port_id',
      'floatingips.router_id',
      'floatingips.floating_network_id',
      'inner.id as inner',
      'outer.id as outer',
      'routers.gateway_network_id as gateway',
    ])
    .execute()
  return rows.flatMap(row => {
    const problems: string[] = []
    if (row.outer === null) problems.push('the port that holds its address is not there')
    if (row.port_id !== null && row.inner === null) problems.push(`it leads to port ${row.port_id}, which is not there`)
    if ((row.port_id === null) !== (row.router_id === null))
      problems.push('it has a port without a router, or a router without a port')
    if (row.router_id !== null && row.gateway !== row.floating_network_id)
      problems.push(`router ${row.router_id} has no gateway on its network`)
    return problems.map(text => ({
      ledger: 'I-14',
      subject: row.id,
      says: `floating IP ${row.floating_ip_address}: ${text}`,
    }))
  })
}
/** I-12, Neutron's half: ports of Neutron's own belong to something; DHCP ports are exactly where DHCP is wanted. */
async function ownPorts(q: Q): Promise<Violation[]> {
  const found: Violation[] = []
  const rows = await q
    .selectFrom('ports')
    .leftJoin('routers', 'routers.id', 'ports.device_id')
    .leftJoin('floatingips', 'floatingips.id', 'ports.device_id')
    .leftJoin('networks', 'networks.id', 'ports.network_id')
    .select([
      'ports.id',
      'ports.device_owner',
      'ports.device_id',
      'routers.id as router',
      'floatingips.id as floating',
      'networks.id as network',
    ])
    .where(eb => eb.or([eb('ports.device_owner', 'like', 'network:%'), eb('networks.id', 'is', null)]))
    .execute()
  for (const row of rows) {
    const lost =
      row.network === null ||
      ((row.device_owner === ROUTER_INTERFACE || row.device_owner === ROUTER_GATEWAY) &&
        row.router === null &&
        row.device_id !== '') ||
      (row.device_owner === FLOATING_IP && row.floating === null)
    if (lost)
      found.push({
        ledger: 'I-12',
        subject: row.id,
        says: `port ${row.id} (${row.device_owner}) belongs to nothing that is there`,
      })
  }
  const wanted = await q.selectFrom('subnets').select('network_id').distinct().where('enable_dhcp', '=', 1).execute()
  const has = await q.selectFrom('ports').select('network_id').where('device_owner', '=', DHCP).execute()
  const wants = new Set(wanted.map(row => row.network_id))
  const served = new Map<string, number>()
  for (const row of has) served.set(row.network_id, (served.get(row.network_id) ?? 0) + 1)
  for (const id of wants)
    if (!served.has(id))
      found.push({ ledger: 'I-12', subject: id, says: `network ${id} wants DHCP and has no DHCP port` })
  for (const [id, count] of served)
    if (!wants.has(id) || count > 1)
      found.push({
        ledger: 'I-12',
        subject: id,
        says: `network ${id} has ${count} DHCP ports and ${wants.has(id) ? 'wants one' : 'wants none'}`,
      })
  const groups = await q
    .selectFrom('port_security_groups')
    .leftJoin('security_groups', 'security_groups.id', 'port_security_groups.security_group_id')
    .select(['port_security_groups.port_id', 'port_security_groups.security_group_id'])
    .where('security_groups.id', 'is', null)
    .execute()
  for (const row of groups)
    found.push({
      ledger: 'I-19',
      subject: row.port_id,
      says: `port ${row.port_id} has the group ${row.security_group_id}, which is not there`,
    })
  const tags = await sql<{
    resource_id: string
  }>`select distinct resource_id from tags where resource_id not in (select id from networks
    union select id from subnets union select id from subnetpools union select id from ports union select id from routers union select id from floatingips union select id from security_groups union select id from qos_policies union select id from trunks)`.execute(
    q,
  )
  for (const row of tags.rows)
    found.push({ ledger: 'I-12', subject: row.resource_id, says: `tags of ${row.resource_id} outlived it` })
  return found
}

const differ = (
  ledger: string,
  host: string,
  what: string,
  wanted: Iterable<string>,
  has: Iterable<string>,
): Violation[] => {
  const wants = new Set(wanted)
  const there = new Set(has)
  return [
    ...[...wants]
      .filter(one => !there.has(one))
      .map(one => ({ ledger, subject: one, says: `${host}: ${what} ${one} is wanted and not there` })),
    ...[...there]
      .filter(one => !wants.has(one))
      .map(one => ({ ledger, subject: one, says: `${host}: ${what} ${one} is there and nobody wants it` })),
  ]
}
const short = (id: string): string => id.slice(0, 11)

/** I-15 … I-20: what one host should have, and what it has. */
export function hostViolations(host: string, pieces: Pieces, view: HostView): Violation[] {
  const { inventory } = view
  const networks = [...pieces.networks.values()]
  const homes = networks.filter(network => network.dhcpPort !== undefined)
  // Guests that give themselves their addresses need no server.
  const served = homes.filter(
    network =>
      network.adminUp &&
      network.subnets.some(
        subnet => subnet.dhcp && (subnet.ipVersion === 4 || subnet.ipv6AddressMode?.startsWith('dhcpv6') === true),
      ),
  )
  // One that is switched off is nowhere.
  const routers = [...pieces.routers.values()].filter(router => router.adminUp)
  const names = inventory.links.map(link => link.name)
  const found: Violation[] = [
    ...differ(
      'I-16',
      host,
      'namespace',
      [...homes.map(network => `qdhcp-${network.id}`), ...routers.map(router => `qrouter-${router.id}`)],
      inventory.namespaces.filter(name => /^q(dhcp|router)-/.test(name)),
    ),
    ...differ(
      'I-17',
      host,
      'DHCP server of network',
      served.map(network => network.id),
      inventory.dhcpServers.map(server => server.networkId),
    ),
    ...differ(
      'I-18',
      host,
      'bridge',
      networks.map(network => `br-${short(network.id)}`),
      names.filter(name => name.startsWith('br-')),
    ),
    ...differ('I-19', host, 'filter of port', Object.keys(view.expectedFilters), Object.keys(inventory.filters)),
  ]
  for (const [port, filter] of Object.entries(inventory.filters)) {
    if (!filter.defaultDeny)
      found.push({
        ledger: 'I-19',
        subject: port,
        says: `${host}: the filter of port ${port} lets through what no rule names`,
      })
    const wanted = view.expectedFilters[port]
    if (wanted !== undefined && wanted !== filter.digest)
      found.push({
        ledger: 'I-19',
        subject: port,
        says: `${host}: the filter of port ${port} is not what its groups say`,
      })
  }
  // Taps are compute's: which of them should be there is Nova's to say; that none is a stranger's is ours.
  const taps = new Set([...pieces.ports.keys()].map(id => `tap${short(id)}`))
  for (const link of inventory.links)
    if (link.name.startsWith('tap') && link.master !== null && !taps.has(link.name))
      found.push({
        ledger: 'I-15',
        subject: link.name,
        says: `${host}: ${link.name} is plugged in and belongs to no port here`,
      })
  const macs = new Set([...pieces.ports.values()].map(port => port.mac))
  for (const network of networks) for (const reservation of network.reservations ?? []) macs.add(reservation.mac)
  for (const server of inventory.dhcpServers) {
    const rows = new Set(server.hosts.map(row => row.mac))
    for (const mac of rows)
      if (!macs.has(mac))
        found.push({ ledger: 'I-17', subject: server.networkId, says: `${host}: DHCP knows ${mac}, which no port has` })
    for (const lease of server.leases)
      if (!macs.has(lease.mac))
        found.push({
          ledger: 'I-17',
          subject: server.networkId,
          says: `${host}: ${lease.mac} has a lease of ${lease.ip} and no port`,
        })
  }
  for (const router of inventory.routers) {
    const wanted = pieces.routers.get(router.routerId)
    if (wanted === undefined) continue
    found.push(
      ...differ(
        'I-14',
        host,
        'translation',
        wanted.floatingIps.map(one => `${one.floating}→${one.fixed}`),
        Object.entries(router.floatingIps).map(([floating, fixed]) => `${floating}→${fixed}`),
      ),
    )
  }
  const doors = [
    ...homes.map(network => network.id),
    ...routers.filter(router => router.interfaces.length > 0).map(router => router.id),
  ]
  const answered = new Set(inventory.metadata)
  for (const id of doors)
    if (!answered.has(id))
      found.push({ ledger: 'I-20', subject: id, says: `${host}: metadata is not answered on ${id}` })
  return found
}

export const createAudit =
  (
    tools: Pick<DomainTools, 'database'> & { readonly bus: Bus; readonly ctx: () => Ctx },
    wiring: HostWiring,
    nodeOf: () => string | null,
  ): Audit =>
  async () => {
    const ctx = tools.ctx()
    await wiring.settled()
    const ledgers = await tools.database.read(ctx, 'audit', async q => [
      ...(await addresses(q)),
      ...(await floatingIps(q)),
      ...(await ownPorts(q)),
      ...(await extras(q)),
      ...(await belongings(q)),
    ])
    const damage = (await tools.database.check()).map(says => ({ ledger: 'I-31', subject: 'neutron-db', says }))
    const hosts: Violation[] = []
    for (const host of wiring.hosts()) {
      try {
        const view = await tools.bus.client(agentRpc).on(host).look(ctx, {})
        hosts.push(...hostViolations(host, piecesOf(wiring.model, host, host === nodeOf()), view))
      } catch (error) {
        hosts.push({
          ledger: 'I-18',
          subject: host,
          says: `${host} cannot be asked about its network: ${(error as Error).message}`,
        })
      }
    }
    return [...ledgers, ...damage, ...hosts]
  }
