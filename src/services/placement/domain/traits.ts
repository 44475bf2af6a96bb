// Traits: the standard ones, custom ones, and which provider has which.
import type { Ctx } from '#kernel/lib/context.ts'
import { faults } from '#services/placement/contract/faults.ts'
import { standardTraits } from '#services/placement/contract/standard-traits.ts'
import { allNames, deleteName, insertTrait, knownNames } from '#services/placement/db/names.ts'
import type { Provider, Q } from '#services/placement/db/providers.ts'
import { addTraits, associatedTraits, isTraitInUse, removeTraits, traitsOf } from '#services/placement/db/traits.ts'
import { bump, findProvider } from '#services/placement/domain/generations.ts'
import type { DomainTools } from '#services/placement/domain/tools.ts'

const STANDARD: ReadonlySet<string> = new Set(standardTraits)
const TABLE = 'custom_traits'

export interface Trait {
  readonly name: string
  /** When it was made; null for the standard ones. */
  readonly since: number | null
}
export interface TraitFilter {
  readonly names?: readonly string[]
  readonly prefix?: string
  /** Only those that some provider has, or none. */
  readonly associated?: boolean
}

/** Names that are no traits, in the order given. */
export async function unknownTraits(q: Q, names: Iterable<string>): Promise<string[]> {
  const custom = [...new Set(names)].filter(name => !STANDARD.has(name))
  if (custom.length === 0) return []
  const known = new Set((await knownNames(q, TABLE, custom)).map(row => row.name))
  return custom.filter(name => !known.has(name))
}

const standard = (name: string): Trait => ({ name, since: null })

export interface ProviderTraits {
  readonly provider: Provider
  readonly traits: readonly Trait[]
}
export type Traits = ReturnType<typeof createTraits>

export const createTraits = ({ database, clock }: Pick<DomainTools, 'database' | 'clock'>) => {
  const named = async (q: Q, names: readonly string[]): Promise<Trait[]> => [
    ...names.filter(name => STANDARD.has(name)).map(standard),
    ...(await knownNames(
      q,
      TABLE,
      names.filter(name => !STANDARD.has(name)),
    )),
  ]
  const replace = async (q: Q, provider: Provider, wanted: readonly string[]): Promise<Provider> => {
    const has = new Set((await traitsOf(q, [provider.id])).get(provider.id))
    const wants = new Set(wanted)
    const gone = [...has].filter(name => !wants.has(name))
    const more = [...wants].filter(name => !has.has(name))
    if (gone.length === 0 && more.length === 0) return provider
    const moved = await bump(q, provider, clock.now())
    await removeTraits(q, provider.id, gone)
    await addTraits(q, provider.id, more)
    return moved
  }
  return {
    list: (ctx: Ctx, filter: TraitFilter): Promise<Trait[]> =>
      database.read(ctx, 'list traits', async q => {
        const all =
          filter.names === undefined
            ? [...standardTraits.map(standard), ...(await allNames(q, TABLE))]
            : await named(q, [...new Set(filter.names)])
        const { prefix, associated } = filter
        const some = prefix === undefined ? all : all.filter(trait => trait.name.startsWith(prefix))
        if (associated === undefined) return some
        const inUse = await associatedTraits(q)
        return some.filter(trait => inUse.has(trait.name) === associated)
      }),
    /** Throws TraitNotFound (404). */
    find: async (ctx: Ctx, name: string): Promise<Trait> => {
      if (STANDARD.has(name)) return standard(name)
      const [row] = await database.read(ctx, 'find trait', q => knownNames(q, TABLE, [name]))
      if (row === undefined) throw faults.TraitNotFound({ names: name })
      return row
    },
    /** Makes it unless it is there; `made` says which. */
    ensure: (ctx: Ctx, name: string): Promise<Trait & { readonly made: boolean }> =>
      database.tx(ctx, 'ensure trait', async q => {
        const now = clock.now()
        if (await insertTrait(q, name, now)) return { name, since: now, made: true }
        const [row] = await knownNames(q, TABLE, [name])
        return { name, since: row?.since ?? now, made: false }
      }),
    /** Throws TraitNotFound (404), StandardTraitKept (400), TraitInUse (409). */
    remove: (ctx: Ctx, name: string): Promise<void> =>
      database.tx(ctx, 'delete trait', async q => {
        if (STANDARD.has(name)) throw faults.StandardTraitKept({ name })
        const [row] = await knownNames(q, TABLE, [name])
        if (row === undefined) throw faults.TraitNotFound({ names: name })
        if (await isTraitInUse(q, name)) throw faults.TraitInUse({ name })
        await deleteName(q, TABLE, name)
      }),

    /** Throws ProviderNotFound (404). */
    ofProvider: (ctx: Ctx, providerId: string): Promise<ProviderTraits> =>
      database.read(ctx, 'list traits of provider', async q => {
        const provider = await findProvider(q, providerId)
        return { provider, traits: await named(q, (await traitsOf(q, [providerId])).get(providerId) ?? []) }
      }),
    /** Throws ProviderNotFound (404), GenerationChanged (409), UnknownTrait (400). */
    setOfProvider: (ctx: Ctx, providerId: string, names: readonly string[], generation: number) =>
      database.tx(ctx, 'set traits of provider', async (q): Promise<ProviderTraits> => {
        const provider = await findProvider(q, providerId)
        if (provider.generation !== generation) throw faults.GenerationChanged()
        const unknown = await unknownTraits(q, names)
        if (unknown.length > 0) throw faults.UnknownTrait({ names: unknown.join(', ') })
        return { provider: await replace(q, provider, names), traits: await named(q, [...new Set(names)]) }
      }),
    /** Throws ProviderNotFound (404). */
    clearOfProvider: (ctx: Ctx, providerId: string): Promise<void> =>
      database.tx(ctx, 'clear traits of provider', async q => {
        await replace(q, await findProvider(q, providerId), [])
      }),
  }
}
