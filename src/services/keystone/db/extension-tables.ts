// Tables of associations of policies, of federation, and of OAuth tokens, as Kysely sees them.
import type { Flag, Json } from '#kernel/db/codecs.ts'

/** `target` is what there can be one policy of: `endpoint ID`, `service ID`, `region SERVICE REGION`. */
export interface PolicyAssociationsTable {
  target: string
  policy_id: string
  endpoint_id: string | null
  service_id: string | null
  region_id: string | null
}
export interface IdentityProvidersTable {
  id: string
  domain_id: string
  enabled: Flag
  description: string | null
  authorization_ttl: number | null
}
export interface RemoteIdsTable {
  remote_id: string
  idp_id: string
}
export interface MappingsTable {
  id: string
  rules: Json<readonly unknown[]>
  schema_version: string
}
export interface ProtocolsTable {
  idp_id: string
  id: string
  mapping_id: string
  remote_id_attribute: string | null
}
export interface ServiceProvidersTable {
  id: string
  enabled: Flag
  description: string | null
  auth_url: string
  sp_url: string
  relay_state_prefix: string
}
export interface RequestTokensTable {
  id: string
  /** Sealed. */
  secret: string
  consumer_id: string
  project_id: string
  /** NULL until somebody has authorised it. */
  verifier: string | null
  user_id: string | null
  role_ids: Json<readonly string[]> | null
  expires_at: number | null
}
export interface AccessTokensTable {
  id: string
  /** Sealed. */
  secret: string
  consumer_id: string
  project_id: string
  user_id: string
  role_ids: Json<readonly string[]>
  expires_at: number | null
}

export interface ExtensionTables {
  policy_associations: PolicyAssociationsTable
  identity_providers: IdentityProvidersTable
  idp_remote_ids: RemoteIdsTable
  mappings: MappingsTable
  federation_protocols: ProtocolsTable
  service_providers: ServiceProvidersTable
  request_tokens: RequestTokensTable
  access_tokens: AccessTokensTable
}
