// What operators do with back ends: freeze, thaw and fail over, log levels, clusters, capabilities, hosts, and cleaning up.
import { get, post, put } from '#kernel/contract/route.ts'
import { may, must, object } from '#kernel/contract/shape.ts'
import { boolLike, dict, list, nullable, raw, text, words } from '#kernel/contract/shapes.ts'
import { faults } from '#services/cinder/contract/faults.ts'
import { groupFaults } from '#services/cinder/contract/group-faults.ts'
import { rules } from '#services/cinder/contract/rules.ts'
import { optionalUuid } from '#services/cinder/contract/shapes.ts'
import { listQuery } from '#services/cinder/contract/volumes.ts'

/** `host`, `host@backend`, `host@backend#pool`. */
const hostText = (brackets: boolean) =>
  nullable(text({ min: 1, max: 255, pattern: brackets ? '^[a-zA-Z0-9-._#@:/+\\[\\]]*$' : '^[a-zA-Z0-9-._#@:/+]*$' }))
const host = may(hostText(true))
const optional = nullable(text({ max: 255 }))
const place = object({ host, cluster: may(optional) })
const binary = words('cinder-scheduler', 'cinder-volume', 'cinder-backup', 'cinder-api', '', '*')
/** Other words are upstream's `InvalidInput`, asked by the domain. */
const level = optional

export const backendRoutes = {
  freeze: put('/v3/os-services/freeze', {
    policy: rules.servicesUpdate,
    body: place,
    switches: { clusters: '3.26' },
    faults: [faults.InvalidInput],
  }),
  thaw: put('/v3/os-services/thaw', {
    policy: rules.servicesUpdate,
    body: place,
    switches: { clusters: '3.26' },
    faults: [faults.InvalidInput],
  }),
  failover: put('/v3/os-services/failover_host', {
    policy: rules.servicesUpdate,
    status: 202,
    body: object({ host, cluster: may(optional), backend_id: may(optional) }),
    switches: { clusters: '3.26' },
    faults: [faults.InvalidInput],
  }),
  setLog: put('/v3/os-services/set-log', {
    policy: rules.servicesUpdate,
    since: '3.32',
    status: 202,
    body: object({ binary: may(binary), server: may(optional), prefix: may(optional), level: may(level) }),
    faults: [faults.InvalidInput],
  }),
  getLog: put('/v3/os-services/get-log', {
    policy: rules.servicesUpdate,
    since: '3.32',
    body: object({ binary: may(binary), server: may(optional), prefix: may(optional) }),
  }),
}

const clusterName = must(text({ min: 1, max: 255, format: 'name' }))
export const clusters = {
  list: get('/v3/clusters', {
    policy: rules.clustersGetAll,
    since: '3.7',
    query: listQuery,
    switches: { replication: '3.26' },
    faults: [faults.InvalidInput],
  }),
  detail: get('/v3/clusters/detail', {
    policy: rules.clustersGetAll,
    since: '3.7',
    query: listQuery,
    switches: { replication: '3.26' },
    faults: [faults.InvalidInput],
  }),
  show: get('/v3/clusters/{name}', {
    policy: rules.clustersGet,
    since: '3.7',
    query: listQuery,
    faults: [groupFaults.ClusterNotFound],
  }),
  enable: put('/v3/clusters/enable', {
    policy: rules.clustersUpdate,
    since: '3.7',
    body: object({ name: clusterName, binary: may(optional) }),
    faults: [groupFaults.ClusterNotFound],
  }),
  disable: put('/v3/clusters/disable', {
    policy: rules.clustersUpdate,
    since: '3.7',
    body: object({ name: clusterName, binary: may(optional), disabled_reason: may(optional) }),
    faults: [groupFaults.ClusterNotFound],
  }),
}

export const capabilities = {
  show: get('/v3/capabilities/{host}', {
    policy: rules.capabilities,
    reply: object(
      {
        namespace: must(text()),
        vendor_name: must(nullable(text())),
        volume_backend_name: must(nullable(text())),
        pool_name: must(nullable(text())),
        driver_version: must(nullable(text())),
        storage_protocol: must(nullable(text())),
        display_name: must(nullable(text())),
        description: must(nullable(text())),
        visibility: must(nullable(text())),
        replication_targets: must(list(text())),
        properties: must(dict(raw<Record<string, unknown>>({ type: 'object' }))),
      },
      { extra: true },
    ),
    faults: [groupFaults.ServiceMissing],
  }),
}

export const hosts = {
  list: get('/v3/os-hosts', { policy: rules.hosts, query: listQuery }),
  show: get('/v3/os-hosts/{host}', { policy: rules.hosts, faults: [faults.ServiceNotFound] }),
  update: put('/v3/os-hosts/{host}', {
    policy: rules.hosts,
    body: dict(text({ max: 255 }), { max: 100 }),
    faults: [groupFaults.HostNotFound, faults.BadRequest],
  }),
}

export const workers = {
  cleanup: post('/v3/workers/cleanup', {
    policy: rules.workersCleanup,
    since: '3.24',
    status: 202,
    bodyOptional: true,
    body: object({
      cluster_name: may(hostText(false)),
      disabled: may(boolLike),
      host: may(hostText(false)),
      is_up: may(boolLike),
      binary: may(words('cinder-volume', 'cinder-scheduler')),
      resource_id: may(optionalUuid),
      resource_type: may(nullable(text({ max: 40 }))),
      service_id: may(raw<string | number | null>({ type: ['integer', 'string', 'null'], maxLength: 36 })),
    }),
    faults: [faults.InvalidInput],
  }),
}
