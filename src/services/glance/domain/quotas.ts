// Glance's quotas: limits are Keystone's unified ones, counting is done here.
import type { Transport } from '#kernel/http/client.ts'
import { client } from '#kernel/http/client.ts'
import type { ServiceIdentity } from '#kernel/http/service-identity.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import { services } from '#services/keystone/contract/catalog.ts'
import { limits, registeredLimits } from '#services/keystone/contract/limits.ts'
import { faults } from '#services/glance/contract/faults.ts'

export const RESOURCES = [
  'image_size_total',
  'image_stage_total',
  'image_count_total',
  'image_count_uploading',
] as const
export type Resource = (typeof RESOURCES)[number]
export type Limits = Readonly<Record<Resource, number>>
/** Bytes and numbers in use; what `imagesDb.usage` answers. */
export interface InUse {
  readonly size: number
  readonly staged: number
  readonly count: number
  readonly uploading: number
}
export interface Quotas {
  /** A project's limits, -1 for none. Null: nobody is held to any. Throws 503 when Keystone cannot be asked. */
  of(ctx: Ctx, projectId: string): Promise<Limits | null>
}

const MIB = 1024 ** 2
export const amounts = (used: InUse): Limits => ({
  image_size_total: Math.floor(used.size / MIB),
  image_stage_total: Math.floor(used.staged / MIB),
  image_count_total: used.count,
  image_count_uploading: used.uploading,
})

/** Throws 413 when what is in use and `delta` (MiB, or images) are beyond the limit. */
export function demandQuota(held: Limits | null, used: InUse, projectId: string, name: Resource, delta = 0): void {
  const limit = held?.[name] ?? -1
  const usage = amounts(used)[name]
  if (limit < 0 || usage + delta <= limit) return
  throw faults.OverLimit({ project: projectId, name, limit, usage, delta })
}
export const mebibytes = (bytes: number): number => Math.floor(bytes / MIB)

type Row = Readonly<Record<string, unknown>>
const rowsOf = (reply: unknown, key: string): Row[] => ((reply as Record<string, unknown>)[key] as Row[]) ?? []

/** Asks Keystone with Glance's own account. */
export function keystoneQuotas(keystone: Transport, identity: ServiceIdentity): Quotas {
  const catalog = client(services, keystone)
  const registered = client(registeredLimits, keystone)
  const own = client(limits, keystone)
  return {
    async of(ctx, projectId) {
      const mine = await identity.ctx(ctx.actor, ctx)
      const service = rowsOf(await catalog.list(mine, { query: { type: 'image' } }), 'services')[0]?.['id']
      if (typeof service !== 'string') return null
      const all = rowsOf(await registered.list(mine, { query: { service_id: service } }), 'registered_limits')
      const found = Object.fromEntries(RESOURCES.map(name => [name, -1])) as Record<Resource, number>
      const take = (row: Row, key: string): void => {
        const name = row['resource_name'] as Resource
        if (RESOURCES.includes(name)) found[name] = row[key] as number
      }
      for (const row of all) take(row, 'default_limit')
      if (all.length === 0) return found
      const query = { service_id: service, project_id: projectId }
      for (const row of rowsOf(await own.list(mine, { query }), 'limits')) take(row, 'resource_limit')
      return found
    },
  }
}
export const noQuotas: Quotas = { of: async () => null }
