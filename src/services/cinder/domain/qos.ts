// QoS specs: made, changed, tied to volume types and let go.
import { wordTable } from '#kernel/lib/word-table.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import { isDuplicate } from '#kernel/db/errors.ts'
import { groupFaults } from '#services/cinder/contract/group-faults.ts'
import { faults } from '#services/cinder/contract/faults.ts'
import { qosDb, type QosSpecs } from '#services/cinder/db/qos.ts'
import { isUuid } from '#services/cinder/domain/find.ts'
import type { ListRequest } from '#services/cinder/domain/listing.ts'
import { smallPage } from '#services/cinder/domain/small-lists.ts'
import type { DomainTools } from '#services/cinder/domain/tools.ts'
import type { TypesDomain } from '#services/cinder/domain/types.ts'

const CONSUMERS = ['back-end', 'front-end', 'both']
const SORTS: Readonly<Record<string, (one: QosSpecs) => string | number>> = wordTable<
  (one: QosSpecs) => string | number
>({
  name: one => one.name,
  consumer: one => one.consumer,
  created_at: one => one.createdAt,
  updated_at: one => one.updatedAt ?? 0,
})

/** Splits `consumer` off and looks at the lengths of keys and values. Throws 400. */
function readSpecs(given: Readonly<Record<string, unknown>>): {
  consumer: string | null
  specs: Record<string, string | null>
} {
  const specs: Record<string, string | null> = {}
  let consumer: string | null = null
  for (const [key, value] of Object.entries(given)) {
    if (key === '' || key.length > 255)
      throw faults.InvalidInput({ reason: `Key "${key.slice(0, 255)}" must have 1 to 255 characters.` })
    if (value !== null && typeof value !== 'string')
      throw faults.InvalidInput({ reason: `Value for key "${key}" is not a string or unicode` })
    if (value !== null && value.length > 255)
      throw faults.InvalidInput({ reason: `Value for key "${key}" has ${value.length} characters, more than 255.` })
    if (key !== 'consumer') specs[key] = value
    else if (value !== null && value !== '') consumer = value
  }
  if (consumer !== null && !CONSUMERS.includes(consumer))
    throw groupFaults.InvalidQosSpecs({
      reason: `Valid consumer of QoS specs are: ['back-end', 'front-end', 'both'], not ${consumer}`,
    })
  return { consumer, specs }
}

export const createQosDomain = (tools: DomainTools & { readonly types: TypesDomain }) => {
  const { database, clock, ids, types } = tools
  const find = async (ctx: Ctx, id: string): Promise<QosSpecs> => {
    const found = isUuid(id) ? await database.read(ctx, 'find-qos', q => qosDb(q).byId(id.toLowerCase())) : undefined
    if (found === undefined) throw groupFaults.QosSpecsNotFound({ id })
    return found
  }
  return {
    find,
    async list(ctx: Ctx, request: ListRequest): Promise<{ page: QosSpecs[]; more: boolean }> {
      const { id, name, consumer } = request.filters
      const all = await database.read(ctx, 'list-qos', q => qosDb(q).all())
      const fitting = all.filter(
        one =>
          (id === undefined || one.id === id) &&
          (name === undefined || one.name === name) &&
          (consumer === undefined || one.consumer === consumer),
      )
      return smallPage(fitting, request, SORTS, marker => groupFaults.QosSpecsNotFound({ id: marker }))
    },
    async create(ctx: Ctx, name: string, given: Readonly<Record<string, unknown>>): Promise<QosSpecs> {
      const { consumer, specs } = readSpecs(given)
      const made: QosSpecs = {
        id: ids.uuid(),
        name,
        consumer: consumer ?? 'back-end',
        specs,
        createdAt: clock.now(),
        updatedAt: null,
      }
      try {
        await database.tx(ctx, 'create-qos', q => qosDb(q).insert(made))
      } catch (error) {
        if (!isDuplicate(error)) throw error
        throw groupFaults.QosSpecsExists({ name }, { cause: error })
      }
      return made
    },
    async update(ctx: Ctx, id: string, given: Readonly<Record<string, unknown>>): Promise<void> {
      const qos = await find(ctx, id)
      const { consumer, specs } = readSpecs(given)
      await database.tx(ctx, 'update-qos', q => qosDb(q).change(qos.id, consumer, specs, clock.now()))
    },
    /** `force` lets go of the types that have it. Throws 400 while one has it. */
    async remove(ctx: Ctx, id: string, force: boolean): Promise<void> {
      const qos = await find(ctx, id)
      await database.tx(ctx, 'delete-qos', async q => {
        if (force) await qosDb(q).disassociate(qos.id, null)
        else if ((await qosDb(q).typesOf(qos.id)).length > 0) throw groupFaults.QosSpecsInUse()
        await qosDb(q).remove(qos.id)
      })
    },
    /** Keys before the first one there is none of are gone all the same, as upstream's are. */
    async dropKeys(ctx: Ctx, id: string, keys: readonly string[]): Promise<void> {
      const qos = await find(ctx, id)
      const missing = await database.tx(ctx, 'drop-qos-keys', async q => {
        for (const key of keys) if (!(await qosDb(q).dropKey(qos.id, key, clock.now()))) return key
        return null
      })
      if (missing !== null) throw groupFaults.QosSpecsKeyNotFound({ id: qos.id, key: missing })
    },
    async associations(ctx: Ctx, id: string): Promise<{ id: string; name: string }[]> {
      const qos = await find(ctx, id)
      return database.read(ctx, 'qos-types', q => qosDb(q).typesOf(qos.id))
    },
    async associate(ctx: Ctx, id: string, typeId: string): Promise<void> {
      const qos = await find(ctx, id)
      const type = await types.find(ctx, typeId)
      await database.tx(ctx, 'associate-qos', async q => {
        const other = await qosDb(q).ofType(type.id)
        if (other !== null && other !== qos.id)
          throw groupFaults.InvalidVolumeType({
            reason: `Type ${type.id} is already associated with another qos specs: ${other}`,
          })
        await qosDb(q).associate(qos.id, type.id)
      })
    },
    /** `typeId` null: from all types. */
    async disassociate(ctx: Ctx, id: string, typeId: string | null): Promise<void> {
      const qos = await find(ctx, id)
      const type = typeId === null ? null : await types.find(ctx, typeId)
      await database.tx(ctx, 'disassociate-qos', q => qosDb(q).disassociate(qos.id, type?.id ?? null))
    },
  }
}
export type QosDomain = ReturnType<typeof createQosDomain>
