// Quotas: limits from rows or defaults, usage counted from the living rows inside the transaction that adds one.
import type { Kysely } from 'kysely'

import type { Reason } from '#kernel/contract/verdict.ts'
import { faults } from '#services/nova/contract/faults.ts'
import { quotaSetsDb } from '#services/nova/db/quota-sets.ts'
import type { NovaTables } from '#services/nova/db/tables.ts'

export interface QuotaDefaults {
  readonly instances: number
  readonly cores: number
  readonly ram: number
  readonly key_pairs: number
  readonly server_groups: number
  readonly server_group_members: number
  readonly metadata_items: number
  readonly injected_files: number
  readonly injected_file_content_bytes: number
  readonly injected_file_path_bytes: number
}
export type QuotaName = keyof QuotaDefaults
export const QUOTA_NAMES: readonly QuotaName[] = [
  'instances',
  'cores',
  'ram',
  'key_pairs',
  'server_groups',
  'server_group_members',
  'metadata_items',
  'injected_files',
  'injected_file_content_bytes',
  'injected_file_path_bytes',
]

/** The limits in force for a project: its own rows over the class of everybody over the configuration. -1: no limit. */
export async function limitsOf(
  q: Kysely<NovaTables>,
  projectId: string,
  defaults: QuotaDefaults,
): Promise<Record<QuotaName, number>> {
  const rows = await q
    .selectFrom('quotas')
    .selectAll()
    .where('project_id', 'in', ['default', projectId])
    .where('user_id', '=', '')
    .execute()
  const limits: Record<QuotaName, number> = { ...defaults }
  for (const whose of ['default', projectId]) {
    for (const row of rows)
      if (row.project_id === whose && row.resource in limits) limits[row.resource as QuotaName] = row.quota
  }
  return limits
}

/** Servers, cores and memory in use: one indexed look at the project's living servers. */
export async function usageOf(
  q: Kysely<NovaTables>,
  projectId: string,
): Promise<{ instances: number; cores: number; ram: number; server_groups: number }> {
  const rows = await q.selectFrom('project_usage').selectAll().where('project_id', '=', projectId).executeTakeFirst()
  const groups = await q
    .selectFrom('server_groups')
    .select(({ fn }) => fn.countAll<number>().as('many'))
    .where('project_id', '=', projectId)
    .executeTakeFirst()
  return {
    instances: rows?.instances ?? 0,
    cores: rows?.cores ?? 0,
    ram: rows?.ram_mb ?? 0,
    server_groups: Number(groups?.many ?? 0),
  }
}

/** Adds to (or takes from) a project's sums, in the transaction that adds or removes the server. */
export async function countUsage(
  q: Kysely<NovaTables>,
  projectId: string,
  of: { instances: number; cores: number; ramMb: number },
): Promise<void> {
  const changed = await q
    .updateTable('project_usage')
    .set(eb => ({
      instances: eb('instances', '+', of.instances),
      cores: eb('cores', '+', of.cores),
      ram_mb: eb('ram_mb', '+', of.ramMb),
    }))
    .where('project_id', '=', projectId)
    .executeTakeFirst()
  if (Number(changed.numUpdatedRows) === 0) {
    await q
      .insertInto('project_usage')
      .values({ project_id: projectId, instances: of.instances, cores: of.cores, ram_mb: of.ramMb })
      .execute()
  }
}

/** What one user may have of a project where somebody said so; the others have what the project has. */
export async function limitsOfUser(
  q: Kysely<NovaTables>,
  projectId: string,
  userId: string,
): Promise<Partial<Record<QuotaName, number>>> {
  const rows = await q
    .selectFrom('quotas')
    .select(['resource', 'quota'])
    .where('project_id', '=', projectId)
    .where('user_id', '=', userId)
    .execute()
  return Object.fromEntries(rows.map(row => [row.resource, row.quota]))
}

/**
 * Refuses (403) when `wanted` servers of this size do not fit in the project, or in what its user may have of it. Names
 * every resource that is short, as upstream does.
 */
export async function demandRoom(
  q: Kysely<NovaTables>,
  projectId: string,
  wanted: { instances: number; cores: number; ram: number },
  defaults: QuotaDefaults,
  userId: string | null = null,
): Promise<void> {
  demandFits(await limitsOf(q, projectId, defaults), await usageOf(q, projectId), wanted)
  const own = userId === null ? {} : await limitsOfUser(q, projectId, userId)
  // Only users with limits of their own are counted: most have none.
  if (userId === null || !COUNTED.some(name => own[name] !== undefined)) return
  const used = await quotaSetsDb(q).usageOfUser(projectId, userId)
  demandFits({ instances: -1, cores: -1, ram: -1, ...own }, used as typeof wanted, wanted)
}

/** Refuses (403) more, longer-named or larger files than a server may be given. Contents are measured as they were sent. */
export function demandFilesFit(
  limits: Pick<
    Record<QuotaName, number>,
    'injected_files' | 'injected_file_path_bytes' | 'injected_file_content_bytes'
  >,
  files: readonly { readonly path: string; readonly contents: string }[],
): void {
  const over = (limit: number, size: number): boolean => limit >= 0 && size > limit
  const longest = (of: (file: (typeof files)[number]) => string): number =>
    files.reduce((most, file) => Math.max(most, of(file).length), 0)
  const { injected_files: many, injected_file_path_bytes: path, injected_file_content_bytes: content } = limits
  if (over(many, files.length)) throw faults.OverQuotaSimple({ reason: 'Personality file limit exceeded' })
  if (
    over(
      path,
      longest(file => file.path),
    )
  )
    throw faults.OverQuotaSimple({ reason: `Personality file path exceeds maximum ${path}` })
  if (
    over(
      content,
      longest(file => file.contents),
    )
  )
    throw faults.OverQuotaSimple({ reason: `Personality file content exceeds maximum ${content}` })
}

type Counted = Readonly<Record<'instances' | 'cores' | 'ram', number>>
const COUNTED = ['cores', 'instances', 'ram'] as const

function demandFits(limits: Counted, used: Counted, wanted: Counted): void {
  const over = COUNTED.filter(name => limits[name] >= 0 && used[name] + wanted[name] > limits[name])
  if (over.length === 0) return
  const because: Reason[] = over.map(name => ({
    who: 'quota',
    says: `${name}: ${wanted[name]} wanted, ${used[name]} of ${limits[name]} used`,
    has: limits[name] - used[name],
    wants: wanted[name],
  }))
  throw faults.OverQuota(
    {
      overs: over.join(', '),
      requested: over.map(name => wanted[name]).join(', '),
      used: over.map(name => used[name]).join(', '),
      allowed: over.map(name => limits[name]).join(', '),
    },
    { because },
  )
}
