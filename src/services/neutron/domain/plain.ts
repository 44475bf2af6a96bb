// The verbs of a noun that is only written down: whose it is decides who sees it, its hooks decide what may be written. Nouns with a
// machine behind them (ports, routers) have verbs of their own.
import type { AnyResource } from '#kernel/contract/resource.ts'
import type { Fault } from '#kernel/contract/fault.ts'
import type { Rule } from '#kernel/contract/rule.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import type { Target } from '#kernel/policy/enforcer.ts'
import { sql, type SqlBool } from 'kysely'
import { listRows, type Condition, type Listing, type ListSpec } from '#services/neutron/db/listing.ts'
import { ownOrShared, sharedFilter, sharingDb, type SharedType } from '#services/neutron/db/sharing.ts'
import { deleteTags, revise, type Q, type Revised, type Standard } from '#services/neutron/db/standard.ts'
import type { NeutronTables } from '#services/neutron/db/tables.ts'
import { constrain } from '#services/neutron/domain/revision.ts'
import { asSeen } from '#services/neutron/domain/sharing.ts'
import type { DomainTools } from '#services/neutron/domain/tools.ts'

type Columns<T extends Revised> = { -readonly [K in keyof NeutronTables[T]]: NeutronTables[T][K] }
export interface PlainNoun<T extends Revised, E extends Standard> {
  readonly of: AnyResource
  readonly table: T
  readonly entity: (row: Readonly<NeutronTables[T]>) => E
  readonly spec?: Omit<ListSpec, 'table'>
  readonly rules: { readonly get: Rule; readonly create: Rule; readonly update?: Rule; readonly remove: Rule }
  readonly missing: (id: string) => Fault
  /** Everybody who may see the noun at all sees all of it. */
  readonly everybody?: boolean
  /** It has a column `shared`, and policies share it. */
  readonly shares?: SharedType
}
export const ownTarget = (it: Standard & { readonly shared?: boolean }): Target => ({
  project_id: it.projectId,
  tenant_id: it.projectId,
  ...(it.shared === undefined ? {} : { shared: it.shared }),
})

type AnyBody = Readonly<Record<string, unknown>> & { readonly project_id?: string; readonly tenant_id?: string }

export function plainNoun<T extends Revised, E extends Standard>(tools: DomainTools, noun: PlainNoun<T, E>) {
  const { database, access, clock, ids } = tools
  const { table, rules, of } = noun
  const shares = noun.shares

  const asCallerSees = async (q: Q, ctx: Ctx, found: readonly E[]): Promise<E[]> =>
    shares === undefined ? [...found] : ((await asSeen(q, ctx, found as never)) as unknown as E[])
  async function byId(q: Q, ctx: Ctx, id: string): Promise<E | null> {
    const row = await q
      .selectFrom(table as 'networks')
      .selectAll()
      .where('id', '=', id)
      .executeTakeFirst()
    if (row === undefined) return null
    const [found] = await asCallerSees(q, ctx, [noun.entity(row as never)])
    return found ?? null
  }
  /** One that the caller sees. @throws the noun's not-found */
  async function seen(q: Q, ctx: Ctx, id: string): Promise<E> {
    const found = await byId(q, ctx, id)
    const open = noun.everybody === true || (found as { shared?: boolean } | null)?.shared === true
    if (found === null || (!open && found.projectId !== ctx.who?.projectId && !access.seesAll(ctx, rules.get)))
      throw noun.missing(id)
    return found
  }
  const scope = (ctx: Ctx): Condition[] => {
    const own = access.who(ctx).projectId ?? ''
    if (noun.everybody === true || access.seesAll(ctx, rules.get)) return []
    if (shares !== undefined) return [ownOrShared(shares, table, own)]
    return [sql<SqlBool>`${sql.ref(`${table}.project_id`)} = ${own}`]
  }

  return {
    seen,
    /** `build` makes the row, and refuses. */
    async create<B extends AnyBody>(
      ctx: Ctx,
      bodies: readonly B[],
      build: (q: Q, body: B, id: string, projectId: string) => Promise<Columns<T>>,
    ): Promise<E[]> {
      const named = bodies.map(body => ({ body, id: ids.uuid() }))
      return database.tx(ctx, `create-${of.name}`, async q => {
        const made: E[] = []
        for (const { body, id } of named) {
          const projectId = access.projectOf(ctx, body)
          access.mustCreate(ctx, of, rules.create, body, { ...body, project_id: projectId, tenant_id: projectId })
          const row = await build(q, body, id, projectId)
          await q
            .insertInto(table as 'networks')
            .values(row as never)
            .execute()
          made.push(noun.entity(row as never))
        }
        return made
      })
    },
    async list(ctx: Ctx, listing: Listing): Promise<E[]> {
      const spec = { ...noun.spec, columns: { tenant_id: 'project_id', ...noun.spec?.columns }, table }
      const shared =
        shares === undefined ? {} : { shared: sharedFilter(shares, `${table}.id`, access.who(ctx).projectId ?? '') }
      const found = await database.read(ctx, `list-${of.plural}`, async q => {
        const rows = await listRows(
          q,
          { ...spec, special: { ...spec.special, ...shared } },
          listing,
          scope(ctx),
          async id => {
            await seen(q, ctx, id)
            const row = await q
              .selectFrom(table as 'networks')
              .selectAll()
              .where('id', '=', id)
              .executeTakeFirst()
            return { ...row }
          },
        )
        return asCallerSees(
          q,
          ctx,
          rows.map(row => noun.entity(row as never)),
        )
      })
      return access.visible(ctx, rules.get, found, ownTarget)
    },
    async show(ctx: Ctx, id: string): Promise<E> {
      const found = await database.read(ctx, `show-${of.name}`, q => seen(q, ctx, id))
      access.mustSee(ctx, rules.get, ownTarget(found))
      return found
    },
    /** `change` says which columns change, and refuses. */
    update: <B extends Readonly<Record<string, unknown>>>(
      ctx: Ctx,
      id: string,
      body: B,
      revision: number | null,
      change: (q: Q, it: E) => Promise<Partial<Columns<T>>>,
      rule: Rule = rules.update ?? rules.create,
    ): Promise<E> =>
      database.tx(ctx, `update-${of.name}`, async q => {
        const it = await seen(q, ctx, id)
        access.mustChange(ctx, { rule, show: rules.get }, { ...ownTarget(it), ...targetsOf(body) }, { of, body })
        constrain(it.revision, revision)
        await revise(q, table, id, clock.now(), (await change(q, it)) as Partial<NeutronTables[T]>)
        return (await byId(q, ctx, id)) ?? it
      }),
    /** `check` refuses, and takes away what hangs on it. */
    remove: (
      ctx: Ctx,
      id: string,
      revision: number | null,
      check: (q: Q, it: E) => Promise<void> = async () => undefined,
    ): Promise<void> =>
      database.tx(ctx, `delete-${of.name}`, async q => {
        const it = await seen(q, ctx, id)
        access.mustChange(ctx, { rule: rules.remove, show: rules.get }, ownTarget(it))
        constrain(it.revision, revision)
        await check(q, it)
        await deleteTags(q, [id])
        if (shares !== undefined) await sharingDb.forget(q, id)
        await q
          .deleteFrom(table as 'networks')
          .where('id', '=', id)
          .execute()
      }),
  }
}
/** Attributes of a body that rules look at beside whose the thing is. */
const targetsOf = (body: Readonly<Record<string, unknown>>): Target =>
  Object.fromEntries(Object.entries(body).filter(([key]) => key.startsWith('target_')))

/** The columns of name and description that a body changes. */
export const named = (body: {
  readonly name?: string
  readonly description?: string
}): { name?: string; description?: string } => ({
  ...(body.name === undefined ? {} : { name: body.name }),
  ...(body.description === undefined ? {} : { description: body.description }),
})
