// Rows of identity providers, protocols, mappings and service providers.
import { flag, fromJson, isSet, json } from '#kernel/db/codecs.ts'
import { insertAll } from '#kernel/db/helpers.ts'
import type {
  IdentityProvidersTable,
  MappingsTable,
  ProtocolsTable,
  ServiceProvidersTable,
} from '#services/keystone/db/extension-tables.ts'
import type { Query } from '#services/keystone/db/ledger.ts'

export interface IdentityProvider {
  readonly id: string
  readonly domainId: string
  readonly enabled: boolean
  readonly description: string | null
  readonly authorizationTtl: number | null
  readonly remoteIds: readonly string[]
}
export interface Protocol {
  readonly idpId: string
  readonly id: string
  readonly mappingId: string
  readonly remoteIdAttribute: string | null
}
export interface Mapping {
  readonly id: string
  readonly rules: readonly unknown[]
  readonly schemaVersion: string
}
export interface ServiceProvider {
  readonly id: string
  readonly enabled: boolean
  readonly description: string | null
  readonly authUrl: string
  readonly spUrl: string
  readonly relayStatePrefix: string
}

const providerRow = (it: IdentityProvider): IdentityProvidersTable => ({
  id: it.id,
  domain_id: it.domainId,
  enabled: flag(it.enabled),
  description: it.description,
  authorization_ttl: it.authorizationTtl,
})
const provider = (row: IdentityProvidersTable, remoteIds: readonly string[]): IdentityProvider => ({
  id: row.id,
  domainId: row.domain_id,
  enabled: isSet(row.enabled),
  description: row.description,
  authorizationTtl: row.authorization_ttl,
  remoteIds,
})
export async function findProvider(q: Query, id: string): Promise<IdentityProvider | null> {
  const row = await q.selectFrom('identity_providers').selectAll().where('id', '=', id).executeTakeFirst()
  if (row === undefined) return null
  const remote = await q
    .selectFrom('idp_remote_ids')
    .select('remote_id')
    .where('idp_id', '=', id)
    .orderBy('remote_id')
    .execute()
  return provider(
    row,
    remote.map(one => one.remote_id),
  )
}
export async function listProviders(q: Query): Promise<IdentityProvider[]> {
  const rows = await q.selectFrom('identity_providers').selectAll().orderBy('id').execute()
  const remote = new Map<string, string[]>()
  for (const one of await q.selectFrom('idp_remote_ids').selectAll().orderBy('remote_id').execute())
    remote.set(one.idp_id, [...(remote.get(one.idp_id) ?? []), one.remote_id])
  return rows.map(row => provider(row, remote.get(row.id) ?? []))
}
export async function insertProvider(q: Query, it: IdentityProvider): Promise<void> {
  await q.insertInto('identity_providers').values(providerRow(it)).execute()
  await writeRemoteIds(q, it)
}
export async function updateProvider(q: Query, it: IdentityProvider): Promise<void> {
  await q.updateTable('identity_providers').set(providerRow(it)).where('id', '=', it.id).execute()
  await q.deleteFrom('idp_remote_ids').where('idp_id', '=', it.id).execute()
  await writeRemoteIds(q, it)
}
const writeRemoteIds = (q: Query, it: IdentityProvider): Promise<void> =>
  insertAll(
    q,
    'idp_remote_ids',
    it.remoteIds.map(remote_id => ({ remote_id, idp_id: it.id })),
  )
/** Which of these ids belong to another provider. */
export async function takenRemoteIds(q: Query, ids: readonly string[], but: string): Promise<string[]> {
  if (ids.length === 0) return []
  const rows = await q
    .selectFrom('idp_remote_ids')
    .select('remote_id')
    .where('remote_id', 'in', [...ids])
    .where('idp_id', '!=', but)
    .execute()
  return rows.map(row => row.remote_id)
}
export async function removeProvider(q: Query, id: string): Promise<void> {
  await q.deleteFrom('identity_providers').where('id', '=', id).execute()
}

const protocol = (row: ProtocolsTable): Protocol => ({
  idpId: row.idp_id,
  id: row.id,
  mappingId: row.mapping_id,
  remoteIdAttribute: row.remote_id_attribute,
})
const protocolRow = (it: Protocol): ProtocolsTable => ({
  idp_id: it.idpId,
  id: it.id,
  mapping_id: it.mappingId,
  remote_id_attribute: it.remoteIdAttribute,
})
export async function findProtocol(q: Query, idpId: string, id: string): Promise<Protocol | null> {
  const row = await q
    .selectFrom('federation_protocols')
    .selectAll()
    .where('idp_id', '=', idpId)
    .where('id', '=', id)
    .executeTakeFirst()
  return row === undefined ? null : protocol(row)
}
export const listProtocols = async (q: Query, idpId: string): Promise<Protocol[]> =>
  (await q.selectFrom('federation_protocols').selectAll().where('idp_id', '=', idpId).orderBy('id').execute()).map(
    protocol,
  )
export const insertProtocol = (q: Query, it: Protocol): Promise<unknown> =>
  q.insertInto('federation_protocols').values(protocolRow(it)).execute()
export const updateProtocol = (q: Query, it: Protocol): Promise<unknown> =>
  q
    .updateTable('federation_protocols')
    .set(protocolRow(it))
    .where('idp_id', '=', it.idpId)
    .where('id', '=', it.id)
    .execute()
export async function removeProtocol(q: Query, idpId: string, id: string): Promise<void> {
  await q.deleteFrom('federation_protocols').where('idp_id', '=', idpId).where('id', '=', id).execute()
}

const mapping = (row: MappingsTable): Mapping => ({
  id: row.id,
  rules: fromJson(row.rules),
  schemaVersion: row.schema_version,
})
const mappingRow = (it: Mapping): MappingsTable => ({
  id: it.id,
  rules: json(it.rules),
  schema_version: it.schemaVersion,
})
export async function findMapping(q: Query, id: string): Promise<Mapping | null> {
  const row = await q.selectFrom('mappings').selectAll().where('id', '=', id).executeTakeFirst()
  return row === undefined ? null : mapping(row)
}
export const listMappings = async (q: Query): Promise<Mapping[]> =>
  (await q.selectFrom('mappings').selectAll().orderBy('id').execute()).map(mapping)
export const insertMapping = (q: Query, it: Mapping): Promise<unknown> =>
  q.insertInto('mappings').values(mappingRow(it)).execute()
export const updateMapping = (q: Query, it: Mapping): Promise<unknown> =>
  q.updateTable('mappings').set(mappingRow(it)).where('id', '=', it.id).execute()
export async function removeMapping(q: Query, id: string): Promise<void> {
  await q.deleteFrom('mappings').where('id', '=', id).execute()
}

const serviceProvider = (row: ServiceProvidersTable): ServiceProvider => ({
  id: row.id,
  enabled: isSet(row.enabled),
  description: row.description,
  authUrl: row.auth_url,
  spUrl: row.sp_url,
  relayStatePrefix: row.relay_state_prefix,
})
const serviceProviderRow = (it: ServiceProvider): ServiceProvidersTable => ({
  id: it.id,
  enabled: flag(it.enabled),
  description: it.description,
  auth_url: it.authUrl,
  sp_url: it.spUrl,
  relay_state_prefix: it.relayStatePrefix,
})
export async function findServiceProvider(q: Query, id: string): Promise<ServiceProvider | null> {
  const row = await q.selectFrom('service_providers').selectAll().where('id', '=', id).executeTakeFirst()
  return row === undefined ? null : serviceProvider(row)
}
export const listServiceProviders = async (q: Query): Promise<ServiceProvider[]> =>
  (await q.selectFrom('service_providers').selectAll().orderBy('id').execute()).map(serviceProvider)
export const insertServiceProvider = (q: Query, it: ServiceProvider): Promise<unknown> =>
  q.insertInto('service_providers').values(serviceProviderRow(it)).execute()
export const updateServiceProvider = (q: Query, it: ServiceProvider): Promise<unknown> =>
  q.updateTable('service_providers').set(serviceProviderRow(it)).where('id', '=', it.id).execute()
export async function removeServiceProvider(q: Query, id: string): Promise<void> {
  await q.deleteFrom('service_providers').where('id', '=', id).execute()
}
