// The attribute map reborn: a regular noun is one table of rows. What may be sent at creation and at update, what is shown,
// by what lists are filtered and sorted, and who may set or see a row are all derived from it; an extension only adds rows.
import { may, must, object, type AnyField, type JsonSchema, type Shape } from '#kernel/contract/shape.ts'
import { list, raw } from '#kernel/contract/shapes.ts'
import type { Rule } from '#kernel/contract/rule.ts'

/**
 * `out`: shown only. `inOut`: set at creation and at update. `once`: set at creation only. `later`: set at update only.
 * `input`: set at creation and never shown. `question`: only a filter.
 */
export type RowMode = 'out' | 'inOut' | 'once' | 'later' | 'input' | 'question'
/** At creation: `must` be given, `may` be absent, or `filled` with a default. */
export type RowNeed = 'must' | 'may' | 'filled'

/** The rules for setting a row: at creation and at update. */
export interface SetBy {
  readonly create?: Rule
  readonly update?: Rule
}

export interface Row<T, M extends RowMode, N extends RowNeed> {
  readonly shape: Shape<T>
  readonly mode: M
  readonly need: N
  readonly fallback: (() => unknown) | null
  readonly isFilter: boolean
  readonly isSortKey: boolean
  readonly settableBy: SetBy
  /** Rules for parts of a value that is an object or a list of objects: part → rules. */
  readonly partsSettableBy: Readonly<Record<string, SetBy>>
  readonly visibleTo: Rule | null
  readonly extension: string | null
  /** Lists may be filtered by it. */
  filters(): Row<T, M, N>
  /** Lists may be sorted by it. */
  sorts(): Row<T, M, N>
  /** What absence at creation means. */
  otherwise(value: T | (() => T)): Row<T, M, 'filled'>
  /** May be absent at creation; the domain decides what that means. */
  optional(): Row<T, M, 'may'>
  /** Another value than the default only from those whom these rules allow. */
  setBy(create: Rule, update?: Rule): Row<T, M, N>
  /** The same for parts of the value. */
  partsBy(parts: Readonly<Record<string, SetBy>>): Row<T, M, N>
  /** Shown only to those the rule allows. */
  seenBy(rule: Rule): Row<T, M, N>
  /** The extension that brings it. */
  of(alias: string): Row<T, M, N>
}
export type AnyRow = Row<unknown, RowMode, RowNeed>
export type RowTable = Readonly<Record<string, AnyRow>>

interface RowState {
  shape: Shape<unknown>
  mode: RowMode
  need: RowNeed
  fallback: (() => unknown) | null
  isFilter: boolean
  isSortKey: boolean
  settableBy: SetBy
  partsSettableBy: Readonly<Record<string, SetBy>>
  visibleTo: Rule | null
  extension: string | null
}

function row(state: RowState): AnyRow {
  const change = (next: Partial<RowState>): never => row({ ...state, ...next }) as never
  return {
    ...state,
    filters: () => change({ isFilter: true }),
    sorts: () => change({ isSortKey: true }),
    otherwise: (value: unknown) =>
      change({ need: 'filled', fallback: typeof value === 'function' ? (value as () => unknown) : () => value }),
    optional: () => change({ need: 'may' }),
    setBy: (create: Rule, update?: Rule) =>
      change({ settableBy: { create, ...(update === undefined ? {} : { update }) } }),
    partsBy: (parts: Readonly<Record<string, SetBy>>) => change({ partsSettableBy: parts }),
    seenBy: (rule: Rule) => change({ visibleTo: rule }),
    of: (alias: string) => change({ extension: alias }),
  } as AnyRow
}
const fresh = (shape: Shape<unknown>, mode: RowMode): RowState => ({
  shape,
  mode,
  need: 'must',
  fallback: null,
  isFilter: false,
  isSortKey: false,
  settableBy: {},
  partsSettableBy: {},
  visibleTo: null,
  extension: null,
})
const starts =
  <M extends RowMode>(mode: M) =>
  <T>(shape: Shape<T>): Row<T, M, 'must'> =>
    row(fresh(shape, mode)) as unknown as Row<T, M, 'must'>
export const out = starts('out')
export const inOut = starts('inOut')
export const once = starts('once')
export const later = starts('later')
export const input = starts('input')
export const question = starts('question')

type ModeOf<R> = R extends Row<infer _T, infer M, infer _N> ? M : never
type NeedOf<R> = R extends Row<infer _T, infer _M, infer N> ? N : never
type ValueOf<R> = R extends Row<infer T, infer _M, infer _N> ? T : never
type AtCreate = 'inOut' | 'once' | 'input'
type AtUpdate = 'inOut' | 'later'
type Shown = 'out' | 'inOut' | 'once' | 'later'
type Keys<R extends RowTable, M extends RowMode> = { [K in keyof R]: ModeOf<R[K]> extends M ? K : never }[keyof R]
type MayBeAbsent<R extends RowTable, K extends keyof R> = { [P in K]: NeedOf<R[P]> extends 'may' ? P : never }[K]

/** The body of a creation, defaults filled in. */
export type CreateOf<R extends RowTable> = {
  [K in Exclude<Keys<R, AtCreate>, MayBeAbsent<R, Keys<R, AtCreate>>>]: ValueOf<R[K]>
} & { [K in MayBeAbsent<R, Keys<R, AtCreate>>]?: ValueOf<R[K]> }
/** The body of an update: only what was sent. */
export type UpdateOf<R extends RowTable> = { [K in Keys<R, AtUpdate>]?: ValueOf<R[K]> }
export type ViewOf<R extends RowTable> = { [K in Keys<R, Shown>]: ValueOf<R[K]> }

export interface Resource<R extends RowTable = RowTable> {
  /** `security_group`: the key in bodies. */
  readonly name: string
  /** `security_groups`. */
  readonly plural: string
  readonly rows: R
  readonly create: Shape<CreateOf<R>>
  readonly update: Shape<UpdateOf<R>>
  readonly view: Shape<ViewOf<R>>
  /** Names of rows that lists may be filtered by, and sorted by. */
  readonly filters: ReadonlySet<string>
  readonly sorts: ReadonlySet<string>
  /** `{ name: {…} }` or, in bulk, `{ plural: [{…}, …] }`. */
  readonly createBody: Shape<Partial<Record<string, CreateOf<R> | CreateOf<R>[]>>>
  readonly updateBody: Shape<Partial<Record<string, UpdateOf<R>>>>
}
export type AnyResource = Omit<Resource, 'rows' | 'create' | 'update' | 'view' | 'createBody' | 'updateBody'> & {
  readonly rows: RowTable
}

/** Refuses whatever stands there, as keyword `not`: the attribute exists and cannot be given at creation. */
const NOT_AT_CREATE: JsonSchema = { not: {} }
/** Refuses whatever stands there, as keyword `false schema`: the attribute exists and cannot be changed. */
const NOT_AT_UPDATE: JsonSchema = { allOf: [false] }
const settable = (mode: RowMode, by: 'create' | 'update'): boolean =>
  by === 'create' ? mode === 'inOut' || mode === 'once' || mode === 'input' : mode === 'inOut' || mode === 'later'

/** What one person may send in bulk. */
const MAX_BULK = 1000

/**
 * Declares a noun: `resource('port', 'ports', { id: out(uuid).filters().sorts(), name: inOut(text({ max: 255 })).otherwise(''), … })`.
 * Unknown attributes are refused as `additionalProperties`, known ones at the wrong time as `not` (creation) and `false schema` (update).
 */
export function resource<const R extends RowTable>(name: string, plural: string, rows: R): Resource<R> {
  const entries = Object.entries(rows)
  const create: Record<string, AnyField> = {}
  const update: Record<string, AnyField> = {}
  const view: Record<string, AnyField> = {}
  for (const [key, entry] of entries) {
    if (entry.mode === 'question') continue
    const field = entry.need === 'may' ? may(entry.shape) : must(entry.shape)
    create[key] = !settable(entry.mode, 'create')
      ? may(raw(NOT_AT_CREATE))
      : entry.fallback === null
        ? field
        : field.otherwise(entry.fallback as never)
    update[key] = settable(entry.mode, 'update') ? may(entry.shape) : may(raw(NOT_AT_UPDATE))
    if (entry.mode !== 'input')
      view[key] = entry.visibleTo === null ? must(entry.shape) : must(entry.shape).seenBy(entry.visibleTo)
  }
  const createShape = object(create) as unknown as Shape<CreateOf<R>>
  const updateShape = object(update) as unknown as Shape<UpdateOf<R>>
  return {
    name,
    plural,
    rows,
    create: createShape,
    update: updateShape,
    view: object(view) as unknown as Shape<ViewOf<R>>,
    filters: new Set(entries.filter(([, entry]) => entry.isFilter).map(([key]) => key)),
    sorts: new Set(entries.filter(([, entry]) => entry.isSortKey).map(([key]) => key)),
    createBody: object(
      { [name]: may(createShape), [plural]: may(list(createShape, { min: 1, max: MAX_BULK })) },
      { extra: true },
    ) as unknown as Resource<R>['createBody'],
    updateBody: object({ [name]: may(updateShape) }, { extra: true }) as unknown as Resource<R>['updateBody'],
  }
}

/** The reply of one, and of a list: `{ port: {…} }`, `{ ports: […] }`. */
export const replyOf = <R extends RowTable>(of: Resource<R>): Shape<Record<string, ViewOf<R>>> =>
  object({ [of.name]: must(of.view) }) as unknown as Shape<Record<string, ViewOf<R>>>
export const listReplyOf = <R extends RowTable>(of: Resource<R>): Shape<Record<string, ViewOf<R>[]>> =>
  object({ [of.plural]: must(list(of.view)) }, { extra: true }) as unknown as Shape<Record<string, ViewOf<R>[]>>

/** One rule that a body's attribute asks for beside the rule of the operation itself. */
export interface AttributeRule {
  readonly attribute: string
  readonly rule: Rule
}

/**
 * The rules that the attributes of a body ask for: at creation those that differ from their default, at update those given.
 * In the order of the table, a part's after its whole's.
 */
export function attributeRules(
  of: AnyResource,
  body: Readonly<Record<string, unknown>>,
  by: 'create' | 'update',
): AttributeRule[] {
  const found: AttributeRule[] = []
  for (const [key, entry] of Object.entries(of.rows)) {
    const value = body[key]
    if (value === undefined) continue
    if (by === 'create' && entry.fallback !== null && same(value, entry.fallback())) continue
    const rule = entry.settableBy[by]
    if (rule !== undefined) found.push({ attribute: key, rule })
    const bags = (Array.isArray(value) ? value : [value]).filter(
      (part): part is object => typeof part === 'object' && part !== null,
    )
    for (const [part, partBy] of Object.entries(entry.partsSettableBy)) {
      const partRule = partBy[by]
      if (partRule !== undefined && bags.some(bag => Object.hasOwn(bag, part)))
        found.push({ attribute: `${key}:${part}`, rule: partRule })
    }
  }
  return found
}
const same = (a: unknown, b: unknown): boolean => a === b || JSON.stringify(a) === JSON.stringify(b)
