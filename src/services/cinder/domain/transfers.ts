// The verbs of hand-overs. All of them are single transactions: a volume belongs to the one project or to the other.
import { wordTable } from '#kernel/lib/word-table.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import { faults } from '#services/cinder/contract/faults.ts'
import { rules } from '#services/cinder/contract/rules.ts'
import type { Rule } from '#kernel/contract/rule.ts'
import { groupsDb } from '#services/cinder/db/groups.ts'
import { snapshotsDb } from '#services/cinder/db/snapshots.ts'
import { transfersDb, type Transfer } from '#services/cinder/db/transfers.ts'
import { typesDb } from '#services/cinder/db/types.ts'
import { volumesDb } from '#services/cinder/db/volumes.ts'
import { demand, findVolume, isUuid } from '#services/cinder/domain/find.ts'
import type { ListRequest } from '#services/cinder/domain/listing.ts'
import { demandQuota, demandSize } from '#services/cinder/domain/quotas.ts'
import { isAdmin, projectOf, type DomainTools } from '#services/cinder/domain/tools.ts'

const COLUMNS: Readonly<Record<string, string>> = wordTable<string>({
  id: 'id',
  name: 'name',
  display_name: 'name',
  volume_id: 'volume_id',
  created_at: 'created_at',
  source_project_id: 'source_project_id',
  project_id: 'source_project_id',
  no_snapshots: 'no_snapshots',
})
/** Characters of a key, as upstream's `volume_transfer_key_length`. */
const KEY_LENGTH = 16

const hexOf = (bytes: Uint8Array): string => [...bytes].map(byte => byte.toString(16).padStart(2, '0')).join('')

/** What is kept of a key: HMAC-SHA-256 under the salt, in hex. */
async function hashOf(salt: string, key: string): Promise<string> {
  const text = new TextEncoder()
  const secret = await crypto.subtle.importKey('raw', text.encode(salt), { name: 'HMAC', hash: 'SHA-256' }, false, [
    'sign',
  ])
  return hexOf(new Uint8Array(await crypto.subtle.sign('HMAC', secret, text.encode(key))))
}
/** Equal or not, in the same time whatever differs. */
function same(a: string, b: string): boolean {
  let difference = a.length ^ b.length
  for (let i = 0; i < a.length; i += 1) difference |= a.charCodeAt(i) ^ b.charCodeAt(i % Math.max(1, b.length))
  return difference === 0
}

export const createTransfersDomain = (tools: DomainTools) => {
  const { database, clock, ids, settings } = tools
  const about = (ctx: Ctx, id: string): Ctx => ({ ...ctx, subject: id })

  /** Offers are seen by the project that makes them, and by administrators. */
  async function find(ctx: Ctx, id: string, rule: Rule): Promise<Transfer> {
    const transfer = isUuid(id)
      ? await database.read(ctx, 'find-transfer', q => transfersDb(q).byId(id.toLowerCase()))
      : undefined
    if (transfer === undefined || (!isAdmin(ctx) && transfer.sourceProjectId !== projectOf(ctx)))
      throw faults.TransferNotFound({ id })
    demand(tools, ctx, rule, { project_id: transfer.sourceProjectId })
    return transfer
  }

  return {
    find: (ctx: Ctx, id: string): Promise<Transfer> => find(ctx, id, rules.volumeGetTransfer),

    async list(ctx: Ctx, request: ListRequest): Promise<{ transfers: Transfer[]; more: boolean }> {
      const equal: Record<string, string | number> = {}
      for (const [key, value] of Object.entries(request.filters)) {
        // Those that are accepted are gone.
        if (key === 'accepted' && /^(0|f|false|no|n|off)$/i.test(value)) continue
        const column = COLUMNS[key]
        if (column === undefined) return { transfers: [], more: false }
        equal[column] = key === 'no_snapshots' ? Number(/^(1|t|true|yes|y|on)$/i.test(value)) : value
      }
      const sort = request.sort.map(({ key, direction }) => {
        const column = COLUMNS[key]
        if (column === undefined) throw faults.InvalidInput({ reason: 'Invalid sort key' })
        return { column, direction }
      })
      if (request.limit === 0) return { transfers: [], more: false }
      const projectId = request.allProjects && isAdmin(ctx) ? null : projectOf(ctx)
      const rows = await database.read(ctx, 'list-transfers', q =>
        transfersDb(q).list(
          { projectId, equal },
          { sort, marker: request.marker, limit: request.offset + request.limit + 1 },
        ),
      )
      if (rows === undefined) throw faults.TransferNotFound({ id: request.marker ?? '' })
      const left = rows.slice(request.offset)
      return { transfers: left.slice(0, request.limit), more: left.length > request.limit }
    },

    /** The key is told here and never again. */
    async create(
      ctx: Ctx,
      wish: { volumeId: string; name: string | null; noSnapshots: boolean },
    ): Promise<{ transfer: Transfer; key: string }> {
      const volume = await findVolume(tools, ctx, wish.volumeId, rules.volumeCreateTransfer)
      const key = hexOf(ids.bytes(KEY_LENGTH / 2))
      const salt = hexOf(ids.bytes(8))
      const transfer: Transfer = {
        id: ids.uuid(),
        volumeId: volume.id,
        sourceProjectId: volume.projectId,
        name: wish.name,
        salt,
        keyHash: await hashOf(salt, key),
        noSnapshots: wish.noSnapshots,
        createdAt: clock.now(),
      }
      await database.tx(about(ctx, volume.id), 'offer-volume', async q => {
        if (!wish.noSnapshots)
          for (const snapshot of await snapshotsDb(q).ofVolume(volume.id))
            if (snapshot.status !== 'available')
              throw faults.InvalidSnapshot({ reason: `snapshot: ${snapshot.id} status must be available` })
        // A group's volumes are all of one project.
        if ((await groupsDb(q).ofVolume(volume.id)) !== null)
          throw faults.InvalidVolume({ reason: 'it must not be part of a group' })
        if (!(await volumesDb(q).enter(volume.id, 'available', { status: 'awaiting-transfer' }, clock.now())))
          throw faults.InvalidVolume({ reason: 'status must be available' })
        await transfersDb(q).insert(transfer)
      })
      return { transfer, key }
    },

    /** The caller's project gets volume and snapshots, and what they take of quotas. */
    async accept(ctx: Ctx, id: string, key: string): Promise<Transfer> {
      demand(tools, ctx, rules.volumeAcceptTransfer, { project_id: projectOf(ctx) })
      const projectId = projectOf(ctx)
      if (projectId === '') throw faults.InvalidVolume({ reason: 'The token is not for a project.' })
      const transfer = isUuid(id)
        ? await database.read(ctx, 'find-transfer', q => transfersDb(q).byId(id.toLowerCase()))
        : undefined
      if (transfer === undefined) throw faults.TransferNotFound({ id })
      if (!same(await hashOf(transfer.salt, key), transfer.keyHash))
        throw faults.InvalidAuthKey({ reason: `Attempt to transfer ${id} with invalid auth key.` })
      await database.tx(about(ctx, transfer.volumeId), 'accept-volume', async q => {
        if ((await transfersDb(q).byId(transfer.id)) === undefined) throw faults.TransferNotFound({ id })
        const volume = await volumesDb(q).byId(transfer.volumeId)
        if (volume === undefined) throw faults.TransferNotFound({ id })
        if (volume.status === 'maintenance')
          throw faults.InvalidVolume({ reason: 'The volume cannot accept transfer in maintenance mode.' })
        const owner = { projectId, userId: ctx.who?.userId ?? '' }
        const snapshots = transfer.noSnapshots ? [] : await snapshotsDb(q).ofVolume(volume.id)
        if (volume.projectId !== projectId) {
          const typeName = (await typesDb(q).byId(volume.typeId))?.name ?? ''
          await demandSize(q, projectId, volume.sizeGb, settings.quotas)
          await demandQuota(
            q,
            projectId,
            {
              typeName,
              volumes: 1,
              snapshots: snapshots.length,
              gigabytes: volume.claimedGb + snapshots.reduce((sum, one) => sum + one.sizeGb, 0),
            },
            settings.quotas,
          )
        }
        const change = { status: 'available', ...owner }
        if (!(await volumesDb(q).enter(volume.id, 'awaiting-transfer', change, clock.now())))
          throw faults.InvalidVolume({
            reason: `Transfer ${transfer.id}: Volume id ${volume.id} expected in awaiting-transfer state.`,
          })
        for (const snapshot of snapshots)
          if (!(await snapshotsDb(q).enter(snapshot.id, 'available', owner, clock.now())))
            throw faults.InvalidSnapshot({
              reason: `Transfer ${transfer.id}: Snapshot ${snapshot.id} is not in the expected available state.`,
            })
        await transfersDb(q).remove(transfer.id)
      })
      return transfer
    },

    /** Takes the offer back. A volume that is no longer waiting stays as it is. */
    async remove(ctx: Ctx, id: string): Promise<void> {
      const transfer = await find(ctx, id, rules.volumeDeleteTransfer)
      await database.tx(about(ctx, transfer.volumeId), 'withdraw-offer', async q => {
        await volumesDb(q).enter(transfer.volumeId, 'awaiting-transfer', { status: 'available' }, clock.now())
        await transfersDb(q).remove(transfer.id)
      })
    },
  }
}
export type TransfersDomain = ReturnType<typeof createTransfersDomain>
