// What Cinder's actors can be asked. cinder-volume has no database: what it needs travels in the message.
import { call, cast, rpc } from '#kernel/bus/rpc.ts'
import type { PoolStats } from '#services/cinder/db/tables.ts'
import type { BackupInventory } from '#services/cinder/drivers/backups.ts'
import type { Connection, Connector, Inventory, Unmanaged } from '#services/cinder/drivers/backend.ts'

export const volumeRpc = rpc('cinder-volume', {
  /** How a host reaches a volume. Harmless to repeat. */
  connect: call<
    { volumeId: string; sizeGb: number; connector: Connector; mode: 'rw' | 'ro' },
    { connection: Connection }
  >({ timeoutMs: 60_000, title: () => 'initialize_connection' }),
  disconnect: call<{ volumeId: string; connector: Connector | null }, { done: boolean }>({
    timeoutMs: 60_000,
    title: () => 'terminate_connection',
  }),
  /** Everything there is, for the audit. */
  inventory: call<Record<never, never>, { inventory: Inventory }>({ timeoutMs: 60_000 }),
  /** What could be managed. */
  unmanaged: call<Record<never, never>, { unmanaged: Unmanaged }>({ timeoutMs: 60_000 }),
  /** Says now what the pool is like. */
  report: cast<Record<never, never>>(),
})

export const backupRpc = rpc('cinder-backup', {
  /** Everything that is kept, for the audit. */
  inventory: call<Record<never, never>, { inventory: BackupInventory }>({ timeoutMs: 60_000 }),
})

export const schedulerRpc = rpc('cinder-scheduler', {
  /** cinder-backup says that it is there. */
  backup_report: call<{ host: string; availabilityZone: string }, { seen: boolean }>({
    timeoutMs: 30_000,
    title: () => 'update_service_capabilities',
  }),
  /** How far a backup is. */
  backup_progress: call<{ backupId: string; objectCount: number }, { seen: boolean }>({ timeoutMs: 30_000 }),
  /** A back end says that it is there and what it has. */
  pool_report: call<{ host: string; availabilityZone: string; stats: PoolStats }, { seen: boolean }>({
    timeoutMs: 30_000,
    title: () => 'update_service_capabilities',
  }),
})

/** `node-1@file#pool` → `node-1@file`: the actor that owns the pool. */
export const actorHost = (host: string): string => host.split('#')[0] ?? host
