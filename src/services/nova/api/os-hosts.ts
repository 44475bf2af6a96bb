// Hosts of old over HTTP.
import { handlers, type HandlerTable } from '#kernel/http/handlers.ts'
import { hosts } from '#services/nova/contract/os-hosts.ts'
import type { Load, OsHosts } from '#services/nova/domain/os-hosts.ts'

const resource = (host: string, project: string, { cpu, memoryMb, diskGb }: Load): object => ({
  resource: { host, project, cpu, memory_mb: memoryMb, disk_gb: diskGb },
})

export const osHostHandlers = (domain: OsHosts): HandlerTable =>
  handlers(hosts, {
    list: async call => ({
      hosts: (await domain.list(call.ctx, call.query.zone?.at(-1) ?? null)).map(({ service, zone }) => ({
        host_name: service.host,
        service: service.binary.replace(/^nova-/, ''),
        zone,
      })),
    }),
    show: async call => {
      const { host } = call.params
      const { node, projects } = await domain.show(call.ctx, host)
      const all = [...projects.values()]
      const sum = (of: (load: Load) => number): number => all.reduce((total, load) => total + of(load), 0)
      return {
        host: [
          resource(host, '(total)', { cpu: node.vcpus, memoryMb: node.memoryMb, diskGb: node.localGb }),
          resource(host, '(used_now)', {
            cpu: node.vcpusUsed,
            memoryMb: node.memoryMbUsed + node.reservedMemoryMb,
            diskGb: node.localGbUsed,
          }),
          resource(host, '(used_max)', {
            cpu: sum(load => load.cpu),
            memoryMb: sum(load => load.memoryMb),
            diskGb: sum(load => load.diskGb),
          }),
          ...[...projects].map(([project, load]) => resource(host, project, load)),
        ],
      }
    },
    update: async call => {
      const { status, maintenance_mode: maintenance } = call.body
      if (maintenance !== undefined) return domain.cannot(call.ctx, call.params.host)
      await domain.enable(call.ctx, call.params.host, status === true)
      return { host: call.params.host, status: status === true ? 'enabled' : 'disabled' }
    },
    startup: call => domain.cannot(call.ctx, call.params.host),
    shutdown: call => domain.cannot(call.ctx, call.params.host),
    reboot: call => domain.cannot(call.ctx, call.params.host),
  })
