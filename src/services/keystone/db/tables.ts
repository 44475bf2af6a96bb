// The identity service's tables. Times are milliseconds since 1970; `extra` keeps attributes clients added themselves.
import type { ExtensionTables } from '#services/keystone/db/extension-tables.ts'
import type { Flag, Json } from '#kernel/db/codecs.ts'

export type Extra = Readonly<Record<string, unknown>>
export type Options = Readonly<Record<string, unknown>>

/** Projects and domains: a domain is a project with `is_domain` and no domain of its own (''). */
export interface ProjectsTable {
  id: string
  domain_id: string
  parent_id: string | null
  name: string
  is_domain: Flag
  enabled: Flag
  description: string
  options: Json<Options>
  extra: Json<Extra>
}
export interface ProjectTagsTable {
  project_id: string
  name: string
}
export interface UsersTable {
  id: string
  domain_id: string
  name: string
  enabled: Flag
  default_project_id: string | null
  password_hash: string | null
  password_created_at: number | null
  password_expires_at: number | null
  /** Set by the user himself: the minimum age counts from then only. */
  password_self_service: Flag
  failed_count: number
  failed_at: number | null
  last_active_on: string | null
  created_at: number
  options: Json<Options>
  extra: Json<Extra>
}
export interface OldPasswordsTable {
  user_id: string
  created_at: number
  hash: string
}
export interface GroupsTable {
  id: string
  domain_id: string
  name: string
  description: string
  extra: Json<Extra>
}
export interface MembershipsTable {
  user_id: string
  group_id: string
}
export interface RolesTable {
  id: string
  /** '' for a role of all domains. */
  domain_id: string
  name: string
  description: string | null
  options: Json<Options>
  extra: Json<Extra>
}
export interface ImpliedRolesTable {
  prior_id: string
  implied_id: string
}
export type ActorKind = 'user' | 'group'
export type TargetKind = 'project' | 'domain' | 'system'
export interface AssignmentsTable {
  actor_kind: ActorKind
  actor_id: string
  target_kind: TargetKind
  /** `system` for the system. */
  target_id: string
  role_id: string
  inherited: Flag
}
export interface RegionsTable {
  id: string
  parent_id: string | null
  description: string
  extra: Json<Extra>
}
export interface ServicesTable {
  id: string
  type: string
  name: string | null
  description: string | null
  enabled: Flag
  extra: Json<Extra>
}
export interface EndpointsTable {
  id: string
  service_id: string
  interface: string
  region_id: string | null
  url: string
  enabled: Flag
  extra: Json<Extra>
}
export interface RevocationsTable {
  /** `audit:…`, `chain:…`, `user:…`, `project:…`, `trust:…` */
  subject: string
  /** Tokens issued until then are ended. */
  issued_before: number
  /** When no token it could end can be alive any more. */
  purge_after: number
}
export interface ApplicationCredentialsTable {
  id: string
  user_id: string
  project_id: string
  name: string
  description: string | null
  secret_hash: string
  /** With microseconds, as it was given: `2026-11-22T13:48:02.123456`. */
  expires_at: string | null
  unrestricted: Flag
  role_ids: Json<readonly string[]>
  /** NULL: no access rules at all; an empty list allows nothing. */
  rule_ids: Json<readonly string[]> | null
}
export interface AccessRulesTable {
  id: string
  user_id: string
  service: string
  method: string
  path: string
}
export interface CredentialsTable {
  id: string
  user_id: string
  project_id: string | null
  type: string
  /** Sealed. */
  blob: string
  extra: Json<Extra>
}
export interface PoliciesTable {
  id: string
  type: string
  blob: string
  extra: Json<Extra>
}
export interface TrustsTable {
  id: string
  trustor_id: string
  trustee_id: string
  project_id: string | null
  impersonation: Flag
  /** With microseconds, as it was given. */
  expires_at: string | null
  deleted_at: number | null
  remaining_uses: number | null
  redelegated_trust_id: string | null
  redelegation_count: number | null
  role_ids: Json<readonly string[]>
  extra: Json<Extra>
}
export interface RegisteredLimitsTable {
  id: string
  service_id: string
  /** '' for all regions. */
  region_id: string
  resource_name: string
  default_limit: number
  description: string | null
}
export interface LimitsTable {
  id: string
  registered_limit_id: string
  /** One of the two is ''. */
  project_id: string
  domain_id: string
  resource_limit: number
  description: string | null
}

export interface DomainOptionsTable {
  domain_id: string
  group_name: string
  option_name: string
  sensitive: Flag
  /** JSON; sealed where sensitive. */
  value: string
}
export interface EndpointGroupsTable {
  id: string
  name: string
  description: string | null
  filters: Json<Readonly<Record<string, unknown>>>
}
/** Which endpoints a project's catalog shows; none at all: every one. */
export interface EndpointFiltersTable {
  project_id: string
  endpoint_id: string
}
export interface EndpointGroupFiltersTable {
  project_id: string
  endpoint_group_id: string
}
export interface ConsumersTable {
  id: string
  description: string | null
  /** Sealed. */
  secret: string
  extra: Json<Extra>
}
/** What the service remembers about itself. */
export interface MarksTable {
  name: string
  value: string
}

export interface KeystoneTables extends ExtensionTables {
  marks: MarksTable
  domain_options: DomainOptionsTable
  endpoint_groups: EndpointGroupsTable
  endpoint_filters: EndpointFiltersTable
  endpoint_group_filters: EndpointGroupFiltersTable
  consumers: ConsumersTable
  projects: ProjectsTable
  project_tags: ProjectTagsTable
  users: UsersTable
  old_passwords: OldPasswordsTable
  groups: GroupsTable
  memberships: MembershipsTable
  roles: RolesTable
  implied_roles: ImpliedRolesTable
  assignments: AssignmentsTable
  regions: RegionsTable
  services: ServicesTable
  endpoints: EndpointsTable
  revocations: RevocationsTable
  application_credentials: ApplicationCredentialsTable
  access_rules: AccessRulesTable
  credentials: CredentialsTable
  policies: PoliciesTable
  trusts: TrustsTable
  registered_limits: RegisteredLimitsTable
  limits: LimitsTable
}
