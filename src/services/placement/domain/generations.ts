// The two generations of this service are compare-and-swap locks: who read an older one changes nothing.
import { faults } from '#services/placement/contract/faults.ts'
import { bumpProvider, providerById, type Provider, type Q } from '#services/placement/db/providers.ts'

/** Throws ProviderNotFound (404). */
export async function findProvider(q: Q, id: string): Promise<Provider> {
  const provider = await providerById(q, id)
  if (provider === null) throw faults.ProviderNotFound({ id })
  return provider
}

/** The provider with its generation one further. Throws ConcurrentUpdate (409) when somebody else was quicker. */
export async function bump(q: Q, provider: Provider, now: number): Promise<Provider> {
  if (!(await bumpProvider(q, provider, now))) throw faults.ConcurrentUpdate()
  return { ...provider, generation: provider.generation + 1, updatedAt: now }
}
