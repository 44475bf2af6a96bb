// How things look on the wire. Attributes clients added themselves stand among ours.
import { isoMicros } from '#kernel/lib/clock.ts'
import type { GroupEntity } from '#services/keystone/db/groups.ts'
import type { ProjectEntity } from '#services/keystone/db/projects.ts'
import type { RoleEntity } from '#services/keystone/db/roles.ts'
import type { UserEntity } from '#services/keystone/db/users.ts'
import type { EndpointEntity, RegionEntity, ServiceEntity } from '#services/keystone/db/catalog.ts'

type Wire = Record<string, unknown>
export interface Links {
  readonly self: string
}

/** A project with its tags. */
export const showProject = (project: ProjectEntity & { readonly tags?: readonly string[] }, links: Links): Wire => ({
  ...project.extra,
  id: project.id,
  name: project.name,
  domain_id: project.domainId,
  description: project.description,
  enabled: project.enabled,
  parent_id: project.parentId,
  is_domain: project.isDomain,
  tags: project.tags ?? [],
  options: project.options,
  links,
})
export const showDomain = (domain: ProjectEntity & { readonly tags?: readonly string[] }, links: Links): Wire => ({
  ...domain.extra,
  id: domain.id,
  name: domain.name,
  description: domain.description,
  enabled: domain.enabled,
  tags: domain.tags ?? [],
  options: domain.options,
  links,
})
export const showUser = (user: UserEntity, links: Links): Wire => ({
  ...user.extra,
  id: user.id,
  name: user.name,
  domain_id: user.domainId,
  enabled: user.enabled,
  ...(user.defaultProjectId === null ? {} : { default_project_id: user.defaultProjectId }),
  password_expires_at: user.passwordExpiresAt === null ? null : isoMicros(user.passwordExpiresAt),
  options: user.options,
  links,
})
export const showGroup = (group: GroupEntity, links: Links): Wire => ({
  ...group.extra,
  id: group.id,
  name: group.name,
  domain_id: group.domainId,
  description: group.description,
  links,
})
export const showRole = (role: RoleEntity, links: Links): Wire => ({
  ...role.extra,
  id: role.id,
  name: role.name,
  domain_id: role.domainId,
  description: role.description,
  options: role.options,
  links,
})
export const showRegion = (region: RegionEntity, links: Links): Wire => ({
  ...region.extra,
  id: region.id,
  description: region.description,
  parent_region_id: region.parentId,
  links,
})
export const showService = (service: ServiceEntity, links: Links): Wire => ({
  ...service.extra,
  id: service.id,
  type: service.type,
  ...(service.name === null ? {} : { name: service.name }),
  enabled: service.enabled,
  ...(service.description === null ? {} : { description: service.description }),
  links,
})
export const showEndpoint = (endpoint: EndpointEntity, links: Links): Wire => ({
  ...endpoint.extra,
  id: endpoint.id,
  interface: endpoint.interface,
  region_id: endpoint.regionId,
  region: endpoint.regionId,
  service_id: endpoint.serviceId,
  url: endpoint.url,
  enabled: endpoint.enabled,
  links,
})
