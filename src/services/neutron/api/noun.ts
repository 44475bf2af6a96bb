// What the handlers of all regular nouns do alike: read the body, call the verb, present, put it under the right key.
import type { AnyResource } from '#kernel/contract/resource.ts'
import type { Call } from '#kernel/http/handlers.ts'
import type { Presenter } from '#kernel/http/presenter.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import { faults } from '#services/neutron/contract/faults.ts'
import { fieldsOf, listCall, onlyFields, pageLinks } from '#services/neutron/api/listing.ts'
import type { Listing } from '#services/neutron/db/listing.ts'
import type { Standard } from '#services/neutron/db/standard.ts'

type Query = Readonly<Record<string, string | string[]>>
type AnyCall = Omit<Call, 'params' | 'body' | 'query'>

/** `If-Match: revision_number=3` → 3; null without it. @throws BadRequest */
export function wantedRevision(headers: Readonly<Record<string, string | undefined>>): number | null {
  const tags = (headers['if-match'] ?? '')
    .split(',')
    .map(tag => tag.trim().replace(/^(W\/)?"(.*)"$/, '$2'))
    .filter(tag => tag.startsWith('revision_number='))
  if (tags.length > 1)
    throw faults.BadRequest({ resource: 'if-match', msg: 'Multiple revision_number etags are not supported.' })
  const [tag] = tags
  if (tag === undefined) return null
  const text = tag.slice('revision_number='.length)
  if (!/^\d{1,15}$/.test(text))
    throw faults.BadRequest({
      resource: 'if-match',
      msg: 'Revision number etag must be in the format of revision_number=<int>',
    })
  return Number(text)
}

export interface NounVerbs<E> {
  readonly of: AnyResource
  readonly present: Presenter<E>
}

/** The answers of a noun. */
export function noun<E extends { readonly id: string }>({ of, present }: NounVerbs<E>) {
  const presented = async (call: AnyCall, entities: readonly E[], query: Query): Promise<Record<string, unknown>[]> =>
    onlyFields(await call.list(present, entities), fieldsOf(query))
  return {
    async list(
      call: AnyCall & { query: Query },
      verb: (ctx: Ctx, listing: Listing) => Promise<readonly E[]>,
    ): Promise<object> {
      const { listing } = listCall(of, call.query)
      const found = await verb(call.ctx, listing)
      return {
        [of.plural]: await presented(call, found, call.query),
        ...pageLinks(
          call,
          of.plural,
          listing,
          found.map(one => one.id),
        ),
      }
    },
    async show(
      call: AnyCall & { query: Query; params: { id: string } },
      verb: (ctx: Ctx, id: string) => Promise<E>,
    ): Promise<object> {
      const [shown] = await presented(call, [await verb(call.ctx, call.params.id)], call.query)
      return { [of.name]: shown ?? {} }
    },
    /** One, or several at once. */
    async create<B>(
      call: AnyCall & { body: Partial<Record<string, B | B[]>> | undefined },
      verb: (ctx: Ctx, bodies: readonly B[]) => Promise<readonly E[]>,
    ): Promise<object> {
      const many = call.body?.[of.plural]
      if (Array.isArray(many)) return { [of.plural]: await presented(call, await verb(call.ctx, many), {}) }
      const one = call.body?.[of.name]
      if (one === undefined) throw faults.HTTPBadRequest({ reason: `Unable to find '${of.name}' in request body` })
      const [shown] = await presented(call, await verb(call.ctx, [one as B]), {})
      return { [of.name]: shown ?? {} }
    },
    async update<B>(
      call: AnyCall & { body: Partial<Record<string, B>> | undefined; params: { id: string } },
      verb: (ctx: Ctx, id: string, body: B, revision: number | null) => Promise<E>,
    ): Promise<object> {
      const body = call.body?.[of.name]
      if (body === undefined) throw faults.HTTPBadRequest({ reason: `Unable to find '${of.name}' in request body` })
      const [shown] = await presented(
        call,
        [await verb(call.ctx, call.params.id, body, wantedRevision(call.headers))],
        {},
      )
      return { [of.name]: shown ?? {} }
    },
    async remove(
      call: AnyCall & { params: { id: string } },
      verb: (ctx: Ctx, id: string, revision: number | null) => Promise<void>,
    ): Promise<void> {
      await verb(call.ctx, call.params.id, wantedRevision(call.headers))
    },
  }
}

/** `2026-11-22T13:48:02Z`: Neutron shows whole seconds. */
export const seconds = (time: string): string => `${time.slice(0, 19)}Z`

/** Rows of presenters that every noun has. */
export const ownerView = {
  id: (it: Standard) => it.id,
  project_id: (it: Standard) => it.projectId,
  tenant_id: (it: Standard) => it.projectId,
}
export const storyView = {
  description: (it: Standard) => it.description,
  created_at: (it: Standard) => seconds(it.createdAt),
  updated_at: (it: Standard) => seconds(it.updatedAt),
  revision_number: (it: Standard) => it.revision,
}
