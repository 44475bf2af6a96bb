// Resource providers: making, naming, hanging into trees, removing.
import { BrokenReference, isDuplicate } from '#kernel/db/errors.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import { faults } from '#services/placement/contract/faults.ts'
import { inventoriesOf } from '#services/placement/db/inventories.ts'
import {
  deleteProvider,
  hasChildren,
  insertProvider,
  moveProvider,
  providerById,
  providersByName,
  providersOfTrees,
  renameProvider,
  type Provider,
  type Q,
} from '#services/placement/db/providers.ts'
import { findProvider } from '#services/placement/domain/generations.ts'
import { searchProviders, type ProviderFilter } from '#services/placement/domain/provider-search.ts'
import type { DomainTools } from '#services/placement/domain/tools.ts'

/** Dashed, lower case: `4E8E5957-649F-477B-9E5B-F1F75B21C03C` and `4e8e5957649f477b9e5bf1f75b21c03c` are one id. */
export function canonicalId(id: string): string {
  const hex = id.replaceAll('-', '').toLowerCase()
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

const failed = (action: string, reason: string): string => `Object action ${action} failed because: ${reason}`

export interface NewProvider {
  readonly id: string | null
  readonly name: string
  readonly parentId: string | null
}
export interface ProviderChange {
  readonly name: string
  /** Undefined: as it is. */
  readonly parentId: string | null | undefined
  /** Whether a provider that has a parent may get another or none (1.37). */
  readonly mayMove: boolean
}
export type Providers = ReturnType<typeof createProviders>

export const createProviders = ({ database, clock, ids }: DomainTools) => {
  /** Which of id and name is taken, in the words of the fault; null when neither. */
  const duplicate = async (q: Q, id: string, name: string): Promise<string | null> => {
    const same = [
      ...((await providerById(q, id)) === null ? [] : [`uuid: ${id}`]),
      ...((await providersByName(q, name)).length === 0 ? [] : [`name: ${name}`]),
    ]
    return same[0] ?? null
  }

  return {
    /** Throws ProviderNotFound (404). */
    find: (ctx: Ctx, id: string): Promise<Provider> => database.read(ctx, 'find provider', q => findProvider(q, id)),
    /** Throws UnknownClassInQuery and UnknownTraitInQuery (400). */
    list: (ctx: Ctx, filter: ProviderFilter): Promise<Provider[]> =>
      database.read(ctx, 'list providers', q => searchProviders(q, filter)),

    /** Throws ProviderExists (409), CannotCreateProvider (400). */
    async create(ctx: Ctx, wish: NewProvider): Promise<Provider> {
      const id = wish.id === null ? ids.uuid() : canonicalId(wish.id)
      const refused = (reason: string) =>
        faults.CannotCreateProvider({ name: wish.name, id, reason: failed('create', reason) })
      if (wish.name === '') throw refused('name is required')
      return database.tx(ctx, 'create provider', async q => {
        if (wish.parentId === id)
          throw refused(
            'parent provider UUID cannot be same as UUID. Please set parent provider UUID to None if there is no parent.',
          )
        const parent = wish.parentId === null ? null : await providerById(q, wish.parentId)
        if (parent === null && wish.parentId !== null) throw refused('parent provider UUID does not exist.')
        const taken = await duplicate(q, id, wish.name)
        if (taken !== null) throw faults.ProviderExists({ duplicate: taken })
        const now = clock.now()
        const made = { id, name: wish.name, rootId: parent?.rootId ?? id, parentId: parent?.id ?? null }
        try {
          await insertProvider(q, made, now)
        } catch (error) {
          if (isDuplicate(error)) throw faults.ProviderExists({ duplicate: `name: ${wish.name}` })
          if (error instanceof BrokenReference) throw refused('parent provider UUID does not exist.')
          throw error
        }
        return { ...made, generation: 0, createdAt: now, updatedAt: now }
      })
    },

    /** Throws ProviderNotFound (404), ProviderExists (409), CannotSaveProvider (400). */
    update: (ctx: Ctx, id: string, change: ProviderChange): Promise<Provider> =>
      database.tx(ctx, 'update provider', async q => {
        const provider = await findProvider(q, id)
        if (change.parentId !== undefined) await move(q, provider, change.parentId, change.mayMove)
        if (change.name !== provider.name) {
          if ((await providersByName(q, change.name)).length > 0)
            throw faults.ProviderExists({ duplicate: change.name })
        }
        await renameProvider(q, id, change.name, clock.now())
        return findProvider(q, id)
      }),

    /** Throws ProviderNotFoundForDelete (404), ProviderHasChildren and ProviderInUse (409). */
    remove: (ctx: Ctx, id: string): Promise<void> =>
      database.tx(ctx, 'delete provider', async q => {
        if ((await providerById(q, id)) === null) throw faults.ProviderNotFoundForDelete({ id })
        if (await hasChildren(q, id)) throw faults.ProviderHasChildren({ id })
        if ((await inventoriesOf(q, [id])).some(inventory => inventory.used > 0)) throw faults.ProviderInUse({ id })
        try {
          await deleteProvider(q, id)
        } catch (error) {
          if (error instanceof BrokenReference) throw faults.ProviderHasChildren({ id })
          throw error
        }
      }),
  }

  async function move(q: Q, provider: Provider, parentId: string | null, mayMove: boolean): Promise<void> {
    const refused = (action: string, reason: string) =>
      faults.CannotSaveProvider({ id: provider.id, reason: failed(action, reason) })
    if (parentId === provider.parentId) return
    if (parentId === null) {
      if (!mayMove) throw refused('update', 'un-parenting a provider is not currently allowed.')
      const below = subtree(provider.id, await providersOfTrees(q, [provider.rootId]))
      return moveProvider(q, provider.id, { parentId: null, rootId: provider.id }, below)
    }
    const parent = await providerById(q, parentId)
    if (parent === null) throw refused('create', 'parent provider UUID does not exist.')
    if (provider.parentId !== null && !mayMove)
      throw refused('update', 're-parenting a provider is not currently allowed.')
    const below = subtree(provider.id, await providersOfTrees(q, [provider.rootId]))
    if (below.includes(parentId)) throw refused('update', 'creating loop in the provider tree is not allowed.')
    return moveProvider(q, provider.id, { parentId, rootId: parent.rootId }, below)
  }
}

/** The provider and all below it. */
function subtree(id: string, tree: readonly Provider[]): string[] {
  const found = [id]
  for (const at of found) for (const other of tree) if (other.parentId === at) found.push(other.id)
  return found
}
