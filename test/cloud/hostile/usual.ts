// Bodies that are right, for routes whose schemas alone do not say what one is: hostile ones differ from them in one place.

/** `POST cinder /v3/volumes` → its body, or for an action its value. `id` names things that are there: `cinder volumes`. */
export function usualBodies(id: (noun: string) => string): Readonly<Record<string, unknown>> {
  const volume = id('cinder volumes')
  const server = id('nova servers')
  const tags = { tags: ['x'] }
  return {
    'POST keystone /v3/users': {
      user: { name: 'one', password: 'a-long-password', domain_id: id('keystone domains') },
    },
    'POST keystone /v3/projects': { project: { name: 'one', domain_id: id('keystone domains') } },
    'POST keystone /v3/groups': { group: { name: 'one', domain_id: id('keystone domains') } },
    'POST keystone /v3/domains': { domain: { name: 'one', enabled: false } },
    'POST keystone /v3/auth/tokens': {
      auth: {
        identity: {
          methods: ['password'],
          password: { user: { id: id('keystone users'), password: 'a-long-password' } },
        },
        scope: { project: { id: id('keystone projects') } },
      },
    },
    'POST keystone /v3/OS-TRUST/trusts': {
      trust: {
        trustor_user_id: id('keystone users'),
        trustee_user_id: id('keystone users'),
        impersonation: false,
        project_id: id('keystone projects'),
        roles: [{ id: id('keystone roles') }],
      },
    },
    'PUT keystone /v3/domains/{domain_id}/config': { config: { ldap: { url: 'ldap://x' } } },
    'PATCH keystone /v3/domains/{domain_id}/config': { config: { ldap: { url: 'ldap://x' } } },
    'POST keystone /v3/registered_limits': {
      registered_limits: [{ service_id: id('keystone services'), resource_name: 'x', default_limit: 1 }],
    },
    'POST keystone /v3/limits': {
      limits: [
        {
          service_id: id('keystone services'),
          resource_name: 'x',
          resource_limit: 1,
          project_id: id('keystone projects'),
        },
      ],
    },
    'PUT keystone /v3/OS-FEDERATION/mappings/{mapping_id}': {
      mapping: { rules: [{ local: [{ user: { name: '{0}' } }], remote: [{ type: 'REMOTE_USER' }] }] },
    },
    'PATCH glance /v2/images/{id}': [{ op: 'replace', path: '/name', value: 'x' }],
    'POST glance /v2/images/{id}/import': { method: { name: 'web-download', uri: 'http://127.0.0.1:9/x' } },
    'POST glance /v2/metadefs/namespaces': { namespace: 'ONE' },
    'POST placement /resource_providers': { name: 'one' },
    'PUT placement /resource_providers/{uuid}/inventories': {
      resource_provider_generation: 0,
      inventories: { CUSTOM_X: { total: 1 } },
    },
    'PUT placement /allocations/{consumer_uuid}': {
      allocations: { [id('placement resource_providers')]: { resources: { VCPU: 1 } } },
      project_id: 'x',
      user_id: 'x',
      consumer_generation: null,
      consumer_type: 'INSTANCE',
    },
    'POST neutron /v2.0/subnets': {
      subnet: { network_id: id('neutron networks'), cidr: '10.80.0.0/24', ip_version: 4 },
    },
    'POST neutron /v2.0/subnetpools': { subnetpool: { name: 'one', prefixes: ['10.81.0.0/16'] } },
    'POST neutron /v2.0/ports': {
      port: { network_id: id('neutron networks'), fixed_ips: [{ subnet_id: id('neutron subnets') }] },
    },
    'PUT neutron /v2.0/ports/{id}': { port: { fixed_ips: [{ subnet_id: id('neutron subnets') }] } },
    'PUT neutron /v2.0/routers/{id}': { router: { routes: [{ destination: '10.90.0.0/24', nexthop: '10.77.0.9' }] } },
    'PUT neutron /v2.0/routers/{id}/add_router_interface': { subnet_id: id('neutron subnets') },
    'POST neutron /v2.0/qos/policies': { policy: { name: 'one' } },
    'POST neutron /v2.0/networks': { network: { name: 'one' } },
    'PUT neutron /v2.0/trunks/{id}/add_subports': {
      sub_ports: [{ port_id: id('neutron ports'), segmentation_type: 'vlan', segmentation_id: 7 }],
    },
    ...Object.fromEntries(
      [
        'networks',
        'subnets',
        'subnetpools',
        'ports',
        'routers',
        'floatingips',
        'security-groups',
        'policies',
        'trunks',
      ].map(noun => [`PUT neutron /v2.0/${noun}/{id}/tags`, tags]),
    ),
    'POST neutron /v2.0/networks/{id}/tags': tags,
    'POST cinder /v3/volumes': { volume: { size: 1 } },
    'POST cinder /v3/attachments': { attachment: { volume_uuid: volume, instance_uuid: server } },
    'POST cinder /v3/types': { volume_type: { name: 'one' } },
    'POST cinder /v3/types/{type_id}/extra_specs': { extra_specs: { a: 'b' } },
    'POST cinder /v3/types/{type_id}/encryption': { encryption: { provider: 'luks', control_location: 'front-end' } },
    'POST cinder /v3/qos-specs': { qos_specs: { name: 'one' } },
    'POST cinder /v3/group_types': { group_type: { name: 'one' } },
    'POST cinder /v3/group_snapshots': { group_snapshot: { group_id: id('cinder groups'), name: 'one' } },
    'POST cinder /v3/volumes/{id}/action os-extend': { new_size: 2 },
    'POST cinder /v3/volumes/{id}/action os-retype': { new_type: 'spare', migration_policy: 'never' },
    'POST cinder /v3/volumes/{id}/action os-initialize_connection': { connector: { host: 'x', ip: '10.0.0.1' } },
    'PUT cinder /v3/volumes/{id}': { volume: { name: 'x' } },
    'PUT cinder /v3/snapshots/{id}': { snapshot: { name: 'x' } },
    'PUT cinder /v3/os-quota-sets/{project_id}': { quota_set: { volumes: 10 } },
    'POST nova /v2.1/servers': {
      server: { name: 'one', flavorRef: id('nova flavors'), imageRef: id('image'), networks: 'none' },
    },
    'POST nova /v2.1/flavors': { flavor: { name: 'one', ram: 64, vcpus: 1, disk: 0 } },
    'POST nova /v2.1/flavors/{id}/os-extra_specs': { extra_specs: { 'hw:cpu_policy': 'shared' } },
    'POST nova /v2.1/os-aggregates': { aggregate: { name: 'one' } },
    'POST nova /v2.1/os-server-groups': { server_group: { name: 'one', policy: 'affinity' } },
    'POST nova /v2.1/servers/{id}/os-interface': { interfaceAttachment: { net_id: id('neutron networks') } },
    'POST nova /v2.1/servers/{id}/os-volume_attachments': { volumeAttachment: { volumeId: volume } },
    'POST nova /v2.1/servers/{id}/remote-consoles': { remote_console: { protocol: 'vnc', type: 'novnc' } },
    'POST nova /v2.1/servers/{id}/action createImage': { name: 'one' },
    'POST nova /v2.1/servers/{id}/action createBackup': { name: 'one', backup_type: 'daily', rotation: 1 },
    'POST nova /v2.1/servers/{id}/action rebuild': { imageRef: id('image') },
    'POST nova /v2.1/servers/{id}/action resize': { flavorRef: id('nova flavors') },
    'POST nova /v2.1/servers/{id}/action reboot': { type: 'SOFT' },
    'POST nova /v2.1/servers/{id}/action changePassword': { adminPass: 'x' },
    'POST nova /v2.1/servers/{id}/action os-migrateLive': { host: null, block_migration: 'auto' },
    'POST nova /v2.1/servers/{id}/action migrate': { host: null },
    'POST nova /v2.1/servers/{id}/action unshelve': null,
    'PUT nova /v2.1/servers/{id}': { server: { name: 'x' } },
    'PUT nova /v2.1/servers/{id}/metadata': { metadata: { a: 'b' } },
    'PUT nova /v2.1/os-quota-sets/{project}': { quota_set: { instances: 10 } },
    'PUT nova /v2.1/flavors/{id}': { flavor: { description: 'x' } },
  }
}

/** `more` laid into `base`: objects meet, everything else of `more` counts. */
export function laidInto(base: unknown, more: unknown): unknown {
  const isObject = (value: unknown): value is Record<string, unknown> =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
  if (!isObject(base) || !isObject(more)) return more === undefined ? base : more
  const made: Record<string, unknown> = { ...base }
  for (const [key, value] of Object.entries(more)) made[key] = key in base ? laidInto(base[key], value) : value
  return made
}
