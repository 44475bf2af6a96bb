// Volume types over HTTP, with extra specs and access.
import { handlers, type HandlerTable } from '#kernel/http/handlers.ts'
import { presenter } from '#kernel/http/presenter.ts'
import { faults } from '#services/cinder/contract/faults.ts'
import { typeAccess, typeExtraSpecs, types, TypeView } from '#services/cinder/contract/types.ts'
import type { VolumeType } from '#services/cinder/db/types.ts'
import { lastOf, listRequest, pageLinks } from '#services/cinder/api/listing.ts'
import type { TypesDomain } from '#services/cinder/domain/types.ts'
import { pythonDict } from '#services/cinder/domain/python-dict.ts'

/** Null: both kinds. Absent: public ones. Throws 400 for no boolean. */
export function isPublicOf(value: string | undefined): boolean | null {
  if (value === undefined) return true
  const word = value.toLowerCase()
  if (word === 'none') return null
  if (['1', 't', 'true', 'on', 'y', 'yes'].includes(word)) return true
  if (['0', 'f', 'false', 'off', 'n', 'no'].includes(word)) return false
  throw faults.BadRequest({ reason: `Invalid is_public filter [${value}]` })
}
/** Answers to changes show less than others, as upstream's do. */
const without = (view: Record<string, unknown>, keys: readonly string[]): Record<string, unknown> =>
  Object.fromEntries(Object.entries(view).filter(([key]) => !keys.includes(key)))
const specsOf = (given: Readonly<Record<string, string | null>>): Record<string, string> =>
  Object.fromEntries(Object.entries(given).map(([key, value]) => [key, value ?? 'None']))

export function typeHandlers(api: { domain: TypesDomain; maxLimit: number }): HandlerTable[] {
  const { domain, maxLimit } = api
  /** The rules of fields are asked of the caller's own project. */
  const own = <C extends { ctx: { who: { projectId: string | null } | null } }>(call: C) =>
    presenter<VolumeType>()(
      TypeView,
      {
        id: t => t.id,
        name: t => t.name,
        is_public: t => t.isPublic,
        description: t => t.description,
        extra_specs: (t, _loaded, view) => domain.visibleSpecs(view.ctx, t),
        qos_specs_id: t => t.qosSpecsId ?? null,
        'os-volume-type-access:is_public': t => t.isPublic,
      },
      { target: () => ({ project_id: call.ctx.who?.projectId ?? '' }) },
    )
  return [
    handlers(types, {
      list: async call => {
        const query = lastOf(call.query)
        const specs =
          call.has('generalFilters') && query['extra_specs'] !== undefined ? pythonDict(query['extra_specs']) : null
        const { limit, offset, marker, sort } = listRequest(call, maxLimit)
        const { types: found, more } = await domain.list(call.ctx, {
          isPublic: isPublicOf(query['is_public']),
          extraSpecs: specs,
          sort,
          marker,
          limit,
          offset,
        })
        return {
          volume_types: await call.list(own(call), found),
          ...pageLinks(call, 'volume_type', more, found.at(-1)?.id),
        }
      },
      show: async call => ({
        volume_type: await call.show(own(call), await domain.find(call.ctx, call.params.id)),
      }),
      theDefault: async call => ({ volume_type: await call.show(own(call), await domain.theDefault(call.ctx)) }),
      create: async call => {
        const given = call.body.volume_type
        const made = await domain.create(call.ctx, {
          name: given.name,
          description: given.description ?? null,
          isPublic: given['os-volume-type-access:is_public'] ?? true,
          extraSpecs: specsOf(given.extra_specs ?? {}),
        })
        return { volume_type: without(await call.show(own(call), made), ['qos_specs_id']) }
      },
      update: async call => ({
        volume_type: without(
          await call.show(
            own(call),
            await domain.update(call.ctx, call.params.id, {
              ...(call.body.volume_type.name == null ? {} : { name: call.body.volume_type.name }),
              ...(call.body.volume_type.description === undefined
                ? {}
                : { description: call.body.volume_type.description }),
              ...(call.body.volume_type.is_public === undefined ? {} : { isPublic: call.body.volume_type.is_public }),
            }),
          ),
          ['qos_specs_id', 'os-volume-type-access:is_public'],
        ),
      }),
      remove: call => domain.remove(call.ctx, call.params.id),
    }),
    handlers(typeExtraSpecs, {
      list: async call => ({
        extra_specs: domain.visibleSpecs(call.ctx, await domain.find(call.ctx, call.params.type_id)),
      }),
      create: async call => {
        await domain.setSpecs(call.ctx, call.params.type_id, specsOf(call.body.extra_specs))
        return { extra_specs: call.body.extra_specs }
      },
      show: async call => {
        const { type_id, key } = call.params
        const value = domain.visibleSpecs(call.ctx, await domain.find(call.ctx, type_id))[key]
        if (value === undefined) throw faults.ExtraSpecNotFound({ id: type_id, key })
        return { [key]: value }
      },
      set: async call => {
        if (!Object.hasOwn(call.body, call.params.key))
          throw faults.BadRequest({ reason: 'Request body and URI mismatch' })
        await domain.setSpecs(call.ctx, call.params.type_id, specsOf(call.body))
        return call.body
      },
      remove: call => domain.dropSpec(call.ctx, call.params.type_id, call.params.key),
    }),
    handlers(typeAccess, {
      list: async call => ({
        volume_type_access: (await domain.accessList(call.ctx, call.params.id)).map(project => ({
          volume_type_id: call.params.id,
          project_id: project,
        })),
      }),
      add: call => domain.grant(call.ctx, call.params.id, call.body.project),
      remove: call => domain.revoke(call.ctx, call.params.id, call.body.project),
    }),
  ]
}
