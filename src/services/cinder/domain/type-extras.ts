// Encryption of volume types, and the default types of projects.
import type { Ctx } from '#kernel/lib/context.ts'
import { faults } from '#services/cinder/contract/faults.ts'
import { groupFaults } from '#services/cinder/contract/group-faults.ts'
import { rules } from '#services/cinder/contract/rules.ts'
import {
  defaultTypesDb,
  encryptionDb,
  type DefaultType,
  type EncryptionChange,
  type TypeEncryption,
} from '#services/cinder/db/type-extras.ts'
import { volumesDb } from '#services/cinder/db/volumes.ts'
import { demand } from '#services/cinder/domain/find.ts'
import type { DomainTools } from '#services/cinder/domain/tools.ts'
import type { TypesDomain } from '#services/cinder/domain/types.ts'

type Tools = DomainTools & { readonly types: TypesDomain }

export const createTypeEncryptionDomain = ({ database, clock, ids, types }: Tools) => {
  const demandUnused = async (ctx: Ctx, typeId: string, verb: string): Promise<void> => {
    if (await database.read(ctx, 'type-used', q => volumesDb(q).isTypeUsed(typeId.toLowerCase())))
      throw faults.BadRequest({ reason: `Cannot ${verb} encryption specs. Volume type in use.` })
  }
  const of = (ctx: Ctx, typeId: string): Promise<TypeEncryption | undefined> =>
    database.read(ctx, 'type-encryption', q => encryptionDb(q).ofType(typeId))
  return {
    /** Undefined when the type has none. Throws 404 for a type there is none of. */
    async ofType(ctx: Ctx, typeId: string): Promise<TypeEncryption | undefined> {
      return of(ctx, (await types.find(ctx, typeId)).id)
    },
    async create(
      ctx: Ctx,
      typeId: string,
      wish: { provider: string; controlLocation: string; cipher: string | null; keySize: number | null },
    ): Promise<string> {
      await demandUnused(ctx, typeId, 'create')
      const type = await types.find(ctx, typeId)
      const made = { ...wish, id: ids.uuid(), typeId: type.id, createdAt: clock.now(), updatedAt: null }
      if (!(await database.tx(ctx, 'encrypt-type', q => encryptionDb(q).insert(made))))
        throw groupFaults.TypeEncryptionExists({ id: type.id })
      return made.id
    },
    async update(ctx: Ctx, typeId: string, change: EncryptionChange): Promise<void> {
      const type = await types.find(ctx, typeId)
      await demandUnused(ctx, type.id, 'update')
      if (!(await database.tx(ctx, 'update-encryption', q => encryptionDb(q).change(type.id, change, clock.now()))))
        throw groupFaults.TypeEncryptionNotFound({ id: type.id })
    },
    async remove(ctx: Ctx, typeId: string): Promise<void> {
      await demandUnused(ctx, typeId, 'delete')
      if (!(await database.tx(ctx, 'delete-encryption', q => encryptionDb(q).remove(typeId.toLowerCase()))))
        throw groupFaults.TypeEncryptionNotFound({ id: typeId })
    },
  }
}
export type TypeEncryptionDomain = ReturnType<typeof createTypeEncryptionDomain>

export const createDefaultTypesDomain = (tools: Tools) => {
  const { database, types } = tools
  /** 404 when Keystone knows no such project. */
  const demandProject = async (ctx: Ctx, projectId: string): Promise<void> => {
    if (!(await tools.keystone.projectExists(ctx, projectId))) throw groupFaults.ProjectNotFound({ id: projectId })
  }
  return {
    list: (ctx: Ctx): Promise<DefaultType[]> => database.read(ctx, 'default-types', q => defaultTypesDb(q).all()),
    async show(ctx: Ctx, projectId: string): Promise<DefaultType> {
      demand(tools, ctx, rules.defaultGet, { project_id: projectId })
      await demandProject(ctx, projectId)
      const typeId = await database.read(ctx, 'default-type-of', q => defaultTypesDb(q).of(projectId))
      if (typeId === null) throw groupFaults.DefaultTypeOfProjectNotFound({ id: projectId })
      return { projectId, typeId }
    },
    async set(ctx: Ctx, projectId: string, ref: string): Promise<DefaultType> {
      demand(tools, ctx, rules.defaultSetOrUpdate, { project_id: projectId })
      await demandProject(ctx, projectId)
      const type = await types.findByRef(ctx, ref).catch((error: unknown) => {
        const { status, message } = error as { status?: number; message: string }
        throw status === 404 ? faults.BadRequest({ reason: message }, { cause: error }) : error
      })
      await database.tx(ctx, 'set-default-type', q => defaultTypesDb(q).set(projectId, type.id))
      return { projectId, typeId: type.id }
    },
    /** Also of a project that is gone. */
    async unset(ctx: Ctx, projectId: string): Promise<void> {
      demand(tools, ctx, rules.defaultUnset, { project_id: projectId })
      await database.tx(ctx, 'unset-default-type', q => defaultTypesDb(q).unset(projectId))
    },
  }
}
export type DefaultTypesDomain = ReturnType<typeof createDefaultTypesDomain>
