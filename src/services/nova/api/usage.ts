// Usage of projects over HTTP.
import { handlers, type HandlerTable } from '#kernel/http/handlers.ts'
import { linksRow } from '#kernel/http/paging.ts'
import { isoMicros } from '#kernel/lib/clock.ts'
import { usage } from '#services/nova/contract/usage.ts'
import type { ProjectUsage, ServerUsage, Usage, UsageQuery } from '#services/nova/domain/usage.ts'

const serverBody = ({ server, hours, localGb, uptimeS }: ServerUsage): object => ({
  instance_id: server.id,
  name: server.name,
  tenant_id: server.projectId,
  flavor: server.flavor.name,
  hours,
  memory_mb: server.flavor.ramMb,
  local_gb: localGb,
  vcpus: server.flavor.vcpus,
  started_at: server.launchedAt === null ? null : isoMicros(server.launchedAt),
  ended_at: server.terminatedAt === null ? null : isoMicros(server.terminatedAt),
  state: server.terminatedAt === null ? server.vmState : 'terminated',
  uptime: uptimeS,
})
const projectBody = (of: ProjectUsage, detailed: boolean): object => ({
  tenant_id: of.projectId,
  total_local_gb_usage: of.totalGbHours,
  total_vcpus_usage: of.totalCpuHours,
  total_memory_mb_usage: of.totalMbHours,
  total_hours: of.totalHours,
  start: isoMicros(of.start),
  stop: isoMicros(of.stop),
  ...(detailed ? { server_usages: of.servers.map(serverBody) } : {}),
})
const queryOf = (
  query: { start?: string[]; end?: string[]; limit?: number[]; marker?: string[] },
  paged: boolean,
): UsageQuery => ({
  start: query.start?.[0] ?? null,
  end: query.end?.[0] ?? null,
  limit: paged ? (query.limit?.at(-1) ?? null) : null,
  marker: paged ? (query.marker?.at(-1) ?? null) : null,
})

export const usageHandlers = (domain: Usage): HandlerTable =>
  handlers(usage, {
    list: async call => {
      const paged = call.has('paged')
      const { projects, last } = await domain.list(call.ctx, queryOf(call.query, paged))
      const detailed = call.query.detailed?.[0] === '1'
      return {
        tenant_usages: projects.map(project => projectBody(project, detailed)),
        ...linksRow(call, 'tenant_usages', paged ? last : null),
      }
    },
    show: async call => {
      const paged = call.has('paged')
      const { projects, last } = await domain.show(call.ctx, queryOf(call.query, paged), call.params.project)
      const [project] = projects
      return {
        tenant_usage: project === undefined ? {} : projectBody(project, true),
        ...linksRow(call, 'tenant_usage', paged ? last : null),
      }
    },
  })
