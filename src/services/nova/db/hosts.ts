// Compute hosts: their services, nodes, and the sums of what is claimed of them.
import type { Kysely, Selectable } from 'kysely'

import { fromJson, fromTime, isSet, json, orNull, time } from '#kernel/db/codecs.ts'
import { swap } from '#kernel/db/helpers.ts'
import type { Claim, NovaTables } from '#services/nova/db/tables.ts'

export interface Service {
  readonly id: string
  readonly serial: number
  readonly host: string
  readonly binary: string
  readonly disabled: boolean
  readonly disabledReason: string | null
  readonly forcedDown: boolean
  /** Milliseconds since 1970; null before the first report. */
  readonly lastSeenAt: number | null
  readonly createdAt: number
  readonly updatedAt: number | null
}
export interface ComputeNode {
  readonly id: string
  readonly serial: number
  readonly host: string
  readonly hypervisorHostname: string
  readonly hypervisorType: string
  readonly hypervisorVersion: number
  readonly hostIp: string
  readonly vcpus: number
  readonly memoryMb: number
  readonly localGb: number
  readonly freeDiskGb: number
  readonly cpuInfo: Readonly<Record<string, unknown>>
  readonly capabilities: Readonly<Record<string, boolean>>
  readonly accelerator: string
  readonly cpuRatio: number
  readonly ramRatio: number
  readonly diskRatio: number
  readonly reservedMemoryMb: number
  readonly servers: number
  readonly vcpusUsed: number
  readonly memoryMbUsed: number
  readonly localGbUsed: number
  readonly updatedAt: number
}

export const serviceFromRow = (row: Selectable<NovaTables['services']>): Service => ({
  id: row.id,
  serial: row.serial,
  host: row.host,
  binary: row.binary,
  disabled: isSet(row.disabled),
  disabledReason: row.disabled_reason,
  forcedDown: isSet(row.forced_down),
  lastSeenAt: orNull(fromTime)(row.last_seen_at),
  createdAt: fromTime(row.created_at),
  updatedAt: orNull(fromTime)(row.updated_at),
})
export const nodeFromRow = (row: Selectable<NovaTables['compute_nodes']>): ComputeNode => ({
  id: row.id,
  serial: row.serial,
  host: row.host,
  hypervisorHostname: row.hypervisor_hostname,
  hypervisorType: row.hypervisor_type,
  hypervisorVersion: row.hypervisor_version,
  hostIp: row.host_ip,
  vcpus: row.vcpus,
  memoryMb: row.memory_mb,
  localGb: row.local_gb,
  freeDiskGb: row.free_disk_gb,
  cpuInfo: fromJson(row.cpu_info),
  capabilities: fromJson(row.capabilities),
  accelerator: row.accelerator,
  cpuRatio: row.cpu_ratio,
  ramRatio: row.ram_ratio,
  diskRatio: row.disk_ratio,
  reservedMemoryMb: row.reserved_memory_mb,
  servers: row.servers,
  vcpusUsed: row.vcpus_used,
  memoryMbUsed: row.memory_mb_used,
  localGbUsed: row.local_gb_used,
  updatedAt: fromTime(row.updated_at),
})

export const hostsDb = (q: Kysely<NovaTables>) => {
  const nextOf = async (table: 'services' | 'compute_nodes'): Promise<number> => {
    const row = await q
      .selectFrom(table)
      .select(({ fn }) => fn.max('serial').as('most'))
      .executeTakeFirst()
    return Number(row?.most ?? 0) + 1
  }
  return {
    async services(): Promise<Service[]> {
      return (await q.selectFrom('services').selectAll().orderBy('serial').execute()).map(serviceFromRow)
    },
    async nodes(): Promise<ComputeNode[]> {
      return (await q.selectFrom('compute_nodes').selectAll().orderBy('serial').execute()).map(nodeFromRow)
    },
    async nodeOf(host: string): Promise<ComputeNode | undefined> {
      const row = await q.selectFrom('compute_nodes').selectAll().where('host', '=', host).executeTakeFirst()
      return row && nodeFromRow(row)
    },
    async service(id: string): Promise<Service | undefined> {
      const row = await q.selectFrom('services').selectAll().where('id', '=', id).executeTakeFirst()
      return row && serviceFromRow(row)
    },
    /** A sign of life. Makes the row at the first. */
    async seen(service: { id: string; host: string; binary: string }, now: number): Promise<void> {
      const known = await swap(
        q,
        'services',
        { host: service.host, binary: service.binary },
        { last_seen_at: time(now) },
      )
      if (known) return
      await q
        .insertInto('services')
        .values({
          id: service.id,
          serial: await nextOf('services'),
          host: service.host,
          binary: service.binary,
          disabled: 0,
          disabled_reason: null,
          forced_down: 0,
          last_seen_at: time(now),
          created_at: time(now),
          updated_at: null,
        })
        .execute()
    },
    async changeService(
      id: string,
      change: { disabled?: boolean; disabledReason?: string | null; forcedDown?: boolean },
      now: number,
    ): Promise<boolean> {
      return swap(
        q,
        'services',
        { id },
        {
          updated_at: time(now),
          ...(change.disabled === undefined ? {} : { disabled: change.disabled ? 1 : 0 }),
          ...(change.disabledReason === undefined ? {} : { disabled_reason: change.disabledReason }),
          ...(change.forcedDown === undefined ? {} : { forced_down: change.forcedDown ? 1 : 0 }),
        },
      )
    },
    /** What a host reported: makes or changes its node. The sums of claims are not touched. */
    async saveNode(
      node: Omit<ComputeNode, 'serial' | 'servers' | 'vcpusUsed' | 'memoryMbUsed' | 'localGbUsed' | 'updatedAt'>,
      now: number,
    ): Promise<void> {
      const facts = {
        hypervisor_type: node.hypervisorType,
        hypervisor_version: node.hypervisorVersion,
        host_ip: node.hostIp,
        vcpus: node.vcpus,
        memory_mb: node.memoryMb,
        local_gb: node.localGb,
        free_disk_gb: node.freeDiskGb,
        cpu_info: json({ ...node.cpuInfo }),
        capabilities: json({ ...node.capabilities }),
        accelerator: node.accelerator,
        cpu_ratio: node.cpuRatio,
        ram_ratio: node.ramRatio,
        disk_ratio: node.diskRatio,
        reserved_memory_mb: node.reservedMemoryMb,
        updated_at: time(now),
      }
      if (await swap(q, 'compute_nodes', { id: node.id }, facts)) return
      await q
        .insertInto('compute_nodes')
        .values({
          id: node.id,
          serial: await nextOf('compute_nodes'),
          host: node.host,
          hypervisor_hostname: node.hypervisorHostname,
          servers: 0,
          vcpus_used: 0,
          memory_mb_used: 0,
          local_gb_used: 0,
          ...facts,
        })
        .execute()
    },
    /** Adds (`sign` 1) or takes back (-1) a claim. In the transaction that changes the server's row. */
    async count(host: string, claim: Claim, sign: 1 | -1): Promise<void> {
      await q
        .updateTable('compute_nodes')
        .set(eb => ({
          servers: eb('servers', '+', sign),
          vcpus_used: eb('vcpus_used', '+', sign * claim.vcpus),
          memory_mb_used: eb('memory_mb_used', '+', sign * claim.memoryMb),
          local_gb_used: eb('local_gb_used', '+', sign * claim.diskGb),
        }))
        .where('host', '=', host)
        .execute()
    },
    /** Servers in a transitional state, by host. */
    async busy(): Promise<Map<string, number>> {
      const rows = await q
        .selectFrom('servers')
        .select(({ fn }) => ['host', fn.countAll<number>().as('many')])
        .where('deleted_at', 'is', null)
        .where('task_state', 'is not', null)
        .where('host', 'is not', null)
        .groupBy('host')
        .execute()
      return new Map(rows.map(row => [row.host ?? '', Number(row.many)]))
    },
    async aggregates(): Promise<{ name: string; metadata: Record<string, string>; hosts: string[] }[]> {
      const rows = await q.selectFrom('aggregates').selectAll().execute()
      const members = await q.selectFrom('aggregate_hosts').selectAll().execute()
      return rows.map(row => ({
        name: row.name,
        metadata: fromJson(row.metadata),
        hosts: members.filter(member => member.aggregate_id === row.id).map(member => member.host),
      }))
    },
  }
}
