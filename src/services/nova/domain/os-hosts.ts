// Hosts of old: what each has, what its servers take, and whether it takes more.
import type { Database } from '#kernel/db/database.ts'
import type { Clock } from '#kernel/lib/clock.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import { faults } from '#services/nova/contract/faults.ts'
import { hostsDb, type ComputeNode, type Service } from '#services/nova/db/hosts.ts'
import { servicesDb } from '#services/nova/db/services.ts'
import { serversDb } from '#services/nova/db/servers.ts'
import type { NovaTables } from '#services/nova/db/tables.ts'
import { zoneOfService } from '#services/nova/domain/availability-zones.ts'

export interface Load {
  readonly cpu: number
  readonly memoryMb: number
  readonly diskGb: number
}
export interface HostLoads {
  readonly node: ComputeNode
  /** By project; the flavors of its servers, summed. */
  readonly projects: ReadonlyMap<string, Load>
}

export const createOsHosts = ({ database, clock }: { database: Database<NovaTables>; clock: Clock }) => ({
  /** Enabled services. */
  list: (ctx: Ctx, zone: string | null): Promise<{ service: Service; zone: string }[]> =>
    database.read(ctx, 'list-hosts', async q => {
      const aggregates = await hostsDb(q).aggregates()
      return (await hostsDb(q).services())
        .filter(service => !service.disabled)
        .map(service => ({ service, zone: zoneOfService(service, aggregates) }))
        .filter(one => zone === null || zone === '' || one.zone === zone)
    }),
  show: (ctx: Ctx, host: string): Promise<HostLoads> =>
    database.read(ctx, 'show-host', async q => {
      const node = await hostsDb(q).nodeOf(host)
      if (node === undefined) throw faults.HostNotFound({ host })
      const projects = new Map<string, Load>()
      for (const { projectId, flavor } of await serversDb(q).onHost(host)) {
        const sum = projects.get(projectId) ?? { cpu: 0, memoryMb: 0, diskGb: 0 }
        projects.set(projectId, {
          cpu: sum.cpu + flavor.vcpus,
          memoryMb: sum.memoryMb + flavor.ramMb,
          diskGb: sum.diskGb + flavor.diskGb + flavor.ephemeralGb,
        })
      }
      return { node, projects }
    }),
  /** Whether new servers may be put there. Throws 404. */
  async enable(ctx: Ctx, host: string, isEnabled: boolean): Promise<void> {
    await database.tx(ctx, 'enable-host', async q => {
      const service = await servicesDb(q).at(host, 'nova-compute')
      if (service === undefined) throw faults.HostNotFound({ host })
      await hostsDb(q).changeService(service.id, { disabled: !isEnabled, disabledReason: null }, clock.now())
    })
  },
  /** Throws 404 for an unknown host, and 501: no hypervisor here turns its host on or off, or empties it. */
  async cannot(ctx: Ctx, host: string): Promise<never> {
    const service = await database.read(ctx, 'find-host', q => servicesDb(q).at(host, 'nova-compute'))
    throw service === undefined ? faults.HostNotFound({ host }) : faults.NotSupported()
  },
})
export type OsHosts = ReturnType<typeof createOsHosts>
