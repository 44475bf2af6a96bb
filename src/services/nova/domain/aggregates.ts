// The verbs of host aggregates. A host is in one availability zone at most, and servers never change theirs under their feet.
import type { Kysely } from 'kysely'

import type { Database } from '#kernel/db/database.ts'
import { isDuplicate } from '#kernel/db/errors.ts'
import type { Clock } from '#kernel/lib/clock.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import type { Ids } from '#kernel/lib/ids.ts'
import type { ProviderMirror } from '#services/nova/actors/neighbours/placement-providers.ts'
import { faults } from '#services/nova/contract/faults.ts'
import { aggregatesDb, type Aggregate } from '#services/nova/db/aggregates.ts'
import { nextNumber } from '#services/nova/db/counters.ts'
import { hostsDb } from '#services/nova/db/hosts.ts'
import type { NovaTables } from '#services/nova/db/tables.ts'

export interface AggregateTools {
  readonly database: Database<NovaTables>
  readonly clock: Clock
  readonly ids: Ids
  /** Tells Placement what a provider is in, as far as it can be reached. */
  readonly mirror: ProviderMirror
}
const ZONE = 'availability_zone'
const MAX_INT = 0x7fffffff
type Doing = 'Cannot add host to' | 'Cannot remove host from' | 'Cannot update' | 'Cannot update metadata of'
const reasonOf = (doing: Doing, id: number, reason: string): { reason: string } => ({
  reason: `${doing} aggregate ${id}. Reason: ${reason}.`,
})
/** The id in a path. Throws 400 for what is no number. */
const numberOf = (id: string): number => {
  if (!/^\s*[+-]?\d{1,15}\s*$/.test(id)) throw faults.BadRequest({ reason: 'id must be an integer' })
  return Number(id)
}

export const createAggregates = (tools: AggregateTools) => {
  const { database, clock } = tools
  const find = async (q: Kysely<NovaTables>, id: string): Promise<Aggregate> => {
    const number = numberOf(id)
    const found = Math.abs(number) > MAX_INT ? undefined : await aggregatesDb(q).byId(number)
    if (found === undefined) throw faults.AggregateNotFound({ id })
    return found
  }
  /** Why hosts cannot be of this zone through this aggregate; null when they can. */
  const zoneTrouble = async (
    q: Kysely<NovaTables>,
    aggregate: Aggregate,
    hosts: readonly string[],
    zone: string,
  ): Promise<string | null> => {
    const others = (await aggregatesDb(q).all())
      .filter(other => other.id !== aggregate.id && other.hosts.some(host => hosts.includes(host)))
      .map(other => other.metadata[ZONE])
      .filter(other => other !== undefined && other !== zone)
    if (others.length === 0) return null
    return `One or more hosts already in availability zone(s) [${others.map(one => `'${one ?? ''}'`).join(', ')}]`
  }
  /** The zone a host has without this aggregate; null: the default one. */
  const zoneWithout = async (q: Kysely<NovaTables>, aggregate: Aggregate, host: string): Promise<string | null> =>
    (await aggregatesDb(q).all())
      .filter(other => other.id !== aggregate.id && other.hosts.includes(host))
      .map(other => other.metadata[ZONE])
      .find(zone => zone !== undefined) ?? null
  const wouldMove = (verb: string, from: string | null, to: string | null, many: number): string =>
    `The host cannot be ${verb} the aggregate as the availability zone of the host would change from '${from ?? 'None'}' to '${to ?? 'None'}' but the host already has ${many} instance(s)`

  /** Changes metadata, null taking a key away. Throws 400 when that gives hosts another zone that may not have it. */
  const changed = async (
    q: Kysely<NovaTables>,
    aggregate: Aggregate,
    doing: Doing,
    given: Readonly<Record<string, string | null>>,
  ): Promise<Readonly<Record<string, string>>> => {
    if (ZONE in given) {
      const zone = given[ZONE] ?? ''
      if (zone === '')
        throw faults.BadRequest(
          reasonOf(doing, aggregate.id, `Aggregate ${aggregate.name} does not support empty named availability zone`),
        )
      const trouble = await zoneTrouble(q, aggregate, aggregate.hosts, zone)
      if (trouble !== null) throw faults.BadRequest(reasonOf(doing, aggregate.id, trouble))
      if (aggregate.metadata[ZONE] !== zone && (await aggregatesDb(q).serversOn(aggregate.hosts)) > 0)
        throw faults.BadRequest(reasonOf(doing, aggregate.id, 'One or more hosts contain instances in this zone'))
    }
    const merged: Record<string, string> = { ...aggregate.metadata }
    for (const [key, value] of Object.entries(given)) {
      if (value === null) delete merged[key]
      else merged[key] = value
    }
    return merged
  }
  const mirrored = async (ctx: Ctx, host: string): Promise<void> => {
    const { nodeId, uuids } = await database.read(ctx, 'aggregates-of-host', async q => ({
      nodeId: (await hostsDb(q).nodeOf(host))?.id,
      uuids: (await aggregatesDb(q).all()).filter(one => one.hosts.includes(host)).map(one => one.uuid),
    }))
    if (nodeId !== undefined) await tools.mirror.aggregatesOf(ctx, nodeId, uuids)
  }

  return {
    list: (ctx: Ctx): Promise<Aggregate[]> => database.read(ctx, 'list-aggregates', q => aggregatesDb(q).all()),
    find: (ctx: Ctx, id: string): Promise<Aggregate> => database.read(ctx, 'find-aggregate', q => find(q, id)),
    /** Throws 409 for a name in use. */
    async create(ctx: Ctx, name: string, zone: string | null): Promise<Aggregate> {
      try {
        return await database.tx(ctx, 'create-aggregate', async q => {
          const db = aggregatesDb(q)
          if (await db.nameTaken(name, null)) throw faults.Conflict({ reason: `Aggregate ${name} already exists.` })
          const aggregate: Aggregate = {
            id: await nextNumber(q, 'aggregates'),
            uuid: tools.ids.uuid(),
            name,
            hosts: [],
            metadata: zone === null ? {} : { [ZONE]: zone },
            createdAt: clock.now(),
            updatedAt: null,
          }
          await db.add(aggregate)
          return aggregate
        })
      } catch (error) {
        if (isDuplicate(error)) throw faults.Conflict({ reason: `Aggregate ${name} already exists.` })
        throw error
      }
    },
    update: (ctx: Ctx, id: string, given: { name?: string; zone?: string | null }): Promise<Aggregate> =>
      database.tx(ctx, 'update-aggregate', async q => {
        const db = aggregatesDb(q)
        const aggregate = await find(q, id)
        const name = given.name?.trim()
        if (name !== undefined && (await db.nameTaken(name, aggregate.id)))
          throw faults.Conflict({ reason: `Aggregate ${name} already exists.` })
        const metadata =
          given.zone === undefined ? undefined : await changed(q, aggregate, 'Cannot update', { [ZONE]: given.zone })
        const change = { ...(name === undefined ? {} : { name }), ...(metadata === undefined ? {} : { metadata }) }
        const now = clock.now()
        await db.change(aggregate.id, change, now)
        return { ...aggregate, ...change, updatedAt: now }
      }),
    async remove(ctx: Ctx, id: string): Promise<void> {
      await database.tx(ctx, 'delete-aggregate', async q => {
        const aggregate = await find(q, id)
        if (aggregate.hosts.length > 0)
          throw faults.BadRequest(reasonOf('Cannot remove host from', aggregate.id, 'Host aggregate is not empty'))
        await aggregatesDb(q).remove(aggregate.id)
      })
    },
    /** Throws 404 for an unknown host, 409 for a member and for one whose zone may not change. */
    async addHost(ctx: Ctx, id: string, host: string): Promise<Aggregate> {
      numberOf(id)
      const after = await database.tx(ctx, 'add-host-to-aggregate', async q => {
        const db = aggregatesDb(q)
        if ((await hostsDb(q).nodeOf(host)) === undefined) throw faults.ComputeHostNotFound({ host })
        const aggregate = await find(q, id)
        const zone = aggregate.metadata[ZONE]
        if (zone !== undefined) {
          const trouble = await zoneTrouble(q, aggregate, [host], zone)
          if (trouble !== null) throw faults.Conflict(reasonOf('Cannot add host to', aggregate.id, trouble))
          const many = await db.serversOn([host])
          const before = await zoneWithout(q, aggregate, host)
          if (many > 0 && before !== zone && !aggregate.hosts.includes(host))
            throw faults.Conflict(
              reasonOf('Cannot add host to', aggregate.id, wouldMove('added to', before, zone, many)),
            )
        }
        const isNew = await db.addHost(aggregate.id, host)
        if (!isNew) throw faults.Conflict({ reason: `Aggregate ${id} already has host ${host}.` })
        return find(q, id)
      })
      await mirrored(ctx, host)
      return after
    },
    async removeHost(ctx: Ctx, id: string, host: string): Promise<Aggregate> {
      numberOf(id)
      const after = await database.tx(ctx, 'remove-host-from-aggregate', async q => {
        const db = aggregatesDb(q)
        const none = { reason: `Cannot remove host ${host} in aggregate ${id}` }
        const aggregate = await db.byId(Math.min(numberOf(id), MAX_INT))
        if (aggregate === undefined || !aggregate.hosts.includes(host)) throw faults.NotFound(none)
        const zone = aggregate.metadata[ZONE]
        if (zone !== undefined) {
          const many = await db.serversOn([host])
          const left = await zoneWithout(q, aggregate, host)
          if (many > 0 && left !== zone)
            throw faults.Conflict(
              reasonOf('Cannot remove host from', aggregate.id, wouldMove('removed from', zone, left, many)),
            )
        }
        await db.removeHost(aggregate.id, host)
        return find(q, id)
      })
      await mirrored(ctx, host)
      return after
    },
    setMetadata: (ctx: Ctx, id: string, given: Readonly<Record<string, string | null>>): Promise<Aggregate> =>
      database.tx(ctx, 'set-aggregate-metadata', async q => {
        const aggregate = await find(q, id)
        const metadata = await changed(q, aggregate, 'Cannot update metadata of', given)
        const now = clock.now()
        await aggregatesDb(q).change(aggregate.id, { metadata }, now)
        return { ...aggregate, metadata, updatedAt: now }
      }),
  }
}
export type Aggregates = ReturnType<typeof createAggregates>
