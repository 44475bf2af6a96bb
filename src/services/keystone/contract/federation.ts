// Federation as data: identity providers, their protocols, mappings, and service providers. Proving oneself by them takes a module of the
// web server that this cloud has not, so those routes answer as Keystone does without it.
import { del, get, patch, put } from '#kernel/contract/route.ts'
import { may, must, object } from '#kernel/contract/shape.ts'
import { any, int, list, nullable, text } from '#kernel/contract/shapes.ts'
import { faults } from '#services/keystone/contract/faults.ts'
import { rules } from '#services/keystone/contract/rules.ts'
import { anyQuery, flagWord, freeText, listQueryShape, open } from '#services/keystone/contract/shapes.ts'

const ROOT = '/v3/OS-FEDERATION'
const remoteId = text({ max: 64 })
const provider = {
  enabled: may(flagWord),
  description: may(freeText),
  authorization_ttl: may(nullable(int({ min: 0, max: 2_147_483_647 }))),
  remote_ids: may(nullable(list(remoteId, { max: 1000, unique: true }))),
}
const idp = `${ROOT}/identity_providers/{idp_id}` as const
const protocol = `${ROOT}/identity_providers/{idp_id}/protocols/{protocol_id}` as const
const mapping = `${ROOT}/mappings/{mapping_id}` as const
const sp = `${ROOT}/service_providers/{sp_id}` as const
const url = text({ max: 225, pattern: '^[a-zA-Z0-9+.-]+:.+' })
const serviceProvider = {
  auth_url: may(url),
  sp_url: may(url),
  description: may(freeText),
  enabled: may(flagWord),
  relay_state_prefix: may(freeText),
}
/** What a mapping says is looked at by the domain, in its own version of the schema. */
const mappingBody = object({ mapping: must(object({ rules: may(any), schema_version: may(text({ max: 5 })) }, open)) })
const protocolName = text({ min: 1, max: 64 })

export const federation = {
  listProviders: get(`${ROOT}/identity_providers`, { policy: rules.listIdentityProviders, query: listQueryShape }),
  showProvider: get(idp, { policy: rules.getIdentityProvider, faults: [faults.IdentityProviderNotFound] }),
  createProvider: put(idp, {
    policy: rules.createIdentityProvider,
    status: 201,
    body: object({
      identity_provider: must(object({ ...provider, domain_id: may(nullable(text({ min: 1, max: 64 }))) })),
    }),
    faults: [faults.Conflict, faults.DomainNotFound],
  }),
  updateProvider: patch(idp, {
    policy: rules.updateIdentityProvider,
    body: object({ identity_provider: must(object(provider, { minProperties: 1 })) }, open),
    faults: [faults.IdentityProviderNotFound, faults.Conflict],
  }),
  removeProvider: del(idp, { policy: rules.deleteIdentityProvider, faults: [faults.IdentityProviderNotFound] }),

  listProtocols: get(`${ROOT}/identity_providers/{idp_id}/protocols`, {
    policy: rules.listProtocols,
    faults: [faults.IdentityProviderNotFound],
  }),
  showProtocol: get(protocol, { policy: rules.getProtocol, faults: [faults.ProtocolNotFound] }),
  createProtocol: put(protocol, {
    policy: rules.createProtocol,
    status: 201,
    body: object({
      protocol: must(object({ mapping_id: must(protocolName), remote_id_attribute: may(nullable(remoteId)) })),
    }),
    faults: [faults.IdentityProviderNotFound, faults.Conflict, faults.ValidationError],
  }),
  updateProtocol: patch(protocol, {
    policy: rules.updateProtocol,
    body: object({
      protocol: must(
        object({ mapping_id: must(protocolName), remote_id_attribute: may(remoteId) }, { minProperties: 1 }),
      ),
    }),
    faults: [faults.ProtocolNotFound, faults.ValidationError],
  }),
  removeProtocol: del(protocol, { policy: rules.deleteProtocol, faults: [faults.ProtocolNotFound] }),

  listMappings: get(`${ROOT}/mappings`, { policy: rules.listMappings, query: listQueryShape }),
  showMapping: get(mapping, { policy: rules.getMapping, faults: [faults.MappingNotFound] }),
  createMapping: put(mapping, {
    policy: rules.createMapping,
    status: 201,
    body: mappingBody,
    faults: [faults.Conflict, faults.ValidationError],
  }),
  updateMapping: patch(mapping, {
    policy: rules.updateMapping,
    body: mappingBody,
    faults: [faults.MappingNotFound, faults.ValidationError],
  }),
  removeMapping: del(mapping, { policy: rules.deleteMapping, faults: [faults.MappingNotFound] }),

  listServiceProviders: get(`${ROOT}/service_providers`, { policy: rules.listServiceProviders, query: listQueryShape }),
  showServiceProvider: get(sp, { policy: rules.getServiceProvider, faults: [faults.ServiceProviderNotFound] }),
  createServiceProvider: put(sp, {
    policy: rules.createServiceProvider,
    status: 201,
    body: object({ service_provider: must(object({ ...serviceProvider, auth_url: must(url), sp_url: must(url) })) }),
    faults: [faults.Conflict],
  }),
  updateServiceProvider: patch(sp, {
    policy: rules.updateServiceProvider,
    body: object({ service_provider: must(object(serviceProvider, { minProperties: 1 })) }),
    faults: [faults.ServiceProviderNotFound],
  }),
  removeServiceProvider: del(sp, { policy: rules.deleteServiceProvider, faults: [faults.ServiceProviderNotFound] }),
}

const websso = '/v3/auth/OS-FEDERATION/identity_providers/{idp_id}/protocols/{protocol_id}/websso'
const refusals = [faults.IdentityProviderNotFound, faults.ProtocolNotFound, faults.Unproved, faults.Denied]
export const federatedAuth = {
  authenticate: get(`${protocol}/auth`, { policy: 'public', query: anyQuery, faults: refusals }),
  websso: get('/v3/auth/OS-FEDERATION/websso/{protocol_id}', {
    policy: 'public',
    query: anyQuery,
    faults: [faults.Unproved],
  }),
  webssoOfProvider: get(websso, { policy: 'public', query: anyQuery, faults: refusals }),
}
