// What there is, over HTTP: versions, extensions, zones, filters, pools, services and messages.
import { isoMicros } from '#kernel/lib/clock.ts'
import { versionText } from '#kernel/contract/version.ts'
import { handlers, type Call, type HandlerTable } from '#kernel/http/handlers.ts'
import { EXTENSIONS } from '#services/cinder/contract/extensions.ts'
import { faults } from '#services/cinder/contract/faults.ts'
import { discovery, messages, serviceRoutes } from '#services/cinder/contract/info.ts'
import { versions } from '#services/cinder/contract/versions.ts'
import type { Message } from '#services/cinder/db/messages.ts'
import { boolOf, lastOf, linksOf, listRequest, pageLinks } from '#services/cinder/api/listing.ts'
import { RESOURCE_FILTERS } from '#services/cinder/domain/listing.ts'
import { eventId, userMessage } from '#services/cinder/domain/messages.ts'
import type { OperatorsDomain } from '#services/cinder/domain/operators.ts'
import type { PoolView, ServicesDomain, ServiceView } from '#services/cinder/domain/services.ts'
import type { TypesDomain } from '#services/cinder/domain/types.ts'
import type { UserMessagesDomain } from '#services/cinder/domain/user-messages.ts'

export interface InfoApi {
  readonly services: ServicesDomain
  readonly operators: OperatorsDomain
  readonly messages: UserMessagesDomain
  readonly types: TypesDomain
  readonly maxLimit: number
  readonly ratio: number
}

/** The service's own root: without version and project. */
const rootOf = (base: string): string => base.replace(/\/v3(\/[^/]+)?$/, '')

const versionDocument = (base: string): object => ({
  versions: [
    {
      id: 'v3.0',
      status: 'CURRENT',
      version: versionText(versions.max),
      min_version: versionText(versions.min),
      updated: '2023-08-31T00:00:00Z',
      links: [
        { rel: 'describedby', type: 'text/html', href: 'https://docs.openstack.org/' },
        { rel: 'self', href: `${rootOf(base)}/v3/` },
      ],
      'media-types': [{ base: 'application/json', type: 'application/vnd.openstack.volume+json;version=3' }],
    },
  ],
})

export function infoHandlers(api: InfoApi): HandlerTable[] {
  return [
    handlers(discovery, {
      versions: call => versionDocument(call.base),
      version: call => versionDocument(call.base),
      extensions: () => ({
        extensions: EXTENSIONS.map(([alias, name, updated, description]) => ({
          alias,
          name,
          updated,
          description,
          links: [],
        })),
      }),
      zones: async call => ({
        availabilityZoneInfo: [...(await api.services.zones(call.ctx))].map(([zoneName, available]) => ({
          zoneName,
          zoneState: { available },
        })),
      }),
      filters: call => {
        const resource = lastOf(call.query)['resource']
        const shown = Object.entries(RESOURCE_FILTERS).filter(([name]) => resource === undefined || name === resource)
        return { resource_filters: shown.map(([name, filters]) => ({ resource: name, filters })) }
      },
      pools: call => pools(api, call),
    }),
    handlers(serviceRoutes, {
      list: async call => {
        const query = lastOf(call.query)
        const found = await api.services.list(call.ctx, {
          host: query['host'] ?? null,
          binary: query['binary'] ?? null,
        })
        const frozen = await api.operators.frozen(call.ctx)
        return { services: found.map(service => serviceView(service, call, frozen)) }
      },
      enable: call => switched(api, call, call.body, false, null),
      disable: call => switched(api, call, call.body, true, null),
      disableWithReason: call => {
        const reason = call.body.disabled_reason.trim()
        if (reason === '')
          throw faults.BadRequest({ reason: 'Disabled reason contains invalid characters or is too long' })
        return switched(api, call, call.body, true, reason)
      },
    }),
    handlers(messages, {
      list: async call => {
        const request = call.has('paging')
          ? listRequest(call, api.maxLimit)
          : listRequest({ ...call, query: {} }, api.maxLimit)
        const { messages: found, more } = await api.messages.list(call.ctx, request)
        return {
          messages: found.map(message => messageView(message, call.base)),
          ...pageLinks(call, 'messages', more, found.at(-1)?.id),
        }
      },
      show: async call => ({ message: messageView(await api.messages.show(call.ctx, call.params.id), call.base) }),
      remove: call => api.messages.remove(call.ctx, call.params.id),
    }),
  ]
}

const messageView = (message: Message, base: string): object => ({
  id: message.id,
  event_id: eventId(message),
  user_message: userMessage(message),
  message_level: 'ERROR',
  created_at: isoMicros(message.createdAt),
  guaranteed_until: isoMicros(message.expiresAt),
  request_id: message.requestId,
  links: linksOf(base, 'messages', message.id),
  resource_type: message.resourceType,
  resource_uuid: message.resourceId,
})

const serviceView = (service: ServiceView, call: Call, frozen: ReadonlySet<string>): object => ({
  binary: service.binary,
  host: service.host,
  zone: service.availabilityZone,
  status: service.disabled ? 'disabled' : 'enabled',
  state: service.up ? 'up' : 'down',
  updated_at: isoMicros(service.seenAt),
  ...(call.has('cluster') ? { cluster: null } : {}),
  disabled_reason: service.disabledReason,
  ...(service.binary === 'cinder-volume'
    ? {
        replication_status: 'not-capable',
        active_backend_id: null,
        frozen: frozen.has(service.host),
        ...(call.has('backendState') ? { backend_state: service.up ? 'up' : 'down' } : {}),
      }
    : {}),
})

async function switched(
  api: InfoApi,
  call: Pick<Call, 'ctx'>,
  body: { binary?: string; host?: string | null; service?: string },
  disabled: boolean,
  reason: string | null,
): Promise<object> {
  const binary = body.binary ?? body.service ?? null
  const service = await api.services.switch(call.ctx, { binary, host: body.host ?? null, disabled, reason })
  return {
    host: service.host,
    service: service.binary,
    disabled,
    binary: service.binary,
    status: disabled ? 'disabled' : 'enabled',
    ...(reason === null ? {} : { disabled_reason: reason }),
  }
}

const capabilitiesOf = (pool: PoolView, ratio: number): Record<string, unknown> => {
  const { stats } = pool.service
  return {
    pool_name: stats?.pool,
    volume_backend_name: stats?.backend,
    vendor_name: stats?.vendor,
    driver_version: stats?.driverVersion,
    storage_protocol: stats?.protocol,
    total_capacity_gb: stats?.totalGb,
    free_capacity_gb: stats === null ? 0 : Math.round(stats.freeGb * 100) / 100,
    allocated_capacity_gb: pool.claimedGb,
    provisioned_capacity_gb: pool.claimedGb + pool.snapshotGb,
    max_over_subscription_ratio: String(ratio),
    reserved_percentage: 0,
    total_volumes: pool.volumes,
    thin_provisioning_support: stats?.thin,
    thick_provisioning_support: stats?.thin === false,
    multiattach: stats?.multiattach,
    online_extend_support: stats?.onlineExtend,
    QoS_support: false,
    replication_enabled: false,
    backend_state: 'up',
    filter_function: null,
    goodness_function: null,
    location_info: `Koto:${pool.service.host}:${stats?.pool ?? ''}`,
    timestamp: isoMicros(pool.service.seenAt),
  }
}

async function pools(api: InfoApi, call: Call): Promise<object> {
  const query = lastOf(call.query)
  const detail = boolOf(query, 'detail')
  const { detail: _detail, name, volume_type, ...rest } = query
  let found = await api.services.pools(call.ctx)
  if (call.has('filters')) {
    if (name !== undefined) found = found.filter(pool => pool.name === name)
    for (const [key, value] of Object.entries(rest))
      found = found.filter(pool => String(capabilitiesOf(pool, api.ratio)[key]).toLowerCase() === value.toLowerCase())
    if (volume_type !== undefined && call.has('typeFilter')) {
      const type = await api.types.findByRef(call.ctx, volume_type)
      const backend = type.extraSpecs['volume_backend_name']
      if (backend !== undefined) found = found.filter(pool => pool.service.stats?.backend === backend)
    }
  }
  return {
    pools: found.map(pool => ({
      name: pool.name,
      ...(detail ? { capabilities: capabilitiesOf(pool, api.ratio) } : {}),
    })),
  }
}
