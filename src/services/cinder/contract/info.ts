// What there is: versions, extensions, zones, filters, services, pools and messages.
import { del, get, put } from '#kernel/contract/route.ts'
import { may, must, object } from '#kernel/contract/shape.ts'
import { nullable, raw, text } from '#kernel/contract/shapes.ts'
import { faults } from '#services/cinder/contract/faults.ts'
import { rules } from '#services/cinder/contract/rules.ts'
import { listQuery } from '#services/cinder/contract/volumes.ts'

export const discovery = {
  versions: get('/', { policy: 'public', status: 300 }),
  version: get('/v3', { policy: 'public' }),
  extensions: get('/v3/extensions', { policy: 'authenticated' }),
  zones: get('/v3/os-availability-zone', { policy: 'authenticated' }),
  filters: get('/v3/resource_filters', { policy: 'authenticated', since: '3.33', query: listQuery }),
  pools: get('/v3/scheduler-stats/get_pools', {
    policy: rules.schedulerExtensionSchedulerStatsGetPools,
    query: listQuery,
    switches: { filters: '3.28', typeFilter: '3.35' },
  }),
}

const switchBody = object({
  binary: may(text({ min: 1, max: 255 })),
  host: may(nullable(text({ max: 255 }))),
  cluster: may(nullable(text({ max: 255 }))),
  service: may(text({ min: 1, max: 255 })),
})
export const serviceRoutes = {
  list: get('/v3/os-services', {
    policy: rules.servicesIndex,
    query: listQuery,
    switches: { cluster: '3.7', backendState: '3.49' },
  }),
  enable: put('/v3/os-services/enable', {
    policy: rules.servicesUpdate,
    body: switchBody,
    faults: [faults.ServiceNotFound, faults.InvalidInput],
  }),
  disable: put('/v3/os-services/disable', {
    policy: rules.servicesUpdate,
    body: switchBody,
    faults: [faults.ServiceNotFound, faults.InvalidInput],
  }),
  disableWithReason: put('/v3/os-services/disable-log-reason', {
    policy: rules.servicesUpdate,
    body: object({
      binary: may(text({ min: 1, max: 255 })),
      host: may(nullable(text({ max: 255 }))),
      cluster: may(nullable(text({ max: 255 }))),
      service: may(text({ min: 1, max: 255 })),
      disabled_reason: must(raw<string>({ type: 'string', minLength: 1, maxLength: 255 })),
    }),
    faults: [faults.ServiceNotFound, faults.InvalidInput],
  }),
}

export const messages = {
  list: get('/v3/messages', {
    policy: rules.messageGetAll,
    since: '3.3',
    query: listQuery,
    switches: { paging: '3.5' },
  }),
  show: get('/v3/messages/{id}', { policy: rules.messageGet, since: '3.3', faults: [faults.MessageNotFound] }),
  remove: del('/v3/messages/{id}', {
    policy: rules.messageDelete,
    since: '3.3',
    faults: [faults.MessageNotFound],
  }),
}
