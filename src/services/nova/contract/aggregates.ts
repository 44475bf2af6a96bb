// Host aggregates: named sets of hosts with properties; one of them, `availability_zone`, makes a zone of the set.
import { action, del, get, post, put } from '#kernel/contract/route.ts'
import { may, must, object } from '#kernel/contract/shape.ts'
import { any, bool, dict, int, list, literal, name, nullable, raw, text, uuid } from '#kernel/contract/shapes.ts'
import { faults } from '#services/nova/contract/faults.ts'
import { rules } from '#services/nova/contract/rules.ts'

const zone = raw<string | null>({
  anyOf: [{ type: 'string', format: 'name', minLength: 1, maxLength: 255, pattern: '^[^:]*$' }, { type: 'null' }],
})
const host = text({ min: 1, max: 255, pattern: '^[a-zA-Z0-9-._]*$' })

export const AggregateView = object({
  id: must(int()),
  uuid: must(uuid).since('2.41'),
  name: must(text()),
  hosts: must(list(text())),
  metadata: must(any),
  availability_zone: must(nullable(text())),
  created_at: must(text()),
  updated_at: must(nullable(text())),
  deleted: must(bool),
  deleted_at: must(literal(null)),
})

const at = '/v2.1/os-aggregates/{id}'
const actions = '/v2.1/os-aggregates/{id}/action'
const missing = [faults.AggregateNotFound, faults.BadRequest]
export const aggregates = {
  list: get('/v2.1/os-aggregates', { policy: rules.aggregatesIndex }),
  show: get(at, { policy: rules.aggregatesShow, faults: missing }),
  create: post('/v2.1/os-aggregates', {
    policy: rules.aggregatesCreate,
    body: object({ aggregate: must(object({ name: must(name()), availability_zone: may(zone) })) }),
    status: 200,
    faults: [faults.Conflict],
  }),
  update: put(at, {
    policy: rules.aggregatesUpdate,
    body: object({
      aggregate: must(
        object(
          {
            name: may(text({ min: 1, max: 255, format: 'name_with_leading_trailing_spaces' })),
            availability_zone: may(zone),
          },
          { rest: { anyOf: [{ required: ['name'] }, { required: ['availability_zone'] }] } },
        ),
      ),
    }),
    faults: [...missing, faults.Conflict],
  }),
  remove: del(at, { policy: rules.aggregatesDelete, status: 200, faults: missing }),
  addHost: action(actions, 'add_host', {
    policy: rules.aggregatesAddHost,
    body: object({ host: must(host) }),
    status: 200,
    faults: [...missing, faults.ComputeHostNotFound, faults.Conflict],
  }),
  removeHost: action(actions, 'remove_host', {
    policy: rules.aggregatesRemoveHost,
    body: object({ host: must(host) }),
    status: 200,
    faults: [...missing, faults.NotFound, faults.Conflict],
  }),
  setMetadata: action(actions, 'set_metadata', {
    policy: rules.aggregatesSetMetadata,
    body: object({
      metadata: must(dict(nullable(text({ max: 255 })), { key: '^[a-zA-Z0-9-_:. ]{1,255}$' })),
    }),
    status: 200,
    faults: missing,
  }),
}
