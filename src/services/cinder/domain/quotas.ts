// Quotas: limits from rows or defaults, usage counted from the living rows inside the transaction that adds one.
import type { Kysely } from 'kysely'

import type { Fault } from '#kernel/contract/fault.ts'
import type { Reason } from '#kernel/contract/verdict.ts'
import { faults } from '#services/cinder/contract/faults.ts'
import { groupFaults } from '#services/cinder/contract/group-faults.ts'
import { groupsDb } from '#services/cinder/db/groups.ts'
import { backupsDb } from '#services/cinder/db/backups.ts'
import { DEFAULT_CLASS, quotasDb } from '#services/cinder/db/quotas.ts'
import type { CinderTables } from '#services/cinder/db/tables.ts'
import { typesDb } from '#services/cinder/db/types.ts'
import type { QuotaDefaults } from '#services/cinder/domain/tools.ts'

export interface QuotaEntry {
  readonly limit: number
  readonly inUse: number
}
/** Resource → limit and usage. Resources of one type are named `volumes_TYPE`, `gigabytes_TYPE`, `snapshots_TYPE`. */
export type QuotaSet = ReadonlyMap<string, QuotaEntry>

/** The limits in force for an owner (a project, or a class) with what the project uses. */
export async function quotaSet(
  q: Kysely<CinderTables>,
  projectId: string,
  defaults: QuotaDefaults,
  options: { readonly own?: boolean } = {},
): Promise<QuotaSet> {
  const names = await typesDb(q).names()
  const usage = await quotasDb(q).usage(projectId)
  const rows = await quotasDb(q).limits([DEFAULT_CLASS, projectId])
  const own = rows.get(projectId)
  const byClass = rows.get(DEFAULT_CLASS)
  const limit = (resource: string, otherwise: number): number =>
    (options.own === false ? undefined : own?.get(resource)) ?? byClass?.get(resource) ?? otherwise
  const set = new Map<string, QuotaEntry>()
  let volumes = 0
  let gigabytes = 0
  let snapshots = 0
  for (const used of usage.values()) {
    volumes += used.volumes
    gigabytes += used.gigabytes + used.snapshotGigabytes
    snapshots += used.snapshots
  }
  const put = (resource: string, otherwise: number, inUse: number): void =>
    void set.set(resource, { limit: limit(resource, otherwise), inUse })
  put('volumes', defaults.volumes, volumes)
  put('per_volume_gigabytes', defaults.per_volume_gigabytes, 0)
  put('snapshots', defaults.snapshots, snapshots)
  put('gigabytes', defaults.gigabytes, gigabytes)
  put('groups', defaults.groups, await groupsDb(q).countOf(projectId))
  const kept = await backupsDb(q).usage(projectId)
  put('backups', defaults.backups, kept.backups)
  put('backup_gigabytes', defaults.backup_gigabytes, kept.gigabytes)
  for (const [id, name] of names) {
    const used = usage.get(id)
    put(`volumes_${name}`, -1, used?.volumes ?? 0)
    put(`gigabytes_${name}`, -1, (used?.gigabytes ?? 0) + (used?.snapshotGigabytes ?? 0))
    put(`snapshots_${name}`, -1, used?.snapshots ?? 0)
  }
  return set
}

/** Refuses (413) one more group when there is no room for it. */
export async function demandGroupQuota(
  q: Kysely<CinderTables>,
  projectId: string,
  defaults: QuotaDefaults,
): Promise<void> {
  const entry = (await quotaSet(q, projectId, defaults)).get('groups')
  if (entry !== undefined && entry.limit >= 0 && entry.inUse + 1 > entry.limit)
    throw groupFaults.GroupLimitExceeded({ allowed: entry.limit }, { headers: { 'retry-after': '0' } })
}

interface Wish {
  readonly typeName: string
  readonly volumes?: number
  readonly snapshots?: number
  /** Of volumes and snapshots. */
  readonly gigabytes?: number
  readonly backups?: number
  readonly backupGigabytes?: number
}
type Kind = 'gigabytes' | 'snapshots' | 'volumes' | 'backups' | 'backup_gigabytes'

/** Refuses (413) when a type has no room for that: what all types share does not change when a volume changes its type. */
export const demandTypeQuota = (
  q: Kysely<CinderTables>,
  projectId: string,
  wish: Wish,
  defaults: QuotaDefaults,
): Promise<void> => demandQuota(q, projectId, wish, defaults, true)

/** Refuses (413) when that much more does not fit. Gigabytes are named before counts, as upstream does. */
export async function demandQuota(
  q: Kysely<CinderTables>,
  projectId: string,
  wish: Wish,
  defaults: QuotaDefaults,
  onlyOfType = false,
): Promise<void> {
  const set = await quotaSet(q, projectId, defaults)
  const over = (resource: string, wanted: number): QuotaEntry | null => {
    const entry = set.get(resource)
    return entry !== undefined && wanted > 0 && entry.limit >= 0 && entry.inUse + wanted > entry.limit ? entry : null
  }
  for (const [kind, wanted] of [
    ['gigabytes', wish.gigabytes ?? 0],
    ['snapshots', wish.snapshots ?? 0],
    ['volumes', wish.volumes ?? 0],
    ['backup_gigabytes', wish.backupGigabytes ?? 0],
    ['backups', wish.backups ?? 0],
  ] as const)
    for (const resource of onlyOfType ? [`${kind}_${wish.typeName}`] : [kind, `${kind}_${wish.typeName}`]) {
      const entry = over(resource, wanted)
      if (entry !== null) throw refusal(kind, resource, wanted, entry)
    }
}

function refusal(kind: Kind, resource: string, wanted: number, entry: QuotaEntry): Fault {
  const reason: Reason = {
    who: 'quota',
    says: `${resource}: ${wanted} wanted, ${entry.inUse} of ${entry.limit} used`,
    has: entry.limit - entry.inUse,
    wants: wanted,
  }
  const options = { because: [reason], headers: { 'retry-after': '0' } }
  switch (kind) {
    case 'gigabytes':
      return faults.VolumeSizeExceedsAvailableQuota(
        { name: resource, requested: wanted, quota: entry.limit, consumed: entry.inUse },
        options,
      )
    case 'backup_gigabytes':
      return faults.VolumeBackupSizeExceedsAvailableQuota(
        { requested: wanted, quota: entry.limit, consumed: entry.inUse },
        options,
      )
    case 'backups':
      return faults.BackupLimitExceeded({ allowed: entry.limit }, options)
    case 'snapshots':
      return faults.SnapshotLimitExceeded({ allowed: entry.limit }, options)
    case 'volumes':
      return faults.VolumeLimitExceeded({ allowed: entry.limit, name: resource }, options)
  }
}

/** Refuses (413) one volume that is larger than any may be. */
export async function demandSize(
  q: Kysely<CinderTables>,
  projectId: string,
  sizeGb: number,
  defaults: QuotaDefaults,
): Promise<void> {
  const limit = (await quotaSet(q, projectId, defaults)).get('per_volume_gigabytes')?.limit ?? -1
  if (limit >= 0 && sizeGb > limit)
    throw faults.VolumeSizeExceedsLimit({ size: sizeGb, limit }, { headers: { 'retry-after': '0' } })
}
