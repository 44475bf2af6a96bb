// Finding a server by what a person calls it, and how to reach its shell.
import { ApiError, apiSession, type ApiSession } from '#host/node/api-session.ts'
import { Refusal } from '#kernel/config/refusal.ts'
import type { StateDir } from '#host/node/state-dir.ts'
import { cloudEntry, readAccess } from '#main/cli/access.ts'

export interface FoundServer {
  readonly id: string
  readonly name: string
  readonly status: string
  /** Floating addresses first, then fixed ones, IPv4 before IPv6. */
  readonly addresses: readonly { readonly address: string; readonly floating: boolean }[]
  readonly imageId: string | null
}

interface WireServer {
  readonly id: string
  readonly name: string
  readonly status: string
  readonly image: { readonly id: string } | ''
  readonly addresses: Readonly<Record<string, readonly { addr: string; version: number; 'OS-EXT-IPS:type': string }[]>>
}

/** A session as one of the clouds of clouds.yaml. */
export async function sessionAs(state: StateDir, cloud: string): Promise<ApiSession> {
  const access = readAccess(state)
  const entry = cloudEntry(cloud)
  try {
    return await apiSession({ ...access, user: entry.user, project: entry.project })
  } catch (error) {
    if (error instanceof ApiError) throw error
    throw new Refusal(`Nobody answers at ${access.authUrl}; koto up starts the cloud.`)
  }
}

/** By id or name, demo's own first, then anybody's. @throws Refusal when there is none, or when a name means several. */
export async function findServer(state: StateDir, wanted: string): Promise<FoundServer> {
  const tries: [cloud: string, all: string][] = [
    ['koto', ''],
    ['koto-admin', '&all_tenants=1'],
  ]
  for (const [cloud, all] of tries) {
    const session = await sessionAs(state, cloud)
    try {
      const { servers } = await session.get<{ servers: WireServer[] }>('compute', `/servers/detail?limit=1000${all}`)
      const byId = servers.filter(server => server.id === wanted)
      const found = byId.length > 0 ? byId : servers.filter(server => server.name === wanted)
      if (found.length > 1)
        throw new Refusal(
          `${found.length} servers are called ${wanted}; name one by its id: ${found.map(s => s.id).join(', ')}.`,
        )
      if (found[0] !== undefined) return shape(found[0])
    } finally {
      session.close()
    }
  }
  throw new Refusal(`There is no server ${wanted}.`, 4)
}

function shape(server: WireServer): FoundServer {
  const all = Object.values(server.addresses).flat()
  const addresses = all
    .map(a => ({ address: a.addr, floating: a['OS-EXT-IPS:type'] === 'floating', version: a.version }))
    .sort((a, b) => Number(b.floating) - Number(a.floating) || a.version - b.version)
    .map(({ address, floating }) => ({ address, floating }))
  const { id, name, status, image } = server
  return { id, name, status, addresses, imageId: image === '' ? null : image.id }
}

/**
 * ssh's own words for a guest whose host key nobody has seen before and that the next boot changes. Without the system's settings:
 * in a user namespace their owner is nobody, and ssh refuses them.
 */
export const sshArgv = (key: string, user: string, address: string, more: readonly string[] = []): string[] => [
  'ssh',
  ...[
    '-F',
    '/dev/null',
    '-i',
    key,
    '-o',
    'IdentitiesOnly=yes',
    '-o',
    'StrictHostKeyChecking=no',
    '-o',
    'UserKnownHostsFile=/dev/null',
  ],
  ...['-o', 'LogLevel=ERROR', '-o', 'ConnectTimeout=10'],
  ...more,
  `${user}@${address}`,
]
