// The verbs of hypervisors: nodes with the services that stand behind them.
import type { Kysely } from 'kysely'

import type { Bus } from '#kernel/bus/bus.ts'
import type { Database } from '#kernel/db/database.ts'
import type { Clock } from '#kernel/lib/clock.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import { faults } from '#services/nova/contract/faults.ts'
import { hostsDb, type ComputeNode, type Service } from '#services/nova/db/hosts.ts'
import { hypervisorsDb } from '#services/nova/db/hypervisors.ts'
import type { NovaTables } from '#services/nova/db/tables.ts'
import { isUp } from '#services/nova/domain/conductor/host-states.ts'
import { computeRpc } from '#services/nova/rpc.ts'

export interface HypervisorTools {
  readonly database: Database<NovaTables>
  readonly bus: Bus
  readonly clock: Clock
  readonly downAfterMs: number
  readonly maxLimit: number
}
export interface Hypervisor {
  readonly node: ComputeNode
  readonly service: Service
  readonly up: boolean
  /** Servers in a transitional state. */
  readonly busy: number
  /** Null: nobody asked. */
  readonly servers: readonly { readonly id: string; readonly name: string }[] | null
}
export interface Statistics {
  readonly count: number
  readonly vcpus: number
  readonly memoryMb: number
  readonly localGb: number
  readonly vcpusUsed: number
  readonly memoryMbUsed: number
  readonly localGbUsed: number
  readonly freeDiskGb: number
  readonly busy: number
  readonly servers: number
}
const UUID = /^[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}$/i

/** Memory that cannot be given out: what servers claimed, and what is kept for the host itself. */
export const usedMemoryMb = (node: ComputeNode): number => node.memoryMbUsed + node.reservedMemoryMb

export const createHypervisors = (tools: HypervisorTools) => {
  const { database, clock } = tools
  /** Nodes whose service was taken away are left out. */
  const dress = async (
    q: Kysely<NovaTables>,
    nodes: readonly ComputeNode[],
    withServers: boolean,
  ): Promise<Hypervisor[]> => {
    const db = hostsDb(q)
    const services = new Map(
      (await db.services()).filter(one => one.binary === 'nova-compute').map(one => [one.host, one]),
    )
    const busy = await db.busy()
    const servers = withServers ? await hypervisorsDb(q).serversOn(nodes.map(node => node.host)) : null
    return nodes.flatMap(node => {
      const service = services.get(node.host)
      if (service === undefined) return []
      const up = isUp(service, clock.now(), tools.downAfterMs)
      const inside = servers === null ? null : (servers.get(node.host) ?? [])
      return [{ node, service, up, busy: busy.get(node.host) ?? 0, servers: inside }]
    })
  }
  const none = (id: string) => faults.NotFound({ reason: `Hypervisor with ID '${id}' could not be found.` })
  const keyOf = (id: string, byUuid: boolean): string | number => {
    if (byUuid) {
      if (!UUID.test(id)) throw faults.BadRequest({ reason: `Invalid uuid ${id}` })
      return id.toLowerCase()
    }
    if (!/^\d{1,15}$/.test(id)) throw none(id)
    return Number(id)
  }
  const find = (ctx: Ctx, id: string, byUuid: boolean, withServers: boolean): Promise<Hypervisor> => {
    const key = keyOf(id, byUuid)
    return database.read(ctx, 'find-hypervisor', async q => {
      const node = await hypervisorsDb(q).find(key)
      const [found] = node === undefined ? [] : await dress(q, [node], withServers)
      if (found === undefined) throw none(id)
      return found
    })
  }
  /** What the host says of how long it is up. Null when it is not there or cannot tell. */
  const uptimeOf = async (ctx: Ctx, hypervisor: Hypervisor): Promise<string | null> => {
    if (!hypervisor.up) return null
    try {
      return (await tools.bus.client(computeRpc).on(hypervisor.node.host).uptime(ctx, {})).text
    } catch {
      return null
    }
  }

  return {
    find,
    /** `paging` null: all of them. Throws 400 for an unknown marker. */
    async list(
      ctx: Ctx,
      paging: { limit: number | null; marker: string | null; byUuid: boolean } | null,
      withServers: boolean,
    ): Promise<{ hypervisors: Hypervisor[]; isFull: boolean }> {
      const marker = paging?.marker ?? null
      const unknown = () => faults.MarkerNotFound({ marker: marker ?? '' })
      const isKey = marker !== null && (paging?.byUuid === true ? UUID.test(marker) : /^\d{1,15}$/.test(marker))
      if (marker !== null && !isKey) throw unknown()
      const limit = paging === null ? undefined : Math.min(paging.limit ?? tools.maxLimit, tools.maxLimit)
      return database.read(ctx, 'list-hypervisors', async q => {
        const key = marker === null ? null : paging?.byUuid === true ? marker.toLowerCase() : Number(marker)
        const nodes = await hypervisorsDb(q).list(key, limit)
        if (nodes === undefined) throw unknown()
        const isFull = limit !== undefined && limit > 0 && nodes.length === limit
        return { hypervisors: await dress(q, nodes, withServers), isFull }
      })
    },
    /** Throws 400: a list by name is not paged. */
    refusePaging(asked: boolean): void {
      if (asked)
        throw faults.BadRequest({
          reason: 'Paging over hypervisors with the hypervisor_hostname_pattern query parameter is not supported.',
        })
    },
    /** All whose name holds the text. Throws 404 when there is none. */
    named: (ctx: Ctx, part: string, withServers: boolean): Promise<Hypervisor[]> =>
      database.read(ctx, 'find-hypervisors', async q => {
        const nodes = await hypervisorsDb(q).named(part)
        if (nodes.length === 0) throw faults.NotFound({ reason: `No hypervisor matching '${part}' could be found.` })
        return dress(q, nodes, withServers)
      }),
    uptimes: async (ctx: Ctx, hypervisors: readonly Hypervisor[]): Promise<Map<string, string | null>> =>
      new Map(
        await Promise.all(
          hypervisors.map(async one => [one.node.id, await uptimeOf(ctx, one)] as [string, string | null]),
        ),
      ),
    /** Throws 400 for a host that is down, 501 for one that cannot tell. */
    async uptime(ctx: Ctx, id: string, byUuid: boolean): Promise<{ hypervisor: Hypervisor; uptime: string }> {
      const hypervisor = await find(ctx, id, byUuid, false)
      if (!hypervisor.up)
        throw faults.BadRequest({ reason: `Compute service of ${hypervisor.node.host} is unavailable at this time.` })
      const uptime = await uptimeOf(ctx, hypervisor)
      if (uptime === null) throw faults.NotSupported()
      return { hypervisor, uptime }
    },
    /** Sums over the hosts that are enabled. */
    statistics: (ctx: Ctx): Promise<Statistics> =>
      database.read(ctx, 'sum-hypervisors', async q => {
        const all = (await dress(q, await hostsDb(q).nodes(), false)).filter(one => !one.service.disabled)
        const sum = (of: (one: Hypervisor) => number): number => all.reduce((total, one) => total + of(one), 0)
        return {
          count: all.length,
          vcpus: sum(one => one.node.vcpus),
          memoryMb: sum(one => one.node.memoryMb),
          localGb: sum(one => one.node.localGb),
          vcpusUsed: sum(one => one.node.vcpusUsed),
          memoryMbUsed: sum(one => usedMemoryMb(one.node)),
          localGbUsed: sum(one => one.node.localGbUsed),
          freeDiskGb: sum(one => one.node.freeDiskGb),
          busy: sum(one => one.busy),
          servers: sum(one => one.node.servers),
        }
      }),
  }
}
export type Hypervisors = ReturnType<typeof createHypervisors>
