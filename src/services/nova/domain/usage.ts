// How long servers ran within a period, and what that makes per project.
import type { Database } from '#kernel/db/database.ts'
import type { Clock } from '#kernel/lib/clock.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import type { Enforcer } from '#kernel/policy/enforcer.ts'
import { faults } from '#services/nova/contract/faults.ts'
import { rules } from '#services/nova/contract/rules.ts'
import type { Server } from '#services/nova/db/servers.ts'
import type { NovaTables } from '#services/nova/db/tables.ts'
import { serversWithin } from '#services/nova/db/usage.ts'
import { demand } from '#services/nova/domain/caller.ts'

export interface UsageTools {
  readonly database: Database<NovaTables>
  readonly policy: Enforcer
  readonly clock: Clock
  readonly maxLimit: number
}
export interface UsageQuery {
  /** As the client wrote them. */
  readonly start: string | null
  readonly end: string | null
  readonly limit: number | null
  readonly marker: string | null
}
export interface ServerUsage {
  readonly server: Server
  readonly hours: number
  readonly localGb: number
  readonly uptimeS: number
}
export interface ProjectUsage {
  readonly projectId: string
  readonly start: number
  readonly stop: number
  readonly servers: readonly ServerUsage[]
  readonly totalHours: number
  readonly totalGbHours: number
  readonly totalMbHours: number
  readonly totalCpuHours: number
}
export interface Usages {
  readonly projects: readonly ProjectUsage[]
  /** The last server of a full page; null when the page was not full. */
  readonly last: string | null
}
const HOUR_MS = 3_600_000
const TIME = /^(\d{4}-\d{2}-\d{2})(?:T(\d{2}:\d{2}:\d{2})(\.\d{1,6})?| (\d{2}:\d{2}:\d{2})(\.\d{1,6}))$/

/** `2026-11-22T13:48:02[.914]` or `2026-11-22 13:48:02.914`, in UTC. Throws 400. */
function timeOf(text: string): number {
  const [, day = '', clock, fraction = '', later, part = ''] = TIME.exec(text) ?? []
  const ms = Date.parse(`${day}T${clock ?? later ?? ''}${(fraction + part).slice(0, 4)}Z`)
  if (Number.isNaN(ms)) throw faults.BadRequest({ reason: 'Invalid datetime string: Datetime is in invalid format' })
  return ms
}

export const createUsage = (tools: UsageTools) => {
  const { database, clock } = tools
  const measure = async (ctx: Ctx, query: UsageQuery, projectId: string | null): Promise<Usages> => {
    const now = clock.now()
    const start = query.start === null || query.start === '' ? now : timeOf(query.start)
    const end = query.end === null || query.end === '' ? now : timeOf(query.end)
    // Both left out: an empty period, which upstream lets through.
    if (start > end || (start === end && (query.start ?? query.end) !== null))
      throw faults.BadRequest({ reason: 'Invalid start time. The start time cannot occur after the end time.' })
    const stop = Math.min(end, now)
    const limit = Math.min(query.limit ?? tools.maxLimit, tools.maxLimit)
    const { marker } = query
    const servers = await database.read(ctx, 'servers-within', q =>
      serversWithin(q, { start, stop }, projectId, { marker, limit }),
    )
    if (servers === undefined) throw faults.BadRequest({ reason: `Marker ${marker ?? ''} could not be found.` })
    const byProject = new Map<string, ServerUsage[]>()
    for (const server of servers) {
      const inside = byProject.get(server.projectId) ?? []
      byProject.set(server.projectId, inside)
      inside.push(usageOf(server, start, stop, now))
    }
    const last = limit > 0 && servers.length === limit ? (servers.at(-1)?.id ?? null) : null
    return { projects: [...byProject].map(([id, inside]) => sum(id, start, stop, inside)), last }
  }
  return {
    list: (ctx: Ctx, query: UsageQuery): Promise<Usages> => measure(ctx, query, null),
    /** Throws 403 for a project that is not the caller's. */
    async show(ctx: Ctx, query: UsageQuery, projectId: string): Promise<Usages> {
      demand(tools.policy, ctx, rules.simpleTenantUsageShow, { project_id: projectId })
      return measure(ctx, query, projectId)
    },
  }
}
export type Usage = ReturnType<typeof createUsage>

function usageOf(server: Server, start: number, stop: number, now: number): ServerUsage {
  const from = server.launchedAt ?? stop
  const to = server.terminatedAt
  const ran = Math.max(0, Math.min(stop, to ?? stop) - Math.max(from, start))
  return {
    server,
    hours: ran / HOUR_MS,
    localGb: server.flavor.diskGb + server.flavor.ephemeralGb,
    uptimeS: Math.max(0, Math.floor(((to ?? now) - from) / 1000)),
  }
}

function sum(projectId: string, start: number, stop: number, servers: readonly ServerUsage[]): ProjectUsage {
  const total = (of: (one: ServerUsage) => number): number => servers.reduce((all, one) => all + of(one), 0)
  return {
    projectId,
    start,
    stop,
    servers,
    totalHours: total(one => one.hours),
    totalGbHours: total(one => one.hours * one.localGb),
    totalMbHours: total(one => one.hours * one.server.flavor.ramMb),
    totalCpuHours: total(one => one.hours * one.server.flavor.vcpus),
  }
}
