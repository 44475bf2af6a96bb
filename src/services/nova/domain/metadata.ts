// What a server is told of itself: the same facts for the metadata service and the config drive, in OpenStack's and EC2's forms.
import type { Database } from '#kernel/db/database.ts'
import type { Clock } from '#kernel/lib/clock.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import { blockDevicesDb, type BlockDevice } from '#services/nova/db/block-devices.ts'
import { loadsDb } from '#services/nova/db/loads.ts'
import { nicsDb } from '#services/nova/db/nics.ts'
import { serversDb, type Server } from '#services/nova/db/servers.ts'
import { serverFilesDb } from '#services/nova/db/server-files.ts'
import type { NovaTables } from '#services/nova/db/tables.ts'
import type { NicRecord } from '#services/nova/rpc.ts'

export interface SubnetFacts {
  readonly id: string
  readonly cidr: string
  readonly gateway_ip: string | null
  readonly ip_version: number
  readonly enable_dhcp: boolean
  readonly dns_nameservers: readonly string[]
  readonly host_routes: readonly { readonly destination: string; readonly nexthop: string }[]
  readonly ipv6_address_mode?: string | null
}
export interface MetadataTools {
  readonly database: Database<NovaTables>
  readonly clock: Clock
  /** Appended to the host name in `meta_data.json`; empty for none. */
  readonly dhcpDomain: string
  readonly randomSeed: () => string
  readonly subnets: (ctx: Ctx, ids: readonly string[]) => Promise<readonly SubnetFacts[]>
}
interface Facts {
  readonly server: Server
  readonly metadata: Readonly<Record<string, string>>
  readonly nics: readonly NicRecord[]
  readonly devices: readonly BlockDevice[]
  readonly subnets: readonly SubnetFacts[]
}

/** Dates at which the format grew; each serves all that is known today. */
const VERSIONS = [
  '2012-08-10',
  '2013-04-04',
  '2013-10-17',
  '2015-10-15',
  '2016-06-30',
  '2016-10-06',
  '2017-02-22',
  '2018-08-27',
  '2020-10-14',
  'latest',
]
const EC2 = [
  '1.0',
  '2007-01-19',
  '2007-03-01',
  '2007-08-29',
  '2007-10-10',
  '2007-12-15',
  '2008-02-01',
  '2008-09-01',
  '2009-04-04',
  'latest',
]

/** Four columns of 255 characters, as upstream keeps it. */
const MOST_PASSWORD = 4 * 255

const decoded = (base64: string): Uint8Array => Uint8Array.from(atob(base64), char => char.codePointAt(0) ?? 0)
const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)
const full = (facts: Facts, domain: string): string =>
  domain === '' || facts.server.hostname.includes('.') ? facts.server.hostname : `${facts.server.hostname}.${domain}`
const netmask = (bits: number): string =>
  [0, 8, 16, 24].map(shift => (bits >= shift + 8 ? 255 : bits <= shift ? 0 : 256 - 2 ** (8 - (bits - shift)))).join('.')

function metaData(facts: Facts, domain: string, seed: string): object {
  const { server } = facts
  const key =
    server.publicKey === null || server.keyName === null
      ? null
      : { name: server.keyName, type: 'ssh', data: server.publicKey }
  return {
    uuid: server.id,
    name: server.name,
    hostname: full(facts, domain),
    launch_index: server.launchIndex,
    availability_zone: server.availabilityZone ?? 'nova',
    project_id: server.projectId,
    random_seed: seed,
    meta: facts.metadata,
    ...(key === null ? {} : { public_keys: { [key.name]: key.data }, keys: [key] }),
    devices: [
      ...facts.nics
        .filter(nic => nic.tag !== null)
        .map(nic => ({ type: 'nic', bus: 'pci', address: '', mac: nic.mac, tags: [nic.tag] })),
      ...facts.devices
        .filter(device => device.tag !== null && device.volumeId !== null)
        .map(device => ({
          type: 'disk',
          bus: 'virtio',
          address: '',
          serial: device.volumeId,
          path: `/dev/${device.device ?? ''}`,
          tags: [device.tag],
        })),
    ],
    dedicated_cpus: [],
  }
}

function networkData(facts: Facts): object {
  const links = facts.nics.map(nic => ({
    id: nic.tap,
    vif_id: nic.portId,
    type: nic.vifType === 'ovs' ? 'ovs' : 'bridge',
    mtu: nic.mtu,
    ethernet_mac_address: nic.mac,
  }))
  const services = new Set<string>()
  let index = 0
  const networks = facts.nics.flatMap(nic =>
    nic.addresses.flatMap(address => {
      const subnet = facts.subnets.find(one => one.id === address.subnetId)
      if (subnet === undefined) return []
      const bits = Number(subnet.cidr.split('/')[1] ?? 24)
      for (const server of subnet.dns_nameservers) services.add(server)
      const v6 = address.version === 6
      const routes = [
        ...(subnet.gateway_ip === null
          ? []
          : [{ network: v6 ? '::' : '0.0.0.0', netmask: v6 ? '::' : '0.0.0.0', gateway: subnet.gateway_ip }]),
        ...subnet.host_routes.map(route => {
          const [network = '', prefix = '32'] = route.destination.split('/')
          return { network, netmask: v6 ? prefix : netmask(Number(prefix)), gateway: route.nexthop }
        }),
      ]
      return [
        {
          id: `network${index++}`,
          network_id: nic.networkId,
          link: nic.tap,
          type: v6
            ? subnet.ipv6_address_mode === null || subnet.ipv6_address_mode === undefined
              ? 'ipv6'
              : `ipv6_${subnet.ipv6_address_mode}`
            : 'ipv4',
          ip_address: address.address,
          netmask: v6 ? `ffff:ffff:ffff:ffff::` : netmask(bits),
          routes,
          services: subnet.dns_nameservers.map(dns => ({ type: 'dns', address: dns })),
        },
      ]
    }),
  )
  return { links, networks, services: [...services].map(address => ({ type: 'dns', address })) }
}

type Tree = { readonly [name: string]: string | Tree }
function ec2(facts: Facts, domain: string): Tree {
  const { server } = facts
  const fixed = facts.nics[0]?.addresses.find(address => address.version === 4)
  const name = full(facts, domain)
  return {
    'ami-id': `ami-${server.serial.toString(16).padStart(8, '0')}`,
    'ami-launch-index': String(server.launchIndex),
    'ami-manifest-path': 'not-used',
    'block-device-mapping': { ami: 'vda', root: server.rootDeviceName ?? '/dev/vda' },
    hostname: name,
    'instance-action': 'none',
    'instance-id': `i-${server.serial.toString(16).padStart(8, '0')}`,
    'instance-type': server.flavor.name,
    'local-hostname': name,
    'local-ipv4': fixed?.address ?? '',
    placement: { 'availability-zone': server.availabilityZone ?? 'nova' },
    'public-hostname': name,
    'public-ipv4': fixed?.floating[0] ?? '',
    ...(server.publicKey === null ? {} : { 'public-keys': { '0': { 'openssh-key': server.publicKey } } }),
    'reservation-id': server.reservationId,
  }
}
/** A listing or a leaf of the EC2 tree; null: there is no such thing. */
function walk(tree: Tree, path: readonly string[], keyName: string | null): string | null {
  let at: string | Tree | undefined = tree
  for (const part of path) {
    if (part === '') continue
    if (typeof at !== 'object') return null
    at = at[part]
  }
  if (at === undefined) return null
  if (typeof at === 'string') return at
  const listing: Tree = at
  return Object.entries(listing)
    .map(([name, value]) =>
      name === '0' && path.includes('public-keys')
        ? `0=${keyName ?? ''}`
        : typeof value === 'string'
          ? name
          : `${name}/`,
    )
    .join('\n')
}

export interface MetadataAnswer {
  readonly status: number
  readonly type: string
  readonly body: string | Uint8Array
}

export const createMetadata = (tools: MetadataTools) => {
  const { database } = tools
  const factsOf = async (ctx: Ctx, serverId: string, nicsKnown?: readonly NicRecord[]): Promise<Facts | null> => {
    const rows = await database.read(ctx, 'metadata-facts', async q => {
      const server = await serversDb(q).byId(serverId)
      return server === undefined
        ? null
        : {
            server,
            metadata: (await loadsDb(q).metadata([serverId])).get(serverId) ?? {},
            nics: nicsKnown ?? (await nicsDb(q).of(serverId)),
            devices: await blockDevicesDb(q).of(serverId),
          }
    })
    if (rows === null) return null
    const subnetIds = [...new Set(rows.nics.flatMap(nic => nic.addresses.map(address => address.subnetId)))]
    return { ...rows, subnets: subnetIds.length === 0 ? [] : await tools.subnets(ctx, subnetIds) }
  }
  const userData = (server: Server): Uint8Array | null => (server.userData === null ? null : decoded(server.userData))

  return {
    /** The files of a config drive. */
    async files(ctx: Ctx, serverId: string, nics: readonly NicRecord[]): Promise<Record<string, string>> {
      const facts = await factsOf(ctx, serverId, nics)
      if (facts === null) return {}
      const given = await database.read(ctx, 'files-of-server', q => serverFilesDb(q).of(serverId))
      const contents = given.map((file, index) => ({ ...file, at: `/content/${String(index).padStart(4, '0')}` }))
      const meta = JSON.stringify({
        ...metaData(facts, tools.dhcpDomain, tools.randomSeed()),
        ...(given.length === 0 ? {} : { files: contents.map(({ path, at }) => ({ path, content_path: at })) }),
      })
      const network = JSON.stringify(networkData(facts))
      const user = userData(facts.server)
      const found: Record<string, string> = {}
      for (const version of ['2012-08-10', '2015-10-15', '2018-08-27', 'latest']) {
        found[`openstack/${version}/meta_data.json`] = meta
        found[`openstack/${version}/network_data.json`] = network
        found[`openstack/${version}/vendor_data.json`] = '{}'
        if (user !== null) found[`openstack/${version}/user_data`] = textOf(user)
      }
      for (const file of contents) found[`openstack${file.at}`] = textOf(decoded(file.contents))
      found['ec2/latest/meta-data.json'] = JSON.stringify(ec2(facts, tools.dhcpDomain))
      if (user !== null) found['ec2/latest/user-data'] = textOf(user)
      return found
    },

    /** Keeps what a guest tells of its password, once. Throws nothing: the status says what became of it. */
    async tellPassword(ctx: Ctx, serverId: string, password: string): Promise<number> {
      if (new TextEncoder().encode(password).length > MOST_PASSWORD) return 400
      return database.tx({ ...ctx, subject: serverId }, 'keep-password', async q => {
        const server = await serversDb(q).byId(serverId)
        if (server === undefined) return 400
        if (server.password !== null && server.password !== '') return 409
        await serversDb(q).change(serverId, { password }, tools.clock.now())
        return 200
      })
    },

    /** One request of a guest. `path` as sent, e.g. `/openstack/latest/meta_data.json`. */
    async answer(ctx: Ctx, serverId: string, path: string): Promise<MetadataAnswer> {
      const plain = (text: string): MetadataAnswer => ({ status: 200, type: 'text/plain; charset=utf-8', body: text })
      const asJson = (value: unknown): MetadataAnswer => ({
        status: 200,
        type: 'application/json',
        body: JSON.stringify(value),
      })
      const missing: MetadataAnswer = { status: 404, type: 'text/plain', body: '404 Not Found' }
      const parts =
        path
          .split('?')[0]
          ?.split('/')
          .filter(part => part !== '') ?? []
      if (parts.length === 0) return plain([...EC2, ''].join('\n').trim())
      const facts = await factsOf(ctx, serverId)
      if (facts === null) return missing
      const user = userData(facts.server)
      if (parts[0] === 'openstack') {
        if (parts.length === 1) return plain(VERSIONS.join('\n'))
        if (!VERSIONS.includes(parts[1] ?? '')) return missing
        switch (parts[2]) {
          case undefined:
            return plain(
              [
                'meta_data.json',
                ...(user === null ? [] : ['user_data']),
                'password',
                'vendor_data.json',
                'network_data.json',
                'vendor_data2.json',
              ].join('\n'),
            )
          case 'meta_data.json':
            return asJson(metaData(facts, tools.dhcpDomain, tools.randomSeed()))
          case 'network_data.json':
            return asJson(networkData(facts))
          case 'vendor_data.json':
          case 'vendor_data2.json':
            return asJson({})
          case 'user_data':
            return user === null ? missing : { status: 200, type: 'application/octet-stream', body: user }
          case 'password':
            return plain(facts.server.password ?? '')
          default:
            return missing
        }
      }
      if (!EC2.includes(parts[0] ?? '')) return missing
      if (parts.length === 1) return plain(user === null ? 'meta-data/' : 'meta-data/\nuser-data')
      if (parts[1] === 'user-data')
        return user === null ? missing : { status: 200, type: 'application/octet-stream', body: user }
      if (parts[1] !== 'meta-data') return missing
      const found = walk(ec2(facts, tools.dhcpDomain), parts.slice(2), facts.server.keyName)
      return found === null ? missing : plain(found)
    },
  }
}
