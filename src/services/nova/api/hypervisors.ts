// Hypervisors over HTTP.
import type { Ctx } from '#kernel/lib/context.ts'
import { handlers, type Call, type HandlerTable } from '#kernel/http/handlers.ts'
import { linksRow } from '#kernel/http/paging.ts'
import { needs, presenter, type Presenter, type View } from '#kernel/http/presenter.ts'
import { hypervisors, HypervisorSummary, HypervisorView } from '#services/nova/contract/hypervisors.ts'
import { usedMemoryMb, type Hypervisor, type Hypervisors } from '#services/nova/domain/hypervisors.ts'

const isByUuid = (view: Pick<View, 'at'>): boolean => view.at >= 2053
const idOf = (one: Hypervisor, view: Pick<View, 'at'>): string | number =>
  isByUuid(view) ? one.node.id : one.node.serial
/** Empty lists are shown from 2.75 on only. */
const serversOf = (one: Hypervisor, view: View): object[] | undefined =>
  one.servers === null || (one.servers.length === 0 && view.at < 2075)
    ? undefined
    : one.servers.map(({ id, name }) => ({ name, uuid: id }))
const common = {
  id: (one: Hypervisor, _loaded: object, view: View) => idOf(one, view),
  hypervisor_hostname: (one: Hypervisor) => one.node.hypervisorHostname,
  state: (one: Hypervisor) => (one.up ? 'up' : 'down'),
  status: (one: Hypervisor) => (one.service.disabled ? 'disabled' : 'enabled'),
  servers: (one: Hypervisor, _loaded: object, view: View) => serversOf(one, view),
}

export function hypervisorHandlers(domain: Hypervisors): HandlerTable {
  const summary = presenter<Hypervisor>()(HypervisorSummary, common)
  const whole = presenter<Hypervisor, { uptimes: Map<string, string | null> }>()(
    HypervisorView,
    {
      ...common,
      hypervisor_type: one => one.node.hypervisorType,
      hypervisor_version: one => one.node.hypervisorVersion,
      host_ip: one => one.node.hostIp,
      service: (one, _loaded, view) => ({
        id: isByUuid(view) ? one.service.id : one.service.serial,
        host: one.node.host,
        disabled_reason: one.service.disabledReason,
      }),
      vcpus: one => one.node.vcpus,
      memory_mb: one => one.node.memoryMb,
      local_gb: one => one.node.localGb,
      vcpus_used: one => one.node.vcpusUsed,
      memory_mb_used: one => usedMemoryMb(one.node),
      local_gb_used: one => one.node.localGbUsed,
      free_ram_mb: one => one.node.memoryMb - usedMemoryMb(one.node),
      free_disk_gb: one => one.node.localGb - one.node.localGbUsed,
      current_workload: one => one.busy,
      running_vms: one => one.node.servers,
      disk_available_least: one => one.node.freeDiskGb,
      cpu_info: (one, _loaded, view) => (view.at < 2028 ? JSON.stringify(one.node.cpuInfo) : one.node.cpuInfo),
      uptime: needs(['uptimes'], (one, { uptimes }) => uptimes.get(one.node.id) ?? null),
    },
    { loaders: { uptimes: (ctx: Ctx, all) => domain.uptimes(ctx, all) } },
  )
  interface ListQuery {
    readonly limit?: number[]
    readonly marker?: string[]
    readonly hypervisor_hostname_pattern?: string
    readonly with_servers?: boolean
  }
  const list = async (call: Call<object, unknown, ListQuery>, present: Presenter<Hypervisor>): Promise<object> => {
    const { limit, marker } = call.query
    // Older versions do not look at these.
    const pattern = isByUuid(call) ? call.query.hypervisor_hostname_pattern : undefined
    const withServers = isByUuid(call) && call.query.with_servers === true
    if (pattern !== undefined) {
      domain.refusePaging(limit !== undefined || marker !== undefined)
      return { hypervisors: await call.list(present, await domain.named(call.ctx, pattern, withServers)) }
    }
    const paging =
      call.at >= 2033 ? { limit: limit?.at(-1) ?? null, marker: marker?.at(-1) ?? null, byUuid: isByUuid(call) } : null
    const found = await domain.list(call.ctx, paging, withServers)
    const last = found.isFull ? found.hypervisors.at(-1) : undefined
    return {
      hypervisors: await call.list(present, found.hypervisors),
      ...linksRow(call, 'hypervisors', last === undefined ? null : String(idOf(last, call))),
    }
  }

  return handlers(hypervisors, {
    list: call => list(call, summary),
    detail: call => list(call, whole),
    statistics: async call => {
      const sum = await domain.statistics(call.ctx)
      return {
        hypervisor_statistics: {
          count: sum.count,
          vcpus: sum.vcpus,
          memory_mb: sum.memoryMb,
          local_gb: sum.localGb,
          vcpus_used: sum.vcpusUsed,
          memory_mb_used: sum.memoryMbUsed,
          local_gb_used: sum.localGbUsed,
          free_ram_mb: sum.memoryMb - sum.memoryMbUsed,
          free_disk_gb: sum.localGb - sum.localGbUsed,
          current_workload: sum.busy,
          running_vms: sum.servers,
          disk_available_least: sum.freeDiskGb,
        },
      }
    },
    show: async call => {
      const withServers = isByUuid(call) && call.query.with_servers === true
      const found = await domain.find(call.ctx, call.params.id, isByUuid(call), withServers)
      return { hypervisor: await call.show(whole, found) }
    },
    uptime: async call => {
      const { hypervisor, uptime } = await domain.uptime(call.ctx, call.params.id, isByUuid(call))
      return { hypervisor: { ...(await call.show(summary, hypervisor)), uptime } }
    },
    search: async call => ({
      hypervisors: await call.list(summary, await domain.named(call.ctx, call.params.id, false)),
    }),
    servers: async call => ({
      hypervisors: await call.list(summary, await domain.named(call.ctx, call.params.id, true)),
    }),
  })
}
