// OAuth consumers. The secret is told once, when one is made.
import type { Rule } from '#kernel/contract/rule.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import { faults } from '#services/keystone/contract/faults.ts'
import { rules } from '#services/keystone/contract/rules.ts'
import {
  findConsumer,
  insertConsumer,
  listConsumers,
  removeConsumer,
  updateConsumer,
  type Consumer,
} from '#services/keystone/db/consumers.ts'
import type { Query } from '#services/keystone/db/ledger.ts'
import type { Extra } from '#services/keystone/db/tables.ts'
import { mergeExtras } from '#services/keystone/domain/common.ts'
import { enforce, type DomainTools } from '#services/keystone/domain/tools.ts'

export interface ConsumerWish {
  readonly description?: string | null | undefined
  readonly extra: Extra
}
export interface Consumers {
  list(ctx: Ctx): Promise<Consumer[]>
  find(ctx: Ctx, id: string): Promise<Consumer>
  create(ctx: Ctx, wish: ConsumerWish): Promise<{ readonly consumer: Consumer; readonly secret: string }>
  update(ctx: Ctx, id: string, wish: ConsumerWish): Promise<Consumer>
  remove(ctx: Ctx, id: string): Promise<void>
}

export function createConsumers(tools: DomainTools): Consumers {
  const { ledger, ids, clock, credentialSeal } = tools
  const load = async (ctx: Ctx, q: Query, id: string, rule: Rule): Promise<Consumer> => {
    enforce(tools, ctx, rule, {})
    const consumer = await findConsumer(q, id)
    if (consumer === null) throw faults.ConsumerNotFound({ id })
    return consumer
  }
  return {
    list: ctx => {
      enforce(tools, ctx, rules.listConsumers, {})
      return ledger.read(ctx, 'list-consumers', listConsumers)
    },
    find: (ctx, id) => ledger.read(ctx, 'find-consumer', q => load(ctx, q, id, rules.getConsumer)),
    async create(ctx, wish) {
      enforce(tools, ctx, rules.createConsumer, {})
      const secret = ids.hex()
      const consumer: Consumer = {
        id: ids.hex(),
        description: wish.description ?? null,
        secret: credentialSeal.seal(new TextEncoder().encode(secret), clock.now()),
        extra: mergeExtras({}, wish.extra),
      }
      await ledger.note(ctx, 'create-consumer', q => insertConsumer(q, consumer))
      return { consumer, secret }
    },
    update: (ctx, id, wish) =>
      ledger.note(ctx, 'update-consumer', async q => {
        const old = await load(ctx, q, id, rules.updateConsumer)
        const consumer: Consumer = {
          ...old,
          description: wish.description === undefined ? old.description : wish.description,
          extra: mergeExtras(old.extra, wish.extra),
        }
        await updateConsumer(q, consumer)
        return consumer
      }),
    async remove(ctx, id) {
      // Its tokens end with it.
      await ledger.write(ctx, 'remove-consumer', async q => {
        await load(ctx, q, id, rules.deleteConsumer)
        await removeConsumer(q, id)
      })
    },
  }
}
