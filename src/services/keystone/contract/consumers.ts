// OAuth 1 consumers: programs that may ask users for access.
import { del, get, patch, post } from '#kernel/contract/route.ts'
import { may, must, object } from '#kernel/contract/shape.ts'
import { faults } from '#services/keystone/contract/faults.ts'
import { rules } from '#services/keystone/contract/rules.ts'
import { freeText, open } from '#services/keystone/contract/shapes.ts'

export const consumers = {
  list: get('/v3/OS-OAUTH1/consumers', { policy: rules.listConsumers }),
  create: post('/v3/OS-OAUTH1/consumers', {
    policy: rules.createConsumer,
    body: object({ consumer: must(object({ description: may(freeText) }, open)) }),
  }),
  show: get('/v3/OS-OAUTH1/consumers/{consumer_id}', {
    policy: rules.getConsumer,
    faults: [faults.ConsumerNotFound],
  }),
  update: patch('/v3/OS-OAUTH1/consumers/{consumer_id}', {
    policy: rules.updateConsumer,
    body: object({
      consumer: must(
        object({ description: may(freeText) }, { ...open, minProperties: 1, rest: { not: { required: ['secret'] } } }),
      ),
    }),
    faults: [faults.ConsumerNotFound],
  }),
  remove: del('/v3/OS-OAUTH1/consumers/{consumer_id}', {
    policy: rules.deleteConsumer,
    faults: [faults.ConsumerNotFound],
  }),
}
