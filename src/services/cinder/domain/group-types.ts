// Group types: who sees which, what may become of them, and the one that consistency groups have.
import { wordTable } from '#kernel/lib/word-table.ts'
import { isDuplicate } from '#kernel/db/errors.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import { faults } from '#services/cinder/contract/faults.ts'
import { groupFaults } from '#services/cinder/contract/group-faults.ts'
import { groupTypesDb, type GroupType } from '#services/cinder/db/group-types.ts'
import { isUuid } from '#services/cinder/domain/find.ts'
import type { ListRequest } from '#services/cinder/domain/listing.ts'
import { smallPage } from '#services/cinder/domain/small-lists.ts'
import { isAdmin, type DomainTools } from '#services/cinder/domain/tools.ts'

/** The group type of consistency groups: there from the beginning, and only for their API. */
export const CONSISTENCY_TYPE = 'default_cgsnapshot_type'
export const CONSISTENT_SPEC = 'consistent_group_snapshot_enabled'
export const isConsistent = (type: GroupType): boolean => type.specs[CONSISTENT_SPEC] === '<is> True'

const SORTS: Readonly<Record<string, (one: GroupType) => string | number>> = wordTable<
  (one: GroupType) => string | number
>({
  name: one => one.name,
  description: one => one.description ?? '',
  is_public: one => Number(one.isPublic),
  created_at: one => one.createdAt,
  updated_at: one => one.updatedAt ?? 0,
})

export const createGroupTypesDomain = (tools: DomainTools) => {
  const { database, clock, ids, settings } = tools
  const visible = (ctx: Ctx, type: GroupType | undefined): type is GroupType =>
    type !== undefined && (type.isPublic || isAdmin(ctx))
  const find = async (ctx: Ctx, id: string): Promise<GroupType> => {
    const type = isUuid(id)
      ? await database.read(ctx, 'find-group-type', q => groupTypesDb(q).byId(id.toLowerCase()))
      : undefined
    if (!visible(ctx, type)) throw groupFaults.GroupTypeNotFound({ id })
    return type
  }
  return {
    find,
    /** By id, else by name: as `group_type` of a new group. */
    async findByRef(ctx: Ctx, ref: string): Promise<GroupType> {
      const type = await database.read(ctx, 'find-group-type', async q => {
        const byId = isUuid(ref) ? await groupTypesDb(q).byId(ref.toLowerCase()) : undefined
        return byId ?? (await groupTypesDb(q).byName(ref))
      })
      if (!visible(ctx, type))
        throw isUuid(ref)
          ? groupFaults.GroupTypeNotFound({ id: ref })
          : groupFaults.GroupTypeNotFoundByName({ name: ref })
      return type
    },
    async theDefault(ctx: Ctx): Promise<GroupType> {
      const name = settings.defaultGroupType
      const type =
        name === '' ? undefined : await database.read(ctx, 'default-group-type', q => groupTypesDb(q).byName(name))
      if (type === undefined) throw groupFaults.GroupTypeDefaultMissing()
      return type
    },
    /** The type of consistency groups. */
    consistency: (ctx: Ctx): Promise<GroupType | undefined> =>
      database.read(ctx, 'consistency-type', q => groupTypesDb(q).byName(CONSISTENCY_TYPE)),
    /** `isPublic` null: both kinds; only administrators choose. */
    async list(
      ctx: Ctx,
      isPublic: boolean | null,
      request: ListRequest,
    ): Promise<{ page: GroupType[]; more: boolean }> {
      const wanted = isAdmin(ctx) ? isPublic : true
      const all = await database.read(ctx, 'list-group-types', q => groupTypesDb(q).all())
      return smallPage(
        all.filter(type => wanted === null || type.isPublic === wanted),
        request,
        SORTS,
        marker => groupFaults.GroupTypeNotFound({ id: marker }),
      )
    },
    async create(
      ctx: Ctx,
      wish: { name: string; description: string | null; isPublic: boolean; specs: Record<string, string | null> },
    ): Promise<GroupType> {
      const type: GroupType = { ...wish, id: ids.uuid(), createdAt: clock.now(), updatedAt: null }
      try {
        await database.tx(ctx, 'create-group-type', q => groupTypesDb(q).insert(type))
      } catch (error) {
        if (!isDuplicate(error)) throw error
        throw groupFaults.GroupTypeExists({ name: wish.name }, { cause: error })
      }
      return type
    },
    async update(
      ctx: Ctx,
      id: string,
      change: { name: string | null; description: string | null; isPublic: boolean | null },
    ): Promise<GroupType> {
      const { name, description, isPublic } = change
      if (name !== null && name !== '' && name.trim() === '')
        throw faults.BadRequest({ reason: 'Group type name can not be empty.' })
      if (name === null && description === null && isPublic === null)
        throw faults.BadRequest({ reason: 'Specify group type name, description or a combination thereof.' })
      const type = await find(ctx, id)
      try {
        await database.tx(ctx, 'update-group-type', q =>
          groupTypesDb(q).change(
            type.id,
            {
              ...(name === null || name === '' ? {} : { name }),
              ...(description === null ? {} : { description }),
              ...(isPublic === null ? {} : { isPublic }),
            },
            clock.now(),
          ),
        )
      } catch (error) {
        if (!isDuplicate(error)) throw error
        throw groupFaults.GroupTypeExists({ name: name ?? '' }, { cause: error })
      }
      return find(ctx, id)
    },
    async remove(ctx: Ctx, id: string): Promise<void> {
      const type = await find(ctx, id)
      await database.tx(ctx, 'delete-group-type', async q => {
        if (await groupTypesDb(q).isUsed(type.id)) throw groupFaults.GroupTypeInUse()
        await groupTypesDb(q).remove(type.id)
      })
    },
    async setSpecs(ctx: Ctx, id: string, specs: Readonly<Record<string, string | null>>): Promise<void> {
      const type = await find(ctx, id)
      await database.tx(ctx, 'set-group-specs', q => groupTypesDb(q).setSpecs(type.id, specs))
    },
    async dropSpec(ctx: Ctx, id: string, key: string): Promise<void> {
      const type = await find(ctx, id)
      if (!(await database.tx(ctx, 'drop-group-spec', q => groupTypesDb(q).dropSpec(type.id, key))))
        throw groupFaults.GroupSpecNotFound({ id: type.id, key })
    },
  }
}
export type GroupTypesDomain = ReturnType<typeof createGroupTypesDomain>
