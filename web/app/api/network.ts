// Neutron as the console needs it: networks and what hangs on them, addresses from outside, and the groups that guard.
import type { Client } from '#app/api/client.ts'

export interface Network {
  readonly id: string
  readonly name: string
  readonly status: string
  readonly shared: boolean
  readonly project_id: string
  readonly subnets: readonly string[]
  readonly 'router:external'?: boolean
}

export interface SecurityGroup {
  readonly id: string
  readonly name: string
  readonly description: string
  readonly project_id: string
}

/** The networks the project may see, by name. */
export async function listNetworks(client: Client): Promise<readonly Network[]> {
  const { body } = await client.send<{ networks: Network[] }>({ service: 'network', method: 'GET', path: '/networks' })
  return body.networks.toSorted((a, b) => a.name.localeCompare(b.name))
}

/** The security groups of one project, by name. */
export async function listSecurityGroups(client: Client, projectId: string): Promise<readonly SecurityGroup[]> {
  const { body } = await client.send<{ security_groups: SecurityGroup[] }>({
    service: 'network',
    method: 'GET',
    path: '/security-groups',
    query: { project_id: projectId },
  })
  return body.security_groups.toSorted((a, b) => a.name.localeCompare(b.name))
}

/** Whether a server of `projectId` can be given an address there: its own or shared, and with a subnet. */
export function takesServers(network: Network, projectId: string): boolean {
  return network.subnets.length > 0 && (network.project_id === projectId || network.shared)
}

export interface Subnet {
  readonly id: string
  readonly network_id: string
  readonly cidr: string
}
export interface Router {
  readonly id: string
  readonly name: string
  readonly status: string
  /** The way out; its port is nobody's but the administrator's. */
  readonly external_gateway_info?: {
    readonly network_id: string
    readonly external_fixed_ips?: readonly { readonly ip_address: string }[]
  } | null
}
export interface Port {
  readonly id: string
  readonly network_id: string
  readonly device_id: string
  /** `compute:…`, `network:router_interface`, … */
  readonly device_owner: string
  readonly fixed_ips: readonly { readonly ip_address: string }[]
}
export interface FloatingIp {
  readonly id: string
  readonly floating_ip_address: string
  readonly fixed_ip_address: string | null
  readonly port_id: string | null
  readonly status: string
}
export interface Rule {
  readonly id: string
  readonly direction: 'ingress' | 'egress'
  readonly ethertype: string
  readonly protocol: string | null
  readonly port_range_min: number | null
  readonly port_range_max: number | null
  readonly remote_ip_prefix: string | null
  readonly remote_group_id: string | null
}
export interface NewRule {
  readonly direction: 'ingress' | 'egress'
  /** Empty: any. */
  readonly protocol: string
  /** Empty: all. */
  readonly port: string
  readonly prefix: string
}

const read = async <T>(
  client: Client,
  path: string,
  key: string,
  query?: Record<string, string>,
): Promise<readonly T[]> =>
  (await client.send<Record<string, T[]>>({ service: 'network', method: 'GET', path, ...(query && { query }) })).body[
    key
  ] ?? []
const remove = async (client: Client, path: string, id: string): Promise<void> => {
  await client.send({ service: 'network', method: 'DELETE', path: `${path}/${encodeURIComponent(id)}` })
}

export const listSubnets = (client: Client) => read<Subnet>(client, '/subnets', 'subnets')
export const listRouters = (client: Client) => read<Router>(client, '/routers', 'routers')
export const listPorts = (client: Client) => read<Port>(client, '/ports', 'ports')
export const listFloatingIps = (client: Client, projectId: string) =>
  read<FloatingIp>(client, '/floatingips', 'floatingips', { project_id: projectId })
export const listRules = (client: Client, groupId: string) =>
  read<Rule>(client, '/security-group-rules', 'security_group_rules', { security_group_id: groupId })

/** A network with one subnet, or neither. */
export async function createNetwork(client: Client, name: string, cidr: string): Promise<void> {
  const made = await client.send<{ network: Network }>({
    service: 'network',
    method: 'POST',
    path: '/networks',
    body: { network: { name } },
  })
  const { id } = made.body.network
  const version = cidr.includes(':') ? 6 : 4
  const subnet = { network_id: id, name: `${name}-subnet`, ip_version: version, cidr }
  try {
    await client.send({ service: 'network', method: 'POST', path: '/subnets', body: { subnet } })
  } catch (error) {
    await deleteNetwork(client, id).catch(() => undefined)
    throw error
  }
}
export const deleteNetwork = (client: Client, id: string): Promise<void> => remove(client, '/networks', id)

export async function allocateFloatingIp(client: Client, networkId: string): Promise<void> {
  const body = { floatingip: { floating_network_id: networkId } }
  await client.send({ service: 'network', method: 'POST', path: '/floatingips', body })
}
/** `portId` null: nobody has it. */
export async function pointFloatingIp(client: Client, id: string, portId: string | null): Promise<void> {
  const path = `/floatingips/${encodeURIComponent(id)}`
  await client.send({ service: 'network', method: 'PUT', path, body: { floatingip: { port_id: portId } } })
}
export const releaseFloatingIp = (client: Client, id: string): Promise<void> => remove(client, '/floatingips', id)

export async function createGroup(client: Client, name: string, description: string): Promise<void> {
  const body = { security_group: { name, description } }
  await client.send({ service: 'network', method: 'POST', path: '/security-groups', body })
}
export const deleteGroup = (client: Client, id: string): Promise<void> => remove(client, '/security-groups', id)

export async function createRule(client: Client, groupId: string, wanted: NewRule): Promise<void> {
  const [from, to] = wanted.port === '' ? [] : wanted.port.split('-').map(Number)
  const rule = {
    security_group_id: groupId,
    direction: wanted.direction,
    ethertype: wanted.prefix.includes(':') ? 'IPv6' : 'IPv4',
    ...(wanted.protocol === '' ? {} : { protocol: wanted.protocol }),
    ...(from === undefined ? {} : { port_range_min: from, port_range_max: to ?? from }),
    ...(wanted.prefix === '' ? {} : { remote_ip_prefix: wanted.prefix }),
  }
  await client.send({
    service: 'network',
    method: 'POST',
    path: '/security-group-rules',
    body: { security_group_rule: rule },
  })
}
export const deleteRule = (client: Client, id: string): Promise<void> => remove(client, '/security-group-rules', id)
