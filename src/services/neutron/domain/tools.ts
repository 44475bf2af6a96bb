// What Neutron's verbs work with.
import type { Database } from '#kernel/db/database.ts'
import type { Clock } from '#kernel/lib/clock.ts'
import type { Ids } from '#kernel/lib/ids.ts'
import type { Log } from '#kernel/lib/log.ts'
import type { Access } from '#services/neutron/domain/access.ts'
import type { NeutronSettings } from '#services/neutron/config.ts'
import type { NeutronTables } from '#services/neutron/db/tables.ts'

/** What changed and must be made true on hosts. */
export interface Touched {
  /** Networks whose own facts, subnets or DHCP changed; all their ports are looked at. */
  readonly networks?: Iterable<string>
  readonly ports?: Iterable<string>
  readonly routers?: Iterable<string>
  /** Security groups whose rules changed. */
  readonly groups?: Iterable<string>
}
/** Told after a commit; returns at once. */
export interface Wiring {
  touch(what: Touched): void
}
/** News for Nova; sent in the background, never fatal. */
export interface NovaNews {
  /** True when the wire could not be made. */
  readonly failed?: boolean
  readonly event: 'network-vif-plugged' | 'network-vif-unplugged' | 'network-vif-deleted' | 'network-changed'
  readonly serverId: string
  readonly portId: string
}
export interface DomainTools {
  readonly database: Database<NeutronTables>
  readonly clock: Clock
  readonly ids: Ids
  readonly log: Log
  readonly access: Access
  readonly settings: NeutronSettings
  readonly wiring: Wiring
  readonly nova: { tell(news: readonly NovaNews[]): void }
}
