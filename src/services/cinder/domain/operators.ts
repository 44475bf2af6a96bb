// What operators do with back ends and hosts: freeze, thaw, fail over, log levels, capabilities, usage of hosts, cleaning up.
import type { Ctx } from '#kernel/lib/context.ts'
import { faults } from '#services/cinder/contract/faults.ts'
import { groupFaults } from '#services/cinder/contract/group-faults.ts'
import { rules } from '#services/cinder/contract/rules.ts'
import { servicesDb, type Service } from '#services/cinder/db/services.ts'
import { snapshotsDb } from '#services/cinder/db/snapshots.ts'
import { frozenDb } from '#services/cinder/db/type-extras.ts'
import { volumesDb } from '#services/cinder/db/volumes.ts'
import { demand } from '#services/cinder/domain/find.ts'
import { isLogLevel } from '#services/cinder/domain/log-levels.ts'
import { isUp } from '#services/cinder/domain/scheduling/pools.ts'
import { projectOf, type DomainTools } from '#services/cinder/domain/tools.ts'
import { actorHost } from '#services/cinder/rpc.ts'

/** A place as the body names it: one of both. */
export interface Place {
  readonly host: string | null
  readonly cluster: string | null
}
export interface LogWish {
  readonly binary: string | null
  readonly server: string | null
  readonly prefix: string | null
}
const CLEANABLE = ['Backup', 'Snapshot', 'Volume']
const API = 'cinder-api'

export const createOperatorsDomain = (tools: DomainTools) => {
  const { database, clock, engine, settings, logLevels } = tools
  const services = (ctx: Ctx): Promise<Service[]> => database.read(ctx, 'list-services', q => servicesDb(q).all())
  const up = (service: Service): boolean => isUp(service, clock.now(), settings.downAfterMs)

  /** The one back end meant. Throws 400, also for clusters: there are none. */
  const backendAt = async (ctx: Ctx, place: Place, clusters: boolean): Promise<Service> => {
    const cluster = clusters && place.cluster !== null && place.cluster !== '' ? place.cluster : null
    if ((cluster !== null) === (place.host !== null && place.host !== ''))
      throw faults.InvalidInput({
        reason: clusters ? 'One and only one of cluster and host must be set.' : 'Host field is missing.',
      })
    const { host } = place
    const found =
      host === null
        ? []
        : (await services(ctx)).filter(
            one => one.binary === 'cinder-volume' && (one.host === host || one.host.startsWith(`${host}@`)),
          )
    if (found.length > 1) throw faults.InvalidInput({ reason: 'Services from different clusters found.' })
    const service = found[0]
    if (service === undefined)
      throw faults.InvalidInput({
        reason: host === null ? `No service found with cluster=${cluster ?? ''}` : `No service found with host=${host}`,
      })
    return service
  }
  const refusal = (field: string, host: string, expected: string) =>
    faults.InvalidInput({ reason: `${field} in ${host} must be ${expected} to failover.` })

  const hostsListed = async (ctx: Ctx, zone: string | null): Promise<Service[]> =>
    (await services(ctx)).filter(one => !one.disabled && (zone === null || one.availabilityZone === zone))

  /** Which processes a log request means. */
  const logged = async (ctx: Ctx, wish: LogWish): Promise<{ api: boolean; services: Service[] }> => {
    const { binary, server } = wish
    const every = binary === null || binary === '' || binary === '*'
    if (binary === API) return { api: true, services: [] }
    const found = (await services(ctx)).filter(
      one =>
        up(one) &&
        (every || one.binary === binary) &&
        (server === null || server === '' || one.host === server || one.host.startsWith(`${server}@`)),
    )
    return { api: every, services: found }
  }

  return {
    up,
    /** Frozen back ends: nothing new is put there, and groups there are left as they are. */
    frozen: (ctx: Ctx): Promise<Set<string>> => database.read(ctx, 'frozen-hosts', q => frozenDb(q).all()),
    async freeze(ctx: Ctx, place: Place, clusters: boolean): Promise<void> {
      demand(tools, ctx, rules.volumeFreezeHost, { project_id: projectOf(ctx) })
      const { host } = await backendAt(ctx, place, clusters)
      await database.tx(ctx, 'freeze-host', async q => {
        if (!(await frozenDb(q).freeze(host))) throw refusal('frozen', host, 'False')
        await servicesDb(q).switch('cinder-volume', host, true, 'frozen')
      })
    },
    async thaw(ctx: Ctx, place: Place, clusters: boolean): Promise<void> {
      demand(tools, ctx, rules.volumeThawHost, { project_id: projectOf(ctx) })
      const { host } = await backendAt(ctx, place, clusters)
      await database.tx(ctx, 'thaw-host', async q => {
        if (!(await frozenDb(q).thaw(host))) throw refusal('frozen', host, 'True')
        await servicesDb(q).switch('cinder-volume', host, false, '')
      })
    },
    /** No back end here replicates, so there is never one to fail over to. */
    async failover(ctx: Ctx, place: Place, clusters: boolean): Promise<void> {
      demand(tools, ctx, rules.volumeFailoverHost, { project_id: projectOf(ctx) })
      const { host } = await backendAt(ctx, place, clusters)
      throw faults.InvalidInput({
        reason: `replication_status in ${host} must be one of ['enabled', 'failed-over'] and must be up to failover.`,
      })
    },

    async setLog(ctx: Ctx, wish: LogWish, level: string | null): Promise<void> {
      if (!isLogLevel(level ?? '')) throw faults.InvalidInput({ reason: `${level ?? ''} is not a valid log level.` })
      const meant = await logged(ctx, wish)
      const binaries = new Set(meant.services.map(one => one.binary))
      if (meant.api) binaries.add(API)
      for (const binary of binaries) logLevels.set(binary, wish.prefix ?? '', level ?? '')
    },
    async getLog(
      ctx: Ctx,
      wish: LogWish,
    ): Promise<{ host: string; binary: string; levels: Readonly<Record<string, string>> }[]> {
      const meant = await logged(ctx, wish)
      const own = meant.services[0]?.host.split('@')[0] ?? 'koto'
      const noServer = wish.server === null || wish.server === '' || wish.server === own
      return [
        ...(meant.api && noServer ? [{ host: own, binary: API, levels: logLevels.of(API, wish.prefix ?? '') }] : []),
        ...meant.services.map(one => ({
          host: one.host,
          binary: one.binary,
          levels: logLevels.of(one.binary, wish.prefix ?? ''),
        })),
      ]
    },

    /** The back end that `host@backend` names, with what it last said of itself. */
    async capabilities(ctx: Ctx, host: string): Promise<Service> {
      const found = (await services(ctx)).find(
        one => one.binary === 'cinder-volume' && (one.host === host || one.host.startsWith(`${host}@`)),
      )
      if (found === undefined) throw groupFaults.ServiceMissing({ host })
      return found
    },

    hosts: hostsListed,
    /** Volumes and snapshots that each project has at a host; the first row is the sum. */
    async usage(
      ctx: Ctx,
      host: string,
    ): Promise<
      { project: string; volumes: number; gigabytes: number; snapshots: number; snapshotGigabytes: number }[]
    > {
      if (!(await hostsListed(ctx, null)).some(one => one.host === host)) throw groupFaults.HostNotFound({ host })
      const service = (await services(ctx)).find(one => one.binary === 'cinder-volume' && one.host === host)
      if (service === undefined) throw faults.ServiceNotFound({ binary: 'cinder-volume', host })
      const { volumes, snapshots } = await database.read(ctx, 'usage-of-host', async q => ({
        volumes: (await volumesDb(q).placed()).filter(one => actorHost(one.host ?? '') === host),
        snapshots: await snapshotsDb(q).all(),
      }))
      const mine = new Set(volumes.map(one => one.id))
      const sum = (project: string | null) => {
        const v = volumes.filter(one => project === null || one.projectId === project)
        const s = snapshots.filter(one => mine.has(one.volumeId) && (project === null || one.projectId === project))
        return {
          project: project ?? '(total)',
          volumes: v.length,
          gigabytes: v.reduce((total, one) => total + one.sizeGb, 0),
          snapshots: s.length,
          snapshotGigabytes: s.reduce((total, one) => total + one.sizeGb, 0),
        }
      }
      return [sum(null), ...[...new Set(volumes.map(one => one.projectId))].map(sum)]
    },
    /** Switches the volume service of a host on or off. */
    async switchHost(ctx: Ctx, host: string, enabled: boolean): Promise<void> {
      if (!(await hostsListed(ctx, null)).some(one => one.host === host)) throw groupFaults.HostNotFound({ host })
      await database.tx(ctx, 'switch-host', async q => {
        for (const one of await servicesDb(q).all())
          if (one.host === host) await servicesDb(q).switch(one.binary, host, !enabled, null)
      })
    },

    /** Takes up stories whose process died. Which services are asked: those that fit, by default the ones that are down. */
    async cleanup(
      ctx: Ctx,
      wish: {
        host: string | null
        cluster: string | null
        binary: string | null
        serviceId: string | null
        isUp: boolean
        disabled: boolean | null
        resourceType: string | null
        resourceId: string | null
      },
    ): Promise<{ cleaning: Service[]; unavailable: Service[] }> {
      const { resourceType } = wish
      if (resourceType !== null && resourceType !== '') {
        const title = resourceType.charAt(0).toUpperCase() + resourceType.slice(1).toLowerCase()
        if (!CLEANABLE.includes(title))
          throw faults.InvalidInput({
            reason: `Resource type ${title} not valid, must be 'Volume' or 'Snapshot' or 'Backup'`,
          })
      }
      if (wish.resourceId !== null && wish.host === null && wish.cluster === null && wish.serviceId === null) {
        const stuck = await database.read(ctx, 'what-waits-for-cleanup', async q => [
          await volumesDb(q).byId(wish.resourceId ?? ''),
          await snapshotsDb(q).byId(wish.resourceId ?? ''),
        ])
        if (!stuck.some(one => one !== undefined && (one.status.endsWith('ing') || one.status.startsWith('error'))))
          throw faults.InvalidInput({ reason: `There is no resource with UUID ${wish.resourceId} pending cleanup.` })
      }
      const found = (await services(ctx)).filter(
        one =>
          wish.cluster === null &&
          up(one) === wish.isUp &&
          (wish.host === null || one.host === wish.host || one.host.startsWith(`${wish.host}@`)) &&
          (wish.binary === null || one.binary === wish.binary) &&
          (wish.serviceId === null || one.id === wish.serviceId) &&
          (wish.disabled === null || one.disabled === wish.disabled),
      )
      await engine.adopt()
      const reachable = (one: Service): boolean => one.binary === 'cinder-scheduler' || up(one)
      return { cleaning: found.filter(reachable), unavailable: found.filter(one => !reachable(one)) }
    },
  }
}
export type OperatorsDomain = ReturnType<typeof createOperatorsDomain>
