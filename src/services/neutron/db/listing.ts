// Lists with filters, sorting and pages, one way for all nouns: a table of which attribute is which column, and conditions of one's own
// for those that are none.
import { sql, type Expression, type Kysely, type SelectQueryBuilder, type SqlBool } from 'kysely'
import { page, type Direction } from '#kernel/db/page.ts'
import type { NeutronTables } from '#services/neutron/db/tables.ts'

export type FilterValue = string | number | null
/** What a caller asked of a list, in attributes' names. */
export interface Listing {
  readonly filters: Readonly<Record<string, readonly FilterValue[]>>
  readonly sorts: readonly { readonly key: string; readonly direction: Direction }[]
  readonly limit: number | null
  readonly marker: string | null
  /** The page before the marker. */
  readonly backwards: boolean
}
export const everything: Listing = { filters: {}, sorts: [], limit: null, marker: null, backwards: false }

export type Condition = Expression<SqlBool>
type Table = keyof NeutronTables & string

export interface ListSpec {
  readonly table: Table
  /** Attribute → column, where they are not called the same. */
  readonly columns?: Readonly<Record<string, string>>
  /** Attributes that have the same value everywhere: filters compare with it, sorting by them changes nothing. */
  readonly constants?: Readonly<Record<string, FilterValue>>
  /** Attributes that are no columns: their condition. `null` ignores the filter. */
  readonly special?: Readonly<Record<string, (values: readonly FilterValue[]) => Condition | null>>
}

/** `column in (values)`, null included. */
export function oneOf(column: string, values: readonly FilterValue[]): Condition {
  const name = sql.ref(column)
  const some = values.filter(value => value !== null)
  const parts: Condition[] = []
  if (some.length > 0) parts.push(sql<SqlBool>`${name} in (${sql.join(some)})`)
  if (some.length < values.length) parts.push(sql<SqlBool>`${name} is null`)
  return parts.length === 0 ? sql<SqlBool>`1 = 0` : sql<SqlBool>`(${sql.join(parts, sql` or `)})`
}

/** `tags=a,b` (all), `tags-any` (one of them), `not-tags`, `not-tags-any`. Several values of one key are joined. */
function tagCondition(table: string, key: string, values: readonly FilterValue[]): Condition {
  const tags = [...new Set(values.flatMap(value => String(value).split(',')))]
  const id = sql.ref(`${table}.id`)
  const needed = key === 'tags' || key === 'not-tags' ? tags.length : 1
  const has = sql<SqlBool>`(select count(*) from tags where tags.resource_id = ${id} and tags.tag in (${sql.join(tags)})) >= ${needed}`
  return key.startsWith('not-') ? sql<SqlBool>`not ${has}` : has
}

/**
 * The rows of a page. `scope` narrows to what the caller may see. The marker is a row's id; `markerRow` finds it and throws the
 * noun's not-found where it is none.
 */
export async function listRows<N extends Table>(
  q: Kysely<NeutronTables>,
  spec: ListSpec & { readonly table: N },
  listing: Listing,
  scope: readonly Condition[],
  markerRow: (id: string) => Promise<Readonly<Record<string, unknown>>>,
): Promise<Readonly<NeutronTables[N]>[]> {
  const columnOf = (attribute: string): string => `${spec.table}.${spec.columns?.[attribute] ?? attribute}`
  let query = q.selectFrom(spec.table as Table).selectAll(spec.table as never) as unknown as SelectQueryBuilder<
    NeutronTables,
    N,
    NeutronTables[N]
  >
  for (const condition of scope) query = query.where(condition)
  for (const [attribute, values] of Object.entries(listing.filters)) {
    const special = spec.special?.[attribute]
    const constant = spec.constants?.[attribute]
    const condition =
      constant !== undefined
        ? values.includes(constant)
          ? null
          : sql<SqlBool>`1 = 0`
        : special !== undefined
          ? special(values)
          : attribute === 'tags' || attribute === 'tags-any' || attribute === 'not-tags' || attribute === 'not-tags-any'
            ? tagCondition(spec.table, attribute, values)
            : attribute === 'changed_since'
              ? sql<SqlBool>`${sql.ref(`${spec.table}.updated_at`)} >= ${String(values[0])}`
              : oneOf(columnOf(attribute), values)
    if (condition !== null) query = query.where(condition)
  }
  const marker = listing.marker === null || listing.limit === null ? undefined : await markerRow(listing.marker)
  return page(q as never, query, {
    sort: listing.sorts
      .filter(({ key }) => spec.constants?.[key] === undefined)
      .map(({ key, direction }) => ({ column: columnOf(key), direction })),
    tie: `${spec.table}.id`,
    marker,
    limit: listing.limit ?? undefined,
    backwards: listing.backwards,
  }) as unknown as Promise<Readonly<NeutronTables[N]>[]>
}
