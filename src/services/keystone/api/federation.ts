// Federation over HTTP.
import { handlers, type Call, type HandlerTable } from '#kernel/http/handlers.ts'
import { collection, listQuery, queryText, selfLink, type ListSettings } from '#services/keystone/api/lists.ts'
import { faults } from '#services/keystone/contract/faults.ts'
import { federatedAuth, federation } from '#services/keystone/contract/federation.ts'
import type { IdentityProvider, Mapping, Protocol, ServiceProvider } from '#services/keystone/db/federation.ts'
import type { Federation } from '#services/keystone/domain/federation.ts'

const AT = 'OS-FEDERATION'
const isOn = (word: string): boolean => ['1', 'true', 'yes', 'on', 't', 'y'].includes(word.toLowerCase())

/** The few there are, as `id` and `enabled` of the query say. */
function fitting<R extends { readonly id: string; readonly enabled?: boolean }>(
  call: Pick<Call, 'query' | 'path' | 'base' | 'rawQuery'>,
  rows: readonly R[],
  settings: ListSettings,
): { rows: R[]; limit?: number } {
  const enabled = queryText(call.query, 'enabled')
  const id = queryText(call.query, 'id')
  const { limit, marker } = listQuery(call, [], settings)
  const found = rows.filter(
    row =>
      (id === undefined || row.id === id) &&
      (enabled === undefined || row.enabled === isOn(enabled)) &&
      (marker === undefined || row.id > marker),
  )
  return { rows: limit === undefined ? found : found.slice(0, limit + 1), ...(limit === undefined ? {} : { limit }) }
}

export function federationHandlers(verbs: Federation, settings: ListSettings): HandlerTable[] {
  const provider = (call: Pick<Call, 'base'>, it: IdentityProvider): object => {
    const links = selfLink(call, `${AT}/identity_providers`, it.id) as { self: string }
    return {
      id: it.id,
      domain_id: it.domainId,
      enabled: it.enabled,
      description: it.description,
      remote_ids: it.remoteIds,
      authorization_ttl: it.authorizationTtl,
      links: { ...links, protocols: `${links.self}/protocols` },
    }
  }
  const protocol = (call: Pick<Call, 'base'>, it: Protocol): object => ({
    id: it.id,
    mapping_id: it.mappingId,
    ...(it.remoteIdAttribute === null ? {} : { remote_id_attribute: it.remoteIdAttribute }),
    links: {
      ...selfLink(call, `${AT}/identity_providers/${it.idpId}/protocols`, it.id),
      identity_provider: `${call.base}/v3/${AT}/identity_providers/${it.idpId}`,
    },
  })
  const mapping = (call: Pick<Call, 'base'>, it: Mapping): object => ({
    id: it.id,
    rules: it.rules,
    schema_version: it.schemaVersion,
    links: selfLink(call, `${AT}/mappings`, it.id),
  })
  const serviceProvider = (call: Pick<Call, 'base'>, it: ServiceProvider): object => ({
    id: it.id,
    enabled: it.enabled,
    description: it.description,
    auth_url: it.authUrl,
    sp_url: it.spUrl,
    relay_state_prefix: it.relayStatePrefix,
    links: selfLink(call, `${AT}/service_providers`, it.id),
  })
  return [
    handlers(federation, {
      listProviders: async call => {
        const { rows, ...list } = fitting(call, await verbs.listProviders(call.ctx), settings)
        return collection(call, 'identity_providers', rows, row => provider(call, row), list)
      },
      showProvider: async call => ({
        identity_provider: provider(call, await verbs.showProvider(call.ctx, call.params.idp_id)),
      }),
      createProvider: async call => ({
        identity_provider: provider(
          call,
          await verbs.createProvider(call.ctx, call.params.idp_id, call.body.identity_provider),
        ),
      }),
      updateProvider: async call => ({
        identity_provider: provider(
          call,
          await verbs.updateProvider(call.ctx, call.params.idp_id, call.body.identity_provider),
        ),
      }),
      removeProvider: call => verbs.removeProvider(call.ctx, call.params.idp_id),
      listProtocols: async call =>
        collection(call, 'protocols', await verbs.listProtocols(call.ctx, call.params.idp_id), row => ({
          ...protocol(call, row),
          idp_id: row.idpId,
          remote_id_attribute: row.remoteIdAttribute,
        })),
      showProtocol: async call => ({
        protocol: protocol(call, await verbs.showProtocol(call.ctx, call.params.idp_id, call.params.protocol_id)),
      }),
      createProtocol: async call => ({
        protocol: protocol(
          call,
          await verbs.createProtocol(call.ctx, call.params.idp_id, call.params.protocol_id, call.body.protocol),
        ),
      }),
      updateProtocol: async call => ({
        protocol: protocol(
          call,
          await verbs.updateProtocol(call.ctx, call.params.idp_id, call.params.protocol_id, call.body.protocol),
        ),
      }),
      removeProtocol: call => verbs.removeProtocol(call.ctx, call.params.idp_id, call.params.protocol_id),
      listMappings: async call => {
        const { rows, ...list } = fitting(call, await verbs.listMappings(call.ctx), settings)
        return collection(call, 'mappings', rows, row => mapping(call, row), list)
      },
      showMapping: async call => ({
        mapping: mapping(call, await verbs.showMapping(call.ctx, call.params.mapping_id)),
      }),
      createMapping: async call => ({
        mapping: mapping(call, await verbs.createMapping(call.ctx, call.params.mapping_id, call.body.mapping)),
      }),
      updateMapping: async call => ({
        mapping: mapping(call, await verbs.updateMapping(call.ctx, call.params.mapping_id, call.body.mapping)),
      }),
      removeMapping: call => verbs.removeMapping(call.ctx, call.params.mapping_id),
      listServiceProviders: async call => {
        const { rows, ...list } = fitting(call, await verbs.listServiceProviders(call.ctx), settings)
        return collection(call, 'service_providers', rows, row => serviceProvider(call, row), list)
      },
      showServiceProvider: async call => ({
        service_provider: serviceProvider(call, await verbs.showServiceProvider(call.ctx, call.params.sp_id)),
      }),
      createServiceProvider: async call => ({
        service_provider: serviceProvider(
          call,
          await verbs.createServiceProvider(call.ctx, call.params.sp_id, call.body.service_provider),
        ),
      }),
      updateServiceProvider: async call => ({
        service_provider: serviceProvider(
          call,
          await verbs.updateServiceProvider(call.ctx, call.params.sp_id, call.body.service_provider),
        ),
      }),
      removeServiceProvider: call => verbs.removeServiceProvider(call.ctx, call.params.sp_id),
    }),
    handlers(federatedAuth, {
      authenticate: call => verbs.authenticate(call.ctx, call.params.idp_id, call.params.protocol_id),
      websso: () => {
        throw faults.Unproved({ reason: 'Missing entity ID from environment' })
      },
      webssoOfProvider: call => {
        const origin = queryText(call.query, 'origin')
        if (origin === undefined)
          throw faults.ValidationError({ detail: 'Request must have an origin query parameter.' })
        throw faults.Unproved({ reason: `${origin.slice(0, 255)} is not a trusted dashboard host` })
      },
    }),
  ]
}
