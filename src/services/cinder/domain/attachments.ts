// Attachments: reserve, connect, complete, end. The volume's status follows from what attachments it has.
import { wordTable } from '#kernel/lib/word-table.ts'
import { isFull } from '#kernel/http/paging.ts'
import type { Kysely } from 'kysely'

import type { Ctx } from '#kernel/lib/context.ts'
import { faults } from '#services/cinder/contract/faults.ts'
import { rules } from '#services/cinder/contract/rules.ts'
import { orList, VOLUME_TRANSITIONS } from '#services/cinder/contract/states.ts'
import { attachmentsDb, type Attachment } from '#services/cinder/db/attachments.ts'
import type { CinderTables } from '#services/cinder/db/tables.ts'
import { volumesDb, type Volume } from '#services/cinder/db/volumes.ts'
import { demand, findAttachment, findVolume, isUuid, targetOf } from '#services/cinder/domain/find.ts'
import { usableFilters, type ListRequest } from '#services/cinder/domain/listing.ts'
import { isAdmin, isService, projectOf, type DomainTools } from '#services/cinder/domain/tools.ts'
import { actorHost, volumeRpc } from '#services/cinder/rpc.ts'
import type { Connection, Connector } from '#services/cinder/drivers/backend.ts'

type Bag = Readonly<Record<string, unknown>>

/** The volume's status by its attachments: attached before attaching before detaching before reserved. */
const RANKS = ['attached', 'attaching', 'detaching', 'reserved']
const STATUS_OF: Readonly<Record<string, string>> = { attached: 'in-use', detached: 'available' }
/** In these a volume stays whatever becomes of its attachments. */
const STAYS = [
  ...VOLUME_TRANSITIONS.filter(one => one !== 'attaching' && one !== 'detaching'),
  'error_deleting',
  'maintenance',
  'awaiting-transfer',
]
const SORTS: Readonly<Record<string, string>> = wordTable<string>({
  id: 'id',
  created_at: 'created_at',
  updated_at: 'updated_at',
  volume_id: 'volume_id',
  instance_uuid: 'instance_id',
  attach_status: 'status',
  attach_time: 'attached_at',
})

/** Writes the volume's status as its remaining attachments have it. */
export async function settleVolume(q: Kysely<CinderTables>, volumeId: string, now: number): Promise<void> {
  const volume = await volumesDb(q).byId(volumeId)
  if (volume === undefined) return
  const have = (await attachmentsDb(q).ofVolume(volumeId)).map(one => one.status)
  const attachStatus = RANKS.find(rank => have.includes(rank)) ?? 'detached'
  const status = STAYS.includes(volume.status) ? volume.status : (STATUS_OF[attachStatus] ?? attachStatus)
  await volumesDb(q).change(
    volumeId,
    { status, attachStatus, ...(attachStatus === 'detached' ? { attachedMode: null } : {}) },
    now,
  )
}

/** The connector as clients send it. Throws 400 without a host. */
export function connectorOf(given: Bag | string | null): Connector {
  const bag = typeof given === 'object' && given !== null ? given : {}
  if (typeof bag['host'] !== 'string' || bag['host'] === '')
    throw faults.InvalidInput({ reason: "Connector doesn't have required information: host" })
  return { ...bag, host: bag['host'] }
}

/** Asks the back end that has the volume. */
export async function connectTo(
  tools: DomainTools,
  ctx: Ctx,
  volume: Volume,
  connector: Connector,
  mode: 'rw' | 'ro',
): Promise<Connection> {
  if (volume.host === null) throw faults.InvalidVolume({ reason: `Volume ${volume.id} has no place yet.` })
  try {
    const { connection } = await tools.bus
      .client(volumeRpc)
      .on(actorHost(volume.host))
      .connect({ ...ctx, subject: volume.id }, { volumeId: volume.id, sizeGb: volume.sizeGb, connector, mode })
    return connection
  } catch (error) {
    throw backendFault(tools, ctx, error)
  }
}
export async function disconnectFrom(
  tools: DomainTools,
  ctx: Ctx,
  volume: Volume,
  connector: Connector | null,
): Promise<void> {
  if (volume.host === null) return
  try {
    await tools.bus
      .client(volumeRpc)
      .on(actorHost(volume.host))
      .disconnect({ ...ctx, subject: volume.id }, { volumeId: volume.id, connector })
  } catch (error) {
    throw backendFault(tools, ctx, error)
  }
}
/** The back end's own words stay in the log. */
function backendFault(tools: DomainTools, ctx: Ctx, error: unknown): unknown {
  const { code = '', message } = error as { code?: string; message: string }
  if (!code.startsWith('Backend:')) return error
  tools.log.error(ctx, `the back end refused: ${message}`, error)
  return faults.BackendFailed({ reason: code.slice('Backend:'.length) }, { cause: error })
}

export const createAttachmentsDomain = (tools: DomainTools) => {
  const { database, clock, ids } = tools

  /** Connects for an attachment and writes what came of it. */
  async function connect(ctx: Ctx, attachment: Attachment, volume: Volume, connector: Connector): Promise<Attachment> {
    const mode: 'rw' | 'ro' =
      attachment.mode === 'ro' || attachment.mode === 'rw' ? attachment.mode : connector['mode'] === 'ro' ? 'ro' : 'rw'
    const { data, ...rest } = await connectTo(tools, ctx, volume, connector, mode)
    const connectionInfo = {
      ...data,
      ...rest,
      attachment_id: attachment.id,
      enforce_multipath: connector['enforce_multipath'] === true,
    }
    return database.tx({ ...ctx, subject: volume.id }, 'attachment-connected', async q => {
      const now = clock.now()
      const kept = await attachmentsDb(q).change(
        attachment.id,
        {
          connector: { ...connector, mode },
          connectionInfo,
          mode,
          host: connector.host,
          mountpoint: typeof connector['mountpoint'] === 'string' ? connector['mountpoint'] : 'na',
          // A repeat for one that is attached already does not take that back.
          ...(attachment.status === 'attached' ? {} : { status: 'attaching' }),
          attachedAt: now,
        },
        now,
      )
      if (!kept) throw faults.AttachmentNotFound({ id: attachment.id })
      await settleVolume(q, volume.id, now)
      return (await attachmentsDb(q).byId(attachment.id)) as Attachment
    })
  }

  /** 409 for a person who would pull a disk from under a server; a service may. */
  async function demandDetachable(ctx: Ctx, attachment: Attachment): Promise<void> {
    if (isService(ctx) || attachment.serverId === null || attachment.connectionInfo === null) return
    const used = await tools.nova.attachmentOf(ctx, attachment.serverId, attachment.volumeId)
    if (used === attachment.id) throw faults.NovaUsesAttachment({ server: attachment.serverId })
  }

  /** Ends the connection of an attachment, unless another one goes to the same host. */
  async function release(ctx: Ctx, attachment: Attachment): Promise<void> {
    const { volume, others } = await database.read(ctx, 'volume-of-attachment', async q => ({
      volume: await volumesDb(q).byId(attachment.volumeId),
      others: (await attachmentsDb(q).ofVolume(attachment.volumeId)).filter(one => one.id !== attachment.id),
    }))
    if (volume === undefined || attachment.connector === null) return
    const host = attachment.connector['host']
    if (others.some(one => one.connector?.['host'] === host)) return
    await disconnectFrom(tools, ctx, volume, connectorOf(attachment.connector))
  }

  return {
    find: (ctx: Ctx, id: string): Promise<Attachment> => findAttachment(tools, ctx, id, null),
    demandDetachable,
    release,

    async list(ctx: Ctx, request: ListRequest): Promise<{ attachments: Attachment[]; more: boolean }> {
      const usable = usableFilters(ctx, 'attachment', request)
      const { volume_id, instance_id, instance_uuid, status, attach_status, ...rest } = usable
      if (Object.keys(rest).length > 0) return { attachments: [], more: false }
      const sort = request.sort.map(({ key, direction }) => {
        const column = SORTS[key]
        if (column === undefined) throw faults.InvalidInput({ reason: 'Invalid sort key' })
        return { column, direction }
      })
      const server = instance_id ?? instance_uuid
      const state = attach_status ?? status
      const rows = await database.read(ctx, 'list-attachments', q =>
        attachmentsDb(q).list(
          {
            projectId: request.allProjects && isAdmin(ctx) ? null : projectOf(ctx),
            ...(volume_id === undefined ? {} : { volumeId: volume_id }),
            ...(server === undefined ? {} : { serverId: server }),
            ...(state === undefined ? {} : { status: state }),
          },
          { sort, marker: request.marker, limit: request.limit + request.offset },
        ),
      )
      if (rows === undefined) throw faults.AttachmentNotFound({ id: request.marker ?? '' })
      const shown = rows.slice(request.offset, request.offset + request.limit)
      return { attachments: shown, more: isFull(shown.length, request.limit) }
    },

    /** Reserves; with a connector also connects. `mode` null: nobody said. */
    async create(
      ctx: Ctx,
      wish: { volumeId: string; serverId: string | null; connector: Bag | null; mode: 'rw' | 'ro' | null },
    ): Promise<Attachment> {
      const volume = await findVolume(tools, ctx, wish.volumeId, rules.volumeAttachmentCreate)
      if (volume.status.includes('error'))
        throw faults.InvalidVolume({
          reason: `Volume attachments can not be created if the volume is in an error state. The Volume ${volume.id} currently has a status of: ${volume.status} `,
        })
      if (volume.multiattach && volume.status === 'in-use' && volume.bootable)
        demand(tools, ctx, rules.volumeMultiattachBootableVolume, targetOf(volume))
      const connector = wish.connector === null ? null : connectorOf(wish.connector)
      const attachment = await database.tx({ ...ctx, subject: volume.id }, 'reserve-volume', async q => {
        const now = clock.now()
        const expected = volume.multiattach ? ['available', 'in-use'] : ['available']
        const won = await volumesDb(q).enter(volume.id, expected, { status: 'reserved', attachStatus: 'reserved' }, now)
        if (!won) await demandSameServer(q, volume.id, wish.serverId, expected)
        const made: Attachment = {
          id: ids.uuid(),
          volumeId: volume.id,
          projectId: volume.projectId,
          serverId: wish.serverId?.toLowerCase() ?? null,
          host: null,
          mountpoint: null,
          mode: volume.readonly === 'True' ? 'ro' : (wish.mode ?? 'null'),
          status: 'reserved',
          connector: null,
          connectionInfo: null,
          createdAt: now,
          updatedAt: null,
          attachedAt: null,
        }
        await attachmentsDb(q).insert(made)
        if (won && expected.includes('in-use')) await keepHigherAttachStatus(q, volume.id, now)
        return made
      })
      if (connector === null) return attachment
      try {
        return await connect(ctx, attachment, volume, connector)
      } catch (error) {
        await database.tx(ctx, 'unreserve-volume', async q => {
          await attachmentsDb(q).remove(attachment.id)
          await settleVolume(q, volume.id, clock.now())
        })
        throw error
      }
    },

    /** Connects a reserved attachment; harmless to repeat. */
    async update(ctx: Ctx, id: string, given: Bag): Promise<Attachment> {
      const attachment = await findAttachment(tools, ctx, id, rules.volumeAttachmentUpdate)
      const { volume, all } = await database.read(ctx, 'volume-of-attachment', async q => ({
        volume: await volumesDb(q).byId(attachment.volumeId),
        all: await attachmentsDb(q).ofVolume(attachment.volumeId),
      }))
      if (volume === undefined) throw faults.AttachmentNotFound({ id })
      if (volume.status.includes('error'))
        throw faults.ResourceConflict({
          reason: `Volume attachments can not be updated if the volume is in an error state. The Volume ${volume.id} currently has a status of: ${volume.status} `,
        })
      const connector = connectorOf(given)
      const others = all.filter(one => one.id !== attachment.id && one.connectionInfo !== null)
      if (!volume.multiattach && others.some(one => one.serverId !== attachment.serverId))
        throw faults.ResourceConflict({ reason: `duplicate connectors detected on volume ${volume.id}` })
      return connect(ctx, attachment, volume, connector)
    },

    async complete(ctx: Ctx, id: string): Promise<void> {
      const attachment = await findAttachment(tools, ctx, id, rules.volumeAttachmentComplete)
      await database.tx({ ...ctx, subject: attachment.volumeId }, 'complete-attachment', async q => {
        const now = clock.now()
        if (!(await attachmentsDb(q).change(attachment.id, { status: 'attached' }, now)))
          throw faults.AttachmentNotFound({ id })
        await settleVolume(q, attachment.volumeId, now)
      })
    },

    /** Ends the connection and the attachment. Returns what the volume is still attached by. */
    async remove(ctx: Ctx, id: string): Promise<Attachment[]> {
      const attachment = await findAttachment(tools, ctx, id, rules.volumeAttachmentDelete)
      await demandDetachable(ctx, attachment)
      await release(ctx, attachment)
      return database.tx({ ...ctx, subject: attachment.volumeId }, 'delete-attachment', async q => {
        await attachmentsDb(q).remove(attachment.id)
        await settleVolume(q, attachment.volumeId, clock.now())
        return attachmentsDb(q).ofVolume(attachment.volumeId)
      })
    },
  }
}
export type AttachmentsDomain = ReturnType<typeof createAttachmentsDomain>

/** A second attachment to the same server is allowed: it may be moving to another host. Throws 400 otherwise. */
async function demandSameServer(
  q: Kysely<CinderTables>,
  volumeId: string,
  serverId: string | null,
  expected: readonly string[],
): Promise<void> {
  const volume = await volumesDb(q).byId(volumeId)
  if (volume === undefined) throw faults.VolumeNotFound({ id: volumeId })
  if (serverId !== null && isUuid(serverId) && ['in-use', 'reserved'].includes(volume.status)) {
    const attachments = await attachmentsDb(q).ofVolume(volumeId)
    if (attachments.some(one => one.serverId === serverId.toLowerCase())) return
  }
  throw faults.InvalidVolume({
    reason: `Volume ${volumeId} status must be ${orList(expected)} to reserve, but the current status is ${volume.status}.`,
  })
}

/** A volume of several servers is reserved by one while others hold it. */
async function keepHigherAttachStatus(q: Kysely<CinderTables>, volumeId: string, now: number): Promise<void> {
  const have = (await attachmentsDb(q).ofVolume(volumeId)).map(one => one.status)
  const attachStatus = RANKS.find(rank => have.includes(rank)) ?? 'reserved'
  await volumesDb(q).change(volumeId, { attachStatus }, now)
}
