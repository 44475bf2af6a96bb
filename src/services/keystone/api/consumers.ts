// OAuth consumers over HTTP.
import { handlers, type Call, type HandlerTable } from '#kernel/http/handlers.ts'
import { collection, selfLink } from '#services/keystone/api/lists.ts'
import { consumers } from '#services/keystone/contract/consumers.ts'
import type { Consumer } from '#services/keystone/db/consumers.ts'
import { extrasOf } from '#services/keystone/domain/common.ts'
import type { Consumers, ConsumerWish } from '#services/keystone/domain/consumers.ts'

const wishOf = (body: { readonly description?: string | null }): ConsumerWish => ({
  description: body.description,
  extra: extrasOf(body, ['description', 'secret']),
})
const wire = (call: Pick<Call, 'base'>, it: Consumer): object => ({
  ...it.extra,
  id: it.id,
  description: it.description,
  links: selfLink(call, 'OS-OAUTH1/consumers', it.id),
})

export const consumerHandlers = (verbs: Consumers): HandlerTable =>
  handlers(consumers, {
    list: async call => collection(call, 'consumers', await verbs.list(call.ctx), row => wire(call, row)),
    create: async call => {
      const { consumer, secret } = await verbs.create(call.ctx, wishOf(call.body.consumer))
      return { consumer: { ...wire(call, consumer), secret } }
    },
    show: async call => ({ consumer: wire(call, await verbs.find(call.ctx, call.params.consumer_id)) }),
    update: async call => ({
      consumer: wire(call, await verbs.update(call.ctx, call.params.consumer_id, wishOf(call.body.consumer))),
    }),
    remove: call => verbs.remove(call.ctx, call.params.consumer_id),
  })
