// The pattern of a repository, to be copied: table interface, migration, queries named by intention, rows ↔ entities in one
// place. In a service these four parts are db/tables.ts, db/migrations/0001-first.ts and db/widgets.ts.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Kysely, Selectable } from 'kysely'
import { crossings, type Crossing } from '#kernel/crossing/crossing.ts'
import {
  flag,
  fromJson,
  fromTime,
  isSet,
  json,
  orNull,
  time,
  type Flag,
  type Json,
  type TimeText,
} from '#kernel/db/codecs.ts'
import type { Database } from '#kernel/db/database.ts'
import { isDuplicate } from '#kernel/db/errors.ts'
import { swap } from '#kernel/db/helpers.ts'
import { migrate, type Migration } from '#kernel/db/migrations.ts'
import { page, type PageOptions } from '#kernel/db/page.ts'
import { systemClock } from '#kernel/lib/clock.ts'

// ── db/tables.ts ── columns as they lie in the database; ids are made by us, so nothing is Generated
export interface WidgetTables {
  widgets: WidgetTable
}
interface WidgetTable {
  id: string
  project_id: string
  name: string
  enabled: Flag
  tags: Json<string[]>
  task_state: string | null
  created_at: TimeText
  deleted_at: TimeText | null
}

// ── db/migrations/0001-first.ts ── never changed once released
const first: Migration = {
  id: '0001-first',
  async up(q) {
    await q.schema
      .createTable('widgets')
      .addColumn('id', 'varchar(36)', column => column.primaryKey())
      .addColumn('project_id', 'varchar(255)', column => column.notNull())
      .addColumn('name', 'varchar(255)', column => column.notNull())
      .addColumn('enabled', 'integer', column => column.notNull())
      .addColumn('tags', 'text', column => column.notNull())
      .addColumn('task_state', 'varchar(255)')
      .addColumn('created_at', 'varchar(24)', column => column.notNull())
      .addColumn('deleted_at', 'varchar(24)')
      .addUniqueConstraint('widgets_name', ['project_id', 'name'])
      .execute()
    // For the list: what it filters by, what it sorts by, the tie breaker.
    await q.schema.createIndex('widgets_list').on('widgets').columns(['project_id', 'created_at', 'id']).execute()
  },
}
export const widgetMigrations: readonly Migration[] = [first]

// ── db/widgets.ts ── `q` is the database's kysely, a read session's or a transaction's: the repository cannot tell
export interface Widget {
  readonly id: string
  readonly projectId: string
  readonly name: string
  readonly enabled: boolean
  readonly tags: readonly string[]
  readonly taskState: string | null
  /** Milliseconds since 1970. */
  readonly createdAt: number
  readonly deletedAt: number | null
}

const toRow = (widget: Widget): WidgetTable => ({
  id: widget.id,
  project_id: widget.projectId,
  name: widget.name,
  enabled: flag(widget.enabled),
  tags: json([...widget.tags]),
  task_state: widget.taskState,
  created_at: time(widget.createdAt),
  deleted_at: orNull(time)(widget.deletedAt),
})

const fromRow = (row: Selectable<WidgetTable>): Widget => ({
  id: row.id,
  projectId: row.project_id,
  name: row.name,
  enabled: isSet(row.enabled),
  tags: fromJson(row.tags),
  taskState: row.task_state,
  createdAt: fromTime(row.created_at),
  deletedAt: orNull(fromTime)(row.deleted_at),
})

/** What a client may sort by, and the column it means. */
export const WIDGET_SORT_KEYS = { created_at: 'created_at', name: 'name', task_state: 'task_state' } as const

export const widgetsDb = (q: Kysely<WidgetTables>) => {
  const living = () => q.selectFrom('widgets').selectAll().where('deleted_at', 'is', null)
  return {
    async byId(id: string): Promise<Widget | undefined> {
      const row = await living().where('id', '=', id).executeTakeFirst()
      return row && fromRow(row)
    },
    /** One page of a project's widgets after `markerId`; undefined when there is no such marker. */
    async list(projectId: string, options: Pick<PageOptions, 'sort' | 'limit'> & { markerId?: string | undefined }) {
      const mine = living().where('project_id', '=', projectId)
      const marker =
        options.markerId === undefined ? undefined : await mine.where('id', '=', options.markerId).executeTakeFirst()
      if (options.markerId !== undefined && marker === undefined) return undefined
      return (await page(q, mine, { ...options, marker })).map(fromRow)
    },
    async add(widget: Widget): Promise<void> {
      await q.insertInto('widgets').values(toRow(widget)).execute()
    },
    /** The column is the lock: true if we won. */
    enter: (id: string, from: string | null | readonly (string | null)[], to: string | null): Promise<boolean> =>
      swap(q, 'widgets', { id, task_state: from, deleted_at: null }, { task_state: to }),
  }
}

/** Shows that the pattern works on the database that `open` gives (a new, empty one each time). */
export function repositorySuite(name: string, open: () => Database<WidgetTables>): void {
  const widget = (change: Partial<Widget> & { id: string }): Widget => ({
    projectId: 'p1',
    name: change.id,
    enabled: true,
    tags: ['a', 'ü'],
    taskState: null,
    createdAt: 1_000,
    deletedAt: null,
    ...change,
  })
  const context = (seen: Crossing[]) => ({
    cross: crossings([(crossing, next) => (seen.push(crossing), next())]),
    actor: 'widget-api',
    requestId: 'req-1',
    subject: 'w1',
  })

  test(`${name}: a repository in a session and in a transaction`, async () => {
    const db = open()
    await migrate(db, widgetMigrations, systemClock())
    const seen: Crossing[] = []
    const ctx = context(seen)

    await db.tx(ctx, 'create-widget', async q => {
      await widgetsDb(q).add(widget({ id: 'w1' }))
      await widgetsDb(q).add(widget({ id: 'w2', createdAt: 2_000, enabled: false, tags: [] }))
      await widgetsDb(q).add(widget({ id: 'w3', createdAt: 2_000 }))
    })
    assert.deepEqual(await db.read(ctx, 'get-widget', q => widgetsDb(q).byId('w1')), widget({ id: 'w1' }))
    assert.deepEqual(
      seen.map(crossing => `${crossing.kind} ${crossing.from} → ${crossing.to} ${crossing.name}`),
      ['db widget-api → widget-db create-widget', 'db widget-api → widget-db get-widget'],
    )

    // Two want it; one wins.
    const both = await Promise.all([1, 2].map(() => widgetsDb(db.kysely).enter('w1', null, 'deleting')))
    assert.equal(both.filter(Boolean).length, 1)

    const newest = { sort: [{ column: WIDGET_SORT_KEYS.created_at, direction: 'desc' as const }], limit: 2 }
    const ids = (list: readonly Widget[] | undefined) => list?.map(each => each.id)
    assert.deepEqual(ids(await widgetsDb(db.kysely).list('p1', newest)), ['w3', 'w2'])
    assert.deepEqual(ids(await widgetsDb(db.kysely).list('p1', { ...newest, markerId: 'w2' })), ['w1'])
    assert.equal(await widgetsDb(db.kysely).list('p1', { ...newest, markerId: 'nobody' }), undefined)

    await assert.rejects(widgetsDb(db.kysely).add(widget({ id: 'w4', name: 'w1' })), error =>
      isDuplicate(error, 'project_id', 'name'),
    )
    await db.close()
  })
}
