// Images for the hosts of an aggregate: told to each in turn, while the client has its answer already.
import { handlers, type HandlerTable } from '#kernel/http/handlers.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import { aggregateImages } from '#services/nova/contract/aggregate-images.ts'
import { faults } from '#services/nova/contract/faults.ts'
import type { Aggregates } from '#services/nova/domain/aggregates.ts'
import type { ImageWarming } from '#services/nova/domain/image-warming.ts'

export const aggregateImageHandlers = (aggregates: Pick<Aggregates, 'find'>, warm: ImageWarming): HandlerTable =>
  handlers(aggregateImages, {
    cache: async call => {
      const ids = call.body.cache.map(image => image.id)
      if (new Set(ids).size !== ids.length) throw faults.BadRequest({ reason: 'Duplicate images in request' })
      const { hosts } = await aggregates.find(call.ctx, call.params.id)
      const { signal: _ofTheRequest, ...ctx }: Ctx = call.ctx
      void warm(ctx, hosts, ids)
    },
  })
