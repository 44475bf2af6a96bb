// Servers: what is asked for, what is shown, and the routes. One table for all versions from 2.1 to the ceiling.
import { action, del, get, post, put } from '#kernel/contract/route.ts'
import { may, must, object } from '#kernel/contract/shape.ts'
import {
  any,
  anyOf,
  boolLike,
  dict,
  int,
  intLike,
  ip,
  list,
  literal,
  nullable,
  raw,
  repeated,
  text,
  uuid,
  words,
} from '#kernel/contract/shapes.ts'
import { faults } from '#services/nova/contract/faults.ts'
import { rules } from '#services/nova/contract/rules.ts'

/** A key is part of an item's path, so it holds no slash. */
export const metadata = dict(text({ max: 255 }), { key: '^[a-zA-Z0-9-_:. ]{1,255}$' })

const serverName = text({ min: 1, max: 255, format: 'name_with_leading_trailing_spaces' })
export const hostnameShort = text({ min: 2, max: 63, pattern: '^[a-zA-Z0-9]+[a-zA-Z0-9-]*[a-zA-Z0-9]+$' })
export const hostnameLong = text({ min: 2, max: 255, pattern: '^[a-zA-Z0-9]+[a-zA-Z0-9.-]*[a-zA-Z0-9]+$' })
const tag = text({ min: 1, max: 60, pattern: '^[^,/]*$' })
const zone = text({ min: 1, max: 255, format: 'name' })
/** `''`, null or an address. */
export const accessV4 = raw<string | null>({
  anyOf: [{ type: 'string', format: 'ipv4' }, { type: 'null' }, { enum: [''] }],
})
export const accessV6 = raw<string | null>({
  anyOf: [{ type: 'string', format: 'ipv6' }, { type: 'null' }, { enum: [''] }],
})
export const userData = raw<string | null>({
  anyOf: [{ type: 'string', maxLength: 65535, format: 'base64' }, { type: 'null' }],
})
const link = any

const NetworkEntry = object(
  {
    uuid: may(uuid),
    port: may(nullable(uuid)),
    fixed_ip: may(ip),
    tag: may(tag).only('2.32', '2.36').only('2.42'),
  },
  { extra: false },
)
const BlockDeviceV2 = object({
  source_type: may(words('volume', 'image', 'snapshot', 'blank')),
  destination_type: may(words('volume', 'local')),
  uuid: may(text({ min: 1, max: 255 })),
  volume_size: may(intLike({ min: 1 })),
  boot_index: may(nullable(raw<number>({ type: ['integer', 'string'], pattern: '^-?[0-9]+$' }, Number))),
  device_name: may(nullable(text({ min: 1, max: 255, pattern: '^[a-zA-Z0-9._-r/]*$' }))),
  delete_on_termination: may(boolLike),
  device_type: may(nullable(text({ max: 255 }))),
  disk_bus: may(nullable(text({ max: 255 }))),
  guest_format: may(nullable(text({ max: 255 }))),
  no_device: may(raw<unknown>({})),
  volume_id: may(uuid),
  image_id: may(uuid),
  snapshot_id: may(uuid),
  tag: may(tag).only('2.32', '2.32').only('2.42'),
  volume_type: may(nullable(text({ max: 255 }))).since('2.67'),
})
const BlockDeviceV1 = object(
  {
    virtual_name: may(text({ max: 255 })),
    volume_id: may(text()),
    snapshot_id: may(text()),
    volume_size: may(intLike({ min: 0 })),
    device_name: may(text({ min: 1, max: 255 })),
    delete_on_termination: may(boolLike),
    no_device: may(raw<unknown>({})),
    connection_info: may(text({ max: 65535 })),
  },
  { extra: false },
)

export const CreateServer = object(
  {
    name: must(serverName),
    imageRef: may(anyOf(text({ format: 'uuid' }), literal(''), text({ format: 'uri' }))),
    flavorRef: must(raw<string>({ type: ['string', 'integer'], minLength: 1 }, String)),
    adminPass: may(text()),
    metadata: may(metadata),
    networks: may(list(NetworkEntry))
      .becomes('2.37', anyOf(list(NetworkEntry), words('auto', 'none')))
      .becomesRequired('2.37', { otherwise: 'auto' }),
    'OS-DCF:diskConfig': may(words('AUTO', 'MANUAL')),
    accessIPv4: may(accessV4),
    accessIPv6: may(accessV6),
    personality: may(
      list(object({ path: must(text()), contents: must(text({ format: 'base64' })) }, { extra: true })),
    ).until('2.56'),
    availability_zone: may(zone),
    block_device_mapping: may(list(BlockDeviceV1)),
    block_device_mapping_v2: may(list(BlockDeviceV2)),
    config_drive: may(raw<boolean | string>({ anyOf: [boolLike.schema(0), { type: 'string', maxLength: 0 }] })),
    key_name: may(serverName),
    min_count: may(intLike({ min: 1 })),
    max_count: may(intLike({ min: 1 })),
    return_reservation_id: may(boolLike),
    security_groups: may(list(object({ name: may(text({ min: 1, max: 255 })) }, { extra: true }), { unique: true })),
    user_data: may(userData),
    description: may(nullable(text({ max: 255 }))).since('2.19'),
    tags: may(list(tag, { max: 50 })).since('2.52'),
    trusted_image_certificates: may(nullable(list(text({ min: 1 }), { min: 1, max: 50, unique: true }))).since('2.63'),
    host: may(text({ min: 1, max: 255 })).since('2.74'),
    hypervisor_hostname: may(text({ min: 1, max: 255 })).since('2.74'),
    hostname: may(hostnameShort).since('2.90').becomes('2.94', hostnameLong),
  },
  { extra: false },
)
const hints = object(
  {
    group: may(uuid),
    different_host: may(anyOf(uuid, list(uuid, { min: 1 }))),
    same_host: may(anyOf(uuid, list(uuid, { min: 1 }))),
    query: may(any),
    target_cell: may(text()),
    build_near_host_ip: may(text()),
    cidr: may(text()),
  },
  { extra: true },
)
export const CreateServerBody = object(
  { server: must(CreateServer), 'os:scheduler_hints': may(hints), 'OS-SCH-HNT:scheduler_hints': may(hints) },
  { extra: false },
)

export const UpdateServer = object({
  name: may(serverName),
  'OS-DCF:diskConfig': may(words('AUTO', 'MANUAL')),
  accessIPv4: may(accessV4),
  accessIPv6: may(accessV6),
  description: may(nullable(text({ max: 255 }))).since('2.19'),
  hostname: may(hostnameShort).since('2.90').becomes('2.94', hostnameLong),
})

/** A server as it is shown. `seenBy` rows are left out for those who may not see them. */
export const ServerView = object({
  id: must(uuid),
  name: must(text()),
  status: must(text()),
  tenant_id: must(text()),
  user_id: must(text()),
  metadata: must(metadata),
  hostId: must(text()),
  image: must(any),
  flavor: must(any),
  created: must(text()),
  updated: must(text()),
  addresses: must(any),
  accessIPv4: must(text()),
  accessIPv6: must(text()),
  links: must(list(link)),
  'OS-DCF:diskConfig': must(text()),
  progress: may(int()),
  fault: may(any),
  'OS-EXT-AZ:availability_zone': must(text()),
  config_drive: must(text()),
  key_name: must(nullable(text())),
  'OS-SRV-USG:launched_at': must(nullable(text())),
  'OS-SRV-USG:terminated_at': must(nullable(text())),
  'OS-EXT-SRV-ATTR:host': must(nullable(text())).seenBy(rules.extendedServerAttributes),
  'OS-EXT-SRV-ATTR:instance_name': must(text()).seenBy(rules.extendedServerAttributes),
  'OS-EXT-SRV-ATTR:hypervisor_hostname': must(nullable(text())).seenBy(rules.extendedServerAttributes),
  'OS-EXT-SRV-ATTR:reservation_id': must(text()).since('2.3').seenBy(rules.extendedServerAttributes),
  'OS-EXT-SRV-ATTR:launch_index': must(int()).since('2.3').seenBy(rules.extendedServerAttributes),
  /** Owners see it from 2.90 on: decided in the presenter. */
  'OS-EXT-SRV-ATTR:hostname': may(text()).since('2.3'),
  'OS-EXT-SRV-ATTR:kernel_id': must(text()).since('2.3').seenBy(rules.extendedServerAttributes),
  'OS-EXT-SRV-ATTR:ramdisk_id': must(text()).since('2.3').seenBy(rules.extendedServerAttributes),
  'OS-EXT-SRV-ATTR:root_device_name': must(nullable(text())).since('2.3').seenBy(rules.extendedServerAttributes),
  'OS-EXT-SRV-ATTR:user_data': may(nullable(text())).since('2.3').seenBy(rules.extendedServerAttributes),
  'OS-EXT-STS:task_state': must(nullable(text())),
  'OS-EXT-STS:vm_state': must(text()),
  'OS-EXT-STS:power_state': must(int()),
  'os-extended-volumes:volumes_attached': must(list(any)),
  security_groups: may(list(any)),
  locked: must(raw<boolean>({ type: 'boolean' })).since('2.9'),
  locked_reason: may(nullable(text())).since('2.73'),
  host_status: may(text()).since('2.16').seenBy(rules.serversShowHostStatus),
  description: must(nullable(text())).since('2.19'),
  tags: must(list(text())).since('2.26'),
  trusted_image_certificates: must(nullable(list(text()))).since('2.63'),
  server_groups: may(list(text())).since('2.71'),
  pinned_availability_zone: must(nullable(text())).since('2.96'),
})

/** Sort keys that are taken and ignored until 2.75. */
const SORT_IGNORED = [
  'architecture',
  'cell_name',
  'cleaned',
  'default_ephemeral_device',
  'default_swap_device',
  'deleted',
  'deleted_at',
  'disable_terminate',
  'ephemeral_gb',
  'ephemeral_key_uuid',
  'id',
  'key_data',
  'launched_on',
  'memory_mb',
  'os_type',
  'reservation_id',
  'root_gb',
  'shutdown_terminate',
  'user_data',
  'vcpus',
  'vm_mode',
] as const
const SORT_KEYS = [
  'access_ip_v4',
  'access_ip_v6',
  'auto_disk_config',
  'availability_zone',
  'config_drive',
  'created_at',
  'display_description',
  'display_name',
  'host',
  'hostname',
  'image_ref',
  'instance_type_id',
  'kernel_id',
  'key_name',
  'launch_index',
  'launched_at',
  'locked',
  'locked_by',
  'node',
  'power_state',
  'progress',
  'project_id',
  'ramdisk_id',
  'root_device_name',
  'task_state',
  'terminated_at',
  'updated_at',
  'user_id',
  'uuid',
  'vm_state',
] as const
const filterText = repeated(text())
/** Filters and paging of both lists. Unknown keys are let through until 2.75. */
const listQuery = object(
  {
    limit: may(repeated(intLike({ min: 0 }))),
    marker: may(filterText),
    sort_key: may(repeated<string>(words(...SORT_KEYS, ...SORT_IGNORED))).becomes(
      '2.75',
      repeated<string>(words(...SORT_KEYS)),
    ),
    sort_dir: may(repeated(text({ max: 255 }))),
    all_tenants: may(filterText),
    'changes-since': may(repeated(text({ format: 'date-time' }))),
    'changes-before': may(repeated(text({ format: 'date-time' }))).since('2.66'),
    ...Object.fromEntries(
      [
        'name',
        'status',
        'image',
        'image_ref',
        'flavor',
        'flavor_id',
        'host',
        'node',
        'hypervisor_hostname',
        'ip',
        'ip6',
        'deleted',
        'project_id',
        'tenant_id',
        'user_id',
        'uuid',
        'vm_state',
        'task_state',
        'power_state',
        'availability_zone',
        'key_name',
        'config_drive',
        'hostname',
        'kernel_id',
        'ramdisk_id',
        'launched_at',
        'terminated_at',
        'created_at',
        'updated_at',
        'progress',
        'reservation_id',
        'root_device_name',
        'access_ip_v4',
        'access_ip_v6',
        'display_name',
        'display_description',
        'description',
        'instance_uuid',
        'internal_id',
        'launch_index',
        'launched_on',
        'locked_by',
        'metadata',
        'auto_disk_config',
        'soft_deleted',
        'tag',
        'user_data',
        'system_metadata',
        'fixed_ip',
        'security_groups',
        'info_cache',
        'flavor_ref',
        'services',
        'shutdown_terminate',
        'disable_terminate',
        'default_ephemeral_device',
        'default_swap_device',
        'ephemeral_key_uuid',
        'architecture',
        'memory_mb',
        'vcpus',
        'root_gb',
        'ephemeral_gb',
        'cell_name',
        'os_type',
        'vm_mode',
        'pci_devices',
        'cleaned',
        'block_device_mapping',
        'hidden',
      ].map(key => [key, may(filterText)]),
    ),
    ...Object.fromEntries(
      ['tags', 'tags-any', 'not-tags', 'not-tags-any'].map(key => [key, may(filterText).since('2.26')]),
    ),
    locked: may(filterText).since('2.73'),
  },
  { extra: { refusedFrom: '2.75' } },
)
const noQuery = object({}, { extra: { refusedFrom: '2.75' } })
const at = '/v2.1/servers/{id}/action'
const state = [faults.InstanceNotFound, faults.InstanceInvalidState, faults.InstanceIsLocked]

export const servers = {
  list: get('/v2.1/servers', { policy: rules.serversIndex, query: listQuery }),
  detail: get('/v2.1/servers/detail', { policy: rules.serversDetail, query: listQuery }),
  create: post('/v2.1/servers', { policy: rules.serversCreate, body: CreateServerBody, status: 202 }),
  show: get('/v2.1/servers/{id}', { policy: rules.serversShow, query: noQuery, faults: [faults.InstanceNotFound] }),
  update: put('/v2.1/servers/{id}', {
    policy: rules.serversUpdate,
    body: object({ server: must(UpdateServer) }),
    faults: state,
  }),
  remove: del('/v2.1/servers/{id}', { policy: rules.serversDelete, faults: state }),
}

/** What can be done to a server by name. */
export const serverActions = {
  start: action(at, 'os-start', { policy: rules.serversStart, body: nullable(any), bodyOptional: true, faults: state }),
  stop: action(at, 'os-stop', { policy: rules.serversStop, body: nullable(any), bodyOptional: true, faults: state }),
  reboot: action(at, 'reboot', {
    policy: rules.serversReboot,
    body: object({
      type: must(
        raw<'SOFT' | 'HARD'>({ type: 'string', enum: ['HARD', 'Hard', 'hard', 'SOFT', 'Soft', 'soft'] }, value =>
          String(value).toUpperCase(),
        ),
      ),
    }),
    faults: state,
  }),
  pause: action(at, 'pause', {
    policy: rules.pauseServerPause,
    body: nullable(any),
    bodyOptional: true,
    faults: state,
  }),
  unpause: action(at, 'unpause', {
    policy: rules.pauseServerUnpause,
    body: nullable(any),
    bodyOptional: true,
    faults: state,
  }),
  suspend: action(at, 'suspend', {
    policy: rules.suspendServerSuspend,
    body: nullable(any),
    bodyOptional: true,
    faults: state,
  }),
  resume: action(at, 'resume', {
    policy: rules.suspendServerResume,
    body: nullable(any),
    bodyOptional: true,
    faults: state,
  }),
  lock: action(at, 'lock', {
    policy: rules.lockServerLock,
    body: nullable(
      object({ locked_reason: may(text({ min: 1, max: 255 })).since('2.73') }, { extra: { refusedFrom: '2.73' } }),
    ),
    bodyOptional: true,
    faults: state,
  }),
  unlock: action(at, 'unlock', {
    policy: rules.lockServerUnlock,
    body: nullable(any),
    bodyOptional: true,
    faults: state,
  }),
  forceDelete: action(at, 'forceDelete', {
    policy: rules.deferredDeleteForce,
    body: nullable(any),
    bodyOptional: true,
    faults: state,
  }),
  resetState: action(at, 'os-resetState', {
    policy: rules.adminActionsResetState,
    body: object({ state: must(words('active', 'error')) }),
    faults: state,
  }),
}
