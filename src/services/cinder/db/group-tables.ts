// Tables of QoS specs, encryption of types, default types, group types, groups and group snapshots, as Kysely sees them.
import type { Flag, TimeText } from '#kernel/db/codecs.ts'

export interface QosSpecsTable {
  id: string
  name: string
  /** `front-end`, `back-end` or `both`. */
  consumer: string
  created_at: TimeText
  updated_at: TimeText | null
}
export interface QosSpecKeyTable {
  qos_id: string
  key: string
  value: string | null
}
export interface TypeQosTable {
  type_id: string
  qos_id: string
}
export interface TypeEncryptionTable {
  type_id: string
  id: string
  provider: string
  control_location: string
  cipher: string | null
  key_size: number | null
  created_at: TimeText
  updated_at: TimeText | null
}
export interface DefaultTypeTable {
  project_id: string
  type_id: string
}
export interface FrozenHostTable {
  /** `host@backend`. */
  host: string
}
export interface GroupTypeTable {
  id: string
  name: string
  description: string | null
  is_public: Flag
  created_at: TimeText
  updated_at: TimeText | null
}
export interface GroupSpecTable {
  group_type_id: string
  key: string
  value: string | null
}
export interface GroupTable {
  id: string
  project_id: string
  user_id: string
  name: string | null
  description: string | null
  /** The lock: changed by compare and swap. */
  status: string
  /** `host@backend#pool`, or NULL while it has no place. */
  host: string | null
  availability_zone: string | null
  group_type_id: string
  group_snapshot_id: string | null
  source_group_id: string | null
  created_at: TimeText
  updated_at: TimeText | null
  status_at: TimeText
}
export interface GroupVolumeTypeTable {
  group_id: string
  type_id: string
}
/** Which group a volume belongs to: at most one. */
export interface GroupVolumeTable {
  volume_id: string
  group_id: string
}
export interface GroupSnapshotTable {
  id: string
  group_id: string
  project_id: string
  user_id: string
  name: string | null
  description: string | null
  status: string
  group_type_id: string
  created_at: TimeText
  updated_at: TimeText | null
  status_at: TimeText
}
export interface GroupSnapshotMemberTable {
  snapshot_id: string
  group_snapshot_id: string
}

export interface GroupTables {
  qos_specs: QosSpecsTable
  qos_spec_keys: QosSpecKeyTable
  type_qos: TypeQosTable
  type_encryption: TypeEncryptionTable
  default_types: DefaultTypeTable
  frozen_hosts: FrozenHostTable
  group_types: GroupTypeTable
  group_specs: GroupSpecTable
  groups: GroupTable
  group_volume_types: GroupVolumeTypeTable
  group_volumes: GroupVolumeTable
  group_snapshots: GroupSnapshotTable
  group_snapshot_members: GroupSnapshotMemberTable
}
