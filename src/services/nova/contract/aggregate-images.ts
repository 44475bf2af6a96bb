// Images that the hosts of an aggregate are to have at hand before anybody boots from them.
import { post } from '#kernel/contract/route.ts'
import { must, object } from '#kernel/contract/shape.ts'
import { list, uuid } from '#kernel/contract/shapes.ts'
import { faults } from '#services/nova/contract/faults.ts'
import { rules } from '#services/nova/contract/rules.ts'

export const aggregateImages = {
  cache: post('/v2.1/os-aggregates/{id}/images', {
    policy: rules.computeAggregatesImages,
    since: '2.81',
    body: object({ cache: must(list(object({ id: must(uuid) }), { min: 1 })) }),
    status: 202,
    faults: [faults.AggregateNotFound, faults.BadRequest],
  }),
}
