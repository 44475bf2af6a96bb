// The migrations in order.
import type { Migration } from '#kernel/db/migrations.ts'
import { first } from '#services/keystone/db/migrations/0001-first.ts'
import { extensions } from '#services/keystone/db/migrations/0002-extensions.ts'
import { federationAndOauth } from '#services/keystone/db/migrations/0020-federation-and-oauth.ts'

export const migrations: readonly Migration[] = [first, extensions, federationAndOauth]
