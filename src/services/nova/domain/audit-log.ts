// Usage audits: hosts here never run them (upstream's default as well), so every host is among those that did not.
import type { Database } from '#kernel/db/database.ts'
import type { Clock } from '#kernel/lib/clock.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import { faults } from '#services/nova/contract/faults.ts'
import { hostsDb } from '#services/nova/db/hosts.ts'
import type { NovaTables } from '#services/nova/db/tables.ts'

export interface AuditPeriod {
  /** Milliseconds since 1970: the last full month, in UTC. */
  readonly begin: number
  readonly end: number
  readonly hostsNotRun: readonly string[]
}
const TIME = /^(\d{4}-\d{2}-\d{2}) (\d{2}:\d{2}:\d{2})(?:\.\d{1,6})?$/

/** The last month that was over at a time. */
export function lastFullMonth(ms: number): { begin: number; end: number } {
  const now = new Date(ms)
  const at = (months: number): number => Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + months, 1)
  // A month that ends at this very moment is not over yet.
  const back = at(0) >= ms ? 1 : 0
  return { begin: at(-1 - back), end: at(-back) }
}

export const createAuditLog = ({ database, clock }: { database: Database<NovaTables>; clock: Clock }) => ({
  /** `before` as the client wrote it: `2026-11-22 13:48:02[.914]`; null is now. Throws 400. */
  async show(ctx: Ctx, before: string | null): Promise<AuditPeriod> {
    const [, day = '', time = ''] = before === null ? [] : (TIME.exec(before) ?? [])
    const ms = before === null ? clock.now() : Date.parse(`${day}T${time}Z`)
    if (Number.isNaN(ms)) throw faults.BadRequest({ reason: `Invalid timestamp for date ${before ?? ''}` })
    const services = await database.read(ctx, 'list-services', q => hostsDb(q).services())
    const hosts = new Set(services.filter(one => one.binary === 'nova-compute').map(one => one.host))
    return { ...lastFullMonth(ms), hostsNotRun: [...hosts] }
  },
})
export type AuditLog = ReturnType<typeof createAuditLog>
