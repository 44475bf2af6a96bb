// The older handshake of actions: reserve, initialize, attach, begin detaching, terminate, detach.
import type { Ctx } from '#kernel/lib/context.ts'
import { faults } from '#services/cinder/contract/faults.ts'
import { rules } from '#services/cinder/contract/rules.ts'
import { orList } from '#services/cinder/contract/states.ts'
import { attachmentsDb, type Attachment } from '#services/cinder/db/attachments.ts'
import { volumesDb } from '#services/cinder/db/volumes.ts'
import {
  connectorOf,
  connectTo,
  disconnectFrom,
  settleVolume,
  type AttachmentsDomain,
} from '#services/cinder/domain/attachments.ts'
import { findVolume } from '#services/cinder/domain/find.ts'
import type { DomainTools } from '#services/cinder/domain/tools.ts'
import type { Connection } from '#services/cinder/drivers/backend.ts'

type Bag = Readonly<Record<string, unknown>>

export const createAttachingDomain = (tools: DomainTools & { readonly attachments: AttachmentsDomain }) => {
  const { database, clock, ids, attachments } = tools
  const of = (ctx: Ctx, volumeId: string): Promise<Attachment[]> =>
    database.read(ctx, 'attachments-of-volume', q => attachmentsDb(q).ofVolume(volumeId))

  /** The one attachment meant, or null when there is none. Throws 400 when several could be. */
  const meant = async (ctx: Ctx, volumeId: string, attachmentId: string | null): Promise<Attachment | null> => {
    const all = await of(ctx, volumeId)
    if (attachmentId !== null) return all.find(one => one.id === attachmentId) ?? null
    if (all.length > 1)
      throw faults.BadRequest({
        reason:
          'Error detaching volume - InvalidVolume: Invalid volume: Detach volume failed: More than one attachment, but no attachment_id provided.',
      })
    return all[0] ?? null
  }

  const detach = async (ctx: Ctx, volumeId: string, attachmentId: string | null): Promise<void> => {
    const attachment = await meant(ctx, volumeId, attachmentId)
    await database.tx({ ...ctx, subject: volumeId }, 'detach-volume', async q => {
      if (attachment !== null) await attachmentsDb(q).remove(attachment.id)
      const now = clock.now()
      const volume = await volumesDb(q).byId(volumeId)
      // Not attached at all: whatever it was on the way to is over.
      if (attachment === null && volume !== undefined && ['detaching', 'attaching', 'in-use'].includes(volume.status))
        await volumesDb(q).change(volumeId, { status: 'available', attachStatus: 'detached' }, now)
      else await settleVolume(q, volumeId, now)
    })
  }

  return {
    async reserve(ctx: Ctx, id: string): Promise<void> {
      const volume = await findVolume(tools, ctx, id, rules.volumeActionsReserve)
      const expected = volume.multiattach ? ['available', 'in-use'] : ['available']
      const won = await database.tx({ ...ctx, subject: volume.id }, 'reserve-volume', q =>
        volumesDb(q).enter(volume.id, expected, { status: 'attaching' }, clock.now()),
      )
      if (!won)
        throw faults.InvalidVolume({
          reason: `Volume status must be ${orList(expected)} to reserve, but the status is ${volume.status}.`,
        })
    },
    async unreserve(ctx: Ctx, id: string): Promise<void> {
      const volume = await findVolume(tools, ctx, id, rules.volumeActionsUnreserve)
      await database.tx({ ...ctx, subject: volume.id }, 'unreserve-volume', async q => {
        const held = (await attachmentsDb(q).ofVolume(volume.id)).length > 0
        await volumesDb(q).enter(volume.id, 'attaching', { status: held ? 'in-use' : 'available' }, clock.now())
      })
    },
    async beginDetaching(ctx: Ctx, id: string): Promise<void> {
      const volume = await findVolume(tools, ctx, id, rules.volumeActionsBeginDetaching)
      const won =
        volume.attachStatus === 'attached' &&
        (await database.tx({ ...ctx, subject: volume.id }, 'begin-detaching', q =>
          volumesDb(q).enter(volume.id, 'in-use', { status: 'detaching' }, clock.now()),
        ))
      if (!won)
        throw faults.InvalidVolume({
          reason:
            "Unable to detach volume. Volume status must be 'in-use' and attach_status must be 'attached' to detach.",
        })
    },
    async rollDetaching(ctx: Ctx, id: string): Promise<void> {
      const volume = await findVolume(tools, ctx, id, rules.volumeActionsRollDetaching)
      await database.tx({ ...ctx, subject: volume.id }, 'roll-detaching', q =>
        volumesDb(q).enter(volume.id, 'detaching', { status: 'in-use' }, clock.now()),
      )
    },

    /** Says on record that the volume is attached to a server or a host. */
    async attach(
      ctx: Ctx,
      id: string,
      wish: { serverId: string | null; hostName: string | null; mountpoint: string; mode: 'rw' | 'ro' },
    ): Promise<void> {
      const volume = await findVolume(tools, ctx, id, rules.volumeActionsAttach)
      if (volume.status === 'maintenance')
        throw faults.InvalidVolume({ reason: 'The volume cannot be attached in maintenance mode.' })
      if (volume.readonly === 'True' && wish.mode !== 'ro')
        throw faults.InvalidAttachMode({ mode: wish.mode, id: volume.id })
      await database.tx({ ...ctx, subject: volume.id }, 'attach-volume', async q => {
        const now = clock.now()
        const current = await volumesDb(q).byId(volume.id)
        if (current === undefined) throw faults.VolumeNotFound({ id })
        const refuse = (says: string): never => {
          throw faults.BadRequest({
            reason: `Error attaching volume - InvalidVolume: Invalid volume: ${says}`,
          })
        }
        if (current.status === 'attaching' && current.attachedMode !== null && current.attachedMode !== wish.mode)
          refuse('being attached by different mode')
        const all = await attachmentsDb(q).ofVolume(volume.id)
        const same = all.find(one =>
          wish.serverId === null ? one.host === wish.hostName : one.serverId === wish.serverId.toLowerCase(),
        )
        if (same === undefined) {
          if (current.status === 'in-use' && !current.multiattach)
            refuse('volume is already attached and multiple attachments are not enabled')
          if (!['available', 'attaching', 'in-use'].includes(current.status))
            refuse(`volume status is ${current.status}`)
          await attachmentsDb(q).insert({
            id: ids.uuid(),
            volumeId: volume.id,
            projectId: volume.projectId,
            serverId: wish.serverId?.toLowerCase() ?? null,
            host: wish.hostName,
            mountpoint: wish.mountpoint,
            mode: wish.mode,
            status: 'attached',
            connector: null,
            connectionInfo: null,
            createdAt: now,
            updatedAt: null,
            attachedAt: now,
          })
        }
        await volumesDb(q).change(
          volume.id,
          {
            status: 'in-use',
            attachStatus: 'attached',
            attachedMode: wish.mode,
            readonly: current.readonly ?? 'False',
          },
          now,
        )
      })
    },
    async detach(ctx: Ctx, id: string, attachmentId: string | null): Promise<void> {
      const volume = await findVolume(tools, ctx, id, rules.volumeActionsDetach)
      if (volume.status === 'maintenance')
        throw faults.InvalidVolume({ reason: 'The volume cannot be detached in maintenance mode.' })
      const attachment = await meant(ctx, volume.id, attachmentId)
      if (attachment !== null) await attachments.demandDetachable(ctx, attachment)
      await detach(ctx, volume.id, attachmentId)
    },

    async initialize(ctx: Ctx, id: string, given: Bag | string): Promise<Connection & { enforce_multipath: boolean }> {
      const volume = await findVolume(tools, ctx, id, rules.volumeActionsInitializeConnection)
      if (volume.status === 'maintenance')
        throw faults.InvalidVolume({ reason: 'The volume connection cannot be initialized in maintenance mode.' })
      const connector = connectorOf(given)
      const mode = volume.readonly === 'True' || connector['mode'] === 'ro' ? 'ro' : 'rw'
      const connection = await connectTo(tools, ctx, volume, connector, mode)
      return { ...connection, enforce_multipath: connector['enforce_multipath'] === true }
    },
    async terminate(ctx: Ctx, id: string, given: Bag | string | null): Promise<void> {
      const volume = await findVolume(tools, ctx, id, rules.volumeActionsTerminateConnection)
      const only = await of(ctx, volume.id)
      if (only.length === 1) await attachments.demandDetachable(ctx, only[0] as Attachment)
      const connector = typeof given === 'object' && given !== null && 'host' in given ? connectorOf(given) : null
      await disconnectFrom(tools, ctx, volume, connector)
      await database.tx({ ...ctx, subject: volume.id }, 'unreserve-volume', async q => {
        const held = (await attachmentsDb(q).ofVolume(volume.id)).length > 0
        await volumesDb(q).enter(volume.id, 'attaching', { status: held ? 'in-use' : 'available' }, clock.now())
      })
    },
    /** An administrator ends a detach that went wrong. */
    async forceDetach(ctx: Ctx, id: string, attachmentId: string | null, given: Bag | string | null): Promise<void> {
      const volume = await findVolume(tools, ctx, id, rules.volumeAdminActionsForceDetach)
      const attachment = await meant(ctx, volume.id, attachmentId)
      if (attachment !== null) await attachments.demandDetachable(ctx, attachment)
      const connector = typeof given === 'object' && given !== null && 'host' in given ? connectorOf(given) : null
      await disconnectFrom(tools, ctx, volume, connector)
      await detach(ctx, volume.id, attachmentId)
    },
  }
}
export type AttachingDomain = ReturnType<typeof createAttachingDomain>
