// What Tempest has to know of a cloud, found out by asking it: a tempest.conf.
import type { Person } from '#main/person.ts'

/** Sections with their options. */
export type Conf = Readonly<Record<string, Readonly<Record<string, string | number | boolean>>>>

export interface CloudFacts {
  readonly authUrl: string
  readonly password: string
  readonly door: string
  readonly admin: Person
}

const rows = (answer: unknown, name: string): readonly Record<string, unknown>[] =>
  ((answer as Record<string, unknown> | null)?.[name] ?? []) as readonly Record<string, unknown>[]

const OWN = [
  'id',
  'file',
  'self',
  'schema',
  'status',
  'size',
  'virtual_size',
  'checksum',
  'owner',
  'created_at',
  'updated_at',
  'locations',
]

/** The same image once more: some tests tell servers apart by theirs. Its id. */
async function secondOf(admin: Person, door: string, image: Readonly<Record<string, unknown>>): Promise<string> {
  const kept = Object.entries(image).filter(
    ([name]) => !OWN.includes(name) && !/^(os_hash|os_glance|direct_url|stores)/.test(name),
  )
  const { id } = await admin.json<{ id: string }>('/image/v2/images', {
    body: { ...Object.fromEntries(kept), name: 'koto-tiny-too' },
  })
  const bytes = await (await admin.fetch(`/image/v2/images/${String(image['id'])}/file`)).arrayBuffer()
  const sent = await fetch(`${door}/image/v2/images/${id}/file`, {
    method: 'PUT',
    headers: { 'x-auth-token': admin.token, 'content-type': 'application/octet-stream' },
    body: bytes,
  })
  if (!sent.ok) throw new Error(`the second image was refused: ${sent.status} ${await sent.text()}`)
  return id
}

/** `ssh`: guests are real, so tests may log in to them. `work` is where Tempest keeps its locks and logs. */
export async function tempestConf(cloud: CloudFacts, work: string, ssh: boolean): Promise<Conf> {
  const ask = (path: string): Promise<unknown> => cloud.admin.json<Record<string, unknown>>(path).catch(() => null)
  const newest = (document: unknown): readonly [string, string] => {
    const versions = (document as { versions?: unknown; version?: unknown }) ?? {}
    const list = (Array.isArray(versions.versions) ? versions.versions : [versions.version]) as {
      version?: string
      max_version?: string
      min_version?: string
    }[]
    const found = list.find(one => (one.version ?? one.max_version ?? '') !== '')
    return [found?.min_version ?? '', found?.version ?? found?.max_version ?? '']
  }
  const image = rows(await ask('/image/v2/images?name=koto-tiny'), 'images')[0]
  const flavors = rows(await ask('/compute/v2.1/flavors'), 'flavors')
  const flavor = (name: string): string => String(flavors.find(one => one['name'] === name)?.['id'] ?? '')
  const outer = rows(await ask('/networking/v2.0/networks?router:external=True'), 'networks')[0]
  const extensions = rows(await ask('/networking/v2.0/extensions'), 'extensions').map(one => String(one['alias']))
  const volumeExtensions = rows(await ask('/volume/v3/extensions'), 'extensions').map(one => String(one['alias']))
  const computes = rows(await ask('/compute/v2.1/os-services?binary=nova-compute'), 'services').length
  const backups = rows(await ask('/volume/v3/os-services?binary=cinder-backup'), 'services').length > 0
  const [computeMin, computeMax] = newest(await ask('/compute/v2.1/'))
  const [volumeMin, volumeMax] = newest(await ask('/volume/v3/'))
  const imports = (await ask('/image/v2/info/import')) as { 'import-methods'?: { value?: string[] } } | null
  return {
    DEFAULT: { log_dir: `${work}/logs`, log_file: 'tempest.log', debug: false, use_stderr: false },
    oslo_concurrency: { lock_path: `${work}/lock` },
    auth: {
      use_dynamic_credentials: true,
      create_isolated_networks: true,
      admin_username: 'admin',
      admin_password: cloud.password.replaceAll('$', '$$$$'),
      admin_project_name: 'admin',
      admin_domain_name: 'Default',
      default_credentials_domain_name: 'Default',
    },
    identity: {
      auth_version: 'v3',
      uri_v3: cloud.authUrl,
      region: 'RegionOne',
      v3_endpoint_type: 'publicURL',
      default_domain_id: 'default',
      admin_role: 'admin',
    },
    'identity-feature-enabled': {
      api_v2: false,
      api_v3: true,
      trust: true,
      application_credentials: true,
      access_rules: true,
      project_tags: true,
    },
    service_available: { nova: true, glance: true, cinder: true, neutron: true, swift: false, horizon: false },
    compute: {
      image_ref: String(image?.['id'] ?? ''),
      image_ref_alt: image === undefined ? '' : await secondOf(cloud.admin, cloud.door, image),
      flavor_ref: flavor('m1.nano'),
      flavor_ref_alt: flavor('m1.micro'),
      build_interval: 1,
      build_timeout: 300,
      min_compute_nodes: Math.max(1, computes),
      min_microversion: computeMin,
      max_microversion: computeMax,
    },
    'compute-feature-enabled': {
      console_output: true,
      resize: true,
      pause: true,
      suspend: true,
      shelve: true,
      rescue: true,
      snapshot: true,
      interface_attach: true,
      config_drive: true,
      metadata_service: true,
      disk_config: true,
      cold_migration: true,
      live_migration: computes > 1,
      hostname_fqdn_sanitization: true,
      vnc_console: true,
      // Without this name Tempest takes the metadata of servers for read-only.
      xenapi_apis: true,
    },
    image: {
      container_formats: 'ami,ari,aki,bare,ovf,ova',
      disk_formats: 'ami,ari,aki,vhd,vmdk,raw,qcow2,vdi,iso,vhdx',
    },
    'image-feature-enabled': {
      api_v1: false,
      api_v2: true,
      import_image: (imports?.['import-methods']?.value ?? []).length > 0,
      os_glance_reserved: true,
    },
    network: {
      public_network_id: String(outer?.['id'] ?? ''),
      floating_network_name: String(outer?.['name'] ?? ''),
      project_network_cidr: '10.100.0.0/16',
      project_network_mask_bits: 28,
    },
    'network-feature-enabled': {
      ipv6: true,
      ipv6_subnet_attributes: true,
      floating_ips: true,
      port_admin_state_change: true,
      port_security: extensions.includes('port-security'),
      api_extensions: extensions.join(','),
    },
    volume: { catalog_type: 'volumev3', volume_size: 1, min_microversion: volumeMin, max_microversion: volumeMax },
    'volume-feature-enabled': {
      backup: backups,
      snapshot: true,
      clone: true,
      api_extensions: volumeExtensions.join(','),
    },
    validation: {
      run_validation: ssh,
      connect_method: 'floating',
      image_ssh_user: 'koto',
      image_alt_ssh_user: 'koto',
      ssh_key_type: 'ecdsa',
    },
    scenario: { dhcp_client: '' },
  }
}

/** As the file has it. Empty values are left out, so that Tempest's own default holds. */
export const confText = (conf: Conf): string =>
  Object.entries(conf)
    .map(([section, options]) =>
      [
        `[${section}]`,
        ...Object.entries(options)
          .filter(([, value]) => value !== '')
          .map(([name, value]) => `${name} = ${String(value)}`),
        '',
      ].join('\n'),
    )
    .join('\n')
