// Nova's migrations, in order.
import type { Migration } from '#kernel/db/migrations.ts'
import { sagaMigration } from '#kernel/saga/db-log.ts'
import { first } from '#services/nova/db/migrations/0001-first.ts'
import { moves } from '#services/nova/db/migrations/0010-moves.ts'
import { serverImages } from '#services/nova/db/migrations/0020-server-images.ts'
import { serverExtras } from '#services/nova/db/migrations/0030-server-extras.ts'
import { serverFiles } from '#services/nova/db/migrations/0031-server-files.ts'

export const migrations: readonly Migration[] = [
  first,
  sagaMigration('0002-saga-log'),
  moves,
  serverImages,
  serverExtras,
  serverFiles,
]
