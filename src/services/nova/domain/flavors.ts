// The verbs of flavors. Private flavors exist only for administrators and the projects they are open to.
import type { Kysely } from 'kysely'

import type { Database } from '#kernel/db/database.ts'
import { isDuplicate } from '#kernel/db/errors.ts'
import type { Clock } from '#kernel/lib/clock.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import type { Ids } from '#kernel/lib/ids.ts'
import type { Enforcer } from '#kernel/policy/enforcer.ts'
import { faults } from '#services/nova/contract/faults.ts'
import { flavorsDb, type Flavor } from '#services/nova/db/flavors.ts'
import type { NovaTables } from '#services/nova/db/tables.ts'
import { isAdmin } from '#services/nova/domain/caller.ts'
import { checkExtraSpecs } from '#services/nova/domain/extra-specs.ts'

export interface FlavorTools {
  readonly database: Database<NovaTables>
  readonly policy: Enforcer
  readonly clock: Clock
  readonly ids: Ids
  readonly maxLimit: number
  /** Throws 400 when Keystone knows no such project. */
  readonly verifyProject: (ctx: Ctx, id: string) => Promise<void>
}
export interface FlavorQuery {
  readonly limit: number | null
  readonly marker: string | null
  /** As the client wrote it; null when it did not. */
  readonly isPublic: string | null
  readonly minRam: string | null
  readonly minDisk: string | null
  readonly sortKey: string
  readonly direction: 'asc' | 'desc'
}
export type NewFlavor = Omit<Flavor, 'id' | 'disabled' | 'extraSpecs' | 'createdAt' | 'updatedAt'> & {
  readonly id: string | null
}

const TRUE = ['t', 'true', 'on', 'y', 'yes', '1']
const FALSE = ['f', 'false', 'off', 'n', 'no', '0']
const wholeNumber = (name: string, given: string | null): number | undefined => {
  if (given === null) return undefined
  if (!/^\s*[+-]?\d{1,15}\s*$/.test(given)) throw faults.BadRequest({ reason: `Invalid ${name} filter [${given}]` })
  return Number(given)
}

export const createFlavors = (tools: FlavorTools) => {
  const { database, clock, ids } = tools

  /** Throws 404 also for a private flavor of others. */
  const visible = async (q: Kysely<NovaTables>, ctx: Ctx, id: string): Promise<Flavor> => {
    const flavor = await flavorsDb(q).byId(id)
    if (flavor === undefined) throw faults.FlavorNotFound({ id })
    if (flavor.isPublic || isAdmin(tools.policy, ctx.who)) return flavor
    const projectId = ctx.who?.projectId ?? null
    if (projectId === null || !(await flavorsDb(q).isOpenTo(id, projectId))) throw faults.FlavorNotFound({ id })
    return flavor
  }
  const change = (
    ctx: Ctx,
    id: string,
    name: string,
    how: (flavor: Flavor) => { description?: string | null; extraSpecs?: Readonly<Record<string, string>> },
  ): Promise<Flavor> =>
    database.tx(ctx, name, async q => {
      const flavor = await visible(q, ctx, id)
      const changes = how(flavor)
      await flavorsDb(q).change(id, changes, clock.now())
      return { ...flavor, ...changes }
    })

  return {
    /** One page. Throws 400 for a filter that is no number and a marker that is not there. */
    async list(ctx: Ctx, query: FlavorQuery): Promise<{ flavors: Flavor[]; isFull: boolean }> {
      const minRamMb = wholeNumber('minRam', query.minRam)
      const minDiskGb = wholeNumber('minDisk', query.minDisk)
      const admin = isAdmin(tools.policy, ctx.who)
      const limit = Math.min(query.limit ?? tools.maxLimit, tools.maxLimit)
      const found = await database.read(ctx, 'list-flavors', q =>
        flavorsDb(q).list(
          {
            isPublic: admin ? publicOf(query.isPublic) : true,
            projectId: ctx.who?.projectId ?? null,
            ...(admin ? {} : { disabled: false }),
            ...(minRamMb === undefined ? {} : { minRamMb }),
            ...(minDiskGb === undefined ? {} : { minDiskGb }),
          },
          { sortKey: query.sortKey, direction: query.direction, marker: query.marker, limit },
        ),
      )
      if (found === undefined) throw faults.MarkerNotFound({ marker: query.marker ?? '' })
      return { flavors: found, isFull: limit > 0 && found.length === limit }
    },

    find: (ctx: Ctx, id: string): Promise<Flavor> => database.read(ctx, 'find-flavor', q => visible(q, ctx, id)),

    /** Throws 409 when name or id are taken. */
    async create(ctx: Ctx, given: NewFlavor): Promise<Flavor> {
      if (!(given.rxtxFactor > 0 && given.rxtxFactor <= 3.40282e38))
        throw faults.BadRequest({ reason: "'rxtx_factor' argument must be a float between 0 and 3.40282e+38" })
      const flavor: Flavor = {
        ...given,
        id: given.id ?? ids.uuid(),
        disabled: false,
        extraSpecs: {},
        createdAt: clock.now(),
        updatedAt: null,
      }
      try {
        await database.tx(ctx, 'create-flavor', async q => {
          const db = flavorsDb(q)
          if ((await db.byId(flavor.id)) !== undefined) throw faults.FlavorIdExists({ id: flavor.id })
          if (await db.nameTaken(flavor.name)) throw faults.FlavorExists({ name: flavor.name })
          await db.add(flavor)
        })
      } catch (error) {
        if (isDuplicate(error)) throw faults.FlavorExists({ name: flavor.name })
        throw error
      }
      return flavor
    },
    describe: (ctx: Ctx, id: string, description: string | null): Promise<Flavor> =>
      change(ctx, id, 'describe-flavor', () => ({ description })),
    async remove(ctx: Ctx, id: string): Promise<void> {
      await database.tx(ctx, 'delete-flavor', async q => {
        await visible(q, ctx, id)
        await flavorsDb(q).remove(id)
      })
    },

    /** Adds or replaces. Throws 400 for values that upstream's registry of extra specs refuses, when `validated`. */
    async addSpecs(
      ctx: Ctx,
      id: string,
      given: Readonly<Record<string, string | number>>,
      validated: boolean,
    ): Promise<void> {
      const specs = Object.fromEntries(Object.entries(given).map(([key, value]) => [key, String(value)]))
      if (validated) checkExtraSpecs(specs)
      await change(ctx, id, 'add-extra-specs', flavor => ({ extraSpecs: { ...flavor.extraSpecs, ...specs } }))
    },
    async setSpec(
      ctx: Ctx,
      id: string,
      key: string,
      given: Readonly<Record<string, string | number>>,
      validated: boolean,
    ): Promise<void> {
      if (!Object.hasOwn(given, key)) throw faults.BadRequest({ reason: 'Request body and URI mismatch' })
      await this.addSpecs(ctx, id, given, validated)
    },
    async spec(ctx: Ctx, id: string, key: string): Promise<string> {
      const { extraSpecs } = await database.read(ctx, 'find-flavor', q => visible(q, ctx, id))
      const value = Object.hasOwn(extraSpecs, key) ? extraSpecs[key] : undefined
      if (value === undefined) throw faults.FlavorExtraSpecNotFound({ id, key })
      return value
    },
    async removeSpec(ctx: Ctx, id: string, key: string): Promise<void> {
      await change(ctx, id, 'remove-extra-spec', flavor => {
        if (!Object.hasOwn(flavor.extraSpecs, key)) throw faults.FlavorExtraSpecNotFound({ id, key })
        return { extraSpecs: Object.fromEntries(Object.entries(flavor.extraSpecs).filter(([name]) => name !== key)) }
      })
    },

    /** The projects a private flavor is open to. Throws 404 for a public one. */
    access: (ctx: Ctx, id: string): Promise<string[]> =>
      database.read(ctx, 'list-flavor-access', async q => {
        const flavor = await visible(q, ctx, id)
        if (flavor.isPublic) throw faults.NotFound({ reason: 'Access list not available for public flavors.' })
        return flavorsDb(q).projectsOf(id)
      }),
    /** `privateOnly`: from 2.7 on a public flavor refuses (409). */
    async openTo(ctx: Ctx, id: string, projectId: string, privateOnly: boolean): Promise<string[]> {
      await tools.verifyProject(ctx, projectId)
      return database.tx(ctx, 'add-flavor-access', async q => {
        const flavor = await visible(q, ctx, id)
        if (privateOnly && flavor.isPublic) throw faults.Conflict({ reason: 'Can not add access to a public flavor.' })
        const isNew = await flavorsDb(q).openTo(id, projectId)
        if (!isNew) throw faults.FlavorAccessExists({ id, project: projectId })
        return flavorsDb(q).projectsOf(id)
      })
    },
    closeTo: (ctx: Ctx, id: string, projectId: string): Promise<string[]> =>
      database.tx(ctx, 'remove-flavor-access', async q => {
        await visible(q, ctx, id)
        const was = await flavorsDb(q).closeTo(id, projectId)
        if (!was) throw faults.FlavorAccessNotFound({ id, project: projectId })
        return flavorsDb(q).projectsOf(id)
      }),
  }
}
export type Flavors = ReturnType<typeof createFlavors>

/** An administrator's `is_public`: public ones by default, all for `none`. Throws 400 for anything that is no boolean. */
function publicOf(given: string | null): boolean | null {
  if (given === null) return true
  const word = given.toLowerCase()
  if (word === 'none') return null
  if (TRUE.includes(word.trim())) return true
  if (FALSE.includes(word.trim())) return false
  throw faults.BadRequest({ reason: `Invalid is_public filter [${given}]` })
}
