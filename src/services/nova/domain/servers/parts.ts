// What hangs on a server, as verbs: metadata, tags, volumes, interfaces, consoles.
import type { Kysely } from 'kysely'

import { Fault, isFault } from '#kernel/contract/fault.ts'
import type { Rule } from '#kernel/contract/rule.ts'
import type { Bus } from '#kernel/bus/bus.ts'
import { time } from '#kernel/db/codecs.ts'
import type { Database } from '#kernel/db/database.ts'
import { RemoteFault } from '#kernel/http/client.ts'
import type { Clock } from '#kernel/lib/clock.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import type { Ids } from '#kernel/lib/ids.ts'
import type { Engine } from '#kernel/saga/engine.ts'
import { faults } from '#services/nova/contract/faults.ts'
import { rules } from '#services/nova/contract/rules.ts'
import { actionsDb } from '#services/nova/db/actions.ts'
import { blockDevicesDb, type BlockDevice } from '#services/nova/db/block-devices.ts'
import { loadsDb } from '#services/nova/db/loads.ts'
import { nicsDb } from '#services/nova/db/nics.ts'
import type { Server } from '#services/nova/db/servers.ts'
import type { NovaTables } from '#services/nova/db/tables.ts'
import { toAttach } from '#services/nova/domain/conductor/server-to-build.ts'
import { limitsOf, type QuotaDefaults } from '#services/nova/domain/quotas.ts'
import { nextDevice } from '#services/nova/domain/servers/block-device-request.ts'
import { demandState, demandUnlocked, findServer, type FindTools } from '#services/nova/domain/servers/find.ts'
import { computeRpc, type NicRecord } from '#services/nova/rpc.ts'
import { attachInterface, detachInterface } from '#services/nova/sagas/attach-interface.ts'
import { attachVolume, detachVolume } from '#services/nova/sagas/attach-volume.ts'

export interface PartsTools extends FindTools {
  readonly database: Database<NovaTables>
  readonly engine: Engine<Kysely<NovaTables>>
  readonly bus: Bus
  readonly clock: Clock
  readonly ids: Ids
  readonly defaults: QuotaDefaults
  readonly sha256: (text: string) => string
  readonly tokenTtlMs: number
  readonly neighbours: {
    /** With the person's own token. Throws RemoteFault. */
    volume(
      ctx: Ctx,
      id: string,
    ): Promise<{ id: string; status: string; size: number; multiattach: boolean; migration_status?: string | null }>
    /** Takes the volume for the server before anything else happens. Throws RemoteFault. */
    reserve(ctx: Ctx, volumeId: string, serverId: string): Promise<string>
    unreserve(ctx: Ctx, attachmentId: string): Promise<void>
    beginDetach(ctx: Ctx, volumeId: string): Promise<void>
  }
}

export const createPartsDomain = (tools: PartsTools) => {
  const { database, engine, clock, ids, bus } = tools
  const about = (ctx: Ctx, id: string): Ctx => ({ ...ctx, subject: id })
  const find = (ctx: Ctx, id: string, rule: Rule): Promise<Server> => findServer(tools, ctx, id, rule)
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
  const metadataOf = async (q: Kysely<NovaTables>, id: string): Promise<Record<string, string>> =>
    (await loadsDb(q).metadata([id])).get(id) ?? {}

  const writeMetadata = async (
    ctx: Ctx,
    id: string,
    rule: Rule,
    next: (now: Record<string, string>) => Record<string, string>,
  ): Promise<Record<string, string>> => {
    const server = await find(ctx, id, rule)
    demandState(tools, ctx, server, 'update_metadata', 'update_metadata')
    return database.tx(about(ctx, id), 'write-metadata', async q => {
      const wanted = next(await metadataOf(q, id))
      const limits = await limitsOf(q, server.projectId, tools.defaults)
      const many = Object.keys(wanted).length
      if (limits.metadata_items >= 0 && many > limits.metadata_items)
        throw faults.OverQuotaSimple({ reason: `Maximum number of metadata items exceeds ${limits.metadata_items}` })
      await q.deleteFrom('server_metadata').where('server_id', '=', id).execute()
      for (const [key, value] of Object.entries(wanted))
        await q.insertInto('server_metadata').values({ server_id: id, key, value }).execute()
      return wanted
    })
  }

  return {
    find,
    async metadata(ctx: Ctx, id: string, rule: Rule): Promise<Record<string, string>> {
      await find(ctx, id, rule)
      return database.read(ctx, 'metadata-of-server', q => metadataOf(q, id))
    },
    mergeMetadata: (ctx: Ctx, id: string, given: Readonly<Record<string, string>>, rule: Rule) =>
      writeMetadata(ctx, id, rule, now => ({ ...now, ...given })),
    replaceMetadata: (ctx: Ctx, id: string, given: Readonly<Record<string, string>>) =>
      writeMetadata(ctx, id, rules.serverMetadataUpdateAll, () => ({ ...given })),
    async removeMetadata(ctx: Ctx, id: string, key: string): Promise<void> {
      await writeMetadata(ctx, id, rules.serverMetadataDelete, now => {
        if (now[key] === undefined) throw faults.NotFound({ reason: 'Metadata item was not found' })
        const { [key]: _gone, ...rest } = now
        return rest
      })
    },

    async tags(ctx: Ctx, id: string, rule: Rule): Promise<string[]> {
      await find(ctx, id, rule)
      return database.read(ctx, 'tags-of-server', async q => (await loadsDb(q).tags([id])).get(id) ?? [])
    },
    /** Replaces the tags; answers whether the last one named is new. Throws 400 over 50, 404, 409. */
    async writeTags(
      ctx: Ctx,
      id: string,
      rule: Rule,
      next: (now: readonly string[]) => readonly string[],
    ): Promise<string[]> {
      const server = await find(ctx, id, rule)
      demandState(tools, ctx, server, 'tags', 'update_tags')
      return database.tx(about(ctx, id), 'write-tags', async q => {
        const wanted = [...new Set(next((await loadsDb(q).tags([id])).get(id) ?? []))]
        if (wanted.length > 50)
          throw faults.BadRequest({ reason: 'The number of tags exceeded the per-server limit 50' })
        await q.deleteFrom('server_tags').where('server_id', '=', id).execute()
        for (const tag of wanted) await q.insertInto('server_tags').values({ server_id: id, tag }).execute()
        return wanted
      })
    },

    async nics(ctx: Ctx, id: string, rule: Rule): Promise<NicRecord[]> {
      await find(ctx, id, rule)
      return database.read(ctx, 'nics-of-server', q => nicsDb(q).of(id))
    },
    async volumes(ctx: Ctx, id: string, rule: Rule): Promise<BlockDevice[]> {
      await find(ctx, id, rule)
      return database.read(ctx, 'disks-of-server', async q =>
        (await blockDevicesDb(q).of(id)).filter(device => device.volumeId !== null && device.attachmentId !== null),
      )
    },

    /** Reserves the volume, then the saga does the rest. Throws 400, 404, 409 with the volume as it was. */
    async attachVolume(
      ctx: Ctx,
      id: string,
      given: { volumeId: string; device: string | null; tag: string | null; deleteOnTermination: boolean },
    ): Promise<BlockDevice> {
      const server = await find(ctx, id, rules.volumesAttachmentsCreate)
      demandState(tools, ctx, server, 'attach_volume', 'attach_volume')
      const { host } = server
      const offloaded = server.vmState === 'shelved_offloaded'
      if (host === null && !offloaded) throw faults.InstanceNotReady({ id })
      if (offloaded && given.tag !== null)
        throw faults.BadRequest({
          reason: 'Tagged volume attachment is not supported for shelved-offloaded instances.',
        })
      const volume = await asked(tools.neighbours.volume(ctx, given.volumeId), given.volumeId)
      if (volume.status !== 'available' && !(volume.multiattach && volume.status === 'in-use')) {
        throw faults.BadRequest({
          reason: `Invalid volume: volume ${volume.id} already attached or not available: status must be 'available'. Currently in '${volume.status}'`,
        })
      }
      const attachmentId = await asked(tools.neighbours.reserve(ctx, volume.id, id), volume.id)
      let device: BlockDevice
      let saga: string
      try {
        ;({ device, saga } = await database.tx(about(ctx, id), 'attach-volume', async q => {
          const there = await blockDevicesDb(q).of(id)
          if (there.some(one => one.volumeId === volume.id))
            throw faults.BadRequest({ reason: `Invalid volume: volume ${volume.id} already attached` })
          const wanted = given.device?.replace(/^\/dev\//, '') ?? null
          const taken = there.map(one => one.device)
          const made: BlockDevice = {
            id: ids.uuid(),
            serverId: id,
            sourceType: 'volume',
            destinationType: 'volume',
            imageId: null,
            snapshotId: null,
            volumeId: volume.id,
            attachmentId,
            device: wanted !== null && !taken.includes(wanted) ? wanted : nextDevice(taken),
            bootIndex: null,
            sizeGb: volume.size,
            volumeType: null,
            guestFormat: null,
            diskBus: null,
            deviceType: null,
            deleteOnTermination: given.deleteOnTermination,
            tag: given.tag,
            connectionInfo: null,
            createdAt: clock.now(),
          }
          await blockDevicesDb(q).add(made)
          await begin(q, ctx, server, 'attach_volume')
          const running = server.vmState === 'active' || server.vmState === 'paused'
          return {
            device: made,
            saga: await engine.prepare(
              q,
              attachVolume,
              { serverId: id, host, volume: toAttach(made), running },
              about(ctx, id),
            ),
          }
        }))
      } catch (error) {
        await tools.neighbours.unreserve(ctx, attachmentId)
        throw error
      }
      engine.go(saga)
      return device
    },
    async detachVolume(ctx: Ctx, id: string, volumeId: string): Promise<void> {
      const server = await find(ctx, id, rules.volumesAttachmentsDelete)
      demandState(tools, ctx, server, 'detach_volume', 'detach_volume')
      const device = await database.read(ctx, 'disk-of-server', q => blockDevicesDb(q).ofVolume(id, volumeId))
      if (device === undefined || device.attachmentId === null) throw faults.VolumeAttachmentNotFound({ id: volumeId })
      if (device.bootIndex === 0) throw faults.BadRequest({ reason: 'Cannot detach a root device volume' })
      // What is attached to a server on no host is reserved, and not to be announced.
      if (server.host !== null) await asked(tools.neighbours.beginDetach(ctx, volumeId), volumeId)
      const { attachmentId } = device
      const saga = await database.tx(about(ctx, id), 'detach-volume', async q => {
        await begin(q, ctx, server, 'detach_volume')
        return engine.prepare(
          q,
          detachVolume,
          { serverId: id, host: server.host, volumeId, attachmentId },
          about(ctx, id),
        )
      })
      engine.go(saga)
    },
    /** What Cinder asks for at the end of a migration, and nobody else. Throws 404, 403, 409, 400. */
    async swapVolume(ctx: Ctx, id: string, from: string, to: string): Promise<void> {
      await find(ctx, id, rules.volumesAttachmentsSwap)
      const volume = await asked(tools.neighbours.volume(ctx, from), from)
      await asked(tools.neighbours.volume(ctx, to), to).catch((error: unknown) => {
        if (isFault(error, faults.VolumeNotFound)) throw faults.BadRequest({ reason: error.message }, { cause: error })
        throw error
      })
      const { migration_status: moving = null } = volume
      if (moving === null || moving === '')
        throw faults.Conflict({
          reason: `volume ${from} is not migrating; this API should only be called by Cinder`,
        })
      const device = await database.read(ctx, 'disk-of-server', q => blockDevicesDb(q).ofVolume(id, from))
      if (device === undefined) throw faults.VolumeAttachmentNotFound({ id: from })
      throw faults.BadRequest({ reason: `Invalid volume: a volume in use cannot be moved to another one here` })
    },
    /** What may be changed of an attachment; the rest may only be repeated. Throws 400, 404. */
    async changeAttachment(
      ctx: Ctx,
      id: string,
      volumeId: string,
      given: { id?: string; serverId?: string; device?: string | null; tag?: string; deleteOnTermination?: boolean },
      rule: Rule,
    ): Promise<void> {
      const server = await find(ctx, id, rule)
      demandUnlocked(tools, ctx, server)
      await database.tx(about(ctx, id), 'update-attachment', async q => {
        const device = await blockDevicesDb(q).ofVolume(id, volumeId)
        if (device === undefined) throw faults.VolumeAttachmentNotFound({ id: volumeId })
        const path = device.device === null ? null : `/dev/${device.device}`
        const fixed = { id: volumeId, serverId: id, device: path, tag: device.tag }
        for (const [key, value] of Object.entries(fixed))
          if (given[key as 'id'] !== undefined && given[key as 'id'] !== value)
            throw faults.BadRequest({ reason: `The ${key} property is not mutable` })
        if (given.deleteOnTermination !== undefined)
          await blockDevicesDb(q).setDeleteOnTermination(device.id, given.deleteOnTermination)
      })
    },

    /** Waits until the wire is there: the answer describes it. Throws 400, 404, 409, 500. */
    async attachInterface(
      ctx: Ctx,
      id: string,
      wanted: { networkId: string | null; portId: string | null; fixedIp: string | null; tag: string | null },
    ): Promise<NicRecord> {
      const server = await find(ctx, id, rules.attachInterfacesCreate)
      demandState(tools, ctx, server, 'attach_interface', 'attach_interface')
      const { host } = server
      if (host === null) throw faults.InstanceNotReady({ id })
      await database.tx(about(ctx, id), 'attach-interface', q => begin(q, ctx, server, 'attach_interface'))
      const before = await database.read(ctx, 'nics-of-server', q => nicsDb(q).of(id))
      const ended = await engine.run(attachInterface, { serverId: id, host, wanted }, about(ctx, id))
      const error = ended.errors.at(-1)
      if (ended.state !== 'done') {
        if (error instanceof Fault && error.status < 500)
          throw faults.BadRequest({ reason: error.message }, { cause: error })
        throw new Fault('InterfaceAttachFailed', 500, 'Failed to attach network adapter device to the server', {
          cause: error,
        })
      }
      const after = await database.read(ctx, 'nics-of-server', q => nicsDb(q).of(id))
      const made = after.find(nic => !before.some(other => other.portId === nic.portId)) ?? after.at(-1)
      if (made === undefined)
        throw new Fault('InterfaceAttachFailed', 500, 'Failed to attach network adapter device to the server')
      return made
    },
    async detachInterface(ctx: Ctx, id: string, portId: string): Promise<void> {
      const server = await find(ctx, id, rules.attachInterfacesDelete)
      demandState(tools, ctx, server, 'detach_interface', 'detach_interface')
      const nic = (await database.read(ctx, 'nics-of-server', q => nicsDb(q).of(id))).find(one => one.portId === portId)
      if (nic === undefined || server.host === null) throw faults.PortNotFound({ id: portId })
      const { host } = server
      const saga = await database.tx(about(ctx, id), 'detach-interface', async q => {
        await begin(q, ctx, server, 'detach_interface')
        return engine.prepare(q, detachInterface, { serverId: id, host, nic }, about(ctx, id))
      })
      engine.go(saga)
    },

    async consoleLog(ctx: Ctx, id: string, lines: number | null): Promise<string> {
      const server = await find(ctx, id, rules.consoleOutput)
      if (server.host === null) throw faults.InstanceNotReady({ id })
      const { text } = await bus
        .client(computeRpc)
        .on(server.host)
        .console_log(about(ctx, id), { serverId: id, lines: lines === null || lines < 0 ? null : lines })
      return text
    },
    /** A single-use token for a console. Only its hash is kept. */
    async consoleToken(ctx: Ctx, id: string, protocol: string, type: string): Promise<string> {
      const server = await find(ctx, id, rules.remoteConsoles)
      if (protocol === 'rdp') throw faults.BadRequest({ reason: 'Unavailable console type rdp.' })
      const { taskState } = server
      if (taskState === 'deleting' || taskState === 'migrating')
        throw faults.InstanceInvalidState({
          ...{ action: `get_${protocol}_console`, id, attr: 'task_state', state: taskState },
        })
      const kinds: Readonly<Record<string, string>> = { vnc: 'novnc', serial: 'serial' }
      const kind = kinds[protocol]
      if (kind === undefined) throw faults.BadRequest({ reason: `Unavailable console type ${type}.` })
      if (kind !== type) throw faults.BadRequest({ reason: `Invalid console type ${type}` })
      if (server.host === null || !['active', 'paused', 'rescued'].includes(server.vmState))
        throw faults.InstanceNotReady({ id })
      const token = ids.uuid()
      await database.tx(about(ctx, id), 'console-token', async q => {
        await q.deleteFrom('console_tokens').where('expires_at', '<', time(clock.now())).execute()
        await q
          .insertInto('console_tokens')
          .values({
            id: tools.sha256(token),
            server_id: id,
            protocol,
            type,
            expires_at: time(clock.now() + tools.tokenTtlMs),
          })
          .execute()
      })
      return token
    },
    /** The server a token of a console is for, without using it up; null when it is none or its time is over. */
    async serverOfConsole(ctx: Ctx, token: string): Promise<string | null> {
      const row = await database.read(ctx, 'console-of-token', q =>
        q
          .selectFrom('console_tokens')
          .select(['server_id', 'expires_at'])
          .where('id', '=', tools.sha256(token))
          .executeTakeFirst(),
      )
      return row === undefined || row.expires_at < time(clock.now()) ? null : row.server_id
    },
    /** Uses a token up: where its console is, or null. */
    async takeConsole(ctx: Ctx, token: string): Promise<{ protocol: string; path: string } | null> {
      const row = await database.tx(ctx, 'take-console', async q => {
        const found = await q
          .selectFrom('console_tokens')
          .selectAll()
          .where('id', '=', tools.sha256(token))
          .executeTakeFirst()
        await q.deleteFrom('console_tokens').where('id', '=', tools.sha256(token)).execute()
        return found
      })
      if (row === undefined || row.expires_at < time(clock.now())) return null
      const server = await database.read(ctx, 'find-server', q =>
        q
          .selectFrom('servers')
          .select(['id', 'host'])
          .where('id', '=', row.server_id)
          .where('deleted_at', 'is', null)
          .executeTakeFirst(),
      )
      if (server === undefined || server.host === null) return null
      const at = bus.client(computeRpc).on(server.host)
      const { path } =
        row.protocol === 'serial'
          ? await at.serial_socket(ctx, { serverId: server.id })
          : await at.vnc_socket(ctx, { serverId: server.id })
      return { protocol: row.protocol, path }
    },
    async diagnostics(ctx: Ctx, id: string) {
      const server = await find(ctx, id, rules.serverDiagnostics)
      if (server.host === null) throw faults.InstanceNotReady({ id })
      return (await bus.client(computeRpc).on(server.host).diagnostics(about(ctx, id), { serverId: id })).diagnostics
    },
  }
}
export type PartsDomain = ReturnType<typeof createPartsDomain>

/** A neighbour's refusal in our own words: 404 stays 404, what it calls wrong is 400, the rest passes. */
async function asked<T>(answer: Promise<T>, volumeId: string): Promise<T> {
  try {
    return await answer
  } catch (error) {
    if (!(error instanceof RemoteFault)) throw error
    if (error.status === 404) throw faults.VolumeNotFound({ id: volumeId }, { cause: error })
    if (error.status === 400 || error.status === 409)
      throw faults.BadRequest({ reason: `Invalid volume: ${error.message}` }, { cause: error })
    if (error.status === 403) throw faults.Forbidden({ reason: error.message }, { cause: error })
    throw error
  }
}
