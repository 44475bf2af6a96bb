// Key pairs: only their public halves are kept.
import type { Kysely, Selectable } from 'kysely'

import { fromTime, time } from '#kernel/db/codecs.ts'
import { page } from '#kernel/db/page.ts'
import type { NovaTables } from '#services/nova/db/tables.ts'

export interface KeyPair {
  readonly id: number
  readonly userId: string
  readonly name: string
  readonly type: 'ssh' | 'x509'
  readonly fingerprint: string
  readonly publicKey: string
  readonly createdAt: number
}

const keyPairFromRow = (row: Selectable<NovaTables['key_pairs']>): KeyPair => ({
  id: row.id,
  userId: row.user_id,
  name: row.name,
  type: row.type === 'x509' ? 'x509' : 'ssh',
  fingerprint: row.fingerprint,
  publicKey: row.public_key,
  createdAt: fromTime(row.created_at),
})

export const keyPairsDb = (q: Kysely<NovaTables>) => {
  const row = (userId: string, name: string) =>
    q.selectFrom('key_pairs').selectAll().where('user_id', '=', userId).where('name', '=', name).executeTakeFirst()
  return {
    async byName(userId: string, name: string): Promise<KeyPair | undefined> {
      const found = await row(userId, name)
      return found && keyPairFromRow(found)
    },
    /** One page by name; `marker` is a name. Undefined: the user has no pair of that name. */
    async list(
      userId: string,
      paging: { marker: string | null; limit: number | undefined },
    ): Promise<KeyPair[] | undefined> {
      const marker = paging.marker === null ? undefined : await row(userId, paging.marker)
      if (paging.marker !== null && marker === undefined) return undefined
      const query = q.selectFrom('key_pairs').selectAll().where('user_id', '=', userId)
      return (await page(q, query, { sort: [], tie: 'name', marker, limit: paging.limit })).map(keyPairFromRow)
    },
    async count(userId: string): Promise<number> {
      const found = await q
        .selectFrom('key_pairs')
        .select(({ fn }) => fn.countAll<number>().as('many'))
        .where('user_id', '=', userId)
        .executeTakeFirst()
      return Number(found?.many ?? 0)
    },
    async add(pair: KeyPair): Promise<void> {
      await q
        .insertInto('key_pairs')
        .values({
          id: pair.id,
          user_id: pair.userId,
          name: pair.name,
          type: pair.type,
          fingerprint: pair.fingerprint,
          public_key: pair.publicKey,
          created_at: time(pair.createdAt),
        })
        .execute()
    },
    async remove(userId: string, name: string): Promise<boolean> {
      const gone = await q
        .deleteFrom('key_pairs')
        .where('user_id', '=', userId)
        .where('name', '=', name)
        .executeTakeFirst()
      return gone.numDeletedRows > 0n
    },
  }
}
