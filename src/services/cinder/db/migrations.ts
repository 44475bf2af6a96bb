// Cinder's migrations, in order.
import type { Migration } from '#kernel/db/migrations.ts'
import { sagaMigration } from '#kernel/saga/db-log.ts'
import { first } from '#services/cinder/db/migrations/0001-first.ts'
import { backups } from '#services/cinder/db/migrations/0011-backups.ts'
import { transfers } from '#services/cinder/db/migrations/0010-transfers.ts'
import { kindsAndGroups } from '#services/cinder/db/migrations/0020-kinds-and-groups.ts'

export const migrations: readonly Migration[] = [
  first,
  sagaMigration('0002-saga-log'),
  transfers,
  backups,
  kindsAndGroups,
]
