// A saga log in memory: for tests, and for a cloud that keeps nothing.
import { Fault } from '#kernel/contract/fault.ts'
import { Fenced, isOver, type SagaLog, type SagaRow, type StepRow } from '#kernel/saga/log.ts'

/** Keeps JSON copies, so a test finds what a database would not store. Outlives engines: hand it to the next one to adopt. */
export function memorySagaLog(): SagaLog<unknown> {
  const sagas = new Map<string, SagaRow>()
  const rows = new Map<string, Map<string, StepRow>>()
  const copy = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T
  const all = (): SagaRow[] => [...sagas.values()].sort((a, b) => a.createdAt - b.createdAt)
  return {
    async create(_q, row) {
      if (all().some(other => other.name === row.name && other.subject === row.subject && !isOver(other.state)))
        throw new Fault('SagaBusy', 409, `${row.name} is under way for ${row.subject}`)
      sagas.set(row.id, copy(row))
      rows.set(row.id, new Map())
    },
    async claim(id, owner, now, leaseUntil, force) {
      const row = sagas.get(id)
      if (row === undefined || isOver(row.state)) return undefined
      if (!force && row.owner !== null && row.owner !== owner && row.leaseUntil > now) return undefined
      const mine = { ...row, owner, leaseUntil, generation: row.generation + 1, updatedAt: now }
      sagas.set(id, mine)
      return copy(mine)
    },
    load: async id => (sagas.has(id) ? copy(sagas.get(id)) : undefined),
    steps: async id => [...(rows.get(id)?.values() ?? [])].sort((a, b) => a.seq - b.seq).map(copy),
    async write(id, generation, now, change, step) {
      const row = sagas.get(id)
      if (row === undefined || row.generation !== generation || isOver(row.state)) throw new Fenced(id)
      const refused = change?.state === 'done' && row.cancelled
      if (step !== undefined) rows.get(id)?.set(step.key, copy(step))
      const { release, ...changes } = refused ? {} : (change ?? {})
      const over = changes.state !== undefined && isOver(changes.state)
      const next: SagaRow = {
        ...row,
        ...copy(changes),
        cancelled: row.cancelled || changes.cancelled === true,
        updatedAt: now,
        ...(release === true || over ? { owner: null, leaseUntil: 0 } : {}),
        ...(over ? { who: null } : {}),
      }
      sagas.set(id, next)
      return { cancelled: next.cancelled }
    },
    async renew(owner, leaseUntil) {
      for (const row of all()) if (row.owner === owner && !isOver(row.state)) sagas.set(row.id, { ...row, leaseUntil })
    },
    async cancel(subject, name, now) {
      const found = all().filter(
        row => row.subject === subject && (name === undefined || row.name === name) && !isOver(row.state),
      )
      for (const row of found) sagas.set(row.id, { ...row, cancelled: true, updatedAt: now })
      return found.map(row => row.id)
    },
    unfinished: async () =>
      all()
        .filter(row => !isOver(row.state) && row.state !== 'stuck')
        .map(copy),
    stuck: async () =>
      all()
        .filter(row => row.state === 'stuck')
        .map(copy),
    about: async subject =>
      all()
        .filter(row => row.subject === subject)
        .map(copy),
    async forget(before) {
      const old = all().filter(row => isOver(row.state) && row.updatedAt < before)
      for (const row of old) {
        sagas.delete(row.id)
        rows.delete(row.id)
      }
      return old.length
    },
  }
}
