// What the cases read: a hundred servers with a port each on one network, ten networks, twenty volumes, five images, twelve flavors.
import type { Clock } from '#kernel/lib/clock.ts'
import { ApiError, type ApiSession, type ServiceType } from '#host/node/api-session.ts'
import { pool } from '#main/cli/bench/measure.ts'

export interface Sizes {
  readonly servers: number
  readonly networks: number
  readonly volumes: number
}

export interface DataSet {
  readonly flavor: string
  readonly image: string
  readonly network: string
}

export interface Named {
  readonly id: string
  readonly name: string
  readonly status: string
}

const PREFIX = 'bench-'
const AT_ONCE = 8
const LIMIT_MS = 900_000

/** Makes what the bench needs and is not there from an earlier run. The flavors and quotas need an admin's session. */
export async function makeDataSet(api: ApiSession, clock: Clock, sizes: Sizes): Promise<DataSet> {
  await liftQuotas(api)
  const knownFlavors = await known(api, 'compute', '/flavors?limit=1000', 'flavors')
  const flavors = await inTurn(12, async i => {
    const flavor = { name: `${PREFIX}flavor-${i}`, ram: 64 * (i + 1), vcpus: 1, disk: 1 }
    return knownFlavors.get(flavor.name) ?? (await make(api, 'compute', '/flavors', 'flavor', flavor)).id
  })
  const knownImages = await known(api, 'image', '/images?limit=1000&status=active', 'images')
  const images = await inTurn(5, async i => {
    const wanted = { name: `${PREFIX}image-${i}`, disk_format: 'raw', container_format: 'bare', visibility: 'private' }
    const there = knownImages.get(wanted.name)
    if (there !== undefined) return there
    const { id } = (await api.call('POST', 'image', '/images', wanted)).json<Named>()
    await api.call('PUT', 'image', `/images/${id}/file`, Buffer.alloc(1 << 20, i))
    return id
  })
  const knownNetworks = await known(api, 'network', '/networks', 'networks')
  const networks = await inTurn(sizes.networks, async i => {
    const name = `${PREFIX}network-${i}`
    const there = knownNetworks.get(name)
    if (there !== undefined) return there
    const { id } = await make(api, 'network', '/networks', 'network', { name })
    const cidr = i === 0 ? '10.77.0.0/16' : `10.78.${i}.0/24`
    await make(api, 'network', '/subnets', 'subnet', { network_id: id, ip_version: 4, cidr })
    return id
  })
  const set = { flavor: flavors[0] ?? '', image: images[0] ?? '', network: networks[0] ?? '' }
  const knownServers = await known(api, 'compute', `/servers?name=${PREFIX}seed&limit=1000`, 'servers')
  await pool(sizes.servers, AT_ONCE, async i => {
    const name = `${PREFIX}seed-${i}`
    if (!knownServers.has(name)) await makeServer(api, set, name)
  })
  await untilNone(api, clock, `name=${PREFIX}seed&status=BUILD`)
  const knownVolumes = await known(api, 'volumev3', '/volumes?limit=1000', 'volumes')
  await inTurn(sizes.volumes, async i => {
    const name = `${PREFIX}volume-${i}`
    return knownVolumes.get(name) ?? (await make(api, 'volumev3', '/volumes', 'volume', { name, size: 1 })).id
  })
  const end = clock.monotonic() + LIMIT_MS
  while (
    (await api.get<{ volumes: Named[] }>('volumev3', '/volumes/detail')).volumes.some(one => one.status === 'creating')
  ) {
    if (clock.monotonic() > end) throw new Error('the volumes of the data set are not made')
    await clock.sleep(100)
  }
  return set
}

export async function makeServer(api: ApiSession, set: DataSet, name: string): Promise<string> {
  const server = { name, imageRef: set.image, flavorRef: set.flavor, networks: [{ uuid: set.network }] }
  return (await make(api, 'compute', '/servers', 'server', server)).id
}

/** Waits until the list of servers with this query is empty, asking every `everyMs`. */
export async function untilNone(api: ApiSession, clock: Clock, query: string, everyMs = 250): Promise<void> {
  const end = clock.monotonic() + LIMIT_MS
  while ((await api.get<{ servers: Named[] }>('compute', `/servers?${query}&limit=1`)).servers.length > 0) {
    if (clock.monotonic() > end) throw new Error(`servers with ${query} are still there after ${LIMIT_MS / 1000} s`)
    await clock.sleep(everyMs)
  }
}

async function inTurn(count: number, deed: (index: number) => Promise<string>): Promise<string[]> {
  const ids: string[] = []
  for (let i = 0; i < count; i++) ids.push(await deed(i))
  return ids
}

/** What an earlier run left, by name; an image may have none. */
async function known(api: ApiSession, type: ServiceType, path: string, key: string): Promise<Map<string, string>> {
  const found = await api.get<Record<string, Named[]>>(type, path)
  return new Map((found[key] ?? []).filter(one => String(one.name).startsWith(PREFIX)).map(one => [one.name, one.id]))
}

async function make(api: ApiSession, type: ServiceType, path: string, key: string, body: unknown): Promise<Named> {
  return (await api.call('POST', type, path, { [key]: body })).json<Record<string, Named>>()[key] as Named
}

/** No limit may end a run. A cloud that does not know one of these quotas says so; then there is no limit to lift. */
async function liftQuotas(api: ApiSession): Promise<void> {
  const all = (names: readonly string[]): Record<string, number> => Object.fromEntries(names.map(name => [name, -1]))
  const project = api.projectId
  const lifts: [ServiceType, string, unknown][] = [
    ['compute', `/os-quota-sets/${project}`, { quota_set: all(['instances', 'cores', 'ram', 'key_pairs']) }],
    [
      'network',
      `/quotas/${project}`,
      { quota: all(['network', 'subnet', 'port', 'router', 'security_group', 'security_group_rule']) },
    ],
    ['volumev3', `/os-quota-sets/${project}`, { quota_set: all(['volumes', 'gigabytes', 'snapshots']) }],
  ]
  for (const [type, path, body] of lifts) {
    try {
      await api.call('PUT', type, path, body)
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
    }
  }
}
