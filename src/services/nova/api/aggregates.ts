// Host aggregates over HTTP.
import { handlers, type HandlerTable } from '#kernel/http/handlers.ts'
import { presenter } from '#kernel/http/presenter.ts'
import { isoMicros } from '#kernel/lib/clock.ts'
import { aggregates, AggregateView } from '#services/nova/contract/aggregates.ts'
import type { Aggregate } from '#services/nova/db/aggregates.ts'
import type { Aggregates } from '#services/nova/domain/aggregates.ts'

const whole = presenter<Aggregate>()(AggregateView, {
  id: a => a.id,
  uuid: a => a.uuid,
  name: a => a.name,
  hosts: a => [...a.hosts],
  metadata: a => a.metadata,
  availability_zone: a => a.metadata['availability_zone'] ?? null,
  created_at: a => isoMicros(a.createdAt),
  updated_at: a => (a.updatedAt === null ? null : isoMicros(a.updatedAt)),
  deleted: () => false,
  deleted_at: () => null,
})

export const aggregateHandlers = (domain: Aggregates): HandlerTable =>
  handlers(aggregates, {
    list: async call => ({ aggregates: await call.list(whole, await domain.list(call.ctx)) }),
    show: async call => ({ aggregate: await call.show(whole, await domain.find(call.ctx, call.params.id)) }),
    create: async call => {
      const given = call.body.aggregate
      const made = await domain.create(call.ctx, given.name, given.availability_zone ?? null)
      // compat: creation does not say what is always empty
      const { hosts: _hosts, metadata: _metadata, ...shown } = await call.show(whole, made)
      return { aggregate: shown }
    },
    update: async call => {
      const given = call.body.aggregate
      const after = await domain.update(call.ctx, call.params.id, {
        ...(given.name === undefined ? {} : { name: given.name }),
        ...(given.availability_zone === undefined ? {} : { zone: given.availability_zone }),
      })
      return { aggregate: await call.show(whole, after) }
    },
    remove: call => domain.remove(call.ctx, call.params.id),
    addHost: async call => ({
      aggregate: await call.show(whole, await domain.addHost(call.ctx, call.params.id, call.body.host)),
    }),
    removeHost: async call => ({
      aggregate: await call.show(whole, await domain.removeHost(call.ctx, call.params.id, call.body.host)),
    }),
    setMetadata: async call => ({
      aggregate: await call.show(whole, await domain.setMetadata(call.ctx, call.params.id, call.body.metadata)),
    }),
  })
