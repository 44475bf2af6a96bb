// One of each noun, made through the API: what hostile requests are aimed at, and what must not change by those that were refused.
import assert from 'node:assert/strict'
import type { Person } from '#main/person.ts'
import { active, askForServer, shelf, until } from '../story.ts'

/** `nova servers` → where it is shown, and its id. */
export interface Thing {
  readonly url: string
  readonly id: string
  /** Makes it anew when it is no more, or no more of use. */
  readonly renew?: () => Promise<unknown>
}
export type Things = ReadonlyMap<string, Thing>

const HEADERS = {
  'openstack-api-version': 'compute 2.96, volume 3.70, placement 1.39',
}

/** Makes one of each of a person's nouns. */
export async function belongings(who: Person): Promise<Things> {
  const things = new Map<string, Thing>()
  const make = async (noun: string, url: string, key: string | null, given: object): Promise<string> => {
    const answer = await who.fetch(url, { headers: HEADERS, body: key === null ? given : { [key]: given } })
    const text = await answer.text()
    assert.ok(answer.status < 300, `${noun}: ${answer.status} ${text}`)
    const made = (key === null ? JSON.parse(text) : (JSON.parse(text) as Record<string, unknown>)[key]) as Record<
      string,
      string
    >
    const id = made['id'] ?? made['name'] ?? ''
    things.set(noun, { url: `${url}/${id}`, id, renew: () => make(noun, url, key, given) })
    return id
  }
  const become = (noun: string, key: string, status: string): Promise<true> =>
    until(`${noun} in ${status}`, async () => {
      const shown = await who.json<Record<string, { status: string }>>(things.get(noun)?.url ?? '', {
        headers: HEADERS,
      })
      return shown[key]?.status === status ? true : null
    })
  const net = '/networking/v2.0'
  const network = await make('neutron networks', `${net}/networks`, 'network', { name: 'mine' })
  const subnet = await make('neutron subnets', `${net}/subnets`, 'subnet', {
    network_id: network,
    cidr: '10.77.0.0/24',
    ip_version: 4,
  })
  const router = await make('neutron routers', `${net}/routers`, 'router', { name: 'mine' })
  await make('neutron ports', `${net}/ports`, 'port', { network_id: network })
  const group = await make('neutron security-groups', `${net}/security-groups`, 'security_group', { name: 'mine' })
  await make('neutron security-group-rules', `${net}/security-group-rules`, 'security_group_rule', {
    security_group_id: group,
    direction: 'ingress',
    protocol: 'tcp',
  })
  const outside = (await shelf(who)).network('public')
  await make('neutron floatingips', `${net}/floatingips`, 'floatingip', { floating_network_id: outside })
  await make('neutron subnetpools', `${net}/subnetpools`, 'subnetpool', { name: 'mine', prefixes: ['10.79.0.0/16'] })
  await make('neutron address-groups', `${net}/address-groups`, 'address_group', {
    name: 'mine',
    addresses: ['10.0.0.0/24'],
  })
  await make('neutron address-scopes', `${net}/address-scopes`, 'address_scope', { name: 'mine', ip_version: 4 })
  const parent = await make('neutron ports', `${net}/ports`, 'port', { network_id: network })
  await make('neutron trunks', `${net}/trunks`, 'trunk', { port_id: parent })
  await make('neutron ports', `${net}/ports`, 'port', { network_id: network, name: 'mine', security_groups: [group] })
  await who.fetch(`${net}/routers/${router}/add_router_interface`, { method: 'PUT', body: { subnet_id: subnet } })

  const volume = await make('cinder volumes', '/volume/v3/volumes', 'volume', { size: 1, name: 'mine' })
  await become('cinder volumes', 'volume', 'available')
  await make('cinder snapshots', '/volume/v3/snapshots', 'snapshot', { volume_id: volume, name: 'mine' })
  await become('cinder snapshots', 'snapshot', 'available')
  await make('cinder backups', '/volume/v3/backups', 'backup', { volume_id: volume, name: 'mine' })
  await become('cinder backups', 'backup', 'available')
  const passed = await make('cinder volumes', '/volume/v3/volumes', 'volume', { size: 1, name: 'passed on' })
  await become('cinder volumes', 'volume', 'available')
  await make('cinder volume-transfers', '/volume/v3/volume-transfers', 'transfer', { volume_id: passed, name: 'mine' })
  things.set('cinder os-volume-transfer', things.get('cinder volume-transfers') ?? { url: '', id: '' })
  things.set('cinder volumes', {
    url: `/volume/v3/volumes/${volume}`,
    id: volume,
    renew: async () => {
      await make('cinder volumes', '/volume/v3/volumes', 'volume', { size: 1, name: 'mine' })
      await become('cinder volumes', 'volume', 'available')
    },
  })

  await make('glance images', '/image/v2/images', null, { name: 'mine', disk_format: 'raw', container_format: 'bare' })
  things.set('nova images', things.get('glance images') ?? { url: '', id: '' })

  await make('nova os-keypairs', '/compute/v2.1/os-keypairs', 'keypair', {
    name: 'mine',
    type: 'ssh',
    public_key: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ1mE0Dq3mTqvE1lYhV1fHfYJ4m3b0m7mGJ4l3xQ0o2Z mine',
  })
  await make('nova os-server-groups', '/compute/v2.1/os-server-groups', 'server_group', {
    name: 'mine',
    policy: 'affinity',
  })
  const renew = async (): Promise<void> => {
    const old = things.get('nova servers')
    if (old !== undefined) await (await who.fetch(old.url, { method: 'DELETE' })).text()
    const asked = await askForServer(who, { name: 'mine', networks: ['mine'] })
    const text = await asked.text()
    assert.equal(asked.status, 202, text)
    const { id } = (JSON.parse(text) as { server: { id: string } }).server
    things.set('nova servers', { url: `/compute/v2.1/servers/${id}`, id, renew })
    await active(who, id)
  }
  await renew()
  return things
}

/** One of each of an administrator's nouns, which nobody needs. */
export async function furniture(admin: Person): Promise<Things> {
  const things = new Map<string, Thing>()
  const missing: string[] = []
  const make = async (noun: string, url: string, key: string | null, given: object, idKey = 'id'): Promise<string> => {
    const answer = await admin.fetch(url, { headers: HEADERS, body: key === null ? given : { [key]: given } })
    const text = await answer.text()
    if (answer.status >= 300) missing.push(`${noun}: ${answer.status} ${text}`)
    else {
      const made = (key === null ? JSON.parse(text) : (JSON.parse(text) as Record<string, unknown>)[key]) as Record<
        string,
        string
      >
      const id = String(made[idKey] ?? '')
      things.set(noun, { url: `${url}/${id}`, id, renew: () => make(noun, url, key, given, idKey) })
      return id
    }
    return ''
  }
  const v3 = '/identity/v3'
  const domain = await make('keystone domains', `${v3}/domains`, 'domain', { name: 'spare' })
  const project = await make('keystone projects', `${v3}/projects`, 'project', { name: 'spare', domain_id: domain })
  const user = await make('keystone users', `${v3}/users`, 'user', {
    name: 'spare',
    password: 'a-long-password',
    domain_id: domain,
  })
  await make('keystone groups', `${v3}/groups`, 'group', { name: 'spare', domain_id: domain })
  const role = await make('keystone roles', `${v3}/roles`, 'role', { name: 'spare' })
  await make('keystone regions', `${v3}/regions`, 'region', { id: 'spare' })
  const service = await make('keystone services', `${v3}/services`, 'service', { name: 'spare', type: 'spare' })
  await make('keystone endpoints', `${v3}/endpoints`, 'endpoint', {
    service_id: service,
    interface: 'public',
    url: 'http://127.0.0.1:9/',
  })
  await make('keystone credentials', `${v3}/credentials`, 'credential', {
    user_id: user,
    type: 'totp',
    blob: 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ',
  })
  await make('keystone policies', `${v3}/policies`, 'policy', { type: 'application/json', blob: '{}' })
  await admin.fetch(`${v3}/projects/${project}/users/${user}/roles/${role}`, { method: 'PUT' })
  await make('keystone consumers', `${v3}/OS-OAUTH1/consumers`, 'consumer', { description: 'spare' })
  await make('keystone endpoint_groups', `${v3}/OS-EP-FILTER/endpoint_groups`, 'endpoint_group', {
    name: 'spare',
    filters: { interface: 'public' },
  })
  await make('nova flavors', '/compute/v2.1/flavors', 'flavor', { name: 'spare', ram: 64, vcpus: 1, disk: 0 })
  await make('nova os-aggregates', '/compute/v2.1/os-aggregates', 'aggregate', { name: 'spare' })
  const places = '/placement'
  await admin.fetch(`${places}/resource_providers`, {
    headers: HEADERS,
    body: { name: 'spare', uuid: '11111111-1111-4111-8111-111111111111' },
  })
  things.set('placement resource_providers', {
    url: `${places}/resource_providers/11111111-1111-4111-8111-111111111111`,
    id: '11111111-1111-4111-8111-111111111111',
  })
  await make('cinder types', '/volume/v3/types', 'volume_type', { name: 'spare' })
  await make('cinder qos-specs', '/volume/v3/qos-specs', 'qos_specs', { name: 'spare', consumer: 'front-end' })
  const kind = await make('cinder group_types', '/volume/v3/group_types', 'group_type', { name: 'spare' })
  const types = await admin.json<{ volume_types: { id: string }[] }>('/volume/v3/types')
  await make('cinder groups', '/volume/v3/groups', 'group', {
    name: 'spare',
    group_type: kind,
    volume_types: [types.volume_types[0]?.id],
  })
  const net = '/networking/v2.0'
  const policy = await make('neutron policies', `${net}/qos/policies`, 'policy', { name: 'spare' })
  await make(
    'neutron bandwidth_limit_rules',
    `${net}/qos/policies/${policy}/bandwidth_limit_rules`,
    'bandwidth_limit_rule',
    { max_kbps: 1000 },
  )
  await make('neutron metering-labels', `${net}/metering/metering-labels`, 'metering_label', { name: 'spare' })
  await make('neutron flavors', `${net}/flavors`, 'flavor', { name: 'spare', service_type: 'L3_ROUTER_NAT' })
  await make('neutron service_profiles', `${net}/service_profiles`, 'service_profile', {
    description: 'spare',
    metainfo: 'x',
  })
  const network = await make('neutron networks', `${net}/networks`, 'network', { name: 'spare' })
  await make('neutron rbac-policies', `${net}/rbac-policies`, 'rbac_policy', {
    object_type: 'network',
    object_id: network,
    target_tenant: project,
    action: 'access_as_shared',
  })
  things.delete('neutron networks')
  await make('glance namespaces', '/image/v2/metadefs/namespaces', null, { namespace: 'SPARE' }, 'namespace')
  assert.deepEqual(missing, [])
  return things
}

/** What each thing looks like now. */
export async function seen(who: Person, things: Things): Promise<Record<string, string>> {
  const shown: Record<string, string> = {}
  for (const [noun, { url }] of things) shown[noun] = await (await who.fetch(url, { headers: HEADERS })).text()
  return shown
}

/** Makes anew what a service's hostile requests have used up. Quietly leaves what cannot be made again. */
export async function renewed(who: Person, things: Things, service: string): Promise<void> {
  for (const [noun, { url, renew }] of things) {
    if (!noun.startsWith(`${service} `) || renew === undefined) continue
    const answer = await who.fetch(url, { headers: HEADERS })
    const text = await answer.text()
    const used =
      noun === 'nova servers' ? !text.includes('"ACTIVE"') : noun === 'cinder volumes' && !text.includes('"available"')
    if (answer.status === 404 || used) await renew().catch(() => undefined)
  }
}
