// From entity to reply: every field of a shape has exactly one row here (a missing one does not compile); fields that a
// version or a person may not see are never computed; loaders run once per list, and only when a visible field needs them.
import type { Rule } from '#kernel/contract/rule.ts'
import { fieldAt, type AnyField, type Shape } from '#kernel/contract/shape.ts'
import { versionNumber, type VersionNumber } from '#kernel/contract/version.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import type { Target } from '#kernel/policy/check.ts'

/** What a row may know beside the entity. */
export interface View {
  readonly ctx: Ctx
  readonly at: VersionNumber
  /** The service's public root for links, without a trailing slash: `http://127.0.0.1:8080/compute`. */
  readonly base: string
}
type Render<E, L, V> = (entity: E, loaded: L, view: View) => V | undefined
/** A row, and the loaders it reads from. */
interface Needing<E, L, V> {
  readonly needs: readonly (keyof L)[]
  readonly render: Render<E, L, V>
}
/** Says that a row reads loaded things: `needs(['flavors'], (server, { flavors }) => flavors.get(server.flavorId))`. */
export const needs = <E, L, V>(names: readonly (keyof L)[], render: Render<E, L, V>): Needing<E, L, V> => ({
  needs: names,
  render,
})

/** A field rendered differently at different versions: the entry of the highest version not above the request's. */
export function byVersion<E, L>(table: Readonly<Record<string, Render<E, L, unknown>>>): Render<E, L, never> {
  const rows = Object.entries(table)
    .map(([version, render]) => [versionNumber(version), render] as const)
    .sort((a, b) => b[0] - a[0])
  return (entity, loaded, view) => rows.find(([from]) => view.at >= from)?.[1](entity, loaded, view) as never
}

type Row<E, L, V> = Render<E, L, V> | Needing<E, L, V>
export type Rows<E, L, T> = { readonly [K in keyof Required<T>]: Row<E, L, T[K]> }
export type Loaders<E, L> = { readonly [K in keyof L]: (ctx: Ctx, entities: readonly E[], view: View) => Promise<L[K]> }

export interface Presenter<E> {
  /** Renders all; loaders run once. `allows` decides the fields marked `seenBy`. */
  present(
    entities: readonly E[],
    view: View,
    allows: (rule: Rule, target: Target) => boolean,
  ): Promise<Record<string, unknown>[]>
}

const ownTarget = (entity: unknown): Target => {
  const owned = entity as { projectId?: string; userId?: string; domainId?: string }
  return { project_id: owned.projectId, tenant_id: owned.projectId, user_id: owned.userId, domain_id: owned.domainId }
}

/**
 * `presenter<VolumeEntity, Loaded>()(Volume, { id: v => v.id, … }, { loaders })`. A row that returns undefined leaves its
 * field out. `target` gives the policy target of an entity (default: its projectId, userId and domainId).
 */
export const presenter =
  <E, L extends object = Record<never, never>>() =>
  <T>(
    shape: Shape<T>,
    rows: Rows<E, L, T>,
    options: { loaders?: Loaders<E, L>; target?: (entity: E) => Target } = {},
  ): Presenter<E> => {
    interface Plan {
      readonly fields: readonly { name: string; rule: Rule | null; render: Render<E, L, unknown> }[]
      readonly loads: readonly (keyof L)[]
    }
    const plans = new Map<number, Plan>()
    const planAt = (at: VersionNumber): Plan => {
      let epoch = 0
      for (const mark of shape.marks) if (at >= mark) epoch = mark
      const known = plans.get(epoch)
      if (known !== undefined) return known
      const loads = new Set<keyof L>()
      const fields: { name: string; rule: Rule | null; render: Render<E, L, unknown> }[] = []
      for (const [name, field] of Object.entries(shape.fields ?? {}) as [string, AnyField][]) {
        if (!fieldAt(field, at)) continue
        const row = rows[name as keyof T] as Row<E, L, unknown>
        if (typeof row === 'function') fields.push({ name, rule: field.visibleTo, render: row })
        else {
          for (const need of row.needs) loads.add(need)
          fields.push({ name, rule: field.visibleTo, render: row.render })
        }
      }
      const plan = { fields, loads: [...loads] }
      plans.set(epoch, plan)
      return plan
    }
    const targetOf = options.target ?? ownTarget
    return {
      async present(entities, view, allows) {
        const plan = planAt(view.at)
        const loaded = {} as L
        for (const name of plan.loads) {
          const load = options.loaders?.[name]
          if (load !== undefined && entities.length > 0) loaded[name] = await load(view.ctx, entities, view)
        }
        const verdicts = new Map<Rule, Map<unknown, boolean>>()
        const sees = (rule: Rule, entity: E): boolean => {
          const target = targetOf(entity)
          const key = target['project_id'] ?? target['user_id']
          let ofRule = verdicts.get(rule)
          if (ofRule === undefined) verdicts.set(rule, (ofRule = new Map()))
          let verdict = ofRule.get(key)
          if (verdict === undefined) ofRule.set(key, (verdict = allows(rule, target)))
          return verdict
        }
        return entities.map(entity => {
          const out: Record<string, unknown> = {}
          for (const field of plan.fields) {
            if (field.rule !== null && !sees(field.rule, entity)) continue
            const value = field.render(entity, loaded, view)
            if (value !== undefined) out[field.name] = value
          }
          return out
        })
      },
    }
  }
