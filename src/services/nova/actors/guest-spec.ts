// From what Nova knows of a server to what a hypervisor is told.
import { diskSource } from '#services/nova/actors/neighbours/cinder.ts'
import type { GuestSpec, RootDisk } from '#services/nova/drivers/hypervisor.ts'
import type { ConnectedDisk, NicRecord, ServerToBuild, VolumeToAttach } from '#services/nova/rpc.ts'
import type { CachedImage } from '#services/nova/sagas/tools.ts'

/** The properties of an image that matter to a guest. */
export interface ImageProps {
  readonly kernel_id?: string | null
  readonly ramdisk_id?: string | null
  readonly os_command_line?: string
}

const bus = (value: string | undefined): 'virtio' | 'ide' | 'scsi' | undefined =>
  value === 'virtio' || value === 'ide' || value === 'scsi' ? value : undefined
const nicModel = (value: string | undefined): 'virtio' | 'e1000' | 'rtl8139' | undefined =>
  value === 'virtio' || value === 'e1000' || value === 'rtl8139' ? value : undefined

/** A recorded volume as a disk again, from the connection that Cinder gave. */
export const connected = (volume: VolumeToAttach): ConnectedDisk => ({
  blockDeviceId: volume.blockDeviceId,
  volumeId: volume.volumeId ?? '',
  attachmentId: volume.attachmentId ?? '',
  sizeGb: volume.sizeGb ?? 0,
  connectionInfo: volume.connectionInfo ?? {},
  disk: {
    volumeId: volume.volumeId ?? '',
    source: diskSource(
      volume.connectionInfo?.['data'] === undefined
        ? { driver_volume_type: volume.connectionInfo?.['driver_volume_type'], data: volume.connectionInfo ?? {} }
        : volume.connectionInfo,
    ),
    serial: volume.volumeId ?? '',
    device: volume.device ?? 'vdb',
    ...(volume.bootIndex === null ? {} : { bootIndex: volume.bootIndex }),
  },
})

/** Throws a plain Error when the server has neither an image nor a bootable volume: the API refuses that before. */
export function guestSpec(
  server: ServerToBuild,
  image: CachedImage | null,
  nics: readonly NicRecord[],
  disks: readonly ConnectedDisk[],
  configDriveIso: string | undefined,
): GuestSpec {
  const { flavor, imageProperties } = server
  const root = disks.find(disk => disk.disk.bootIndex === 0)
  if (image === null && root === undefined) throw new Error(`server ${server.serverId} has nothing to boot from`)
  const diskBus = bus(imageProperties['hw_disk_bus'])
  const model = nicModel(imageProperties['hw_vif_model'])
  return {
    serverId: server.serverId,
    name: server.name,
    hostname: server.hostname,
    vcpus: flavor.vcpus,
    memoryMb: flavor.ramMb,
    rootDisk:
      root !== undefined
        ? { from: 'volume', disk: root.disk }
        : {
            from: 'image',
            base: image?.path ?? '',
            baseFormat: image?.format ?? 'raw',
            baseVirtualSize: image?.virtualSize ?? 0,
            sizeGb: flavor.diskGb,
          },
    ...(image?.kernel === null || image === null ? {} : { kernel: image.kernel }),
    ...(image?.ramdisk === null || image === null ? {} : { ramdisk: image.ramdisk }),
    ...(image?.cmdline === null || image === null ? {} : { cmdline: image.cmdline }),
    disks: disks.filter(disk => disk !== root).map(disk => disk.disk),
    ...(flavor.ephemeralGb > 0 ? { ephemeralGb: flavor.ephemeralGb } : {}),
    ...(flavor.swapMb > 0 ? { swapMb: flavor.swapMb } : {}),
    nics: nics.map(nic => ({ portId: nic.portId, mac: nic.mac, tap: nic.tap, mtu: nic.mtu })),
    // A CD takes no letter of the disks: the first volume plugged in is vdb whether there is a config drive or not.
    ...(configDriveIso === undefined
      ? {}
      : {
          configDriveIso,
          configDriveBus: imageProperties['hw_cdrom_bus'] === 'virtio' ? ('virtio' as const) : ('ide' as const),
        }),
    ...(diskBus === undefined ? {} : { diskBus }),
    ...(model === undefined ? {} : { nicModel: model }),
  }
}

/** What a guest was started from, as an image again. */
export const standingOn = (spec: GuestSpec, root: Extract<RootDisk, { from: 'image' }>): CachedImage => ({
  path: root.base,
  format: root.baseFormat,
  virtualSize: root.baseVirtualSize ?? 0,
  kernel: spec.kernel ?? null,
  ramdisk: spec.ramdisk ?? null,
  cmdline: spec.cmdline ?? null,
})
