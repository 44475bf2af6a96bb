// nova-compute's hands for images: a root disk written out and handed to Glance, disks made anew, rescue systems.
import { RemoteFault } from '#kernel/http/client.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import type { GlanceImages } from '#services/nova/actors/neighbours/glance-images.ts'
import type { Captures } from '#services/nova/drivers/captures.ts'
import type { GuestSpec, Hypervisor, RescueSpec } from '#services/nova/drivers/hypervisor.ts'
import type { ServerToBuild } from '#services/nova/rpc.ts'
import type { CaptureTools } from '#services/nova/sagas/image-tools.ts'
import type { CachedImage } from '#services/nova/sagas/tools.ts'

export interface ImageToolsParts {
  readonly hypervisor: Hypervisor
  readonly captures: Captures
  readonly glance: GlanceImages
  readonly graceMs: number
  /** Every driver call is a crossing. */
  readonly driver: <T>(
    ctx: Ctx,
    name: string,
    serverId: string,
    payload: Record<string, unknown>,
    deed: () => Promise<T>,
  ) => Promise<T>
  /** An image with the kernel and ramdisk it names, on this host. */
  readonly cached: (
    ctx: Ctx,
    imageId: string,
    signal: AbortSignal,
  ) => Promise<CachedImage & { properties: Record<string, string> }>
  /** The guest as it should be by the rows, on this image. */
  readonly specWith: (ctx: Ctx, server: ServerToBuild, image: CachedImage | null) => Promise<GuestSpec>
  /** The guest as it should be by the rows, on what its disks stand on. */
  readonly specOf: (ctx: Ctx, server: ServerToBuild, signal: AbortSignal) => Promise<GuestSpec>
}

/** `service`: nova's own account, fetched when first needed. */
export function captureTools(parts: ImageToolsParts, ctx: Ctx, service: () => Promise<Ctx>): CaptureTools {
  const { hypervisor, captures, glance, driver } = parts
  return {
    async reserve(image) {
      const asNova = await service()
      if ((await glance.find(asNova, image.id)) !== undefined) return
      await glance.create(asNova, image, true)
    },
    async capture(serverId, imageId, signal) {
      const path = await captures.path(imageId)
      await driver(ctx, 'capture-root', serverId, { image: imageId }, () =>
        hypervisor.captureRoot(serverId, { path, format: 'qcow2' }, { signal }),
      )
    },
    async upload(image, signal) {
      const asNova = { ...(await service()), signal }
      const now = await glance.find(asNova, image.id)
      if (now?.status === 'active') return
      const { bytes } = await captures.open(image.id)
      await glance.change(asNova, image.id, {
        disk_format: 'qcow2',
        container_format: 'bare',
        image_location: 'snapshot',
        image_state: 'available',
        owner_id: image.properties['owner_id'] ?? image.owner,
      })
      await glance.upload(asNova, image.id, bytes)
    },
    tidy: imageId => captures.remove(imageId),
    async drop(imageId) {
      const asNova = await service()
      try {
        await glance.remove(asNova, imageId)
      } catch (error) {
        // Its owner protected it meanwhile: his image then, and none of ours to take away.
        if (!(error instanceof RemoteFault && error.status === 403)) throw error
      }
    },
    ensure: (imageId, signal) => parts.cached(ctx, imageId, signal),
    async reimage(server, image, keepEphemeral, signal) {
      if ((await hypervisor.recorded(server.serverId)) === null) return
      const spec = await parts.specWith(ctx, server, image)
      await driver(ctx, 'reimage', server.serverId, { image: server.imageId }, () =>
        hypervisor.reimage(spec, { keepEphemeral, signal }),
      )
    },
    async start(server, image, signal) {
      const spec = await parts.specWith(ctx, server, image)
      await driver(ctx, 'spawn', server.serverId, { image: server.imageId }, () => hypervisor.spawn(spec, { signal }))
      return hypervisor.state(server.serverId)
    },
    async rescue(server, image, signal) {
      const { serverId } = server
      const spec = await parts.specOf(ctx, server, signal)
      await driver(ctx, 'rescue', serverId, {}, async () => {
        const running = await hypervisor.recorded(serverId)
        if (running?.rescue === undefined || (await hypervisor.state(serverId)) !== 'running') {
          await hypervisor.powerOff(serverId, { graceMs: parts.graceMs, signal })
          await hypervisor.powerOn({ ...spec, rescue: rescueSpec(image) }, { signal })
        }
      })
      return hypervisor.state(serverId)
    },
    async endRescue(serverId, signal) {
      await driver(ctx, 'end-rescue', serverId, {}, () => hypervisor.powerOff(serverId, { graceMs: 0, signal }))
    },
  }
}

/** `hw_rescue_device` and `hw_rescue_bus` of the image ask for a stable place; either is enough. */
export function rescueSpec(image: CachedImage & { readonly properties: Readonly<Record<string, string>> }): RescueSpec {
  const device = image.properties['hw_rescue_device']
  const bus = image.properties['hw_rescue_bus']
  const cd = device === 'cdrom'
  return {
    base: image.path,
    baseFormat: image.format,
    ...(image.kernel === null ? {} : { kernel: image.kernel }),
    ...(image.ramdisk === null ? {} : { ramdisk: image.ramdisk }),
    ...(image.cmdline === null ? {} : { cmdline: image.cmdline }),
    ...(device === undefined && bus === undefined
      ? {}
      : {
          stable: {
            device: cd ? ('cdrom' as const) : ('disk' as const),
            bus: cd ? ('ide' as const) : bus === 'ide' || bus === 'scsi' || bus === 'usb' ? bus : ('virtio' as const),
          },
        }),
  }
}
