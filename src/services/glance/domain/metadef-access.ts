// Nobody holds a namespace without having said what for.
import type { Rule } from '#kernel/contract/rule.ts'
import { Fault } from '#kernel/contract/fault.ts'
import type { Clock } from '#kernel/lib/clock.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import type { Ids } from '#kernel/lib/ids.ts'
import { faults } from '#services/glance/contract/faults.ts'
import { rules } from '#services/glance/contract/rules.ts'
import { metadefsDb, type Item, type ItemKind, type Namespace } from '#services/glance/db/metadefs.ts'
import type { AccessTools } from '#services/glance/domain/access.ts'

export interface MetadefTools extends AccessTools {
  readonly clock: Clock
  readonly ids: Ids
  readonly defaultLimit: number
  readonly maxLimit: number
}
export type Given = Readonly<Record<string, unknown>>

export const refuse = (because: Fault['because']): Fault =>
  new Fault('Forbidden', 403, 'You are not authorized to complete this action.', { because })

export function demand(
  tools: AccessTools,
  ctx: Ctx,
  target: Readonly<Record<string, unknown>>,
  ...asked: readonly Rule[]
): void {
  for (const rule of asked) {
    const verdict = tools.policy.check(ctx.who, rule, target)
    if (!verdict.ok) throw refuse(verdict.because)
  }
}
export const targetOf = (namespace: Namespace): Readonly<Record<string, unknown>> => ({
  project_id: namespace.owner,
  visibility: namespace.visibility,
})

/** A namespace for what the rules are about: 404 when the caller may not see it, 403 when he may see but not do. */
export async function holdNamespace(
  tools: AccessTools,
  ctx: Ctx,
  name: string,
  ...asked: readonly Rule[]
): Promise<Namespace> {
  const found = await tools.database.read(ctx, 'find-namespace', q => metadefsDb(q).byName(name))
  const seen = found !== undefined && tools.policy.allows(ctx.who, rules.getMetadefNamespace, targetOf(found))
  if (!seen) throw faults.NamespaceNotFound({ name })
  demand(tools, ctx, targetOf(found), ...asked)
  return found
}

/** What a client may read but not write. */
export function demandWritable(body: Given): void {
  for (const name of ['self', 'schema', 'created_at', 'updated_at']) if (name in body) throw faults.ReadOnly({ name })
}

const KEPT: Readonly<Record<ItemKind, readonly string[]>> = {
  object: ['required', 'description', 'properties'],
  property: [
    'type',
    'title',
    'description',
    'operators',
    'default',
    'readonly',
    'minimum',
    'maximum',
    'enum',
    'pattern',
    'minLength',
    'maxLength',
    'confidential',
    'items',
    'uniqueItems',
    'minItems',
    'maxItems',
    'additionalItems',
  ],
  tag: [],
  association: ['prefix', 'properties_target'],
}
const pick = (from: Given, keys: readonly string[]): Record<string, unknown> =>
  Object.fromEntries(keys.filter(key => from[key] !== undefined && from[key] !== null).map(key => [key, from[key]]))

/** An item as it is kept. Throws 400 for a name that is none. */
export function itemFrom(namespaceId: string, kind: ItemKind, name: unknown, given: Given, now: number): Item {
  if (typeof name !== 'string' || name === '')
    throw faults.BadRequest({
      reason: `Provided object does not match schema '${kind}': 'name' is a required property`,
    })
  if (name.length > 80)
    throw faults.BadRequest({ reason: `Provided object does not match schema '${kind}': '${name}' is too long` })
  const body = pick(given, KEPT[kind])
  const inner = body['properties'] as Readonly<Record<string, Given>> | undefined
  if (kind === 'object' && inner !== undefined) {
    const fitting = Object.entries(inner).map(([key, value]) => [key, pick(value, KEPT.property)] as const)
    body['properties'] = Object.fromEntries(fitting)
  }
  return { namespaceId, kind, name, body, createdAt: now, updatedAt: now }
}

export interface PageQuery {
  readonly limit?: string | undefined
  readonly marker?: string | undefined
  readonly sort_key?: string | undefined
  readonly sort_dir?: string | undefined
  readonly visibility?: string | undefined
  readonly resource_types?: string | undefined
}
/** The parts of a list's query that are the same for all. Throws 400. */
export function pagingOf(
  query: PageQuery,
  options: { columns: readonly string[]; visibilities: readonly string[]; least: number },
): { column: string; direction: 'asc' | 'desc'; limit: number | undefined } {
  const direction = query.sort_dir ?? 'desc'
  if (direction !== 'asc' && direction !== 'desc')
    throw faults.BadRequest({ reason: `Invalid sort direction: ${direction}` })
  const column = query.sort_key ?? 'created_at'
  if (!options.columns.includes(column)) throw faults.BadRequest({ reason: `Invalid sort key: ${column}` })
  if (query.visibility !== undefined && query.visibility !== '' && !options.visibilities.includes(query.visibility))
    throw faults.BadRequest({ reason: `Invalid visibility value: ${query.visibility}` })
  if (query.limit === undefined || query.limit === '') return { column, direction, limit: undefined }
  if (!/^-?\d{1,9}$/.test(query.limit)) throw faults.BadRequest({ reason: 'limit param must be an integer' })
  const limit = Number(query.limit)
  if (limit < options.least) throw faults.BadRequest({ reason: 'limit param must be positive' })
  return { column, direction, limit }
}
