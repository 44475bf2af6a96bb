// Block device mappings: what a server's disks are made of, and where.
import type { Kysely, Selectable } from 'kysely'

import { flag, fromJson, fromTime, isSet, json, time } from '#kernel/db/codecs.ts'
import { inChunks, swap } from '#kernel/db/helpers.ts'
import type { NovaTables } from '#services/nova/db/tables.ts'

export interface BlockDevice {
  readonly id: string
  readonly serverId: string
  readonly sourceType: string
  readonly destinationType: string
  readonly imageId: string | null
  readonly snapshotId: string | null
  readonly volumeId: string | null
  readonly attachmentId: string | null
  /** `vdb`, without `/dev/`. */
  readonly device: string | null
  readonly bootIndex: number | null
  readonly sizeGb: number | null
  readonly volumeType: string | null
  readonly guestFormat: string | null
  readonly diskBus: string | null
  readonly deviceType: string | null
  readonly deleteOnTermination: boolean
  readonly tag: string | null
  readonly connectionInfo: Readonly<Record<string, unknown>> | null
  readonly createdAt: number
}

const fromRow = (row: Selectable<NovaTables['block_devices']>): BlockDevice => ({
  id: row.id,
  serverId: row.server_id,
  sourceType: row.source_type,
  destinationType: row.destination_type,
  imageId: row.image_id,
  snapshotId: row.snapshot_id,
  volumeId: row.volume_id,
  attachmentId: row.attachment_id,
  device: row.device,
  bootIndex: row.boot_index,
  sizeGb: row.size_gb,
  volumeType: row.volume_type,
  guestFormat: row.guest_format,
  diskBus: row.disk_bus,
  deviceType: row.device_type,
  deleteOnTermination: isSet(row.delete_on_termination),
  tag: row.tag,
  connectionInfo: row.connection_info === null ? null : fromJson(row.connection_info),
  createdAt: fromTime(row.created_at),
})

export const blockDevicesDb = (q: Kysely<NovaTables>) => ({
  async of(serverId: string): Promise<BlockDevice[]> {
    const rows = await q
      .selectFrom('block_devices')
      .selectAll()
      .where('server_id', '=', serverId)
      .orderBy('created_at')
      .orderBy('id')
      .execute()
    return rows.map(fromRow)
  },
  async ofAll(serverIds: readonly string[]): Promise<Map<string, BlockDevice[]>> {
    const rows = await inChunks(serverIds, some =>
      q
        .selectFrom('block_devices')
        .selectAll()
        .where('server_id', 'in', [...some])
        .orderBy('created_at')
        .orderBy('id')
        .execute(),
    )
    const found = new Map<string, BlockDevice[]>()
    for (const row of rows) {
      const list = found.get(row.server_id)
      if (list === undefined) found.set(row.server_id, [fromRow(row)])
      else list.push(fromRow(row))
    }
    return found
  },
  async ofVolume(serverId: string, volumeId: string): Promise<BlockDevice | undefined> {
    const row = await q
      .selectFrom('block_devices')
      .selectAll()
      .where('server_id', '=', serverId)
      .where('volume_id', '=', volumeId)
      .executeTakeFirst()
    return row && fromRow(row)
  },
  /** Mappings of a volume on any server. */
  async byVolume(volumeId: string): Promise<BlockDevice[]> {
    return (await q.selectFrom('block_devices').selectAll().where('volume_id', '=', volumeId).execute()).map(fromRow)
  },
  async add(device: BlockDevice): Promise<void> {
    await q
      .insertInto('block_devices')
      .values({
        id: device.id,
        server_id: device.serverId,
        source_type: device.sourceType,
        destination_type: device.destinationType,
        image_id: device.imageId,
        snapshot_id: device.snapshotId,
        volume_id: device.volumeId,
        attachment_id: device.attachmentId,
        device: device.device,
        boot_index: device.bootIndex,
        size_gb: device.sizeGb,
        volume_type: device.volumeType,
        guest_format: device.guestFormat,
        disk_bus: device.diskBus,
        device_type: device.deviceType,
        delete_on_termination: flag(device.deleteOnTermination),
        tag: device.tag,
        connection_info: device.connectionInfo === null ? null : json({ ...device.connectionInfo }),
        created_at: time(device.createdAt),
      })
      .execute()
  },
  /** What was learned when the volume was connected. */
  connected: (
    id: string,
    of: {
      volumeId: string
      attachmentId: string
      sizeGb: number
      device: string
      connectionInfo: Readonly<Record<string, unknown>>
    },
  ): Promise<boolean> =>
    swap(
      q,
      'block_devices',
      { id },
      {
        volume_id: of.volumeId,
        attachment_id: of.attachmentId,
        size_gb: of.sizeGb,
        device: of.device,
        connection_info: json({ ...of.connectionInfo }),
      },
    ),
  /** It stays the server's under this attachment and is connected to nothing. */
  parked: (serverId: string, volumeId: string, attachmentId: string): Promise<boolean> =>
    swap(
      q,
      'block_devices',
      { server_id: serverId, volume_id: volumeId },
      { attachment_id: attachmentId, connection_info: null },
    ),
  setDeleteOnTermination: (id: string, value: boolean): Promise<boolean> =>
    swap(q, 'block_devices', { id }, { delete_on_termination: flag(value) }),
  async forget(serverId: string, volumeId: string): Promise<void> {
    await q.deleteFrom('block_devices').where('server_id', '=', serverId).where('volume_id', '=', volumeId).execute()
  },
  async forgetAll(serverId: string): Promise<void> {
    await q.deleteFrom('block_devices').where('server_id', '=', serverId).execute()
  },
})
