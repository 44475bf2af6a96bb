// The saga log in a service's own database, so that a saga's row and the row it is about are written in one transaction.
import { Fault } from '#kernel/contract/fault.ts'
import {
  Fenced,
  isOver,
  type SagaChange,
  type SagaLog,
  type SagaRow,
  type SagaState,
  type StepRow,
  type StepState,
} from '#kernel/saga/log.ts'
import { flag, fromJson, fromTime, isSet, json, time, type Flag, type Json, type TimeText } from '#kernel/db/codecs.ts'
import { inChunks, upsert } from '#kernel/db/helpers.ts'
import { isDuplicate } from '#kernel/db/errors.ts'
import type { AnyTables, Migration } from '#kernel/db/migrations.ts'
import type { Database, DbCtx } from '#kernel/db/database.ts'
import type { Kysely, Selectable } from 'kysely'
import type { WireFault } from '#kernel/bus/wire.ts'
import type { Who } from '#kernel/lib/context.ts'

export interface SagaTable {
  id: string
  name: string
  subject: string
  /** `name subject` while it is not over, NULL afterwards: the unique key that keeps it alone. */
  active_key: string | null
  state: SagaState
  input: Json<SagaRow['input']>
  task_state: string | null
  request_id: string
  who: Json<Who> | null
  owner: string | null
  lease_until: TimeText
  generation: number
  cancelled: Flag
  errors: Json<readonly WireFault[]>
  created_at: TimeText
  updated_at: TimeText
}
export interface SagaStepTable {
  saga_id: string
  step_key: string
  seq: number
  state: StepState
  output: Json<Readonly<Record<string, unknown>>> | null
  error: Json<WireFault> | null
  at: TimeText
}
/** To be part of the service's own tables: `interface NovaTables extends SagaTables { servers: … }`. */
export interface SagaTables {
  saga: SagaTable
  saga_step: SagaStepTable
}

/** The log's tables as a migration under the service's own numbering: `sagaMigration('0002-saga-log')`. */
export const sagaMigration = (id: string): Migration => ({ id, up: createSagaTables })

/** For a service that makes the log's tables inside a larger migration. */
export async function createSagaTables(q: Kysely<AnyTables>): Promise<void> {
  await q.schema
    .createTable('saga')
    .ifNotExists()
    .addColumn('id', 'varchar(36)', column => column.primaryKey())
    .addColumn('name', 'varchar(64)', column => column.notNull())
    .addColumn('subject', 'varchar(190)', column => column.notNull())
    .addColumn('active_key', 'varchar(255)', column => column.unique())
    .addColumn('state', 'varchar(16)', column => column.notNull())
    .addColumn('input', 'text', column => column.notNull())
    .addColumn('task_state', 'varchar(64)')
    .addColumn('request_id', 'varchar(64)', column => column.notNull())
    .addColumn('who', 'text')
    .addColumn('owner', 'varchar(128)')
    .addColumn('lease_until', 'varchar(24)', column => column.notNull())
    .addColumn('generation', 'integer', column => column.notNull())
    .addColumn('cancelled', 'integer', column => column.notNull())
    .addColumn('errors', 'text', column => column.notNull())
    .addColumn('created_at', 'varchar(24)', column => column.notNull())
    .addColumn('updated_at', 'varchar(24)', column => column.notNull())
    .execute()
  await q.schema.createIndex('saga_subject').on('saga').column('subject').execute()
  await q.schema.createIndex('saga_state').on('saga').columns(['state', 'updated_at']).execute()
  await q.schema
    .createTable('saga_step')
    .ifNotExists()
    .addColumn('saga_id', 'varchar(36)', column => column.notNull())
    .addColumn('step_key', 'varchar(190)', column => column.notNull())
    .addColumn('seq', 'integer', column => column.notNull())
    .addColumn('state', 'varchar(16)', column => column.notNull())
    .addColumn('output', 'text')
    .addColumn('error', 'text')
    .addColumn('at', 'varchar(24)', column => column.notNull())
    .addPrimaryKeyConstraint('saga_step_key', ['saga_id', 'step_key'])
    .execute()
}

const UNFINISHED: readonly SagaState[] = ['prepared', 'running', 'unwinding']
const NOT_OVER: readonly SagaState[] = [...UNFINISHED, 'stuck']

const fromRow = (row: Selectable<SagaTable>): SagaRow => ({
  id: row.id,
  name: row.name,
  subject: row.subject,
  state: row.state,
  input: fromJson(row.input),
  taskState: row.task_state,
  requestId: row.request_id,
  who: row.who === null ? null : fromJson(row.who),
  owner: row.owner,
  leaseUntil: fromTime(row.lease_until),
  generation: row.generation,
  cancelled: isSet(row.cancelled),
  errors: fromJson(row.errors),
  createdAt: fromTime(row.created_at),
  updatedAt: fromTime(row.updated_at),
})
const activeKey = (row: SagaRow): string | null => (isOver(row.state) ? null : `${row.name} ${row.subject}`)
const toRow = (row: SagaRow): SagaTable => ({
  id: row.id,
  name: row.name,
  subject: row.subject,
  active_key: activeKey(row),
  state: row.state,
  input: json(row.input),
  task_state: row.taskState,
  request_id: row.requestId,
  who: row.who === null ? null : json(row.who),
  owner: row.owner,
  lease_until: time(row.leaseUntil),
  generation: row.generation,
  cancelled: flag(row.cancelled),
  errors: json(row.errors),
  created_at: time(row.createdAt),
  updated_at: time(row.updatedAt),
})
const changed = (change: SagaChange, now: number): Partial<SagaTable> => {
  const over = change.state !== undefined && isOver(change.state)
  return {
    updated_at: time(now),
    ...(change.state === undefined ? {} : { state: change.state }),
    ...(change.taskState === undefined ? {} : { task_state: change.taskState }),
    ...(change.cancelled === true ? { cancelled: 1 } : {}),
    ...(change.errors === undefined ? {} : { errors: json(change.errors) }),
    ...(change.release === true || over ? { owner: null, lease_until: time(0) } : {}),
    // The token that it carried is not kept longer than it is needed.
    ...(over ? { who: null, active_key: null } : {}),
  }
}

/** The log in `database`, whose tables include {@link SagaTables}. The engine shows its sessions on the seam, so these do not cross it again. */
export function sagaLogDb<T extends SagaTables>(database: Database<T>): SagaLog<Kysely<T>> {
  const quiet: DbCtx = { cross: (_crossing, deed) => deed(), actor: database.name, requestId: 'saga-log' }
  const read = <R>(name: string, deed: (q: Kysely<SagaTables>) => Promise<R>): Promise<R> =>
    database.read(quiet, name, q => deed(q as unknown as Kysely<SagaTables>))
  const tx = <R>(name: string, deed: (q: Kysely<SagaTables>) => Promise<R>): Promise<R> =>
    database.tx(quiet, name, q => deed(q as unknown as Kysely<SagaTables>))
  const inStates = (states: readonly SagaState[]): Promise<SagaRow[]> =>
    read('sagas-by-state', async q =>
      (await q.selectFrom('saga').selectAll().where('state', 'in', states).orderBy('created_at').execute()).map(
        fromRow,
      ),
    )

  return {
    async create(given, row) {
      const insert = (q: Kysely<SagaTables>) => q.insertInto('saga').values(toRow(row)).execute()
      try {
        await (given === undefined ? tx('prepare-saga', insert) : insert(given as unknown as Kysely<SagaTables>))
      } catch (error) {
        if (!isDuplicate(error)) throw error
        throw new Fault('SagaBusy', 409, `${row.name} is under way for ${row.subject}`, { cause: error })
      }
    },
    claim: (id, owner, now, leaseUntil, force) =>
      tx('claim-saga', async q => {
        const { numUpdatedRows } = await q
          .updateTable('saga')
          .set(e => ({
            owner,
            lease_until: time(leaseUntil),
            updated_at: time(now),
            generation: e('generation', '+', 1),
          }))
          .where('id', '=', id)
          .where('state', 'in', NOT_OVER)
          .$if(!force, w =>
            w.where(e => e.or([e('owner', 'is', null), e('owner', '=', owner), e('lease_until', '<=', time(now))])),
          )
          .executeTakeFirstOrThrow()
        if (numUpdatedRows === 0n) return undefined
        return fromRow(await q.selectFrom('saga').selectAll().where('id', '=', id).executeTakeFirstOrThrow())
      }),
    load: id =>
      read('saga-by-id', async q => {
        const row = await q.selectFrom('saga').selectAll().where('id', '=', id).executeTakeFirst()
        return row === undefined ? undefined : fromRow(row)
      }),
    steps: id =>
      read('saga-steps', async q =>
        (await q.selectFrom('saga_step').selectAll().where('saga_id', '=', id).orderBy('seq').execute()).map(
          (row): StepRow => ({
            key: row.step_key,
            seq: row.seq,
            state: row.state,
            output: row.output === null ? null : fromJson(row.output),
            error: row.error === null ? null : fromJson(row.error),
            at: fromTime(row.at),
          }),
        ),
      ),
    write: (id, generation, now, change, step) =>
      tx('write-saga', async q => {
        const update = (set: Partial<SagaTable>) =>
          q
            .updateTable('saga')
            .set(set)
            .where('id', '=', id)
            .where('generation', '=', generation)
            .where('state', 'in', NOT_OVER)
        const first = update(changed(change ?? {}, now))
        let { numUpdatedRows } = await (
          change?.state === 'done' ? first.where('cancelled', '=', 0) : first
        ).executeTakeFirstOrThrow()
        let cancelled = change?.cancelled === true
        if (change?.state === 'done') {
          // None: either it was cancelled, which is to be told, or it is not ours.
          if (numUpdatedRows === 0n) {
            ;({ numUpdatedRows } = await update(changed({}, now)).executeTakeFirstOrThrow())
            cancelled = true
          }
        } else if (!cancelled) {
          const row = await q.selectFrom('saga').select('cancelled').where('id', '=', id).executeTakeFirst()
          cancelled = row !== undefined && isSet(row.cancelled)
        }
        if (numUpdatedRows === 0n) throw new Fenced(id)
        if (step !== undefined)
          await upsert(
            q,
            'saga_step',
            {
              saga_id: id,
              step_key: step.key,
              seq: step.seq,
              state: step.state,
              output: step.output === null ? null : json(step.output),
              error: step.error === null ? null : json(step.error),
              at: time(step.at),
            },
            ['saga_id', 'step_key'],
          )
        return { cancelled }
      }),
    renew: (owner, leaseUntil) =>
      tx('renew-sagas', async q => {
        await q
          .updateTable('saga')
          .set({ lease_until: time(leaseUntil) })
          .where('owner', '=', owner)
          .where('state', 'in', NOT_OVER)
          .execute()
      }),
    cancel: (subject, name, now) =>
      tx('cancel-sagas', async q => {
        const ids = await q
          .selectFrom('saga')
          .select('id')
          .where('subject', '=', subject)
          .where('state', 'in', NOT_OVER)
          .$if(name !== undefined, w => w.where('name', '=', name as string))
          .execute()
        for (const { id } of ids)
          await q
            .updateTable('saga')
            .set({ cancelled: 1, updated_at: time(now) })
            .where('id', '=', id)
            .execute()
        return ids.map(row => row.id)
      }),
    unfinished: () => inStates(UNFINISHED),
    stuck: () => inStates(['stuck']),
    about: subject =>
      read('sagas-about', async q =>
        (await q.selectFrom('saga').selectAll().where('subject', '=', subject).orderBy('created_at').execute()).map(
          fromRow,
        ),
      ),
    forget: before =>
      tx('forget-sagas', async q => {
        const old = await q
          .selectFrom('saga')
          .select('id')
          .where('state', 'in', ['done', 'failed'])
          .where('updated_at', '<', time(before))
          .limit(1000)
          .execute()
        await inChunks(
          old.map(row => row.id),
          async ids => {
            await q.deleteFrom('saga_step').where('saga_id', 'in', ids).execute()
            await q.deleteFrom('saga').where('id', 'in', ids).execute()
            return []
          },
        )
        return old.length
      }),
  }
}
