// Where the stories of servers are kept beyond the process: a database of its own, the newest few hundred subjects.
import type { JourneyStore, Moment } from '#kernel/crossing/recorder.ts'
import { fromJson, json, time } from '#kernel/db/codecs.ts'
import type { Database } from '#kernel/db/database.ts'
import { inChunks, insertAll } from '#kernel/db/helpers.ts'
import type { Migration } from '#kernel/db/migrations.ts'
import type { Clock } from '#kernel/lib/clock.ts'

export interface JourneyTables {
  moments: { subject: string; id: string; at: number; moment: string; kept_at: string }
}

export const journeyMigrations: readonly Migration[] = [
  {
    id: '0001-first',
    async up(q) {
      await q.schema
        .createTable('moments')
        .addColumn('subject', 'varchar(64)', column => column.notNull())
        .addColumn('id', 'varchar(64)', column => column.notNull())
        .addColumn('at', 'real', column => column.notNull())
        .addColumn('moment', 'text', column => column.notNull())
        .addColumn('kept_at', 'varchar(24)', column => column.notNull())
        .addPrimaryKeyConstraint('moments_key', ['subject', 'id'])
        .execute()
    },
  },
]

/** Subjects whose journeys are kept. */
const KEEP_JOURNEYS = 500
/** Counting them reads the whole table: done when so many new ones have come. */
const COUNT_EVERY = 50

/** `keep` and `countEvery` are for tests. */
export function journeyStore(
  database: Database<JourneyTables>,
  clock: Clock,
  { keep = KEEP_JOURNEYS, countEvery = COUNT_EVERY } = {},
): JourneyStore {
  const seen = new Set<string>()

  const prune = async (): Promise<void> => {
    const all = await database.kysely
      .selectFrom('moments')
      .select(({ fn }) => ['subject', fn.max('kept_at').as('last')])
      .groupBy('subject')
      .orderBy('last')
      .execute()
    const oldest = all.slice(0, Math.max(0, all.length - keep)).map(row => row.subject)
    await inChunks(oldest, async some => {
      await database.kysely.deleteFrom('moments').where('subject', 'in', some).execute()
      return []
    })
  }
  return {
    async save(subject, moments) {
      const keptAt = time(clock.now())
      await database.kysely.transaction().execute(async q => {
        const known = await inChunks(
          moments.map(moment => moment.id),
          some => q.selectFrom('moments').select('id').where('subject', '=', subject).where('id', 'in', some).execute(),
        )
        const there = new Set(known.map(row => row.id))
        const rows = new Map(
          moments
            .filter(moment => !there.has(moment.id))
            .map(moment => [
              moment.id,
              { subject, id: moment.id, at: moment.at, moment: json(moment), kept_at: keptAt },
            ]),
        )
        await insertAll<JourneyTables, 'moments'>(q, 'moments', [...rows.values()])
      })
      seen.add(subject)
      if (seen.size < countEvery) return
      seen.clear()
      await prune()
    },
    async load(subject) {
      const rows = await database.kysely
        .selectFrom('moments')
        .select('moment')
        .where('subject', '=', subject)
        .orderBy('at')
        .execute()
      return rows.map(row => fromJson<Moment>(row.moment))
    },
  }
}
