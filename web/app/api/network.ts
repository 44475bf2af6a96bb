// Neutron as the console needs it: what a server can be plugged into, and the groups that guard it.
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
