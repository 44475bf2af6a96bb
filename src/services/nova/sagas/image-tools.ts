// What the sagas of images, rebuilds, rescues and shelving may use, by the place where they run. Types only.
import type { Ending } from '#kernel/saga/saga.ts'
import type { GuestState } from '#services/nova/drivers/hypervisor.ts'
import type { NicRecord, ServerToBuild } from '#services/nova/rpc.ts'
import type { CachedImage } from '#services/nova/sagas/tools.ts'

/** An image that is to be, its id made before. */
export interface NewImage {
  readonly id: string
  readonly name: string
  /** The project it belongs to. */
  readonly owner: string
  readonly visibility: 'private' | 'shared'
  readonly minDiskGb: number
  readonly minRamMb: number
  /** `bare` for what does not say otherwise; a snapshot's disk format is that of its bytes. */
  readonly containerFormat: string | null
  readonly diskFormat: string | null
  readonly properties: Readonly<Record<string, string>>
  /** A project that may see it beside its owner. */
  readonly sharedWith: string | null
}

/** At a compute host. */
export interface CaptureTools {
  /** The image's row in Glance, without bytes. A repeat finds it. */
  reserve(image: NewImage): Promise<void>
  /** Writes the root disk out. */
  capture(serverId: string, imageId: string, signal: AbortSignal): Promise<void>
  /** Hands the bytes to Glance. An image that has them already is success. */
  upload(image: NewImage, signal: AbortSignal): Promise<void>
  /** The file on the host goes. Harmless when there is none. */
  tidy(imageId: string): Promise<void>
  /** The image goes from Glance. Harmless when there is none. */
  drop(imageId: string): Promise<void>
  /** An image that is not the server's own, on this host. */
  ensure(imageId: string, signal: AbortSignal): Promise<CachedImage & { readonly properties: Record<string, string> }>
  /** The guest's own disks made anew from this image; it is stopped then. One that is not there is left to `start`. */
  reimage(server: ServerToBuild, image: CachedImage | null, keepEphemeral: boolean, signal: AbortSignal): Promise<void>
  /** Starts it from its disks, or makes it where there is none. */
  start(server: ServerToBuild, image: CachedImage | null, signal: AbortSignal): Promise<GuestState>
  /** Stops the guest, politely where it can hear, and starts it with the rescue system. */
  rescue(
    server: ServerToBuild,
    image: CachedImage & { properties: Record<string, string> },
    signal: AbortSignal,
  ): Promise<GuestState>
  /** Ends the rescue system; the guest is stopped then. */
  endRescue(serverId: string, signal: AbortSignal): Promise<void>
}

/** At the conductor. */
export interface ServerImageTools {
  /** Throws `ImageNotFound` in upstream's words when the shelved image is gone. */
  demandShelved(serverId: string, imageId: string): Promise<void>
  /** An image without bytes that names these snapshots. A repeat finds it. */
  makeVolumeImage(serverId: string, image: NewImage, snapshots: readonly MadeSnapshot[]): Promise<void>
  /** Harmless when there is none. */
  drop(imageId: string): Promise<void>
  /** Deletes an image that nobody needs any more; what cannot be deleted is left and told. */
  dropQuietly(imageId: string): Promise<void>
  /** Deletes the oldest backups of that kind beyond `keep`. */
  rotate(serverId: string, kind: string, keep: number): Promise<void>
  /** The server is SHELVED; with `offload` its offloading has begun. */
  shelved(serverId: string, imageId: string | null, offload: boolean): Promise<void>
  /** It has no host any more. */
  offloaded(serverId: string, event: string): Promise<void>
  /** It runs again and is shelved no more. */
  unshelved(serverId: string, event: string, power: GuestState): Promise<void>
  /** An unshelving failed: it is what it was; `lost` when there is nothing to unshelve it from. */
  unshelveFailed(serverId: string, event: string, ending: Ending): Promise<void>
  /** The id of the image that the server was shelved as. */
  shelvedImageOf(serverId: string): Promise<string | null>
  rescued(serverId: string, imageId: string, power: GuestState): Promise<void>
  unrescued(serverId: string, power: GuestState): Promise<void>
  /** The rebuild ended well: `vmState` and power as before or as it runs now. */
  rebuilt(serverId: string, vmState: string, power: GuestState): Promise<void>
  /** The rebuild failed before the guest was touched: the row says again what the guest is. */
  unrebuilt(serverId: string, before: ImageBefore, ending: Ending): Promise<void>
}

/** What a rebuild changed of the row. */
export interface ImageBefore {
  readonly imageId: string
  readonly kernelId: string
  readonly ramdiskId: string
  readonly imageProperties: Readonly<Record<string, string>>
}

/** Wires of a server that has no host for a while. */
export interface WireTools {
  /** Neutron wires the ports at this host from now on. */
  bind(nics: readonly NicRecord[], host: string): Promise<void>
  /** The ports stay the server's, wired nowhere. */
  unbind(nics: readonly NicRecord[]): Promise<void>
}

/** Volumes of a server beyond connecting them. */
export interface VolumeTools {
  /** Volumes stay the server's, connected to nothing: new attachments without a connector, which are told to `saved`. */
  park(serverId: string, disks: ServerToBuild['volumes']): Promise<void>
  /** The volume's bytes are the image's then. */
  reimage(volumeId: string, imageId: string, signal: AbortSignal): Promise<void>
  /** A snapshot of each, found again on a repeat. */
  snapshot(wanted: SnapshotWish): Promise<readonly MadeSnapshot[]>
  dropSnapshots(wanted: SnapshotWish): Promise<void>
}
export interface SnapshotWish {
  readonly imageId: string
  readonly name: string
  readonly volumeIds: readonly string[]
}
export interface MadeSnapshot {
  readonly volumeId: string
  readonly snapshotId: string
  readonly sizeGb: number
}
