// Resource classes: the standard ones, which nobody changes, and custom ones.
import { isDuplicate } from '#kernel/db/errors.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import { faults } from '#services/placement/contract/faults.ts'
import { standardResourceClasses } from '#services/placement/contract/standard-resource-classes.ts'
import { allNames, deleteName, insertResourceClass, knownNames, type Named } from '#services/placement/db/names.ts'
import type { Q } from '#services/placement/db/providers.ts'
import { isClassInUse, renameResourceClass } from '#services/placement/db/resource-classes.ts'
import type { DomainTools } from '#services/placement/domain/tools.ts'

const STANDARD: ReadonlySet<string> = new Set(standardResourceClasses)
const TABLE = 'custom_resource_classes'

export interface ResourceClass {
  readonly name: string
  /** When it was made; null for the standard ones. */
  readonly since: number | null
}

/** The first name that is no resource class, or null. */
export async function unknownClass(q: Q, names: Iterable<string>): Promise<string | null> {
  const custom = [...new Set(names)].filter(name => !STANDARD.has(name))
  if (custom.length === 0) return null
  const known = new Set((await knownNames(q, TABLE, custom)).map(row => row.name))
  return custom.find(name => !known.has(name)) ?? null
}

export type ResourceClasses = ReturnType<typeof createResourceClasses>

export const createResourceClasses = ({ database, clock }: Pick<DomainTools, 'database' | 'clock'>) => {
  const custom = async (q: Q, name: string): Promise<Named> => {
    const [row] = await knownNames(q, TABLE, [name])
    if (row === undefined) throw faults.ResourceClassNotFound({ name })
    return row
  }
  return {
    list: (ctx: Ctx): Promise<ResourceClass[]> =>
      database.read(ctx, 'list resource classes', async q => [
        ...standardResourceClasses.map(name => ({ name, since: null })),
        ...(await allNames(q, TABLE)),
      ]),
    /** Throws ResourceClassNotFound (404). */
    find: (ctx: Ctx, name: string): Promise<ResourceClass> =>
      STANDARD.has(name)
        ? Promise.resolve({ name, since: null })
        : database.read(ctx, 'find resource class', q => custom(q, name)),
    /** Throws ResourceClassExists (409). */
    create: (ctx: Ctx, name: string): Promise<void> =>
      database.tx(ctx, 'create resource class', async q => {
        if (!(await insertResourceClass(q, name, clock.now()))) throw faults.ResourceClassExists({ name })
      }),
    /** Makes it unless it is there; true if it did. */
    ensure: (ctx: Ctx, name: string): Promise<boolean> =>
      database.tx(ctx, 'ensure resource class', q => insertResourceClass(q, name, clock.now())),
    /** Throws ResourceClassNotFound (404), StandardClassUnchanged (400), ResourceClassNameTaken (409). */
    rename: (ctx: Ctx, name: string, to: string): Promise<void> =>
      database.tx(ctx, 'rename resource class', async q => {
        if (STANDARD.has(name)) throw faults.StandardClassUnchanged({ name })
        await custom(q, name)
        try {
          await renameResourceClass(q, name, to, clock.now())
        } catch (error) {
          if (isDuplicate(error)) throw faults.ResourceClassNameTaken({ name: to })
          throw error
        }
      }),
    /** Throws ResourceClassNotFound (404), StandardClassKept (400), ResourceClassInUse (409). */
    remove: (ctx: Ctx, name: string): Promise<void> =>
      database.tx(ctx, 'delete resource class', async q => {
        if (STANDARD.has(name)) throw faults.StandardClassKept({ name })
        await custom(q, name)
        if (await isClassInUse(q, name)) throw faults.ResourceClassInUse({ name })
        await deleteName(q, TABLE, name)
      }),
  }
}
