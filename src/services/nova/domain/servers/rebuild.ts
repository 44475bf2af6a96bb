// Rebuild and rescue, as verbs: another system under the same server, for good or for a while.
import type { Kysely } from 'kysely'

import { Fault } from '#kernel/contract/fault.ts'
import { RemoteFault } from '#kernel/http/client.ts'
import type { Ctx, Who } from '#kernel/lib/context.ts'
import { randomPassword } from '#kernel/lib/random-text.ts'
import { faults } from '#services/nova/contract/faults.ts'
import { rules } from '#services/nova/contract/rules.ts'
import { actionsDb } from '#services/nova/db/actions.ts'
import { blockDevicesDb, type BlockDevice } from '#services/nova/db/block-devices.ts'
import { serverFilesDb, type ServerFile } from '#services/nova/db/server-files.ts'
import { serverImagesDb } from '#services/nova/db/server-images.ts'
import { serversDb, type Server, type ServerChange } from '#services/nova/db/servers.ts'
import type { NovaTables } from '#services/nova/db/tables.ts'
import { demandFilesFit, limitsOf } from '#services/nova/domain/quotas.ts'
import {
  checkFlavor,
  diskConfigOf,
  imageOf,
  propertiesOf,
  publicKeyOf,
  type CreateTools,
  type ImageFacts,
} from '#services/nova/domain/servers/create.ts'
import { demandState, findServer, targetOf } from '#services/nova/domain/servers/find.ts'
import { isOnVolume } from '#services/nova/domain/servers/images.ts'
import { mappingOf } from '#services/nova/domain/servers/image-mapping.ts'
import { rebuildServer } from '#services/nova/sagas/rebuild-server.ts'
import { rescueServer, unrescueServer } from '#services/nova/sagas/rescue-server.ts'

export interface RebuildTools extends Omit<CreateTools, 'neighbours'> {
  readonly neighbours: {
    image(ctx: Ctx, id: string): Promise<ImageFacts>
    volume(
      ctx: Ctx,
      id: string,
    ): Promise<{ id: string; status: string; volume_image_metadata?: Readonly<Record<string, string>> }>
  }
}

export interface RebuildRequest {
  readonly imageRef: string
  readonly change: ServerChange
  readonly metadata: Readonly<Record<string, string>> | undefined
  /** Undefined: as before; null: none. */
  readonly keyName: string | null | undefined
  readonly trustedCerts: readonly string[] | null | undefined
  readonly keepEphemeral: boolean
  readonly adminPass: string | undefined
  /** From 2.93 on the volume that is the root gets the image's bytes, also another image's. */
  readonly reimage: boolean
  /** What the config drive holds beside what is told of the server: those of before are not kept. */
  readonly files: readonly ServerFile[]
}

export const createRebuildDomain = (tools: RebuildTools) => {
  const { database, engine, clock, ids } = tools
  const about = (ctx: Ctx, id: string): Ctx => ({ ...ctx, subject: id })
  const person = (ctx: Ctx): Who => ctx.who as Who
  const begin = (q: Kysely<NovaTables>, ctx: Ctx, server: Server, action: string): Promise<void> =>
    actionsDb(q).begin({
      id: ids.uuid(),
      serverId: server.id,
      action,
      requestId: ctx.requestId,
      userId: ctx.who?.userId ?? null,
      projectId: ctx.who?.projectId ?? null,
      message: null,
      startedAt: clock.now(),
      updatedAt: clock.now(),
    })
  const hostOf = (server: Server): string => {
    if (server.host === null) throw faults.InstanceNotReady({ id: server.id })
    return server.host
  }
  const meanwhile = (word: string, id: string): Fault =>
    faults.InstanceInvalidState({ action: word, id, attr: 'task_state', state: 'changed meanwhile' })
  const demandLaunched = (server: Server, word: string): void => {
    if (server.launchedAt === null)
      throw faults.Conflict({ reason: `Cannot '${word}' instance ${server.id} while it has never been active` })
  }
  const devicesOf = (ctx: Ctx, id: string): Promise<BlockDevice[]> =>
    database.read(about(ctx, id), 'disks-of-server', q => blockDevicesDb(q).of(id))
  /** Every volume must be the server's and usable as such. Its root volume, or null. */
  const volumesInUse = async (ctx: Ctx, devices: readonly BlockDevice[], wrong: (reason: string) => Fault) => {
    let root: Awaited<ReturnType<RebuildTools['neighbours']['volume']>> | null = null
    for (const device of devices) {
      if (device.volumeId === null) continue
      const volume = await tools.neighbours.volume(ctx, device.volumeId).catch((error: unknown) => {
        if (error instanceof RemoteFault && error.status < 500) throw wrong(`Invalid volume: ${error.message}`)
        throw error
      })
      if (volume.status !== 'in-use')
        throw wrong(
          `Invalid volume: volume '${volume.id}' status must be 'in-use'. Currently in '${volume.status}' status`,
        )
      if (device.bootIndex === 0) root = volume
    }
    return root
  }

  return {
    /** The server as it is from now on, and its password. Throws 400, 403, 404, 409 with nothing changed. */
    async rebuild(ctx: Ctx, id: string, request: RebuildRequest): Promise<{ server: Server; adminPass: string }> {
      const server = await findServer(tools, ctx, id, rules.serversRebuild)
      if (request.trustedCerts !== undefined) {
        const rule = rules.serversRebuildTrustedCerts
        if (!tools.policy.allows(ctx.who, rule, targetOf(server)))
          throw new Fault('Forbidden', 403, `Policy doesn't allow ${rule.name} to be performed.`)
      }
      demandState(tools, ctx, server, 'rebuild', 'rebuild')
      demandLaunched(server, 'rebuild')
      const host = hostOf(server)
      const devices = await devicesOf(ctx, id)
      const onVolume = isOnVolume(devices)
      const image = await imageOf(tools, ctx, request.imageRef, 'Cannot find image for rebuild')
      if (image === null) throw faults.BadRequest({ reason: 'Cannot find image for rebuild' })
      if (request.change.autoDiskConfig === true) diskConfigOf(true, image)
      const rootDevice = devices.find(one => one.bootIndex === 0)
      const key =
        request.keyName === undefined
          ? undefined
          : {
              name: request.keyName,
              publicKey: await database.read(ctx, 'find-key', q =>
                publicKeyOf(q, person(ctx).userId, request.keyName ?? null),
              ),
            }
      if (onVolume && request.trustedCerts !== undefined && request.trustedCerts !== null)
        throw faults.BadRequest({
          reason: 'Image certificate validation is not supported for volume-backed servers.',
        })
      if (!onVolume && mappingOf(image) !== null)
        throw faults.BadRequest({ reason: `Image ${image.id} is unacceptable: it has no bytes of its own.` })
      checkFlavor(server.flavor, image, onVolume, rootDevice?.sizeGb ?? null)
      const root = await volumesInUse(ctx, devices, reason => faults.BadRequest({ reason }))
      if (onVolume && !request.reimage && root?.volume_image_metadata?.['image_id'] !== image.id)
        throw faults.BadRequest({
          reason: `Image ${image.id} is unacceptable: Unable to rebuild with a different image for a volume-backed server.`,
        })
      const now = clock.now()
      const saga = await database.tx(about(ctx, id), 'rebuild-server', async q => {
        demandFilesFit(await limitsOf(q, server.projectId, tools.defaults), request.files)
        if (request.metadata !== undefined) {
          const items = Object.keys(request.metadata).length
          const limits = await limitsOf(q, server.projectId, tools.defaults)
          if (limits.metadata_items >= 0 && items > limits.metadata_items)
            throw faults.OverQuotaSimple({
              reason: `Quota exceeded for metadata items: Requested ${items}, but the limit is ${limits.metadata_items}`,
            })
        }
        const won = await serversDb(q).enter(
          id,
          { vmState: server.vmState, taskState: null },
          { ...request.change, taskState: 'rebuilding', progress: 0 },
          now,
        )
        if (!won) throw meanwhile('rebuild', id)
        await serverFilesDb(q).replace(id, request.files)
        const db = serverImagesDb(q)
        const { origin } = await db.of(server)
        await db.setImage(
          id,
          {
            imageId: onVolume ? '' : image.id,
            kernelId: String(image['kernel_id'] ?? ''),
            ramdiskId: String(image['ramdisk_id'] ?? ''),
            imageProperties: propertiesOf(image),
          },
          now,
        )
        await db.setOrigin(id, {
          ...origin,
          baseImageId: image.id,
          minRamMb: image.min_ram,
          minDiskGb: Math.max(image.min_disk, server.flavor.diskGb),
        })
        if (key !== undefined || request.trustedCerts !== undefined)
          await db.setKeys(id, {
            ...(key === undefined ? {} : { key }),
            ...(request.trustedCerts === undefined ? {} : { trustedCerts: request.trustedCerts }),
          })
        if (request.metadata !== undefined) {
          await q.deleteFrom('server_metadata').where('server_id', '=', id).execute()
          for (const [name, value] of Object.entries(request.metadata))
            await q.insertInto('server_metadata').values({ server_id: id, key: name, value }).execute()
        }
        await begin(q, ctx, server, 'rebuild')
        const { imageId, kernelId, ramdiskId, imageProperties, vmState } = server
        return engine.prepare(
          q,
          rebuildServer,
          {
            serverId: id,
            host,
            vmState,
            before: { imageId, kernelId, ramdiskId, imageProperties },
            keepEphemeral: request.keepEphemeral,
            reimageVolume:
              onVolume && request.reimage && root !== null ? { volumeId: root.id, imageId: image.id } : null,
          },
          about(ctx, id),
        )
      })
      const rebuilt = await database.read(about(ctx, id), 'find-server', q => serversDb(q).byId(id))
      engine.go(saga)
      return { server: rebuilt ?? server, adminPass: request.adminPass ?? randomPassword(ids, 12) }
    },

    /** The password. Throws 400, 404, 409. */
    async rescue(
      ctx: Ctx,
      id: string,
      wish: { imageRef: string | null; adminPass: string | undefined; onVolume: boolean },
    ): Promise<string> {
      const server = await findServer(tools, ctx, id, rules.rescue)
      demandState(tools, ctx, server, 'rescue', 'rescue')
      demandLaunched(server, 'rescue')
      const host = hostOf(server)
      const { devices, images } = await database.read(about(ctx, id), 'disks-of-server', async q => ({
        devices: await blockDevicesDb(q).of(id),
        images: await serverImagesDb(q).of(server),
      }))
      const unsupported = (): Fault =>
        faults.BadRequest({ reason: `Requested rescue image '${wish.imageRef ?? ''}' is not supported` })
      let properties: Readonly<Record<string, unknown>> = server.imageProperties
      if (wish.imageRef !== null) {
        const image = await tools.neighbours.image(ctx, wish.imageRef).catch((error: unknown) => {
          if (error instanceof RemoteFault && error.status < 500) throw unsupported()
          throw error
        })
        if (image.status !== 'active' || mappingOf(image) !== null) throw unsupported()
        properties = image
      }
      await volumesInUse(ctx, devices, reason => faults.Conflict({ reason }))
      const stable = properties['hw_rescue_bus'] !== undefined && properties['hw_rescue_device'] !== undefined
      if (isOnVolume(devices) && !(wish.onVolume && stable))
        throw faults.BadRequest({
          reason: `Instance ${id} cannot be rescued: Cannot rescue a volume-backed instance`,
        })
      const imageId = wish.imageRef ?? (images.origin.baseImageId === '' ? server.imageId : images.origin.baseImageId)
      const saga = await database.tx(about(ctx, id), 'rescue-server', async q => {
        const from = { vmState: server.vmState, taskState: null }
        if (!(await serversDb(q).enter(id, from, { taskState: 'rescuing' }, clock.now()))) throw meanwhile('rescue', id)
        await begin(q, ctx, server, 'rescue')
        return engine.prepare(q, rescueServer, { serverId: id, host, vmState: server.vmState, imageId }, about(ctx, id))
      })
      engine.go(saga)
      return wish.adminPass ?? randomPassword(ids, 12)
    },

    async unrescue(ctx: Ctx, id: string): Promise<void> {
      const server = await findServer(tools, ctx, id, rules.unrescue)
      demandState(tools, ctx, server, 'unrescue', 'unrescue')
      const host = hostOf(server)
      const saga = await database.tx(about(ctx, id), 'unrescue-server', async q => {
        const from = { vmState: server.vmState, taskState: null }
        if (!(await serversDb(q).enter(id, from, { taskState: 'unrescuing' }, clock.now())))
          throw meanwhile('unrescue', id)
        await begin(q, ctx, server, 'unrescue')
        return engine.prepare(q, unrescueServer, { serverId: id, host }, about(ctx, id))
      })
      engine.go(saga)
    },
  }
}
export type RebuildDomain = ReturnType<typeof createRebuildDomain>
