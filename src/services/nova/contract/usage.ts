// What projects used in a stretch of time, server by server.
import { get } from '#kernel/contract/route.ts'
import { may, object } from '#kernel/contract/shape.ts'
import { intLike, repeated, text } from '#kernel/contract/shapes.ts'
import { faults } from '#services/nova/contract/faults.ts'
import { rules } from '#services/nova/contract/rules.ts'

const some = may(repeated(text()))
const period = {
  start: some,
  end: some,
  limit: may(repeated(intLike({ min: 0 }))).since('2.40'),
  marker: may(repeated(text())).since('2.40'),
}
const refused = { extra: { refusedFrom: '2.75' } } as const

export const usage = {
  list: get('/v2.1/os-simple-tenant-usage', {
    policy: rules.simpleTenantUsageList,
    query: object({ ...period, detailed: some }, refused),
    switches: { paged: '2.40' },
    faults: [faults.BadRequest],
  }),
  show: get('/v2.1/os-simple-tenant-usage/{project}', {
    policy: rules.simpleTenantUsageShow,
    query: object(period, refused),
    switches: { paged: '2.40' },
    faults: [faults.BadRequest],
  }),
}
