// Servers as entities, and the queries about them. `q` may be the database's kysely, a session's or a transaction's.
import type { Insertable, Kysely, Selectable } from 'kysely'

import { fromJson, fromTime, json, orNull, time } from '#kernel/db/codecs.ts'
import { inChunks, swap } from '#kernel/db/helpers.ts'
import type { Claim, FlavorCopy, NovaTables, RequestedNic, ServerTable } from '#services/nova/db/tables.ts'

/** A server. Times are milliseconds since 1970. */
export interface Server {
  readonly id: string
  readonly serial: number
  readonly projectId: string
  readonly userId: string
  readonly name: string
  readonly hostname: string
  readonly description: string | null
  readonly vmState: string
  readonly taskState: string | null
  readonly powerState: number
  readonly host: string | null
  readonly node: string | null
  readonly launchedOn: string | null
  readonly availabilityZone: string | null
  readonly pinnedAvailabilityZone: string | null
  readonly requestedHost: string | null
  readonly imageId: string
  readonly kernelId: string
  readonly ramdiskId: string
  readonly imageProperties: Readonly<Record<string, string>>
  readonly flavor: FlavorCopy
  readonly keyName: string | null
  readonly publicKey: string | null
  readonly userData: string | null
  readonly configDrive: string
  readonly accessIpV4: string | null
  readonly accessIpV6: string | null
  readonly lockedBy: string | null
  readonly lockedReason: string | null
  readonly reservationId: string
  readonly launchIndex: number
  readonly rootDeviceName: string | null
  readonly securityGroups: readonly string[]
  readonly requestedNetworks: readonly RequestedNic[] | 'auto' | 'none'
  readonly schedulerHints: Readonly<Record<string, unknown>>
  readonly trustedCerts: readonly string[] | null
  readonly claim: Claim | null
  readonly progress: number
  readonly createdAt: number
  readonly updatedAt: number
  readonly launchedAt: number | null
  readonly terminatedAt: number | null
  readonly deletedAt: number | null
  readonly autoDiskConfig: boolean
  readonly password: string | null
  /** Waits to be reclaimed since then; not counted against quotas meanwhile. */
  readonly softDeletedAt: number | null
}

const toRow = (s: Server): Insertable<ServerTable> => ({
  id: s.id,
  serial: s.serial,
  project_id: s.projectId,
  user_id: s.userId,
  name: s.name,
  hostname: s.hostname,
  description: s.description,
  vm_state: s.vmState,
  task_state: s.taskState,
  power_state: s.powerState,
  host: s.host,
  node: s.node,
  launched_on: s.launchedOn,
  availability_zone: s.availabilityZone,
  pinned_availability_zone: s.pinnedAvailabilityZone,
  requested_host: s.requestedHost,
  image_id: s.imageId,
  kernel_id: s.kernelId,
  ramdisk_id: s.ramdiskId,
  image_properties: json({ ...s.imageProperties }),
  flavor: json(s.flavor),
  key_name: s.keyName,
  public_key: s.publicKey,
  user_data: s.userData,
  config_drive: s.configDrive,
  access_ip_v4: s.accessIpV4,
  access_ip_v6: s.accessIpV6,
  locked_by: s.lockedBy,
  locked_reason: s.lockedReason,
  reservation_id: s.reservationId,
  launch_index: s.launchIndex,
  root_device_name: s.rootDeviceName,
  security_groups: json([...s.securityGroups]),
  requested_networks: json(typeof s.requestedNetworks === 'string' ? s.requestedNetworks : [...s.requestedNetworks]),
  scheduler_hints: json({ ...s.schedulerHints }),
  trusted_certs: s.trustedCerts === null ? null : json([...s.trustedCerts]),
  claim: s.claim === null ? null : json(s.claim),
  progress: s.progress,
  created_at: time(s.createdAt),
  updated_at: time(s.updatedAt),
  launched_at: orNull(time)(s.launchedAt),
  terminated_at: orNull(time)(s.terminatedAt),
  deleted_at: orNull(time)(s.deletedAt),
  auto_disk_config: s.autoDiskConfig ? 1 : 0,
  password: s.password,
  soft_deleted_at: orNull(time)(s.softDeletedAt),
})

export const serverFromRow = (row: Selectable<ServerTable>): Server => ({
  id: row.id,
  serial: row.serial,
  projectId: row.project_id,
  userId: row.user_id,
  name: row.name,
  hostname: row.hostname,
  description: row.description,
  vmState: row.vm_state,
  taskState: row.task_state,
  powerState: row.power_state,
  host: row.host,
  node: row.node,
  launchedOn: row.launched_on,
  availabilityZone: row.availability_zone,
  pinnedAvailabilityZone: row.pinned_availability_zone,
  requestedHost: row.requested_host,
  imageId: row.image_id,
  kernelId: row.kernel_id,
  ramdiskId: row.ramdisk_id,
  imageProperties: fromJson(row.image_properties),
  flavor: fromJson(row.flavor),
  keyName: row.key_name,
  publicKey: row.public_key,
  userData: row.user_data,
  configDrive: row.config_drive,
  accessIpV4: row.access_ip_v4,
  accessIpV6: row.access_ip_v6,
  lockedBy: row.locked_by,
  lockedReason: row.locked_reason,
  reservationId: row.reservation_id,
  launchIndex: row.launch_index,
  rootDeviceName: row.root_device_name,
  securityGroups: fromJson(row.security_groups),
  requestedNetworks: fromJson(row.requested_networks),
  schedulerHints: fromJson(row.scheduler_hints),
  trustedCerts: row.trusted_certs === null ? null : fromJson(row.trusted_certs),
  claim: row.claim === null ? null : fromJson(row.claim),
  progress: row.progress,
  createdAt: fromTime(row.created_at),
  updatedAt: fromTime(row.updated_at),
  launchedAt: orNull(fromTime)(row.launched_at),
  terminatedAt: orNull(fromTime)(row.terminated_at),
  deletedAt: orNull(fromTime)(row.deleted_at),
  autoDiskConfig: row.auto_disk_config !== 0,
  password: row.password,
  softDeletedAt: orNull(fromTime)(row.soft_deleted_at),
})

/** What may be changed of a server's row, under its entity names. */
export type ServerChange = Partial<
  Pick<
    Server,
    | 'name'
    | 'hostname'
    | 'description'
    | 'vmState'
    | 'taskState'
    | 'powerState'
    | 'host'
    | 'node'
    | 'launchedOn'
    | 'availabilityZone'
    | 'accessIpV4'
    | 'accessIpV6'
    | 'lockedBy'
    | 'lockedReason'
    | 'rootDeviceName'
    | 'progress'
    | 'launchedAt'
    | 'terminatedAt'
    | 'deletedAt'
    | 'userData'
    | 'autoDiskConfig'
    | 'password'
    | 'softDeletedAt'
  >
>
const CHANGES: Readonly<Record<keyof ServerChange, keyof ServerTable>> = {
  name: 'name',
  hostname: 'hostname',
  description: 'description',
  vmState: 'vm_state',
  taskState: 'task_state',
  powerState: 'power_state',
  host: 'host',
  node: 'node',
  launchedOn: 'launched_on',
  availabilityZone: 'availability_zone',
  accessIpV4: 'access_ip_v4',
  accessIpV6: 'access_ip_v6',
  lockedBy: 'locked_by',
  lockedReason: 'locked_reason',
  rootDeviceName: 'root_device_name',
  progress: 'progress',
  launchedAt: 'launched_at',
  terminatedAt: 'terminated_at',
  deletedAt: 'deleted_at',
  userData: 'user_data',
  autoDiskConfig: 'auto_disk_config',
  password: 'password',
  softDeletedAt: 'soft_deleted_at',
}
const TIMES = new Set<string>(['launchedAt', 'terminatedAt', 'deletedAt', 'softDeletedAt'])
const changeToRow = (change: ServerChange, now: number): Record<string, unknown> => {
  const row: Record<string, unknown> = { updated_at: time(now) }
  for (const [key, value] of Object.entries(change)) {
    row[CHANGES[key as keyof ServerChange]] =
      TIMES.has(key) && typeof value === 'number' ? time(value) : typeof value === 'boolean' ? Number(value) : value
  }
  return row
}

export const serversDb = (q: Kysely<NovaTables>) => {
  const living = () => q.selectFrom('servers').selectAll().where('deleted_at', 'is', null)
  return {
    /** A living server. */
    async byId(id: string): Promise<Server | undefined> {
      const row = await living().where('id', '=', id).executeTakeFirst()
      return row && serverFromRow(row)
    },
    /** Also one that was deleted. */
    async everById(id: string): Promise<Server | undefined> {
      const row = await q.selectFrom('servers').selectAll().where('id', '=', id).executeTakeFirst()
      return row && serverFromRow(row)
    },
    async byName(name: string): Promise<Server[]> {
      return (await living().where('name', '=', name).orderBy('created_at', 'desc').execute()).map(serverFromRow)
    },
    async byIds(ids: readonly string[]): Promise<Server[]> {
      return (
        await inChunks(ids, some =>
          living()
            .where('id', 'in', [...some])
            .execute(),
        )
      ).map(serverFromRow)
    },
    async onHost(host: string): Promise<Server[]> {
      return (await living().where('host', '=', host).execute()).map(serverFromRow)
    },
    async add(server: Server): Promise<void> {
      await q.insertInto('servers').values(toRow(server)).execute()
    },
    /** The next number of `instance-00000001`. Inside a transaction only. */
    async nextSerial(): Promise<number> {
      const row = await q.selectFrom('counters').select('value').where('name', '=', 'servers').executeTakeFirst()
      const value = (row?.value ?? 0) + 1
      if (row === undefined) await q.insertInto('counters').values({ name: 'servers', value }).execute()
      else await q.updateTable('counters').set({ value }).where('name', '=', 'servers').execute()
      return value
    },
    /** Changes a living server whatever its state. False: there is none. */
    change: (id: string, change: ServerChange, now: number): Promise<boolean> =>
      swap(q, 'servers', { id, deleted_at: null }, changeToRow(change, now) as Partial<ServerTable>),
    /** The state columns are the lock: changes only from these states; true if we won. `null` in a list means no task. */
    enter: (
      id: string,
      from: { vmState?: string | readonly string[]; taskState?: string | null | readonly (string | null)[] },
      change: ServerChange,
      now: number,
    ): Promise<boolean> =>
      swap(
        q,
        'servers',
        {
          id,
          deleted_at: null,
          ...(from.vmState === undefined ? {} : { vm_state: from.vmState as string }),
          ...(from.taskState === undefined ? {} : { task_state: from.taskState as string | null }),
        },
        changeToRow(change, now) as Partial<ServerTable>,
      ),
  }
}
