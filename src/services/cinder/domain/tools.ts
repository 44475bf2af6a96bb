// What every verb of Cinder's domain is given.
import type { Kysely } from 'kysely'

import type { Bus } from '#kernel/bus/bus.ts'
import type { Database } from '#kernel/db/database.ts'
import type { Clock } from '#kernel/lib/clock.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import type { Ids } from '#kernel/lib/ids.ts'
import type { Log } from '#kernel/lib/log.ts'
import type { Enforcer } from '#kernel/policy/enforcer.ts'
import type { Engine } from '#kernel/saga/engine.ts'
import type { GlanceNeighbour } from '#services/cinder/actors/neighbours/glance.ts'
import type { KeystoneLook } from '#services/cinder/actors/neighbours/keystone.ts'
import type { NovaLook } from '#services/cinder/actors/neighbours/nova.ts'
import type { CinderTables } from '#services/cinder/db/tables.ts'
import type { LogLevels } from '#services/cinder/domain/log-levels.ts'

export interface DomainSettings {
  readonly defaultVolumeType: string
  /** Empty: there is none. */
  readonly defaultGroupType: string
  readonly availabilityZone: string
  readonly maxLimit: number
  readonly downAfterMs: number
  readonly maxOverSubscriptionRatio: number
  readonly quotas: QuotaDefaults
  /** What keeps backups, as exported records name it. */
  readonly backupService: string
}
export interface QuotaDefaults {
  readonly volumes: number
  readonly snapshots: number
  readonly gigabytes: number
  readonly per_volume_gigabytes: number
  readonly backups: number
  readonly backup_gigabytes: number
  readonly groups: number
}

export interface DomainTools {
  readonly database: Database<CinderTables>
  readonly policy: Enforcer
  readonly engine: Engine<Kysely<CinderTables>>
  readonly bus: Bus
  readonly clock: Clock
  readonly ids: Ids
  readonly log: Log
  readonly settings: DomainSettings
  /** Asked with the caller's own token. */
  readonly glance: Pick<GlanceNeighbour, 'image' | 'named' | 'create' | 'remove'>
  readonly nova: NovaLook
  readonly keystone: KeystoneLook
  readonly logLevels: LogLevels
  /** Hex of the text's MD5: for ETags. */
  readonly md5: (text: string) => string
}
export type FindTools = Pick<DomainTools, 'database' | 'policy'>

/** True for whoever the default rules call an administrator. */
export const isAdmin = (ctx: Ctx): boolean => ctx.who?.roles.includes('admin') === true
/** A service's own account: Nova detaching, for one. */
export const isService = (ctx: Ctx): boolean => ctx.who?.roles.includes('service') === true
/** The caller's project; empty for tokens without one. */
export const projectOf = (ctx: Ctx): string => ctx.who?.projectId ?? ''
