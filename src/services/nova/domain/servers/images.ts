// Snapshots, backups and the shelf, as verbs: everything that can be refused is refused before a column is won.
import type { Kysely } from 'kysely'

import { Fault } from '#kernel/contract/fault.ts'
import type { Rule } from '#kernel/contract/rule.ts'
import type { Database } from '#kernel/db/database.ts'
import { RemoteFault } from '#kernel/http/client.ts'
import type { Clock } from '#kernel/lib/clock.ts'
import type { Ctx, Who } from '#kernel/lib/context.ts'
import type { Ids } from '#kernel/lib/ids.ts'
import type { Engine } from '#kernel/saga/engine.ts'
import { faults } from '#services/nova/contract/faults.ts'
import { rules } from '#services/nova/contract/rules.ts'
import { actionsDb } from '#services/nova/db/actions.ts'
import { blockDevicesDb, type BlockDevice } from '#services/nova/db/block-devices.ts'
import { serverImagesDb } from '#services/nova/db/server-images.ts'
import { serversDb, type Server, type ServerChange } from '#services/nova/db/servers.ts'
import type { NovaTables } from '#services/nova/db/tables.ts'
import { limitsOf, type QuotaDefaults } from '#services/nova/domain/quotas.ts'
import {
  demandState,
  demandUnlocked,
  demandVerb,
  findServer,
  targetOf,
  type FindTools,
} from '#services/nova/domain/servers/find.ts'
import { newImage } from '#services/nova/domain/servers/new-image.ts'
import { unshelvingSpec, type UnshelveWish } from '#services/nova/domain/servers/unshelve-wishes.ts'
import { createBackup, createImage, createVolumeImage } from '#services/nova/sagas/create-image.ts'
import type { NewImage } from '#services/nova/sagas/image-tools.ts'
import { offloadServer, shelveServer, unshelveHere, unshelveServer } from '#services/nova/sagas/shelve-server.ts'

export interface ServerImagesTools extends FindTools {
  readonly database: Database<NovaTables>
  readonly engine: Engine<Kysely<NovaTables>>
  readonly clock: Clock
  readonly ids: Ids
  readonly defaults: QuotaDefaults
  readonly images: {
    /** With the person's own token. Throws RemoteFault. */
    create(ctx: Ctx, image: NewImage): Promise<void>
    /** With nova's own. */
    remove(ctx: Ctx, id: string): Promise<void>
  }
  /** Seconds a shelved server keeps its place: 0 none, -1 for ever. */
  readonly offloadAfterS: number
}

/** Whose root is a volume. */
export const isOnVolume = (devices: readonly BlockDevice[]): boolean =>
  devices.some(device => device.bootIndex === 0 && device.destinationType === 'volume')

/** Glance's refusal in our own words. */
export async function refused<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer
  } catch (error) {
    if (!(error instanceof RemoteFault) || error.status >= 500) throw error
    if (error.status === 413) throw faults.OverQuotaSimple({ reason: error.message }, { cause: error })
    throw faults.BadRequest({ reason: error.message }, { cause: error })
  }
}

export const createServerImagesDomain = (tools: ServerImagesTools) => {
  const { database, engine, clock, ids } = tools
  const about = (ctx: Ctx, id: string): Ctx => ({ ...ctx, subject: id })
  const person = (ctx: Ctx): Who => ctx.who as Who
  const look = (ctx: Ctx, server: Server) =>
    database.read(about(ctx, server.id), 'images-of-server', async q => ({
      images: await serverImagesDb(q).of(server),
      devices: await blockDevicesDb(q).of(server.id),
    }))
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
  /** Wins the task column, begins the action and prepares the story in one transaction. */
  const enter = (
    ctx: Ctx,
    server: Server,
    how: { task: string; action: string; word: string; change?: ServerChange },
    prepare: (q: Kysely<NovaTables>) => Promise<string>,
  ): Promise<string> =>
    database.tx(about(ctx, server.id), `${how.action}-server`, async q => {
      const won = await serversDb(q).enter(
        server.id,
        { vmState: server.vmState, taskState: null },
        { taskState: how.task, ...how.change },
        clock.now(),
      )
      if (!won)
        throw faults.InstanceInvalidState({
          action: how.word,
          id: server.id,
          attr: 'task_state',
          state: 'changed meanwhile',
        })
      await begin(q, ctx, server, how.action)
      return prepare(q)
    })
  const hostOf = (server: Server): string => {
    if (server.host === null) throw faults.InstanceNotReady({ id: server.id })
    return server.host
  }
  /** The image's row is there before the client hears of it; what cannot be made unwinds the story that was to fill it. */
  const withRow = async (ctx: Ctx, server: Server, image: NewImage, story: string, saga: string): Promise<void> => {
    try {
      await refused(tools.images.create(ctx, image))
    } catch (error) {
      await engine.cancel(server.id, story)
      await tools.images.remove(ctx, image.id).catch(() => undefined)
      throw error
    }
    engine.go(saga)
  }
  /** Before 2.39 the limit of a server's metadata holds for an image's properties, too. */
  const demandFew = async (ctx: Ctx, metadata: Readonly<Record<string, string>>): Promise<void> => {
    const most = await database.read(
      ctx,
      'limits',
      async q => (await limitsOf(q, person(ctx).projectId ?? '', tools.defaults)).metadata_items,
    )
    if (most >= 0 && Object.keys(metadata).length > most)
      throw faults.OverQuotaSimple({ reason: 'Image metadata limit exceeded' })
  }
  const demandLaunched = (server: Server, word: string): void => {
    if (server.launchedAt === null)
      throw faults.Conflict({ reason: `Cannot '${word}' instance ${server.id} while it has never been active` })
  }
  const find = (ctx: Ctx, id: string, rule: Rule): Promise<Server> => findServer(tools, ctx, id, rule)

  return {
    /** Its id. Throws 400, 403, 404, 409. */
    async createImage(
      ctx: Ctx,
      id: string,
      given: { name: string; metadata: Readonly<Record<string, string>>; counted: boolean },
    ): Promise<string> {
      const server = await find(ctx, id, rules.serversCreateImage)
      if (given.counted) await demandFew(ctx, given.metadata)
      demandVerb(server, 'create-image', 'createImage')
      demandLaunched(server, 'createImage')
      const { images, devices } = await look(ctx, server)
      const onVolume = isOnVolume(devices)
      const image = newImage(server, images, person(ctx), {
        id: ids.uuid(),
        name: given.name.trim(),
        kind: onVolume ? 'volumes' : 'snapshot',
        more: given.metadata,
      })
      if (onVolume) {
        const rule = rules.serversCreateImageAllowVolumeBacked
        if (!tools.policy.allows(ctx.who, rule, targetOf(server)))
          throw new Fault('Forbidden', 403, `Policy doesn't allow ${rule.name} to be performed.`)
        await database.tx(about(ctx, id), 'createImage-server', q => begin(q, ctx, server, 'createImage'))
        const volumeIds = devices.flatMap(one =>
          one.destinationType === 'volume' && one.volumeId !== null ? [one.volumeId] : [],
        )
        const ended = await engine.run(createVolumeImage, { serverId: id, image, volumeIds }, about(ctx, id))
        if (ended.state !== 'done') {
          const error = ended.errors.at(-1)
          if (error instanceof Fault && error.status === 413)
            throw faults.OverQuotaSimple({ reason: error.message }, { cause: error })
          if (error instanceof Fault && error.status < 500)
            throw faults.BadRequest({ reason: error.message }, { cause: error })
          throw new Fault('ImageNotMade', 500, 'The volumes of the server could not be made an image.', {
            cause: error,
          })
        }
        return image.id
      }
      const host = hostOf(server)
      const saga = await enter(
        ctx,
        server,
        { task: 'image_snapshot_pending', action: 'createImage', word: 'createImage' },
        q => engine.prepare(q, createImage, { serverId: id, host, image, rotation: null }, about(ctx, id)),
      )
      await withRow(ctx, server, image, createImage.name, saga)
      return image.id
    },

    async createBackup(
      ctx: Ctx,
      id: string,
      given: {
        name: string
        kind: string
        keep: number
        metadata: Readonly<Record<string, string>>
        counted: boolean
      },
    ): Promise<string> {
      const server = await find(ctx, id, rules.createBackup)
      if (given.counted) await demandFew(ctx, given.metadata)
      demandVerb(server, 'create-backup', 'createBackup')
      demandLaunched(server, 'createBackup')
      const { images, devices } = await look(ctx, server)
      if (isOnVolume(devices))
        throw faults.BadRequest({ reason: 'Backup is not supported for volume-backed instances.' })
      const host = hostOf(server)
      const image = newImage(server, images, person(ctx), {
        id: ids.uuid(),
        name: given.name.trim(),
        kind: 'backup',
        more: { ...given.metadata, backup_type: given.kind },
      })
      const rotation = { kind: given.kind, keep: given.keep }
      const saga = await enter(ctx, server, { task: 'image_backup', action: 'createBackup', word: 'createBackup' }, q =>
        engine.prepare(q, createBackup, { serverId: id, host, image, rotation }, about(ctx, id)),
      )
      await withRow(ctx, server, image, createBackup.name, saga)
      return image.id
    },

    async shelve(ctx: Ctx, id: string): Promise<void> {
      const server = await find(ctx, id, rules.shelveShelve)
      demandState(tools, ctx, server, 'shelve', 'shelve')
      demandLaunched(server, 'shelve')
      const { images, devices } = await look(ctx, server)
      const host = hostOf(server)
      const how = { task: 'shelving', action: 'shelve', word: 'shelve' }
      if (isOnVolume(devices)) {
        const running = server.vmState === 'active' || server.vmState === 'paused'
        const saga = await enter(ctx, server, how, q =>
          engine.prepare(q, offloadServer, { serverId: id, host, running }, about(ctx, id)),
        )
        return engine.go(saga)
      }
      const image = newImage(server, images, person(ctx), {
        id: ids.uuid(),
        name: `${server.name}-shelved`,
        kind: 'snapshot',
        more: {},
      })
      const offload = tools.offloadAfterS === 0
      const saga = await enter(ctx, server, how, q =>
        engine.prepare(
          q,
          shelveServer,
          { serverId: id, host, vmState: server.vmState, image, offload },
          about(ctx, id),
        ),
      )
      await withRow(ctx, server, image, shelveServer.name, saga)
    },

    async shelveOffload(ctx: Ctx, id: string): Promise<void> {
      const server = await find(ctx, id, rules.shelveShelveOffload)
      demandState(tools, ctx, server, 'shelve-offload', 'shelveOffload')
      await this.offload(ctx, server)
    },
    /** Gives a shelved server's place back. Nobody asks: also called when its time is over. */
    async offload(ctx: Ctx, server: Server): Promise<void> {
      const host = hostOf(server)
      const saga = await enter(
        ctx,
        server,
        { task: 'shelving_offloading', action: 'shelveOffload', word: 'shelveOffload' },
        q => engine.prepare(q, offloadServer, { serverId: server.id, host, running: false }, about(ctx, server.id)),
      )
      engine.go(saga)
    },
    /** Offloads what was shelved long enough ago. How many. */
    async offloadOld(ctx: Ctx): Promise<{ seen: number; corrected: number }> {
      if (tools.offloadAfterS <= 0) return { seen: 0, corrected: 0 }
      const due = await database.read(ctx, 'shelved-servers', async q =>
        serversDb(q).byIds(await serverImagesDb(q).shelvedBefore(clock.now() - tools.offloadAfterS * 1000)),
      )
      const waiting = due.filter(server => server.host !== null)
      for (const server of waiting) await this.offload(ctx, server)
      return { seen: due.length, corrected: waiting.length }
    },

    async unshelve(ctx: Ctx, id: string, wish: UnshelveWish): Promise<void> {
      const server = await find(ctx, id, rules.shelveUnshelve)
      demandUnlocked(tools, ctx, server)
      demandVerb(server, 'unshelve', 'unshelve')
      if ((wish.zone !== undefined || wish.host !== null) && server.vmState !== 'shelved_offloaded')
        throw faults.Conflict({
          reason: `Specifying an availability zone or a host when unshelving server "${id}" with status "${server.vmState}" is not supported. The server status must be SHELVED_OFFLOADED.`,
        })
      if (wish.host !== null) {
        const rule = rules.shelveUnshelveToHost
        if (!tools.policy.allows(ctx.who, rule, targetOf(server)))
          throw new Fault('Forbidden', 403, `Policy doesn't allow ${rule.name} to be performed.`)
      }
      const { images, devices } = await look(ctx, server)
      const how = { task: 'unshelving', action: 'unshelve', word: 'unshelve' }
      if (server.vmState === 'shelved') {
        const host = hostOf(server)
        return engine.go(
          await enter(ctx, server, how, q => engine.prepare(q, unshelveHere, { serverId: id, host }, about(ctx, id))),
        )
      }
      const { spec, zone } = await database.read(ctx, 'check-unshelve', q =>
        unshelvingSpec(q, server, isOnVolume(devices), wish),
      )
      const imageId = images.shelved?.imageId ?? null
      engine.go(
        await enter(ctx, server, how, async q => {
          if (wish.zone !== undefined) await serverImagesDb(q).pin(id, zone)
          return engine.prepare(q, unshelveServer, { serverId: id, imageId, spec }, about(ctx, id))
        }),
      )
    },
  }
}
export type ServerImagesDomain = ReturnType<typeof createServerImagesDomain>
