// First data: the volume types every cloud begins with. What somebody removed or changed stays so.
import type { Database } from '#kernel/db/database.ts'
import type { Clock } from '#kernel/lib/clock.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import type { Ids } from '#kernel/lib/ids.ts'
import type { CinderTables } from '#services/cinder/db/tables.ts'
import { groupTypesDb } from '#services/cinder/db/group-types.ts'
import { typesDb } from '#services/cinder/db/types.ts'
import { CONSISTENCY_TYPE, CONSISTENT_SPEC } from '#services/cinder/domain/group-types.ts'

const FIRST_TYPES = [
  { name: '__DEFAULT__', description: 'Default Volume Type' },
  // The name DevStack's users and scripts know.
  { name: 'lvmdriver-1', description: null },
]

/** Only when there is no type at all yet. `extra`: further names that must exist, e.g. a configured default. */
export async function bootstrapTypes(
  tools: { readonly database: Database<CinderTables>; readonly clock: Clock; readonly ids: Ids },
  ctx: Ctx,
  extra: readonly string[],
): Promise<void> {
  await tools.database.tx(ctx, 'first-types', async q => {
    const there = new Set((await typesDb(q).names()).values())
    const wanted = there.size === 0 ? [...FIRST_TYPES] : []
    for (const name of extra)
      if (!there.has(name) && !wanted.some(one => one.name === name)) wanted.push({ name, description: null })
    for (const { name, description } of wanted)
      await typesDb(q).insert({
        id: tools.ids.uuid(),
        name,
        description,
        isPublic: true,
        extraSpecs: {},
        createdAt: tools.clock.now(),
        updatedAt: null,
      })
  })
}

/** The group type that consistency groups have: always there. */
export async function bootstrapGroupTypes(
  tools: { readonly database: Database<CinderTables>; readonly clock: Clock; readonly ids: Ids },
  ctx: Ctx,
): Promise<void> {
  await tools.database.tx(ctx, 'first-group-type', async q => {
    if ((await groupTypesDb(q).byName(CONSISTENCY_TYPE)) !== undefined) return
    await groupTypesDb(q).insert({
      id: tools.ids.uuid(),
      name: CONSISTENCY_TYPE,
      description: 'Default group type for migrating cgsnapshot',
      isPublic: true,
      specs: { [CONSISTENT_SPEC]: '<is> True' },
      createdAt: tools.clock.now(),
      updatedAt: null,
    })
  })
}
