// Volume types: who sees which, and what may become of them.
import { wordTable } from '#kernel/lib/word-table.ts'
import { isFull } from '#kernel/http/paging.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import { isDuplicate } from '#kernel/db/errors.ts'
import { faults } from '#services/cinder/contract/faults.ts'
import { rules } from '#services/cinder/contract/rules.ts'
import { defaultTypesDb } from '#services/cinder/db/type-extras.ts'
import { typesDb, type VolumeType } from '#services/cinder/db/types.ts'
import { volumesDb } from '#services/cinder/db/volumes.ts'
import { isUuid } from '#services/cinder/domain/find.ts'
import { isAdmin, projectOf, type DomainTools } from '#services/cinder/domain/tools.ts'

/** What people may read of a type's extra specs without being administrators. */
export const USER_VISIBLE_SPECS: readonly string[] = ['RESKEY:availability_zones', 'multiattach', 'replication_enabled']

export interface TypeQuery {
  /** Null: public and private ones. Only administrators choose. */
  readonly isPublic: boolean | null
  readonly extraSpecs: Readonly<Record<string, string>> | null
  readonly sort: readonly { key: string; direction: 'asc' | 'desc' }[]
  readonly marker: string | null
  readonly limit: number
  readonly offset: number
}
const SORTS: Readonly<Record<string, (type: VolumeType) => string | number>> = wordTable<
  (type: VolumeType) => string | number
>({
  id: type => type.id,
  name: type => type.name,
  created_at: type => type.createdAt,
  updated_at: type => type.updatedAt ?? 0,
  is_public: type => Number(type.isPublic),
  description: type => type.description ?? '',
})

export const createTypesDomain = (tools: DomainTools) => {
  const { database, clock, ids, settings } = tools
  const sees = async (ctx: Ctx, type: VolumeType): Promise<boolean> =>
    type.isPublic ||
    isAdmin(ctx) ||
    (await database.read(ctx, 'type-access', q => typesDb(q).privateFor(projectOf(ctx)))).has(type.id)

  /** Throws 404 when there is none the caller may see. */
  const find = async (ctx: Ctx, id: string): Promise<VolumeType> => {
    const type = isUuid(id) ? await database.read(ctx, 'find-type', q => typesDb(q).byId(id.toLowerCase())) : undefined
    if (type === undefined || !(await sees(ctx, type))) throw faults.VolumeTypeNotFound({ id })
    return type
  }
  /** By id, else by name: as `volume_type` of a new volume. */
  const findByRef = async (ctx: Ctx, ref: string): Promise<VolumeType> => {
    const type = await database.read(ctx, 'find-type', async q => {
      const byId = isUuid(ref) ? await typesDb(q).byId(ref.toLowerCase()) : undefined
      return byId ?? (await typesDb(q).byName(ref))
    })
    if (type === undefined || !(await sees(ctx, type)))
      throw isUuid(ref) ? faults.VolumeTypeNotFound({ id: ref }) : faults.VolumeTypeNotFoundByName({ name: ref })
    return type
  }
  const theDefault = async (ctx: Ctx): Promise<VolumeType> => {
    const type = await database.read(ctx, 'default-type', async q => {
      const own = await defaultTypesDb(q).of(projectOf(ctx))
      return own === null ? typesDb(q).byName(settings.defaultVolumeType) : typesDb(q).byId(own)
    })
    if (type === undefined) throw faults.DefaultTypeMissing({ name: settings.defaultVolumeType })
    return type
  }
  const demandUnused = async (ctx: Ctx, id: string): Promise<void> => {
    if (await database.read(ctx, 'type-used', q => volumesDb(q).isTypeUsed(id))) throw faults.VolumeTypeSpecsInUse()
  }

  return {
    find,
    findByRef,
    theDefault,

    async list(ctx: Ctx, query: TypeQuery): Promise<{ types: VolumeType[]; more: boolean }> {
      const isPublic = isAdmin(ctx) ? query.isPublic : true
      const [all, mine] = await database.read(ctx, 'list-types', async q => [
        await typesDb(q).all(),
        await typesDb(q).privateFor(projectOf(ctx)),
      ])
      const specs = query.extraSpecs
      if (
        specs !== null &&
        Object.keys(specs).some(key => !USER_VISIBLE_SPECS.includes(key)) &&
        !tools.policy.allows(ctx.who, rules.typesExtraSpecsReadSensitive, { project_id: projectOf(ctx) })
      )
        return { types: [], more: false }
      const shown = all
        .filter(type =>
          isPublic === null ? true : isPublic ? type.isPublic || (!isAdmin(ctx) && mine.has(type.id)) : !type.isPublic,
        )
        .filter(type => specs === null || Object.entries(specs).every(([key, value]) => type.extraSpecs[key] === value))
        .sort((a, b) => {
          for (const { key, direction } of [...query.sort, { key: 'id', direction: 'asc' as const }]) {
            const of = SORTS[key]
            if (of === undefined) throw faults.InvalidInput({ reason: 'Invalid sort key' })
            const [x, y] = [of(a), of(b)]
            if (x !== y) return (x < y ? -1 : 1) * (direction === 'asc' ? 1 : -1)
          }
          return 0
        })
      let from = query.offset
      if (query.marker !== null) {
        const at = shown.findIndex(type => type.id === query.marker)
        if (at < 0) throw faults.VolumeTypeNotFound({ id: query.marker })
        from += at + 1
      }
      const types = shown.slice(from, from + query.limit)
      return { types, more: isFull(types.length, query.limit) }
    },

    async create(
      ctx: Ctx,
      wish: { name: string; description: string | null; isPublic: boolean; extraSpecs: Record<string, string> },
    ): Promise<VolumeType> {
      const type: VolumeType = { ...wish, id: ids.uuid(), createdAt: clock.now(), updatedAt: null }
      try {
        await database.tx(ctx, 'create-type', q => typesDb(q).insert(type))
      } catch (error) {
        if (!isDuplicate(error)) throw error
        throw faults.VolumeTypeExists({ name: wish.name }, { cause: error })
      }
      return type
    },

    async update(
      ctx: Ctx,
      id: string,
      change: { name?: string | null; description?: string | null; isPublic?: boolean },
    ): Promise<VolumeType> {
      const type = await find(ctx, id)
      const name = change.name?.trim()
      if (name === '') throw faults.BadRequest({ reason: 'Volume type name can not be empty.' })
      if (name === undefined && (change.description ?? null) === null && change.isPublic === undefined)
        throw faults.BadRequest({
          reason: 'Specify volume type name, description, is_public or a combination thereof.',
        })
      try {
        await database.tx(ctx, 'update-type', q =>
          typesDb(q).change(
            type.id,
            {
              ...(name === undefined ? {} : { name }),
              ...(change.description === undefined || change.description === null
                ? {}
                : { description: change.description }),
              ...(change.isPublic === undefined ? {} : { isPublic: change.isPublic }),
            },
            clock.now(),
          ),
        )
      } catch (error) {
        if (!isDuplicate(error)) throw error
        throw faults.VolumeTypeExists({ name: name ?? '' }, { cause: error })
      }
      return find(ctx, id)
    },

    async remove(ctx: Ctx, id: string): Promise<void> {
      const type = await find(ctx, id)
      await database.tx(ctx, 'delete-type', async q => {
        if ((await typesDb(q).names()).size === 1) throw faults.VolumeTypeIsLast({ id })
        if (type.name === settings.defaultVolumeType || (await defaultTypesDb(q).isUsed(type.id)))
          throw faults.VolumeTypeIsDefault({ id })
        if (await volumesDb(q).isTypeUsed(type.id)) throw faults.VolumeTypeInUse()
        await typesDb(q).remove(type.id)
      })
    },

    async setSpecs(ctx: Ctx, id: string, specs: Readonly<Record<string, string>>): Promise<void> {
      const type = await find(ctx, id)
      await demandUnused(ctx, type.id)
      await database.tx(ctx, 'set-extra-specs', q => typesDb(q).setSpecs(type.id, specs))
    },
    async dropSpec(ctx: Ctx, id: string, key: string): Promise<void> {
      const type = await find(ctx, id)
      await demandUnused(ctx, type.id)
      if (!(await database.tx(ctx, 'drop-extra-spec', q => typesDb(q).dropSpec(type.id, key))))
        throw faults.ExtraSpecNotFound({ id, key })
    },
    /** Those the caller may read. */
    visibleSpecs(ctx: Ctx, type: VolumeType): Record<string, string> {
      if (tools.policy.allows(ctx.who, rules.typesExtraSpecsReadSensitive, { project_id: projectOf(ctx) }))
        return { ...type.extraSpecs }
      return Object.fromEntries(Object.entries(type.extraSpecs).filter(([key]) => USER_VISIBLE_SPECS.includes(key)))
    },

    async accessList(ctx: Ctx, id: string): Promise<string[]> {
      const type = await find(ctx, id)
      if (type.isPublic) throw faults.VolumeTypeAccessPublic()
      return database.read(ctx, 'type-projects', q => typesDb(q).projectsOf(type.id))
    },
    async grant(ctx: Ctx, id: string, project: string): Promise<void> {
      const type = await find(ctx, id)
      if (type.isPublic)
        throw faults.BadRequest({
          reason: 'Invalid volume type: Type access modification is not applicable to public volume type.',
        })
      if (!(await database.tx(ctx, 'grant-type', q => typesDb(q).grant(type.id, project))))
        throw faults.VolumeTypeAccessExists({ id, project })
    },
    async revoke(ctx: Ctx, id: string, project: string): Promise<void> {
      const type = await find(ctx, id)
      if (type.isPublic)
        throw faults.BadRequest({
          reason: 'Invalid volume type: Type access modification is not applicable to public volume type.',
        })
      if (!(await database.tx(ctx, 'revoke-type', q => typesDb(q).revoke(type.id, project))))
        throw faults.VolumeTypeAccessNotFound({ id, project })
    },
  }
}
export type TypesDomain = ReturnType<typeof createTypesDomain>
