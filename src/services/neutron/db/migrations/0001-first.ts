// Neutron's tables, first form.
import type { Migration } from '#kernel/db/migrations.ts'

interface Spec {
  /** A column a line: `name type [!]`; `!` is NOT NULL; types `id`, `str`, `int`, `text`, `time`. */
  readonly columns: string
  readonly key: readonly string[]
  readonly unique?: readonly (readonly string[])[]
  readonly indexes?: readonly (readonly string[])[]
}

const TYPES = { id: 'varchar(36)', str: 'varchar(255)', int: 'integer', text: 'text', time: 'varchar(24)' } as const
const STANDARD = `
  id id !
  project_id str !
  name str !
  description str !
  created_at time !
  updated_at time !
  revision_number int !`

const TABLES: Readonly<Record<string, Spec>> = {
  networks: {
    columns: `${STANDARD}
      admin_state_up int !
      shared int !
      external int !
      mtu int !
      port_security_enabled int !
      network_type str !
      physical_network str !
      segmentation_id int
      availability_zone_hints text !`,
    key: ['id'],
    unique: [['network_type', 'physical_network', 'segmentation_id']],
    indexes: [['project_id', 'id'], ['shared'], ['external'], ['name']],
  },
  subnets: {
    columns: `${STANDARD}
      network_id id !
      ip_version int !
      cidr str !
      gateway_ip str
      enable_dhcp int !
      ipv6_ra_mode str
      ipv6_address_mode str
      allocation_pools text !
      dns_nameservers text !
      host_routes text !
      service_types text !`,
    key: ['id'],
    indexes: [['network_id', 'created_at', 'id'], ['project_id', 'id'], ['name']],
  },
  ports: {
    columns: `${STANDARD}
      network_id id !
      admin_state_up int !
      status str !
      mac_address str !
      device_id str !
      device_owner str !
      port_security_enabled int !
      allowed_address_pairs text !
      extra_dhcp_opts text !
      host_id str !
      vif_type str !
      vif_details text !
      vnic_type str !
      profile text !`,
    key: ['id'],
    unique: [['network_id', 'mac_address']],
    indexes: [['project_id', 'id'], ['device_id', 'id'], ['host_id'], ['network_id', 'id'], ['name']],
  },
  allocations: {
    columns: `
      subnet_id id !
      ip_key str !
      ip_address str !
      port_id id !
      network_id id !
      position int !`,
    key: ['subnet_id', 'ip_key'],
    indexes: [['port_id', 'position'], ['ip_address']],
  },
  security_groups: {
    columns: `${STANDARD}
      stateful int !`,
    key: ['id'],
    indexes: [['project_id', 'id'], ['name']],
  },
  default_security_groups: { columns: 'project_id str !\nsecurity_group_id id !', key: ['project_id'] },
  security_group_rules: {
    columns: `
      id id !
      project_id str !
      security_group_id id !
      direction str !
      ethertype str !
      protocol str
      port_range_min int
      port_range_max int
      remote_ip_prefix str
      normalized_cidr str
      remote_group_id id
      description str !
      fingerprint str !
      created_at time !
      updated_at time !
      revision_number int !`,
    key: ['id'],
    unique: [['security_group_id', 'fingerprint']],
    indexes: [['project_id', 'id'], ['security_group_id', 'id'], ['remote_group_id']],
  },
  port_security_groups: {
    columns: 'port_id id !\nsecurity_group_id id !',
    key: ['port_id', 'security_group_id'],
    indexes: [['security_group_id']],
  },
  routers: {
    columns: `${STANDARD}
      admin_state_up int !
      status str !
      gateway_port_id id
      gateway_network_id id
      enable_snat int !
      routes text !
      availability_zone_hints text !`,
    key: ['id'],
    indexes: [['project_id', 'id'], ['gateway_network_id'], ['gateway_port_id'], ['name']],
  },
  floatingips: {
    columns: `
      id id !
      project_id str !
      description str !
      floating_ip_address str !
      floating_network_id id !
      floating_port_id id !
      router_id id
      port_id id
      fixed_ip_address str
      status str !
      created_at time !
      updated_at time !
      revision_number int !`,
    key: ['id'],
    unique: [['floating_network_id', 'port_id', 'fixed_ip_address']],
    indexes: [['project_id', 'id'], ['port_id'], ['router_id'], ['floating_ip_address'], ['floating_port_id']],
  },
  tags: { columns: 'resource_id id !\ntag str !', key: ['resource_id', 'tag'], indexes: [['tag']] },
  quotas: { columns: 'project_id str !\nresource str !\nhard_limit int !', key: ['project_id', 'resource'] },
  agents: {
    columns: `
      id id !
      agent_type str !
      binary str !
      topic str !
      host str !
      availability_zone str
      admin_state_up int !
      description str !
      configurations text !
      created_at time !
      started_at time !
      heartbeat_at time !`,
    key: ['id'],
    unique: [['agent_type', 'host']],
  },
}

export const first: Migration = {
  id: '0001-first',
  async up(q) {
    for (const [table, spec] of Object.entries(TABLES)) {
      let create = q.schema.createTable(table)
      for (const line of spec.columns.trim().split(/\s*\n\s*/)) {
        const [name = '', type = 'str', needed] = line.split(/\s+/)
        create = create.addColumn(name, TYPES[type as keyof typeof TYPES], c => (needed === '!' ? c.notNull() : c))
      }
      create = create.addPrimaryKeyConstraint(`${table}_key`, spec.key as never)
      for (const [index, unique] of (spec.unique ?? []).entries())
        create = create.addUniqueConstraint(`${table}_unique_${index}`, unique as never)
      await create.execute()
      for (const [index, columns] of (spec.indexes ?? []).entries())
        await q.schema
          .createIndex(`${table}_index_${index}`)
          .on(table)
          .columns(columns as never)
          .execute()
    }
  },
}
