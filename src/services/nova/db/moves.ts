// Moves of servers (clients call them migrations): rows, what they hold of hosts and quotas, and the pages of lists.
import type { Kysely, Selectable, SelectQueryBuilder, Updateable } from 'kysely'

import { fromJson, fromTime, json, orNull, time } from '#kernel/db/codecs.ts'
import { swap } from '#kernel/db/helpers.ts'
import { page } from '#kernel/db/page.ts'
import { nextNumber } from '#services/nova/db/counters.ts'
import { hostsDb } from '#services/nova/db/hosts.ts'
import type { Claim, FlavorCopy, MoveTable, NovaTables } from '#services/nova/db/tables.ts'

export type MoveKind = 'resize' | 'migration' | 'live-migration' | 'evacuation'
export interface Place {
  readonly host: string
  readonly node: string
}
export interface Move {
  readonly id: string
  readonly number: number
  readonly serverId: string
  readonly userId: string | null
  readonly projectId: string | null
  readonly kind: MoveKind
  readonly status: string
  readonly source: Place
  readonly dest: Place | null
  readonly destIp: string | null
  readonly oldFlavor: FlavorCopy | null
  readonly newFlavor: FlavorCopy | null
  readonly oldFlavorNumber: number | null
  readonly newFlavorNumber: number | null
  readonly oldVmState: string | null
  readonly held: { readonly host: string; readonly claim: Claim } | null
  readonly charged: { readonly cores: number; readonly ramMb: number }
  readonly progress: Readonly<Record<ProgressColumn, number | null>>
  readonly createdAt: number
  readonly updatedAt: number | null
}
const PROGRESS = [
  'memory_total',
  'memory_processed',
  'memory_remaining',
  'disk_total',
  'disk_processed',
  'disk_remaining',
] as const
export type ProgressColumn = (typeof PROGRESS)[number]

/** Moves with these are over: they hold nothing, whatever their columns say is a leak. */
export const OVER: ReadonlySet<string> = new Set(['confirmed', 'reverted', 'error', 'failed', 'cancelled', 'completed'])

const fromRow = (row: Selectable<MoveTable>): Move => ({
  id: row.id,
  number: row.number,
  serverId: row.server_id,
  userId: row.user_id,
  projectId: row.project_id,
  kind: row.kind as MoveKind,
  status: row.status,
  source: { host: row.source_host ?? '', node: row.source_node ?? '' },
  dest: row.dest_host === null ? null : { host: row.dest_host, node: row.dest_node ?? row.dest_host },
  destIp: row.dest_ip,
  oldFlavor: row.old_flavor === null ? null : fromJson(row.old_flavor),
  newFlavor: row.new_flavor === null ? null : fromJson(row.new_flavor),
  oldFlavorNumber: row.old_flavor_number,
  newFlavorNumber: row.new_flavor_number,
  oldVmState: row.old_vm_state,
  held:
    row.held_host === null || row.held_claim === null ? null : { host: row.held_host, claim: fromJson(row.held_claim) },
  charged: { cores: row.charged_cores, ramMb: row.charged_ram_mb },
  progress: Object.fromEntries(PROGRESS.map(column => [column, row[column]])) as Move['progress'],
  createdAt: fromTime(row.created_at),
  updatedAt: orNull(fromTime)(row.updated_at),
})

export interface MoveFilters {
  readonly status?: string
  readonly host?: string
  readonly sourceHost?: string
  readonly node?: string
  readonly kind?: string
  readonly serverId?: string
  readonly userId?: string
  readonly projectId?: string
  readonly changedSince?: number
  readonly changedBefore?: number
}
type Rows = SelectQueryBuilder<NovaTables, 'server_moves', Selectable<MoveTable>>

export const movesDb = (q: Kysely<NovaTables>) => {
  const all = (): Rows => q.selectFrom('server_moves').selectAll()
  const change = (id: string, set: Updateable<MoveTable>, now: number): Promise<boolean> =>
    swap(q, 'server_moves', { id }, { ...set, updated_at: time(now) })
  const flavorNumber = async (flavor: FlavorCopy): Promise<number> => {
    const name = `flavor/${flavor.id}`
    const known = await q.selectFrom('counters').select('value').where('name', '=', name).executeTakeFirst()
    if (known !== undefined) return known.value
    const value = await nextNumber(q, 'flavors')
    await q.insertInto('counters').values({ name, value }).execute()
    return value
  }
  return {
    async byId(id: string): Promise<Move | undefined> {
      const row = await all().where('id', '=', id).executeTakeFirst()
      return row && fromRow(row)
    },
    /** By the number that clients know. */
    async byNumber(serverId: string, number: number): Promise<Move | undefined> {
      const row = await all().where('server_id', '=', serverId).where('number', '=', number).executeTakeFirst()
      return row && fromRow(row)
    },
    /** The newest of a server with this status. */
    async withStatus(serverId: string, status: string): Promise<Move | undefined> {
      const row = await all()
        .where('server_id', '=', serverId)
        .where('status', '=', status)
        .orderBy('number', 'desc')
        .executeTakeFirst()
      return row && fromRow(row)
    },
    async of(serverId: string): Promise<Move[]> {
      return (await all().where('server_id', '=', serverId).orderBy('number').execute()).map(fromRow)
    },
    /** All that are not over. */
    async underWay(): Promise<Move[]> {
      const rows = await all()
        .where('status', 'not in', [...OVER])
        .orderBy('number')
        .execute()
      return rows.map(fromRow)
    },
    /** Resizes that wait for a person's word since before `before` (ms). */
    async unconfirmedSince(before: number): Promise<Move[]> {
      const rows = await all().where('status', '=', 'finished').where('updated_at', '<=', time(before)).execute()
      return rows.map(fromRow)
    },
    /** Evacuations away from a host, done and not yet cleaned up there. */
    async evacuatedFrom(host: string): Promise<Move[]> {
      const rows = await all()
        .where('source_host', '=', host)
        .where('kind', '=', 'evacuation')
        .where('status', '=', 'done')
        .execute()
      return rows.map(fromRow)
    },
    async add(
      move: Pick<Move, 'id' | 'serverId' | 'userId' | 'projectId' | 'kind' | 'status' | 'source' | 'oldVmState'> & {
        readonly oldFlavor: FlavorCopy
        readonly newFlavor: FlavorCopy
        readonly dest: Place | null
      },
      charged: Move['charged'],
      now: number,
    ): Promise<void> {
      await q
        .insertInto('server_moves')
        .values({
          id: move.id,
          number: await nextNumber(q, 'moves'),
          server_id: move.serverId,
          user_id: move.userId,
          project_id: move.projectId,
          kind: move.kind,
          status: move.status,
          source_host: move.source.host,
          source_node: move.source.node,
          dest_host: move.dest?.host ?? null,
          dest_node: move.dest?.node ?? null,
          dest_ip: null,
          old_flavor: json(move.oldFlavor),
          new_flavor: json(move.newFlavor),
          old_flavor_number: await flavorNumber(move.oldFlavor),
          new_flavor_number: await flavorNumber(move.newFlavor),
          old_vm_state: move.oldVmState,
          held_host: null,
          held_claim: null,
          charged_cores: charged.cores,
          charged_ram_mb: charged.ramMb,
          memory_total: null,
          memory_processed: null,
          memory_remaining: null,
          disk_total: null,
          disk_processed: null,
          disk_remaining: null,
          created_at: time(now),
          updated_at: null,
        })
        .execute()
    },
    setStatus: (id: string, status: string, now: number): Promise<boolean> => change(id, { status }, now),
    /** The status is the lock: true if we won. */
    enter: (id: string, from: string | readonly string[], status: string, now: number): Promise<boolean> =>
      swap(q, 'server_moves', { id, status: from as string }, { status, updated_at: time(now) }),
    goTo: (id: string, dest: Place & { readonly ip: string | null }, now: number): Promise<boolean> =>
      change(id, { dest_host: dest.host, dest_node: dest.node, dest_ip: dest.ip }, now),
    /** How far a running guest has come. Bytes. */
    saveProgress: (id: string, progress: Partial<Record<ProgressColumn, number>>, now: number): Promise<boolean> =>
      change(id, progress, now),
    /** What a host counts for this move from now on, instead of what one did; null for nothing. The sums follow. */
    async hold(move: Move, held: Move['held'], now: number): Promise<void> {
      if (move.held !== null) await hostsDb(q).count(move.held.host, move.held.claim, -1)
      if (held !== null) await hostsDb(q).count(held.host, held.claim, 1)
      await change(move.id, { held_host: held?.host ?? null, held_claim: held === null ? null : json(held.claim) }, now)
    },
    charge: (id: string, charged: Move['charged'], now: number): Promise<boolean> =>
      change(id, { charged_cores: charged.cores, charged_ram_mb: charged.ramMb }, now),

    /** Newest first when `paging` is given, else oldest first and all. `marker` is an id; undefined: there is no such move. */
    async list(
      filters: MoveFilters,
      paging: { readonly marker: string | null; readonly limit: number } | null,
    ): Promise<Move[] | undefined> {
      let query = all()
      if (filters.status !== undefined) query = query.where('status', '=', filters.status)
      const { host, node } = filters
      if (host !== undefined)
        query = query.where(eb => eb.or([eb('source_host', '=', host), eb('dest_host', '=', host)]))
      else if (filters.sourceHost !== undefined) query = query.where('source_host', '=', filters.sourceHost)
      if (node !== undefined)
        query = query.where(eb => eb.or([eb('source_node', '=', node), eb('dest_node', '=', node)]))
      if (filters.kind !== undefined) query = query.where('kind', '=', filters.kind)
      if (filters.serverId !== undefined) query = query.where('server_id', '=', filters.serverId)
      if (filters.userId !== undefined) query = query.where('user_id', '=', filters.userId)
      if (filters.projectId !== undefined) query = query.where('project_id', '=', filters.projectId)
      const changed = (eb: { fn: { coalesce: (...of: never[]) => unknown } }): never =>
        eb.fn.coalesce('updated_at' as never, 'created_at' as never) as never
      if (filters.changedSince !== undefined)
        query = query.where(eb => eb(changed(eb as never), '>=', time(filters.changedSince ?? 0) as never))
      if (filters.changedBefore !== undefined)
        query = query.where(eb => eb(changed(eb as never), '<=', time(filters.changedBefore ?? 0) as never))
      if (paging === null) return (await query.orderBy('number').execute()).map(fromRow)
      const marker = paging.marker === null ? undefined : await all().where('id', '=', paging.marker).executeTakeFirst()
      if (paging.marker !== null && marker === undefined) return undefined
      if (paging.limit === 0) return []
      const sort = [
        { column: 'created_at', direction: 'desc' as const },
        { column: 'number', direction: 'desc' as const },
      ]
      return (await page(q, query, { sort, marker, limit: paging.limit })).map(fromRow)
    },
  }
}
