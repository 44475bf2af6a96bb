// What brings Placement's file from any older version to this one.
import type { Migration } from '#kernel/db/migrations.ts'
import { first } from '#services/placement/db/migrations/0001-first.ts'

export const migrations: readonly Migration[] = [first]
