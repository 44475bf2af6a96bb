// The answers of nouns that belong to one other thing: a port's bindings, a floating IP's forwardings, a router's helpers.
import type { AnyResource } from '#kernel/contract/resource.ts'
import type { Call } from '#kernel/http/handlers.ts'
import type { Presenter } from '#kernel/http/presenter.ts'
import { faults } from '#services/neutron/contract/faults.ts'
import { fieldsOf, onlyFields } from '#services/neutron/api/listing.ts'
import { smallList } from '#services/neutron/api/small-list.ts'

type Query = Readonly<Record<string, string | string[]>>
type AnyCall = Omit<Call, 'params' | 'body' | 'query'>
type Body<B> = Partial<Record<string, B | B[]>> | undefined

export function children<E>(of: AnyResource, present: Presenter<E>, key = 'id') {
  const one = <B>(body: Body<B>): B => {
    const found = body?.[of.name]
    if (found === undefined || Array.isArray(found))
      throw faults.HTTPBadRequest({ reason: `Unable to find '${of.name}' in request body` })
    return found
  }
  return {
    list: async (call: AnyCall & { query: Query }, found: readonly E[]): Promise<object> =>
      smallList(of, call, await call.list(present, found), key),
    show: async (call: AnyCall & { query: Query }, found: E): Promise<object> => ({
      [of.name]: onlyFields([await call.show(present, found)], fieldsOf(call.query))[0] ?? {},
    }),
    /** One, or several at once. */
    create: async <B>(
      call: AnyCall & { body: Body<B> },
      verb: (bodies: readonly B[]) => Promise<readonly E[]>,
    ): Promise<object> => {
      const many = call.body?.[of.plural]
      if (Array.isArray(many)) return { [of.plural]: await call.list(present, await verb(many)) }
      const [made] = await call.list(present, await verb([one(call.body)]))
      return { [of.name]: made ?? {} }
    },
    update: async <B>(
      call: AnyCall & { body: Partial<Record<string, B>> | undefined },
      verb: (body: B) => Promise<E>,
    ) => ({
      [of.name]: await call.show(present, await verb(one(call.body as Body<B>))),
    }),
  }
}
