// Agents: who said hello, and when last.
import type { UpdateOf } from '#kernel/contract/resource.ts'
import { flag, fromJson, fromTime, isSet, json, time } from '#kernel/db/codecs.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import { agent } from '#services/neutron/contract/agents.ts'
import { faults } from '#services/neutron/contract/faults.ts'
import { rules } from '#services/neutron/contract/rules.ts'
import { listRows, type Listing } from '#services/neutron/db/listing.ts'
import type { AgentTable } from '#services/neutron/db/tables.ts'
import type { Q } from '#services/neutron/db/standard.ts'
import type { DomainTools } from '#services/neutron/domain/tools.ts'

export interface Agent {
  readonly id: string
  readonly agentType: string
  readonly binary: string
  readonly topic: string
  readonly host: string
  readonly availabilityZone: string | null
  readonly adminStateUp: boolean
  readonly description: string
  readonly configurations: Readonly<Record<string, unknown>>
  readonly createdAt: string
  readonly startedAt: string
  readonly heartbeatAt: string
  readonly alive: boolean
}
/** What an agent says of itself. */
export interface Hello {
  readonly agentType: string
  readonly binary: string
  readonly topic: string
  readonly host: string
  readonly availabilityZone: string | null
  readonly configurations: Readonly<Record<string, unknown>>
  /** True for the first sign of life of a process. */
  readonly started: boolean
}

export const createAgents = (tools: DomainTools) => {
  const { database, access, clock, ids, settings } = tools
  const toAgent = (row: Readonly<AgentTable>): Agent => ({
    id: row.id,
    agentType: row.agent_type,
    binary: row.binary,
    topic: row.topic,
    host: row.host,
    availabilityZone: row.availability_zone,
    adminStateUp: isSet(row.admin_state_up),
    description: row.description,
    configurations: fromJson(row.configurations),
    createdAt: row.created_at,
    startedAt: row.started_at,
    heartbeatAt: row.heartbeat_at,
    alive: clock.now() - fromTime(row.heartbeat_at) < settings.agentDownTimeSeconds * 1000,
  })
  const byId = async (q: Q, ctx: Ctx, id: string): Promise<AgentTable> => {
    const row = await q.selectFrom('agents').selectAll().where('id', '=', id).executeTakeFirst()
    if (row === undefined || !access.seesAll(ctx, rules.getAgent)) throw faults.AgentNotFound({ id })
    return row
  }
  return {
    async list(ctx: Ctx, listing: Listing): Promise<Agent[]> {
      if (!access.seesAll(ctx, rules.getAgent)) return []
      const { alive, ...filters } = listing.filters
      const found = await database.read(ctx, 'list-agents', q =>
        listRows(
          q,
          { table: 'agents', columns: { heartbeat_timestamp: 'heartbeat_at' } },
          { ...listing, filters },
          [],
          async id => ({ ...(await byId(q, ctx, id)) }),
        ),
      )
      return found.map(toAgent).filter(one => alive === undefined || alive.includes(one.alive ? 1 : 0))
    },
    show: async (ctx: Ctx, id: string): Promise<Agent> =>
      toAgent(await database.read(ctx, 'show-agent', q => byId(q, ctx, id))),
    async update(ctx: Ctx, id: string, body: UpdateOf<(typeof agent)['rows']>): Promise<Agent> {
      return database.tx(ctx, 'update-agent', async q => {
        const it = await byId(q, ctx, id)
        access.mustChange(ctx, { rule: rules.updateAgent, show: rules.getAgent }, {}, { of: agent, body })
        const set = {
          ...(body.admin_state_up === undefined ? {} : { admin_state_up: flag(body.admin_state_up) }),
          ...(body.description === undefined ? {} : { description: body.description }),
        }
        if (Object.keys(set).length > 0) await q.updateTable('agents').set(set).where('id', '=', id).execute()
        return toAgent({ ...it, ...set })
      })
    },
    async remove(ctx: Ctx, id: string): Promise<void> {
      await database.tx(ctx, 'delete-agent', async q => {
        await byId(q, ctx, id)
        access.mustChange(ctx, { rule: rules.deleteAgent, show: rules.getAgent }, {})
        await q.deleteFrom('agents').where('id', '=', id).execute()
      })
    },
    /** Signs of life; unknown agents are entered. */
    async hello(ctx: Ctx, all: readonly Hello[]): Promise<void> {
      const named = all.map(one => ({ one, id: ids.uuid() }))
      const now = time(clock.now())
      await database.tx(ctx, 'agents-hello', async q => {
        for (const { one, id } of named) {
          const result = await q
            .updateTable('agents')
            .set({
              heartbeat_at: now,
              configurations: json({ ...one.configurations }),
              ...(one.started ? { started_at: now } : {}),
            })
            .where('agent_type', '=', one.agentType)
            .where('host', '=', one.host)
            .executeTakeFirstOrThrow()
          if (result.numUpdatedRows > 0n) continue
          await q
            .insertInto('agents')
            .values({
              id,
              agent_type: one.agentType,
              binary: one.binary,
              topic: one.topic,
              host: one.host,
              availability_zone: one.availabilityZone,
              admin_state_up: flag(true),
              description: '',
              configurations: json({ ...one.configurations }),
              created_at: now,
              started_at: now,
              heartbeat_at: now,
            })
            .execute()
        }
      })
    },
  }
}
export type Agents = ReturnType<typeof createAgents>
