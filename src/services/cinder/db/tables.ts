// Cinder's tables as Kysely sees them. Rows of what is deleted are removed: the saga log tells what became of it.
import type { Flag, Json, TimeText } from '#kernel/db/codecs.ts'
import type { SagaTables } from '#kernel/saga/db-log.ts'
import type { GroupTables } from '#services/cinder/db/group-tables.ts'

export interface VolumeTable {
  id: string
  project_id: string
  user_id: string
  name: string | null
  description: string | null
  /** The lock: changed by compare and swap. */
  status: string
  attach_status: string
  size_gb: number
  /** What quota and pool count: the size, or the larger size it is being grown to. */
  claimed_gb: number
  availability_zone: string | null
  /** `host@backend#pool`, or NULL while it has no place. */
  host: string | null
  type_id: string
  snapshot_id: string | null
  source_volume_id: string | null
  bootable: Flag
  multiattach: Flag
  /** `True`, `False` or NULL: never said. */
  readonly: string | null
  attached_mode: string | null
  migration_status: string | null
  image_metadata: Json<Record<string, string>> | null
  created_at: TimeText
  updated_at: TimeText | null
  /** When its status last changed: for the audit of what takes too long. */
  status_at: TimeText
  launched_at: TimeText | null
}
export interface MetadataTable {
  volume_id: string
  key: string
  value: string
}
export interface SnapshotTable {
  id: string
  volume_id: string
  project_id: string
  user_id: string
  name: string | null
  description: string | null
  status: string
  progress: string
  size_gb: number
  type_id: string
  image_metadata: Json<Record<string, string>> | null
  created_at: TimeText
  updated_at: TimeText | null
  status_at: TimeText
}
export interface SnapshotMetadataTable {
  snapshot_id: string
  key: string
  value: string
}
export interface AttachmentTable {
  id: string
  volume_id: string
  project_id: string
  /** The server, or NULL for a host. */
  instance_id: string | null
  attached_host: string | null
  mountpoint: string | null
  /** `null` (the word) until somebody said. */
  mode: string
  status: string
  connector: Json<Record<string, unknown>> | null
  connection_info: Json<Record<string, unknown>> | null
  created_at: TimeText
  updated_at: TimeText | null
  attached_at: TimeText | null
}
export interface VolumeTypeTable {
  id: string
  name: string
  description: string | null
  is_public: Flag
  created_at: TimeText
  updated_at: TimeText | null
}
export interface ExtraSpecTable {
  type_id: string
  key: string
  value: string
}
export interface TypeAccessTable {
  type_id: string
  project_id: string
}
/** What a back end says of its pool. */
export interface PoolStats {
  readonly backend: string
  readonly pool: string
  readonly vendor: string
  readonly driverVersion: string
  readonly protocol: string
  readonly totalGb: number
  readonly freeGb: number
  readonly thin: boolean
  readonly multiattach: boolean
  readonly onlineExtend: boolean
}
export interface ServiceTable {
  id: string
  binary: string
  /** `host`, or `host@backend` for cinder-volume. */
  host: string
  availability_zone: string
  disabled: Flag
  disabled_reason: string | null
  stats: Json<PoolStats> | null
  created_at: TimeText
  seen_at: TimeText
}
export interface QuotaTable {
  /** A project's id, or `class:default`. */
  owner: string
  resource: string
  quota: number
}
export interface MessageTable {
  id: string
  project_id: string
  request_id: string
  resource_type: string
  resource_id: string
  action_id: string
  detail_id: string
  /** What happened in our own words, added to upstream's sentence for administrators. */
  detail: string
  created_at: TimeText
  expires_at: TimeText
}

export interface TransferTable {
  id: string
  volume_id: string
  source_project_id: string
  name: string | null
  salt: string
  key_hash: string
  no_snapshots: Flag
  created_at: TimeText
}

/** What a volume was like when it was backed up. */
export interface VolumeFacts {
  readonly name: string | null
  readonly description: string | null
  readonly metadata: Readonly<Record<string, string>>
  readonly imageMetadata: Readonly<Record<string, string>> | null
}
export interface BackupTable {
  id: string
  project_id: string
  user_id: string
  volume_id: string
  snapshot_id: string | null
  parent_id: string | null
  restore_volume_id: string | null
  name: string | null
  description: string | null
  status: string
  fail_reason: string | null
  size_gb: number
  object_count: number
  container: string | null
  availability_zone: string | null
  host: string | null
  service: string | null
  volume_facts: Json<VolumeFacts> | null
  data_at: TimeText
  created_at: TimeText
  updated_at: TimeText | null
  status_at: TimeText
}
export interface BackupMetadataTable {
  backup_id: string
  key: string
  value: string
}

export interface CinderTables extends SagaTables, GroupTables {
  volumes: VolumeTable
  volume_metadata: MetadataTable
  snapshots: SnapshotTable
  snapshot_metadata: SnapshotMetadataTable
  attachments: AttachmentTable
  volume_types: VolumeTypeTable
  type_extra_specs: ExtraSpecTable
  type_access: TypeAccessTable
  services: ServiceTable
  quotas: QuotaTable
  messages: MessageTable
  transfers: TransferTable
  backups: BackupTable
  backup_metadata: BackupMetadataTable
}
