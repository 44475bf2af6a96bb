// Services: what runs where, and whether new servers may be put there. Ids are numbers before 2.53, UUIDs from then on.
import { del, get, put } from '#kernel/contract/route.ts'
import { may, must, object } from '#kernel/contract/shape.ts'
import { bool, boolLike, nullable, raw, repeated, text, words } from '#kernel/contract/shapes.ts'
import { faults } from '#services/nova/contract/faults.ts'
import { rules } from '#services/nova/contract/rules.ts'

export const ServiceView = object({
  id: must(raw<number | string>({ type: ['integer', 'string'] })),
  binary: must(text()),
  host: must(text()),
  zone: must(text()),
  status: must(text()),
  state: must(text()),
  updated_at: must(nullable(text())),
  disabled_reason: must(nullable(text())),
  forced_down: must(bool).since('2.11'),
})

const host = text({ min: 1, max: 255, pattern: '^[a-zA-Z0-9-._]*$' })
const reason = text({ min: 1, max: 255 })
const at = '/v2.1/os-services/{id}'
const missing = [faults.NotFound, faults.BadRequest]
export const services = {
  list: get('/v2.1/os-services', {
    policy: rules.servicesList,
    query: object({ host: may(repeated(text())), binary: may(repeated(text())) }, { extra: { refusedFrom: '2.75' } }),
  }),
  /** `{id}` is what is to be done: enable, disable, disable-log-reason, force-down. */
  act: put(at, {
    policy: rules.servicesUpdate,
    until: '2.52',
    body: object({
      host: must(host),
      binary: must(text({ min: 1, max: 255 })),
      disabled_reason: may(reason),
      forced_down: may(boolLike).since('2.11'),
    }),
    switches: { forceDown: '2.11' },
    faults: missing,
  }),
  update: put(at, {
    policy: rules.servicesUpdate,
    since: '2.53',
    body: object({
      status: may(words('enabled', 'disabled')),
      disabled_reason: may(reason),
      forced_down: may(boolLike),
    }),
    faults: [...missing, faults.ServiceNotFound],
  }),
  remove: del(at, { policy: rules.servicesDelete, faults: [...missing, faults.Conflict] }),
}
