// Hosts as the scheduler sees them: O(hosts), whatever the number of servers.
import type { Kysely } from 'kysely'

import { hostsDb, type Service } from '#services/nova/db/hosts.ts'
import type { NovaTables } from '#services/nova/db/tables.ts'
import type { HostState } from '#services/nova/rpc.ts'

export const DEFAULT_ZONE = 'nova'

/** Whether a service is there: it was not forced down and has reported lately. `now` and the limit in milliseconds. */
export const isUp = (service: Service, now: number, downAfterMs: number): boolean =>
  !service.forcedDown && service.lastSeenAt !== null && now - service.lastSeenAt <= downAfterMs

export async function hostStates(
  q: Kysely<NovaTables>,
  only: readonly string[] | null,
  now: number,
  downAfterMs: number,
): Promise<HostState[]> {
  const db = hostsDb(q)
  const services = new Map(
    (await db.services()).filter(one => one.binary === 'nova-compute').map(one => [one.host, one]),
  )
  const nodes = (await db.nodes()).filter(node => only === null || only.includes(node.host))
  const aggregates = await db.aggregates()
  const busy = await db.busy()
  return nodes.flatMap(node => {
    const service = services.get(node.host)
    if (service === undefined) return []
    const mine = aggregates.filter(aggregate => aggregate.hosts.includes(node.host))
    return [
      {
        host: node.host,
        node: node.hypervisorHostname,
        providerId: node.id,
        up: isUp(service, now, downAfterMs),
        disabled: service.disabled,
        availabilityZone:
          mine.map(aggregate => aggregate.metadata['availability_zone']).find(zone => zone !== undefined) ??
          DEFAULT_ZONE,
        aggregates: mine.map(({ name, metadata }) => ({ name, metadata })),
        vcpus: node.vcpus,
        vcpusUsed: node.vcpusUsed,
        memoryMb: node.memoryMb,
        memoryMbUsed: node.memoryMbUsed,
        diskGb: node.localGb,
        diskGbUsed: node.localGbUsed,
        cpuRatio: node.cpuRatio,
        ramRatio: node.ramRatio,
        diskRatio: node.diskRatio,
        reservedMemoryMb: node.reservedMemoryMb,
        servers: node.servers,
        building: busy.get(node.host) ?? 0,
        hypervisorType: node.hypervisorType,
        capabilities: node.capabilities,
      },
    ]
  })
}
