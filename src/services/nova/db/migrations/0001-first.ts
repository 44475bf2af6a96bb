// Nova's tables, first form.
import type { Migration } from '#kernel/db/migrations.ts'

/** Columns in one line each: `name type [!]`; `!` is NOT NULL. */
const columns = (text: string): [string, 'varchar(255)' | 'integer' | 'text' | 'real', boolean][] =>
  text
    .trim()
    .split(/\s*\n\s*/)
    .map(line => {
      const [name = '', type = '', needed] = line.split(/\s+/)
      const kind = type === 'int' ? 'integer' : type === 'text' ? 'text' : type === 'real' ? 'real' : 'varchar(255)'
      return [name, kind, needed === '!']
    })

const TABLES: Readonly<
  Record<
    string,
    { columns: string; key: readonly string[]; unique?: readonly string[][]; indexes?: readonly string[][] }
  >
> = {
  servers: {
    columns: `
      id str !
      serial int !
      project_id str !
      user_id str !
      name str !
      hostname str !
      description text
      vm_state str !
      task_state str
      power_state int !
      host str
      node str
      launched_on str
      availability_zone str
      pinned_availability_zone str
      requested_host str
      image_id str !
      kernel_id str !
      ramdisk_id str !
      image_properties text !
      flavor text !
      key_name str
      public_key text
      user_data text
      config_drive str !
      access_ip_v4 str
      access_ip_v6 str
      locked_by str
      locked_reason text
      reservation_id str !
      launch_index int !
      root_device_name str
      security_groups text !
      requested_networks text !
      scheduler_hints text !
      trusted_certs text
      claim text
      progress int !
      created_at str !
      updated_at str !
      launched_at str
      terminated_at str
      deleted_at str`,
    key: ['id'],
    indexes: [
      ['deleted_at', 'project_id', 'created_at', 'id'],
      ['deleted_at', 'created_at', 'id'],
      ['deleted_at', 'host'],
      ['project_id', 'deleted_at', 'vm_state'],
      ['project_id', 'id'],
      ['deleted_at', 'task_state'],
    ],
  },
  server_nics: {
    columns: `
      server_id str !
      port_id str !
      position int !
      network_id str !
      network_label str !
      mac str !
      mtu int !
      tap str !
      ours int !
      tag str
      addresses text !
      vif_type str !`,
    key: ['server_id', 'port_id'],
    indexes: [['port_id']],
  },
  block_devices: {
    columns: `
      id str !
      server_id str !
      source_type str !
      destination_type str !
      image_id str
      snapshot_id str
      volume_id str
      attachment_id str
      device str
      boot_index int
      size_gb int
      volume_type str
      guest_format str
      disk_bus str
      device_type str
      delete_on_termination int !
      tag str
      connection_info text
      created_at str !`,
    key: ['id'],
    indexes: [['server_id'], ['volume_id']],
  },
  server_metadata: { columns: 'server_id str !\nkey str !\nvalue text !', key: ['server_id', 'key'] },
  server_tags: { columns: 'server_id str !\ntag str !', key: ['server_id', 'tag'], indexes: [['tag']] },
  server_faults: {
    columns: 'id str !\nserver_id str !\ncode int !\nmessage text !\ndetails text !\ncreated_at str !',
    key: ['id'],
    indexes: [['server_id', 'created_at']],
  },
  server_actions: {
    columns:
      'id str !\nserver_id str !\naction str !\nrequest_id str !\nuser_id str\nproject_id str\nmessage text\nstarted_at str !\nupdated_at str !',
    key: ['id'],
    indexes: [['server_id', 'started_at'], ['request_id']],
  },
  server_action_events: {
    columns:
      'id str !\naction_id str !\nevent str !\nhost str\nresult str\ndetails text\nstarted_at str !\nfinished_at str',
    key: ['id'],
    indexes: [['action_id']],
  },
  scheduling_verdicts: {
    columns: 'id str !\nserver_id str !\nrequest_id str !\ncreated_at str !\nverdicts text !',
    key: ['id'],
    indexes: [['server_id', 'created_at'], ['request_id']],
  },
  journeys: {
    columns: 'server_id str !\nrequest_id str !\ncreated_at str !\nrows text !',
    key: ['server_id'],
  },
  flavors: {
    columns: `
      id str !
      name str !
      vcpus int !
      ram_mb int !
      disk_gb int !
      ephemeral_gb int !
      swap_mb int !
      rxtx_factor real !
      is_public int !
      disabled int !
      description text
      extra_specs text !
      created_at str !
      updated_at str`,
    key: ['id'],
    unique: [['name']],
  },
  flavor_access: { columns: 'flavor_id str !\nproject_id str !', key: ['flavor_id', 'project_id'] },
  key_pairs: {
    columns: 'id int !\nuser_id str !\nname str !\ntype str !\nfingerprint str !\npublic_key text !\ncreated_at str !',
    key: ['user_id', 'name'],
  },
  server_groups: {
    columns:
      'id str !\nproject_id str !\nuser_id str !\nname str !\npolicy str !\nmax_server_per_host int\ncreated_at str !',
    key: ['id'],
    indexes: [
      ['project_id', 'created_at', 'id'],
      ['created_at', 'id'],
    ],
  },
  server_group_members: {
    columns: 'group_id str !\nserver_id str !',
    key: ['group_id', 'server_id'],
    indexes: [['server_id']],
  },
  aggregates: {
    columns: 'id int !\nuuid str !\nname str !\ncreated_at str !\nupdated_at str\nmetadata text !',
    key: ['id'],
    unique: [['name']],
  },
  aggregate_hosts: { columns: 'aggregate_id int !\nhost str !', key: ['aggregate_id', 'host'] },
  services: {
    columns: `
      id str !
      serial int !
      host str !
      binary str !
      disabled int !
      disabled_reason text
      forced_down int !
      last_seen_at str
      created_at str !
      updated_at str`,
    key: ['id'],
    unique: [['host', 'binary']],
  },
  compute_nodes: {
    columns: `
      id str !
      serial int !
      host str !
      hypervisor_hostname str !
      hypervisor_type str !
      hypervisor_version int !
      host_ip str !
      vcpus int !
      memory_mb int !
      local_gb int !
      free_disk_gb int !
      cpu_info text !
      capabilities text !
      accelerator text !
      cpu_ratio real !
      ram_ratio real !
      disk_ratio real !
      reserved_memory_mb int !
      servers int !
      vcpus_used int !
      memory_mb_used int !
      local_gb_used int !
      updated_at str !`,
    key: ['id'],
    unique: [['host', 'hypervisor_hostname'], ['serial']],
  },
  quotas: {
    columns: 'project_id str !\nuser_id str !\nresource str !\nquota int !',
    key: ['project_id', 'user_id', 'resource'],
  },
  project_usage: { columns: 'project_id str !\ninstances int !\ncores int !\nram_mb int !', key: ['project_id'] },
  console_tokens: {
    columns: 'id str !\nserver_id str !\nprotocol str !\ntype str !\nexpires_at str !',
    key: ['id'],
    indexes: [['server_id'], ['expires_at']],
  },
  counters: { columns: 'name str !\nvalue int !', key: ['name'] },
}

export const first: Migration = {
  id: '0001-first',
  async up(q) {
    for (const [table, spec] of Object.entries(TABLES)) {
      let create = q.schema.createTable(table)
      for (const [name, type, needed] of columns(spec.columns)) {
        create = create.addColumn(name, type, column => (needed ? column.notNull() : column))
      }
      create = create.addPrimaryKeyConstraint(`${table}_key`, spec.key as never)
      for (const [index, unique] of (spec.unique ?? []).entries()) {
        create = create.addUniqueConstraint(`${table}_unique_${index}`, unique as never)
      }
      await create.execute()
      for (const [index, cols] of (spec.indexes ?? []).entries()) {
        await q.schema
          .createIndex(`${table}_index_${index}`)
          .on(table)
          .columns(cols as never)
          .execute()
      }
    }
  },
}
