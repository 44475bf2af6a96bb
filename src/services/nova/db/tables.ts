// Nova's columns as they lie in the database. Ids are made by us; times are UTC text; JSON is text with a codec.
import type { Flag, Json, TimeText } from '#kernel/db/codecs.ts'
import type { SagaTables } from '#kernel/saga/db-log.ts'

/** The flavor as it was when the server was made or resized: later changes of the flavor do not change the server. */
export interface FlavorCopy {
  readonly id: string
  readonly name: string
  readonly vcpus: number
  readonly ramMb: number
  readonly diskGb: number
  readonly ephemeralGb: number
  readonly swapMb: number
  readonly extraSpecs: Readonly<Record<string, string>>
}

/** What a server takes of its host. */
export interface Claim {
  readonly vcpus: number
  readonly memoryMb: number
  readonly diskGb: number
}

/** One entry of `networks` at create, in the order asked for. */
export interface RequestedNic {
  readonly networkId: string | null
  readonly portId: string | null
  readonly fixedIp: string | null
  readonly tag: string | null
}

export interface ServerTable {
  id: string
  /** 1, 2, 3 …: the number in `instance-00000001`. */
  serial: number
  project_id: string
  user_id: string
  name: string
  hostname: string
  description: string | null
  vm_state: string
  task_state: string | null
  /** 0 none, 1 running, 3 paused, 4 shutdown, 6 crashed, 7 suspended. */
  power_state: number
  host: string | null
  node: string | null
  launched_on: string | null
  /** Where it is; and what the request pinned it to. */
  availability_zone: string | null
  pinned_availability_zone: string | null
  requested_host: string | null
  /** Empty for a server that boots from a volume. */
  image_id: string
  kernel_id: string
  ramdisk_id: string
  /** Properties of the image it was made from, as they were. */
  image_properties: Json<Record<string, string>>
  flavor: Json<FlavorCopy>
  key_name: string | null
  public_key: string | null
  user_data: string | null
  /** `True`, `False` or empty, as it was asked for. */
  config_drive: string
  access_ip_v4: string | null
  access_ip_v6: string | null
  locked_by: string | null
  locked_reason: string | null
  reservation_id: string
  launch_index: number
  root_device_name: string | null
  /** Names of the security groups asked for. */
  security_groups: Json<string[]>
  requested_networks: Json<RequestedNic[] | 'auto' | 'none'>
  scheduler_hints: Json<Record<string, unknown>>
  trusted_certs: Json<string[]> | null
  /** What its host counts for it; null while it has none. */
  claim: Json<Claim> | null
  progress: number
  created_at: TimeText
  updated_at: TimeText
  launched_at: TimeText | null
  terminated_at: TimeText | null
  deleted_at: TimeText | null
  /** Its disk's layout is made by the cloud (`AUTO`); else by whoever runs it. */
  auto_disk_config: Flag
  /** What the guest posted to the metadata service: sealed with its key pair, so not a secret of ours. */
  password: string | null
  /** It waits to be reclaimed since then, and counts against no quota. */
  soft_deleted_at: TimeText | null
}

/** What Nova remembers of a wire: the info cache, one row per wire. */
export interface NicTable {
  server_id: string
  port_id: string
  position: number
  network_id: string
  network_label: string
  mac: string
  mtu: number
  tap: string
  /** Made by Nova for this server: dies with it. */
  ours: Flag
  tag: string | null
  /** Fixed addresses and the floating ones on them. */
  addresses: Json<NicAddress[]>
  vif_type: string
}
export interface NicAddress {
  readonly address: string
  readonly version: 4 | 6
  readonly subnetId: string
  readonly floating: readonly string[]
}

export interface BlockDeviceTable {
  /** The block device mapping's own uuid. */
  id: string
  server_id: string
  /** `image`, `volume`, `snapshot`, `blank`. */
  source_type: string
  /** `local` or `volume`. */
  destination_type: string
  image_id: string | null
  snapshot_id: string | null
  volume_id: string | null
  attachment_id: string | null
  /** `vda`, `vdb` … without `/dev/`; null until it is known. */
  device: string | null
  boot_index: number | null
  size_gb: number | null
  volume_type: string | null
  guest_format: string | null
  disk_bus: string | null
  device_type: string | null
  delete_on_termination: Flag
  tag: string | null
  /** What Cinder said about how to reach it. */
  connection_info: Json<Record<string, unknown>> | null
  created_at: TimeText
}

/** What a server remembers of the image it was made from, and of who made it. */
export interface ServerOrigin {
  readonly baseImageId: string
  readonly minRamMb: number
  readonly minDiskGb: number
  /** Null for servers of an older version. */
  readonly userName: string | null
  readonly projectName: string | null
  readonly roles: string | null
}
export interface ServerShelved {
  /** Milliseconds since 1970. */
  readonly at: number
  /** Null for a server whose root is a volume. */
  readonly imageId: string | null
  readonly host: string | null
}
export interface ServerRescue {
  readonly imageId: string
}
export interface ServerImageTable {
  server_id: string
  origin: Json<ServerOrigin> | null
  shelved: Json<ServerShelved> | null
  rescue: Json<ServerRescue> | null
}

/** A server's way from one host to another, or from one size to another: what clients know as a migration. */
export interface MoveTable {
  /** Also the consumer that holds the other place's resources in Placement. */
  id: string
  /** 1, 2, 3 …: the id that clients see. */
  number: number
  server_id: string
  user_id: string | null
  project_id: string | null
  /** `resize`, `migration`, `live-migration`, `evacuation`. */
  kind: string
  status: string
  source_host: string | null
  source_node: string | null
  dest_host: string | null
  dest_node: string | null
  dest_ip: string | null
  old_flavor: Json<FlavorCopy> | null
  new_flavor: Json<FlavorCopy> | null
  old_flavor_number: number | null
  new_flavor_number: number | null
  old_vm_state: string | null
  /** The host that counts something for this move beside what it counts for the server's own row. */
  held_host: string | null
  held_claim: Json<Claim> | null
  /** Counted in the project's usage beside the server's own flavor, so that nobody takes it meanwhile. */
  charged_cores: number
  charged_ram_mb: number
  memory_total: number | null
  memory_processed: number | null
  memory_remaining: number | null
  disk_total: number | null
  disk_processed: number | null
  disk_remaining: number | null
  created_at: TimeText
  updated_at: TimeText | null
}

export interface NovaTables extends SagaTables {
  server_moves: MoveTable
  server_images: ServerImageTable
  servers: ServerTable
  server_nics: NicTable
  block_devices: BlockDeviceTable
  server_metadata: { server_id: string; key: string; value: string }
  server_files: { server_id: string; position: number; path: string; contents: string }
  server_tags: { server_id: string; tag: string }
  server_faults: {
    id: string
    server_id: string
    code: number
    message: string
    details: string
    created_at: TimeText
  }
  /** One per operation a person asked for. */
  server_actions: {
    id: string
    server_id: string
    action: string
    request_id: string
    user_id: string | null
    project_id: string | null
    message: string | null
    started_at: TimeText
    updated_at: TimeText
  }
  server_action_events: {
    id: string
    action_id: string
    event: string
    host: string | null
    result: string | null
    details: string | null
    started_at: TimeText
    finished_at: TimeText | null
  }
  /** What each filter and weigher said of each host, per decision: for `koto why`. */
  scheduling_verdicts: {
    id: string
    server_id: string
    request_id: string
    created_at: TimeText
    verdicts: Json<unknown>
  }
  /** Crossings of boots, for `koto journey`. */
  journeys: { server_id: string; request_id: string; created_at: TimeText; rows: Json<unknown> }
  flavors: {
    /** The id clients use: `1`, `42`, a uuid. */
    id: string
    name: string
    vcpus: number
    ram_mb: number
    disk_gb: number
    ephemeral_gb: number
    swap_mb: number
    rxtx_factor: number
    is_public: Flag
    disabled: Flag
    description: string | null
    extra_specs: Json<Record<string, string>>
    created_at: TimeText
    updated_at: TimeText | null
  }
  flavor_access: { flavor_id: string; project_id: string }
  key_pairs: {
    id: number
    user_id: string
    name: string
    type: string
    fingerprint: string
    public_key: string
    created_at: TimeText
  }
  server_groups: {
    id: string
    project_id: string
    user_id: string
    name: string
    policy: string
    max_server_per_host: number | null
    created_at: TimeText
  }
  server_group_members: { group_id: string; server_id: string }
  aggregates: {
    id: number
    uuid: string
    name: string
    created_at: TimeText
    updated_at: TimeText | null
    metadata: Json<Record<string, string>>
  }
  aggregate_hosts: { aggregate_id: number; host: string }
  /** nova-compute, nova-conductor, nova-scheduler as they report. */
  services: {
    id: string
    serial: number
    host: string
    binary: string
    disabled: Flag
    disabled_reason: string | null
    forced_down: Flag
    last_seen_at: TimeText | null
    created_at: TimeText
    updated_at: TimeText | null
  }
  /** A hypervisor as its host last reported it. `id` is also the Placement provider's. */
  compute_nodes: {
    id: string
    serial: number
    host: string
    hypervisor_hostname: string
    hypervisor_type: string
    hypervisor_version: number
    host_ip: string
    vcpus: number
    memory_mb: number
    local_gb: number
    free_disk_gb: number
    cpu_info: Json<Record<string, unknown>>
    capabilities: Json<Record<string, boolean>>
    /** One sentence on what makes guests run. */
    accelerator: string
    cpu_ratio: number
    ram_ratio: number
    disk_ratio: number
    reserved_memory_mb: number
    /** Sums of the claims of the servers here, kept in the transactions that place and clear them. */
    servers: number
    vcpus_used: number
    memory_mb_used: number
    local_gb_used: number
    updated_at: TimeText
  }
  /** project_id `default` is the class of everybody. */
  quotas: { project_id: string; user_id: string; resource: string; quota: number }
  /** Sums over the living servers of a project, kept in the transactions that add and remove them. */
  project_usage: { project_id: string; instances: number; cores: number; ram_mb: number }
  console_tokens: {
    /** SHA-256 of the token. */
    id: string
    server_id: string
    protocol: string
    type: string
    expires_at: TimeText
  }
  counters: { name: string; value: number }
}
