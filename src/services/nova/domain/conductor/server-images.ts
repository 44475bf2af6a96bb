// nova-conductor's hands for images, rebuilds, rescues and the shelf: the states that follow, each in one transaction.
import type { Kysely } from 'kysely'

import { Fault } from '#kernel/contract/fault.ts'
import type { Database } from '#kernel/db/database.ts'
import type { Clock } from '#kernel/lib/clock.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import type { Ids } from '#kernel/lib/ids.ts'
import type { Ending } from '#kernel/saga/saga.ts'
import type { GlanceImages } from '#services/nova/actors/neighbours/glance-images.ts'
import { actionsDb } from '#services/nova/db/actions.ts'
import { blockDevicesDb } from '#services/nova/db/block-devices.ts'
import { mappingFor } from '#services/nova/domain/servers/image-mapping.ts'
import { serverImagesDb } from '#services/nova/db/server-images.ts'
import { serversDb, type Server } from '#services/nova/db/servers.ts'
import type { NovaTables } from '#services/nova/db/tables.ts'
import { faultWords } from '#services/nova/domain/conductor/faults.ts'
import { POWER } from '#services/nova/domain/conductor/power-numbers.ts'
import type { ServerImageTools } from '#services/nova/sagas/image-tools.ts'

export interface ServerImageParts {
  readonly database: Database<NovaTables>
  readonly clock: Clock
  readonly ids: Ids
  readonly glance: GlanceImages
  readonly asService: (ctx: Ctx) => Promise<Ctx>
  readonly warn: (ctx: Ctx, says: string) => void
  /** Writes the story of an offloading into the caller's transaction; its id. */
  readonly prepareOffload: (q: Kysely<NovaTables>, ctx: Ctx, serverId: string, host: string) => Promise<string>
  readonly go: (saga: string) => void
  /** Takes the server off its host, in the caller's transaction. */
  readonly unplace: (q: Kysely<NovaTables>, server: Server) => Promise<void>
}

const isDying = (server: Server): boolean => server.taskState === 'deleting'

export const serverImageTools =
  (parts: ServerImageParts) =>
  (ctx: Ctx): ServerImageTools => {
    const { database, clock, ids, glance } = parts
    const now = (): number => clock.now()
    /** A living server, changed with what the event says, in one transaction. Not one that is being deleted. */
    const change = (
      serverId: string,
      name: string,
      deed: (q: Kysely<NovaTables>, server: Server) => Promise<void>,
    ): Promise<void> =>
      database.tx(ctx, name, async q => {
        const server = await serversDb(q).byId(serverId)
        if (server !== undefined && !isDying(server)) await deed(q, server)
      })
    const event = (
      q: Kysely<NovaTables>,
      server: Pick<Server, 'id' | 'host'>,
      word: string,
      error: string | null = null,
    ): Promise<void> =>
      actionsDb(q).event(
        {
          id: ids.uuid(),
          serverId: server.id,
          requestId: ctx.requestId,
          event: word,
          host: server.host,
          result: error === null ? 'Success' : 'Error',
          details: error,
        },
        now(),
      )
    const fault = async (q: Kysely<NovaTables>, serverId: string, ending: Ending): Promise<string> => {
      const { code, message, details } = faultWords(ending.errors)
      await actionsDb(q).addFault(ids.uuid(), { serverId, code, message, details, createdAt: now() })
      return message
    }

    return {
      async demandShelved(serverId, imageId) {
        const image = await glance.find(await parts.asService(ctx), imageId)
        if (image === undefined)
          throw new Fault('UnshelveException', 404, `Unshelve attempted but the image ${imageId} cannot be found.`)
        if (image.status !== 'active')
          throw new Fault(
            'UnshelveException',
            400,
            `Error during unshelve instance ${serverId}: image ${imageId} is ${image.status}`,
          )
      },
      async makeVolumeImage(serverId, image, snapshots) {
        const asNova = await parts.asService(ctx)
        const devices = await database.read(ctx, 'disks-of-server', q => blockDevicesDb(q).of(serverId))
        const properties = {
          ...image.properties,
          bdm_v2: 'True',
          block_device_mapping: mappingFor(devices, snapshots),
        }
        const whole = { ...image, diskFormat: 'raw', containerFormat: 'bare', properties }
        const there = await glance.find(asNova, image.id)
        if (there === undefined) await glance.create(asNova, whole, true)
        if (there?.status !== 'active') await glance.upload(asNova, image.id, new Uint8Array())
      },
      drop: async imageId => glance.remove(await parts.asService(ctx), imageId),
      async dropQuietly(imageId) {
        await glance
          .remove(await parts.asService(ctx), imageId)
          .catch((error: unknown) =>
            parts.warn(ctx, `image ${imageId} of a shelved server stays: ${(error as Error).message}`),
          )
      },
      async rotate(serverId, kind, keep) {
        const asNova = await parts.asService(ctx)
        const backups = await glance.backups(asNova, serverId, kind)
        for (const image of backups.slice(keep))
          await glance
            .remove(asNova, image.id)
            .catch((error: unknown) =>
              parts.warn(ctx, `backup ${image.id} was not rotated out: ${(error as Error).message}`),
            )
      },
      async shelved(serverId, imageId, offload) {
        let saga: string | null = null
        await change(serverId, 'server-shelved', async (q, server) => {
          saga = null
          if (server.vmState === 'shelved') return // said before
          await serverImagesDb(q).setShelved(serverId, { at: now(), imageId, host: server.host })
          await serversDb(q).change(
            serverId,
            {
              vmState: 'shelved',
              taskState: offload && server.host !== null ? 'shelving_offloading' : null,
              powerState: POWER.shutdown,
            },
            now(),
          )
          await event(q, server, 'compute_shelve_instance')
          if (offload && server.host !== null) saga = await parts.prepareOffload(q, ctx, serverId, server.host)
        })
        if (saga !== null) parts.go(saga)
      },
      offloaded: (serverId, word) =>
        change(serverId, 'server-offloaded', async (q, server) => {
          if (server.vmState === 'shelved_offloaded') return
          const { shelved } = await serverImagesDb(q).of(server)
          if (shelved === null)
            await serverImagesDb(q).setShelved(serverId, { at: now(), imageId: null, host: server.host })
          await event(q, server, word)
          await parts.unplace(q, server)
          await serversDb(q).change(
            serverId,
            { vmState: 'shelved_offloaded', taskState: null, powerState: POWER.shutdown },
            now(),
          )
        }),
      unshelved: (serverId, word, power) =>
        change(serverId, 'server-unshelved', async (q, server) => {
          await serverImagesDb(q).setShelved(serverId, null)
          await serversDb(q).change(
            serverId,
            { vmState: 'active', taskState: null, powerState: POWER[power], launchedAt: now() },
            now(),
          )
          await event(q, server, word)
        }),
      unshelveFailed: (serverId, word, ending) =>
        change(serverId, 'unshelve-failed', async (q, server) => {
          const lost = ending.errors.some(
            error => error instanceof Fault && error.code === 'UnshelveException' && error.status === 404,
          )
          await serversDb(q).change(
            serverId,
            { taskState: null, ...(lost && !ending.cancelled ? { vmState: 'error' } : {}) },
            now(),
          )
          if (!ending.cancelled) await event(q, server, word, await fault(q, serverId, ending))
        }),
      shelvedImageOf: serverId =>
        database.read(ctx, 'shelved-image', async q => {
          const server = await serversDb(q).byId(serverId)
          return server === undefined ? null : ((await serverImagesDb(q).of(server)).shelved?.imageId ?? null)
        }),
      rescued: (serverId, imageId, power) =>
        change(serverId, 'server-rescued', async (q, server) => {
          await serverImagesDb(q).setRescue(serverId, { imageId })
          await serversDb(q).change(
            serverId,
            { vmState: 'rescued', taskState: null, powerState: POWER[power], launchedAt: now() },
            now(),
          )
          await event(q, server, 'compute_rescue_instance')
        }),
      unrescued: (serverId, power) =>
        change(serverId, 'server-unrescued', async (q, server) => {
          await serverImagesDb(q).setRescue(serverId, null)
          await serversDb(q).change(serverId, { vmState: 'active', taskState: null, powerState: POWER[power] }, now())
          await event(q, server, 'compute_unrescue_instance')
        }),
      rebuilt: (serverId, vmState, power) =>
        change(serverId, 'server-rebuilt', async (q, server) => {
          await serversDb(q).change(
            serverId,
            { vmState, taskState: null, powerState: POWER[power], progress: 100, launchedAt: now() },
            now(),
          )
          await event(q, server, 'compute_rebuild_instance')
        }),
      unrebuilt: (serverId, before, ending) =>
        change(serverId, 'rebuild-failed', async (q, server) => {
          await serverImagesDb(q).setImage(serverId, before, now())
          const { origin } = await serverImagesDb(q).of(server)
          await serverImagesDb(q).setOrigin(serverId, { ...origin, baseImageId: before.imageId })
          await serversDb(q).change(serverId, { taskState: null }, now())
          if (!ending.cancelled) await event(q, server, 'compute_rebuild_instance', await fault(q, serverId, ending))
        }),
    }
  }
