// Nova as the console needs it: servers, what one may do with them, and what they are made from.
import type { Call, Client } from '#app/api/client.ts'

export interface Address {
  readonly addr: string
  readonly version: number
  readonly 'OS-EXT-IPS:type'?: 'fixed' | 'floating'
  readonly 'OS-EXT-IPS-MAC:mac_addr'?: string
}

export interface Server {
  readonly id: string
  readonly name: string
  readonly status: string
  readonly created: string
  readonly updated: string
  readonly user_id: string
  readonly description?: string | null
  readonly locked?: boolean
  readonly key_name: string | null
  readonly progress?: number
  /** An empty string when the server starts from a volume. */
  readonly image: '' | { readonly id: string }
  readonly flavor: {
    readonly id?: string
    readonly original_name?: string
    readonly vcpus?: number
    readonly ram?: number
    readonly disk?: number
  }
  readonly addresses: Readonly<Record<string, readonly Address[]>>
  readonly security_groups?: readonly { readonly name: string }[]
  readonly tags?: readonly string[]
  readonly metadata?: Readonly<Record<string, string>>
  readonly fault?: {
    readonly code: number
    readonly message: string
    readonly created: string
    readonly details?: string
  }
  readonly 'OS-EXT-STS:task_state': string | null
  readonly 'OS-EXT-STS:vm_state': string
  readonly 'OS-EXT-STS:power_state': number
  readonly 'OS-EXT-AZ:availability_zone'?: string
  readonly 'OS-EXT-SRV-ATTR:host'?: string | null
  readonly 'OS-SRV-USG:launched_at'?: string | null
  readonly 'os-extended-volumes:volumes_attached'?: readonly { readonly id: string }[]
}

export interface Flavor {
  readonly id: string
  readonly name: string
  readonly vcpus: number
  /** MB */
  readonly ram: number
  /** GB */
  readonly disk: number
}

export interface ComputeLimits {
  readonly maxTotalInstances: number
  readonly totalInstancesUsed: number
  readonly maxTotalCores: number
  readonly totalCoresUsed: number
  readonly maxTotalRAMSize: number
  readonly totalRAMUsed: number
}

export interface NewServer {
  readonly name: string
  readonly imageId: string
  readonly flavorId: string
  /** A network's id; `none` for a server without a network. */
  readonly network: string
  readonly keyName: string | null
  readonly securityGroups: readonly string[]
}

export type ServerAction = 'start' | 'stop' | 'reboot' | 'reboot-hard'

const at = (id: string): string => `/servers/${encodeURIComponent(id)}`

const get = async <T>(
  client: Client,
  path: string,
  query?: Record<string, string>,
  signal?: AbortSignal,
): Promise<T> => {
  const call: Call = {
    service: 'compute',
    method: 'GET',
    path,
    ...(query === undefined ? {} : { query }),
    ...(signal === undefined ? {} : { signal }),
  }
  return (await client.send<T>(call)).body
}

/** The project's servers, newest first: the first page, which Nova ends at 1,000. */
export async function listServers(client: Client, signal?: AbortSignal): Promise<readonly Server[]> {
  return (await get<{ servers: Server[] }>(client, '/servers/detail', undefined, signal)).servers
}

export async function showServer(client: Client, id: string, signal?: AbortSignal): Promise<Server> {
  return (await get<{ server: Server }>(client, at(id), undefined, signal)).server
}

export async function listFlavors(client: Client): Promise<readonly Flavor[]> {
  return (await get<{ flavors: Flavor[] }>(client, '/flavors/detail')).flavors
}

export async function listKeyPairs(client: Client): Promise<readonly { readonly name: string }[]> {
  const { keypairs } = await get<{ keypairs: { keypair: { name: string } }[] }>(client, '/os-keypairs')
  return keypairs.map(({ keypair }) => ({ name: keypair.name }))
}

export async function showLimits(client: Client): Promise<ComputeLimits> {
  return (await get<{ limits: { absolute: ComputeLimits } }>(client, '/limits')).limits.absolute
}

/** The call that makes a server, so that the form can show it before it is made. */
export function createServerCall(wanted: NewServer): Call {
  return {
    service: 'compute',
    method: 'POST',
    path: '/servers',
    body: {
      server: {
        name: wanted.name,
        imageRef: wanted.imageId,
        flavorRef: wanted.flavorId,
        networks: wanted.network === 'none' ? 'none' : [{ uuid: wanted.network }],
        ...(wanted.keyName === null ? {} : { key_name: wanted.keyName }),
        ...(wanted.securityGroups.length === 0
          ? {}
          : { security_groups: wanted.securityGroups.map(name => ({ name })) }),
      },
    },
  }
}

/** Asks for a server; answers its id at once, long before it runs. */
export async function createServer(client: Client, wanted: NewServer): Promise<string> {
  return (await client.send<{ server: { id: string } }>(createServerCall(wanted))).body.server.id
}

export async function deleteServer(client: Client, id: string): Promise<void> {
  await client.send({ service: 'compute', method: 'DELETE', path: at(id) })
}

const ACTION_BODY: Readonly<Record<ServerAction, unknown>> = {
  start: { 'os-start': null },
  stop: { 'os-stop': null },
  reboot: { reboot: { type: 'SOFT' } },
  'reboot-hard': { reboot: { type: 'HARD' } },
}

export async function actOnServer(client: Client, id: string, action: ServerAction): Promise<void> {
  await client.send({ service: 'compute', method: 'POST', path: `${at(id)}/action`, body: ACTION_BODY[action] })
}

/** The last `lines` lines of the serial log; null for all of it. */
export async function readConsoleLog(client: Client, id: string, lines: number | null): Promise<string> {
  const { body } = await client.send<{ output: string }>({
    service: 'compute',
    method: 'POST',
    path: `${at(id)}/action`,
    body: { 'os-getConsoleOutput': lines === null ? {} : { length: lines } },
  })
  return body.output
}

/** The address of a new VNC console. Its token lives briefly and works once. */
export async function createConsole(client: Client, id: string): Promise<string> {
  const { body } = await client.send<{ remote_console: { url: string } }>({
    service: 'compute',
    method: 'POST',
    path: `${at(id)}/remote-consoles`,
    body: { remote_console: { protocol: 'vnc', type: 'novnc' } },
  })
  return body.remote_console.url
}

const MOVING = new Set([
  'BUILD',
  'REBOOT',
  'HARD_REBOOT',
  'MIGRATING',
  'RESIZE',
  'REVERT_RESIZE',
  'REBUILD',
  'PASSWORD',
])

/** Whether something is under way with it, so that its state is worth asking for again soon. */
export function inTransition(server: Server): boolean {
  return server['OS-EXT-STS:task_state'] !== null || MOVING.has(server.status)
}
