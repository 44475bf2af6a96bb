// Neutron's migrations, in order.
import type { Migration } from '#kernel/db/migrations.ts'
import { first } from '#services/neutron/db/migrations/0001-first.ts'

export const migrations: readonly Migration[] = [first]
