// What operators do with back ends, over HTTP.
import { isoMicros } from '#kernel/lib/clock.ts'
import { handlers, type HandlerTable } from '#kernel/http/handlers.ts'
import { faults } from '#services/cinder/contract/faults.ts'
import { groupFaults } from '#services/cinder/contract/group-faults.ts'
import { backendRoutes, capabilities, clusters, hosts, workers } from '#services/cinder/contract/operators.ts'
import { boolOf, lastOf } from '#services/cinder/api/listing.ts'
import type { OperatorsDomain, Place } from '#services/cinder/domain/operators.ts'
import type { Service } from '#services/cinder/db/services.ts'

const placeOf = (body: { host?: string | null; cluster?: string | null }): Place => ({
  host: body.host ?? null,
  cluster: body.cluster ?? null,
})
const logOf = (body: { binary?: string; server?: string | null; prefix?: string | null }) => ({
  binary: body.binary ?? null,
  server: body.server ?? null,
  prefix: body.prefix ?? null,
})
const CLUSTER_FILTERS = ['name', 'binary', 'is_up', 'disabled', 'num_hosts', 'num_down_hosts']
const REPLICATION_FILTERS = ['replication_status', 'frozen', 'active_backend_id']

/** Services are not clustered here, so there is none to show; filters are looked at all the same. */
function noClusters(query: unknown, replication: boolean): object {
  const given = lastOf(query)
  const allowed = replication ? [...CLUSTER_FILTERS, ...REPLICATION_FILTERS] : CLUSTER_FILTERS
  const bad = Object.keys(given).filter(key => !allowed.includes(key))
  if (bad.length > 0) throw faults.InvalidInput({ reason: `Invalid filter keys: ${bad.join(', ')}` })
  boolOf(given, 'disabled')
  boolOf(given, 'is_up')
  return { clusters: [] }
}
const serviceRow = (one: Service): object => ({
  id: one.id,
  host: one.host,
  binary: one.binary,
  cluster_name: null,
})

export function operatorHandlers(domain: OperatorsDomain): HandlerTable[] {
  return [
    handlers(backendRoutes, {
      freeze: async call => {
        await domain.freeze(call.ctx, placeOf(call.body), call.has('clusters'))
        return ''
      },
      thaw: async call => {
        await domain.thaw(call.ctx, placeOf(call.body), call.has('clusters'))
        return ''
      },
      failover: call => domain.failover(call.ctx, placeOf(call.body), call.has('clusters')),
      setLog: call => domain.setLog(call.ctx, logOf(call.body), call.body.level ?? null),
      getLog: async call => ({ log_levels: await domain.getLog(call.ctx, logOf(call.body)) }),
    }),
    handlers(clusters, {
      list: call => noClusters(call.query, call.has('replication')),
      detail: call => noClusters(call.query, call.has('replication')),
      show: call => {
        throw groupFaults.ClusterNotFound({ name: call.params.name })
      },
      enable: call => {
        throw groupFaults.ClusterNotFound({ name: call.body.name })
      },
      disable: call => {
        throw groupFaults.ClusterNotFound({ name: call.body.name })
      },
    }),
    handlers(capabilities, {
      show: async call => {
        const { host, stats } = await domain.capabilities(call.ctx, call.params.host)
        const flag = (title: string, description: string, value: boolean) => ({
          title,
          description,
          type: 'boolean',
          default: value,
        })
        return {
          namespace: `OS::Storage::Capabilities::${host}`,
          vendor_name: stats?.vendor ?? null,
          volume_backend_name: stats?.backend ?? null,
          pool_name: stats?.pool ?? null,
          driver_version: stats?.driverVersion ?? null,
          storage_protocol: stats?.protocol ?? null,
          display_name: null,
          description: null,
          visibility: null,
          replication_targets: [],
          properties: {
            thin_provisioning: flag('Thin Provisioning', 'Sets thin provisioning.', stats?.thin === true),
            compression: flag('Compression', 'Enables compression.', false),
            qos: flag('QoS', 'Enables QoS.', false),
            replication_enabled: flag('Replication', 'Enables replication.', false),
          },
        }
      },
    }),
    handlers(hosts, {
      list: async call => {
        const { zone } = lastOf(call.query)
        const found = await domain.hosts(call.ctx, zone === undefined || zone === '' ? null : zone)
        return {
          hosts: found.map(one => ({
            host_name: one.host,
            service: one.binary,
            zone: one.availabilityZone,
            'service-status': domain.up(one) ? 'available' : 'unavailable',
            'service-state': one.disabled ? 'disabled' : 'enabled',
            'last-update': isoMicros(one.seenAt),
          })),
        }
      },
      show: async call => {
        const { host } = call.params
        return {
          host: (await domain.usage(call.ctx, host)).map(row => ({
            resource: {
              host,
              project: row.project,
              volume_count: String(row.volumes),
              total_volume_gb: String(row.gigabytes),
              snapshot_count: String(row.snapshots),
              total_snapshot_gb: String(row.snapshotGigabytes),
            },
          })),
        }
      },
      update: async call => {
        let enabled: boolean | null = null
        for (const [key, value] of Object.entries(call.body)) {
          if (key.toLowerCase().trim() !== 'status')
            throw faults.BadRequest({ reason: `Invalid update setting: '${key}'` })
          const word = value.toLowerCase().trim()
          if (word !== 'enable' && word !== 'disable') throw faults.BadRequest({ reason: `Invalid status: '${value}'` })
          enabled = word === 'enable'
        }
        if (enabled === null) return {}
        await domain.switchHost(call.ctx, call.params.host, enabled)
        return { host: call.params.host, status: enabled ? 'enabled' : 'disabled' }
      },
    }),
    handlers(workers, {
      cleanup: async call => {
        const given = call.body ?? {}
        const { cleaning, unavailable } = await domain.cleanup(call.ctx, {
          host: given.host ?? null,
          cluster: given.cluster_name ?? null,
          binary: given.binary ?? null,
          serviceId: given.service_id == null || given.service_id === '' ? null : String(given.service_id),
          isUp: given.is_up ?? false,
          disabled: given.disabled ?? null,
          resourceType: given.resource_type ?? null,
          resourceId: given.resource_id ?? null,
        })
        return { cleaning: cleaning.map(serviceRow), unavailable: unavailable.map(serviceRow) }
      },
    }),
  ]
}
