// What a host must know of a server, gathered from the rows.
import type { Kysely } from 'kysely'

import { Fault } from '#kernel/contract/fault.ts'
import { blockDevicesDb, type BlockDevice } from '#services/nova/db/block-devices.ts'
import { nicsDb } from '#services/nova/db/nics.ts'
import { serversDb } from '#services/nova/db/servers.ts'
import type { NovaTables } from '#services/nova/db/tables.ts'
import type { ServerToBuild, VolumeToAttach } from '#services/nova/rpc.ts'

export const toAttach = (device: BlockDevice): VolumeToAttach => ({
  blockDeviceId: device.id,
  sourceType: device.sourceType,
  volumeId: device.volumeId,
  imageId: device.imageId,
  snapshotId: device.snapshotId,
  attachmentId: device.attachmentId,
  sizeGb: device.sizeGb,
  volumeType: device.volumeType,
  bootIndex: device.bootIndex,
  device: device.device,
  deleteOnTermination: device.deleteOnTermination,
  connectionInfo: device.connectionInfo,
})

/** Throws a fault (404) when the server is gone. */
export async function serverToBuild(q: Kysely<NovaTables>, serverId: string): Promise<ServerToBuild> {
  const server = await serversDb(q).byId(serverId)
  if (server === undefined) throw new Fault('InstanceNotFound', 404, `Instance ${serverId} could not be found.`)
  const devices = await blockDevicesDb(q).of(serverId)
  const nics = await nicsDb(q).of(serverId)
  return {
    serverId,
    name: server.name,
    hostname: server.hostname,
    projectId: server.projectId,
    userId: server.userId,
    flavor: server.flavor,
    imageId: server.imageId,
    kernelId: server.kernelId,
    ramdiskId: server.ramdiskId,
    imageProperties: server.imageProperties,
    configDrive: server.configDrive === 'True' || server.imageProperties['img_config_drive'] === 'mandatory',
    requestedNetworks: server.requestedNetworks,
    securityGroups: server.securityGroups,
    availabilityZone: server.availabilityZone,
    volumes: devices.filter(device => device.destinationType === 'volume').map(toAttach),
    nics,
  }
}
