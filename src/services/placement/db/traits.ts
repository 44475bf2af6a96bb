// Which provider has which traits.
import { inChunks } from '#kernel/db/helpers.ts'
import type { Q } from '#services/placement/db/providers.ts'

export async function traitsOf(q: Q, providerIds: Iterable<string>): Promise<Map<string, string[]>> {
  const rows = await inChunks(providerIds, some =>
    q
      .selectFrom('provider_traits')
      .selectAll()
      .where('provider_id', 'in', [...some])
      .orderBy('provider_id')
      .orderBy('trait')
      .execute(),
  )
  const traits = new Map<string, string[]>()
  for (const row of rows) {
    const list = traits.get(row.provider_id)
    if (list === undefined) traits.set(row.provider_id, [row.trait])
    else list.push(row.trait)
  }
  return traits
}

/** Who has one of these traits, as pairs. */
export const holdersOfTraits = (q: Q, traits: Iterable<string>): Promise<{ provider_id: string; trait: string }[]> =>
  inChunks(traits, some =>
    q
      .selectFrom('provider_traits')
      .selectAll()
      .where('trait', 'in', [...some])
      .execute(),
  )

/** All traits that some provider has. */
export async function associatedTraits(q: Q): Promise<Set<string>> {
  const rows = await q.selectFrom('provider_traits').select('trait').distinct().execute()
  return new Set(rows.map(row => row.trait))
}

export async function isTraitInUse(q: Q, name: string): Promise<boolean> {
  const row = await q
    .selectFrom('provider_traits')
    .select('provider_id')
    .where('trait', '=', name)
    .limit(1)
    .executeTakeFirst()
  return row !== undefined
}

export async function addTraits(q: Q, providerId: string, traits: readonly string[]): Promise<void> {
  if (traits.length === 0) return
  await q
    .insertInto('provider_traits')
    .values(traits.map(trait => ({ provider_id: providerId, trait })))
    .execute()
}
export async function removeTraits(q: Q, providerId: string, traits: readonly string[]): Promise<void> {
  await inChunks(traits, async some => {
    await q
      .deleteFrom('provider_traits')
      .where('provider_id', '=', providerId)
      .where('trait', 'in', [...some])
      .execute()
    return []
  })
}
