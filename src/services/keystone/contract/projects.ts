// Projects, their tags, and domains: a domain is a project that others live in.
import { del, get, patch, post, put } from '#kernel/contract/route.ts'
import { may, must, object } from '#kernel/contract/shape.ts'
import { bool, list, nullable, text } from '#kernel/contract/shapes.ts'
import { faults } from '#services/keystone/contract/faults.ts'
import { rules } from '#services/keystone/contract/rules.ts'
import {
  anyQuery,
  flagWord,
  freeText,
  idText,
  immutableOptions,
  Links,
  ListLinks,
  listQueryShape,
  open,
  shortName,
  tagList,
} from '#services/keystone/contract/shapes.ts'

export const Project = object(
  {
    id: must(text()),
    name: must(text()),
    domain_id: must(nullable(text())),
    description: must(text()),
    enabled: must(bool),
    parent_id: must(nullable(text())),
    is_domain: must(bool),
    tags: must(list(text())),
    options: must(object({}, open)),
    links: must(Links),
  },
  open,
)
export const Domain = object(
  {
    id: must(text()),
    name: must(text()),
    description: must(text()),
    enabled: must(bool),
    tags: must(list(text())),
    options: must(object({}, open)),
    links: must(Links),
  },
  open,
)
const projectFields = {
  description: may(freeText),
  enabled: may(flagWord),
  is_domain: may(flagWord),
  domain_id: may(nullable(idText)),
  parent_id: may(nullable(idText)),
  tags: may(tagList),
  options: may(immutableOptions),
}
const domainFields = {
  description: may(freeText),
  enabled: may(flagWord),
  tags: may(tagList),
  options: may(immutableOptions),
}
const Tags = object({ tags: must(list(text())), links: must(Links) })

export const projects = {
  list: get('/v3/projects', {
    policy: rules.listProjects,
    judged: 'domain',
    query: listQueryShape,
    reply: object({ projects: must(list(Project)), links: must(ListLinks) }, open),
  }),
  create: post('/v3/projects', {
    policy: rules.createProject,
    body: object({ project: must(object({ ...projectFields, name: must(shortName) }, open)) }),
    reply: object({ project: must(Project) }),
    faults: [faults.Conflict, faults.ValidationError, faults.Denied],
  }),
  show: get('/v3/projects/{project_id}', {
    policy: rules.getProject,
    judged: 'domain',
    query: anyQuery,
    reply: object({ project: must(Project) }),
    faults: [faults.ProjectNotFound],
  }),
  update: patch('/v3/projects/{project_id}', {
    policy: rules.updateProject,
    body: object({ project: must(object({ ...projectFields, name: may(shortName) }, open)) }),
    reply: object({ project: must(Project) }),
    faults: [faults.ProjectNotFound, faults.Conflict, faults.ImmutableUpdate, faults.Denied],
  }),
  remove: del('/v3/projects/{project_id}', {
    policy: rules.deleteProject,
    faults: [faults.ProjectNotFound, faults.ImmutableDelete, faults.Denied],
  }),
  tags: get('/v3/projects/{project_id}/tags', {
    policy: rules.listProjectTags,
    judged: 'domain',
    reply: Tags,
    faults: [faults.ProjectNotFound],
  }),
  replaceTags: put('/v3/projects/{project_id}/tags', {
    policy: rules.updateProjectTags,
    body: object({ tags: must(tagList) }),
    reply: Tags,
    faults: [faults.ProjectNotFound],
  }),
  removeTags: del('/v3/projects/{project_id}/tags', {
    policy: rules.deleteProjectTags,
    faults: [faults.ProjectNotFound],
  }),
  hasTag: get('/v3/projects/{project_id}/tags/{tag}', {
    policy: rules.getProjectTag,
    judged: 'domain',
    status: 204,
    faults: [faults.ProjectNotFound, faults.ProjectTagNotFound],
  }),
  addTag: put('/v3/projects/{project_id}/tags/{tag}', {
    policy: rules.createProjectTag,
    status: 201,
    faults: [faults.ProjectNotFound, faults.ValidationError],
  }),
  removeTag: del('/v3/projects/{project_id}/tags/{tag}', {
    policy: rules.deleteProjectTag,
    faults: [faults.ProjectNotFound, faults.ProjectTagNotFound],
  }),
}

export const domains = {
  list: get('/v3/domains', {
    policy: rules.listDomains,
    judged: 'domain',
    query: listQueryShape,
    reply: object({ domains: must(list(Domain)), links: must(ListLinks) }, open),
  }),
  create: post('/v3/domains', {
    policy: rules.createDomain,
    body: object({
      domain: must(object({ ...domainFields, name: must(shortName), explicit_domain_id: may(idText) }, open)),
    }),
    reply: object({ domain: must(Domain) }),
    faults: [faults.Conflict],
  }),
  show: get('/v3/domains/{domain_id}', {
    policy: rules.getDomain,
    judged: 'domain',
    reply: object({ domain: must(Domain) }),
    faults: [faults.DomainNotFound],
  }),
  update: patch('/v3/domains/{domain_id}', {
    policy: rules.updateDomain,
    body: object({ domain: must(object({ ...domainFields, name: may(shortName) }, { ...open, minProperties: 1 })) }),
    reply: object({ domain: must(Domain) }),
    faults: [faults.DomainNotFound, faults.Conflict, faults.ImmutableUpdate],
  }),
  remove: del('/v3/domains/{domain_id}', {
    policy: rules.deleteDomain,
    faults: [faults.DomainNotFound, faults.ImmutableDelete, faults.Denied],
  }),
}
