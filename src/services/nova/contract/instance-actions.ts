// What was asked of a server, and what became of each.
import { get } from '#kernel/contract/route.ts'
import { may, must, object } from '#kernel/contract/shape.ts'
import { any, intLike, list, nullable, repeated, text } from '#kernel/contract/shapes.ts'
import { faults } from '#services/nova/contract/faults.ts'
import { rules } from '#services/nova/contract/rules.ts'

export const ActionView = object({
  action: must(text()),
  instance_uuid: must(text()),
  request_id: must(text()),
  user_id: must(nullable(text())),
  project_id: must(nullable(text())),
  start_time: must(text()),
  message: must(nullable(text())),
  updated_at: must(text()).since('2.58'),
  /** In single ones only. */
  events: may(list(any)),
})

const time = repeated(text({ format: 'date-time' }))
const missing = [faults.InstanceNotFound]
export const instanceActions = {
  list: get('/v2.1/servers/{server}/os-instance-actions', {
    policy: rules.instanceActionsList,
    query: object(
      {
        limit: may(repeated(intLike({ min: 0 }))).since('2.58'),
        marker: may(repeated(text())).since('2.58'),
        'changes-since': may(time).since('2.58'),
        'changes-before': may(time).since('2.66'),
      },
      { extra: { refusedFrom: '2.58' } },
    ),
    switches: { ofDeleted: '2.21', paged: '2.58' },
    faults: [...missing, faults.BadRequest],
  }),
  show: get('/v2.1/servers/{server}/os-instance-actions/{request}', {
    policy: rules.instanceActionsShow,
    switches: { ofDeleted: '2.21', eventsForOwners: '2.51', hosts: '2.62', details: '2.84' },
    faults: [...missing, faults.NotFound],
  }),
}
