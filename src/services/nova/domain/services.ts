// The verbs of services: which there are, which take new servers, and taking one away.
import type { Kysely } from 'kysely'

import type { Database } from '#kernel/db/database.ts'
import type { Clock } from '#kernel/lib/clock.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import type { ProviderMirror } from '#services/nova/actors/neighbours/placement-providers.ts'
import { faults } from '#services/nova/contract/faults.ts'
import { aggregatesDb } from '#services/nova/db/aggregates.ts'
import { hostsDb, type Service } from '#services/nova/db/hosts.ts'
import { hypervisorsDb } from '#services/nova/db/hypervisors.ts'
import { servicesDb } from '#services/nova/db/services.ts'
import type { NovaTables } from '#services/nova/db/tables.ts'
import { zoneOfService } from '#services/nova/domain/availability-zones.ts'
import { isUp } from '#services/nova/domain/conductor/host-states.ts'

export interface ServiceTools {
  readonly database: Database<NovaTables>
  readonly clock: Clock
  readonly downAfterMs: number
  readonly mirror: ProviderMirror
}
export interface ServiceState {
  readonly service: Service
  readonly zone: string
  readonly up: boolean
}
export interface ServiceChange {
  readonly disabled?: boolean
  readonly disabledReason?: string | null
  readonly forcedDown?: boolean
}
const UUID = /^[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}$/i
const COMPUTE = 'nova-compute'

export const createServices = (tools: ServiceTools) => {
  const { database, clock } = tools
  const dress = async (q: Kysely<NovaTables>, all: readonly Service[]): Promise<ServiceState[]> => {
    const aggregates = await hostsDb(q).aggregates()
    return all.map(service => ({
      service,
      zone: zoneOfService(service, aggregates),
      up: isUp(service, clock.now(), tools.downAfterMs),
    }))
  }
  const onlyCompute = (binary: string): void => {
    if (binary !== COMPUTE)
      throw faults.BadRequest({
        reason: `Updating a ${binary} service is not supported. Only nova-compute services can be updated.`,
      })
  }
  /** Throws 400 for an id of the wrong form. */
  const keyOf = (id: string, byUuid: boolean): string | number => {
    if (byUuid ? !UUID.test(id) : !/^\d{1,15}$/.test(id))
      throw faults.BadRequest({ reason: byUuid ? `Invalid uuid ${id}` : 'id must be an integer' })
    return byUuid ? id.toLowerCase() : Number(id)
  }

  return {
    list: (ctx: Ctx, host: string, binary: string): Promise<ServiceState[]> =>
      database.read(ctx, 'list-services', async q =>
        dress(
          q,
          (await hostsDb(q).services()).filter(
            one => (host === '' || one.host === host) && (binary === '' || one.binary === binary),
          ),
        ),
      ),
    /** By host and name, as before 2.53. Throws 400 for anything but nova-compute, 404 for one that is not there. */
    async changeAt(ctx: Ctx, host: string, binary: string, change: ServiceChange): Promise<void> {
      onlyCompute(binary)
      await database.tx(ctx, 'change-service', async q => {
        const service = await servicesDb(q).at(host, binary)
        if (service === undefined) throw faults.NotFound({ reason: `Could not find binary ${binary} on host ${host}.` })
        await hostsDb(q).changeService(service.id, change, clock.now())
      })
    },
    /** Throws 400 for an id that is none, for anything but nova-compute and for a reason of enabling; 404. */
    async change(ctx: Ctx, id: string, change: ServiceChange): Promise<ServiceState> {
      const key = keyOf(id, true)
      return database.tx(ctx, 'change-service', async q => {
        const service = await servicesDb(q).find(key)
        if (service === undefined) throw faults.ServiceNotFound({ id })
        onlyCompute(service.binary)
        if (change.disabled === false && typeof change.disabledReason === 'string')
          throw faults.BadRequest({ reason: "Specifying 'disabled_reason' with status 'enabled' is invalid." })
        if (change.disabled === undefined && change.forcedDown === undefined)
          throw faults.BadRequest({
            reason: "No updates were requested. Fields 'status' or 'forced_down' should be specified.",
          })
        const { disabledReason = null, ...rest } = change
        // A reason goes with a status; alone it means nothing.
        const full: ServiceChange = rest.disabled === undefined ? rest : { ...rest, disabledReason }
        const now = clock.now()
        await hostsDb(q).changeService(service.id, full, now)
        const [after] = await dress(q, [{ ...service, ...full, updatedAt: now }])
        return after as ServiceState
      })
    },
    /**
     * Takes a service away, with its node, its place in aggregates and its provider; a host that still runs comes back with
     * its next report. Throws 409 while servers are on it.
     */
    async remove(ctx: Ctx, id: string, byUuid: boolean): Promise<void> {
      const key = keyOf(id, byUuid)
      const nodeId = await database.tx(ctx, 'delete-service', async q => {
        const service = await servicesDb(q).find(key)
        if (service === undefined) throw faults.NotFound({ reason: `Service ${id} not found.` })
        const node = service.binary === COMPUTE ? await hostsDb(q).nodeOf(service.host) : undefined
        if (service.binary === COMPUTE) {
          if ((await aggregatesDb(q).serversOn([service.host])) > 0)
            throw faults.Conflict({
              reason:
                'Unable to delete compute service that is hosting instances. Migrate or delete the instances first.',
            })
          await aggregatesDb(q).forgetHost(service.host)
          await hypervisorsDb(q).remove(service.host)
        }
        await servicesDb(q).remove(service.id)
        return node?.id
      })
      if (nodeId !== undefined) await tools.mirror.remove(ctx, nodeId)
    },
  }
}
export type Services = ReturnType<typeof createServices>
