// Small things that several verbs share: duplicates, attributes of the client's own, times as clients write them.
import { isDuplicate } from '#kernel/db/errors.ts'
import { faults } from '#services/keystone/contract/faults.ts'
import type { Moment } from '#services/keystone/db/moment.ts'
import type { Extra, Options } from '#services/keystone/db/tables.ts'

/** Runs a write; a duplicate becomes upstream's 409. */
export async function unique<T>(
  type: string,
  of: { name: string; domainId?: string | null },
  write: () => Promise<T>,
): Promise<T> {
  try {
    return await write()
  } catch (error) {
    if (!isDuplicate(error)) throw error
    const where = of.domainId === undefined || of.domainId === null ? '' : ` at domain ID ${of.domainId}`
    throw faults.Conflict({ type, details: `Duplicate entry found with name ${of.name}${where}` })
  }
}

/** Attributes that are not ours: kept and shown as they came. `id` and `links` are never the client's to say. */
export function extrasOf(body: object, known: readonly string[]): Extra {
  return Object.fromEntries(
    Object.entries(body).filter(
      ([name, value]) => !known.includes(name) && name !== 'id' && name !== 'links' && value !== undefined,
    ),
  )
}
/** A change may name the id, but not another. Throws 400. */
export function owned<B extends object>(body: B, id: string): B {
  const given = (body as { readonly id?: unknown }).id
  if (given !== undefined && given !== id) throw faults.ValidationError({ detail: 'Cannot change ID' })
  return body
}
/** After a change: a null takes the attribute away. */
export function mergeExtras(old: Extra, changed: Extra): Extra {
  return Object.fromEntries(Object.entries({ ...old, ...changed }).filter(([, value]) => value !== null))
}
/** Options after a change: null takes one back. */
export const mergeOptions = (old: Options, changed: object | undefined): Options =>
  Object.fromEntries(
    Object.entries({ ...old, ...changed }).filter(([, value]) => value !== null && value !== undefined),
  )

/** An immutable thing can only be made mutable, and nothing else in the same breath. */
export function checkMutable(
  type: string,
  id: string,
  options: Options,
  change: { readonly options?: { readonly immutable?: boolean | null } | undefined },
): void {
  if (options['immutable'] !== true) return
  const opens =
    change.options !== undefined && change.options.immutable !== undefined && change.options.immutable !== true
  const others = Object.keys(change).filter(name => name !== 'options')
  const otherOptions = Object.keys(change.options ?? {}).filter(name => name !== 'immutable')
  if (!opens || others.length > 0 || otherOptions.length > 0) throw faults.ImmutableUpdate({ type, id })
}

const TIME = /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?(Z|[+-]\d{2}:?\d{2})?$/

/** From a client's time text (`2026-11-22T13:48:02.000000Z`, zone optional: UTC). Throws 400. */
export function momentFrom(text: string): Moment {
  const [, date, minutes, seconds = '00', fraction = '', zone = 'Z'] = TIME.exec(text) ?? []
  const micros = fraction.padEnd(6, '0').slice(0, 6)
  const ms = date === undefined ? Number.NaN : Date.parse(`${date}T${minutes}:${seconds}.${micros.slice(0, 3)}${zone}`)
  if (Number.isNaN(ms)) throw faults.BadTimestamp()
  return { ms, text: `${new Date(ms).toISOString().slice(0, 23)}${micros.slice(3)}` }
}
/** The same in milliseconds. */
export const timeOf = (text: string): number => momentFrom(text).ms
