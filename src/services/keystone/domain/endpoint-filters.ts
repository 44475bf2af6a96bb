// What a project's catalog shows, where somebody chose.
import type { Rule } from '#kernel/contract/rule.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import { faults } from '#services/keystone/contract/faults.ts'
import { rules } from '#services/keystone/contract/rules.ts'
import { findEndpoint, listEndpoints, type EndpointEntity } from '#services/keystone/db/catalog.ts'
import {
  addEndpointFilter,
  addGroupFilter,
  belongs,
  endpointFilters,
  findEndpointGroup,
  groupFilters,
  insertEndpointGroup,
  listEndpointGroups,
  removeEndpointFilter,
  removeEndpointGroup,
  removeGroupFilter,
  shownEndpoints,
  updateEndpointGroup,
  type EndpointGroup,
} from '#services/keystone/db/endpoint-filters.ts'
import type { ListQuery } from '#services/keystone/db/filters.ts'
import type { Query } from '#services/keystone/db/ledger.ts'
import { findProject, findProjects } from '#services/keystone/db/projects.ts'
import { withTags, type TaggedProject } from '#services/keystone/domain/reach.ts'
import { enforce, type DomainTools } from '#services/keystone/domain/tools.ts'

export interface EndpointGroupWish {
  readonly name?: string | undefined
  readonly description?: string | null | undefined
  readonly filters?: Readonly<Record<string, unknown>> | undefined
}
export interface EndpointFilters {
  listGroups(ctx: Ctx, list: ListQuery): Promise<EndpointGroup[]>
  findGroup(ctx: Ctx, id: string): Promise<EndpointGroup>
  createGroup(ctx: Ctx, wish: EndpointGroupWish): Promise<EndpointGroup>
  updateGroup(ctx: Ctx, id: string, wish: EndpointGroupWish): Promise<EndpointGroup>
  removeGroup(ctx: Ctx, id: string): Promise<void>
  groupEndpoints(ctx: Ctx, id: string): Promise<EndpointEntity[]>
  groupProjects(ctx: Ctx, id: string): Promise<TaggedProject[]>
  hasGroup(ctx: Ctx, id: string, projectId: string): Promise<void>
  addGroup(ctx: Ctx, id: string, projectId: string): Promise<void>
  takeGroup(ctx: Ctx, id: string, projectId: string): Promise<void>
  projectGroups(ctx: Ctx, projectId: string): Promise<EndpointGroup[]>
  projectEndpoints(ctx: Ctx, projectId: string): Promise<EndpointEntity[]>
  endpointProjects(ctx: Ctx, endpointId: string): Promise<TaggedProject[]>
  hasEndpoint(ctx: Ctx, projectId: string, endpointId: string): Promise<void>
  addEndpoint(ctx: Ctx, projectId: string, endpointId: string): Promise<void>
  takeEndpoint(ctx: Ctx, projectId: string, endpointId: string): Promise<void>
}

const KEYS = ['service_id', 'region_id', 'interface']
const ALL: ListQuery = { filters: [] }

/** Throws 400 for a filter that no endpoint has. */
function checkFilters(filters: Readonly<Record<string, unknown>>): void {
  if (Object.keys(filters).some(name => !KEYS.includes(name)))
    throw faults.Expecting({ attribute: KEYS.join(' or '), target: 'endpoint_group' })
}

export function createEndpointFilters(tools: DomainTools): EndpointFilters {
  const { ledger, ids } = tools
  const read = <T>(ctx: Ctx, rule: Rule, name: string, deed: (q: Query) => Promise<T>): Promise<T> => {
    enforce(tools, ctx, rule, {})
    return ledger.read(ctx, name, deed)
  }
  const write = <T>(ctx: Ctx, rule: Rule, name: string, deed: (q: Query) => Promise<T>): Promise<T> => {
    enforce(tools, ctx, rule, {})
    return ledger.write(ctx, name, deed)
  }
  const load = async (q: Query, id: string): Promise<EndpointGroup> => {
    const group = await findEndpointGroup(q, id)
    if (group === null) throw faults.EndpointGroupNotFound({ id })
    return group
  }
  const checkProject = async (q: Query, id: string): Promise<void> => {
    if ((await findProject(q, id)) === null) throw faults.ProjectNotFound({ id })
  }
  const checkEndpoint = async (q: Query, id: string): Promise<void> => {
    if ((await findEndpoint(q, id)) === null) throw faults.EndpointNotFound({ id })
  }
  const taken = (type: string): Error => faults.Conflict({ type, details: 'Duplicate entry' })

  return {
    listGroups: (ctx, list) =>
      read(ctx, rules.listEndpointGroups, 'list-endpoint-groups', q => listEndpointGroups(q, list)),
    findGroup: (ctx, id) => read(ctx, rules.getEndpointGroup, 'find-endpoint-group', q => load(q, id)),
    createGroup: (ctx, wish) =>
      write(ctx, rules.createEndpointGroup, 'create-endpoint-group', async q => {
        const filters = wish.filters ?? {}
        if (Object.keys(filters).length === 0)
          throw faults.ValidationError({ detail: 'filters field is required and cannot be empty' })
        checkFilters(filters)
        const group: EndpointGroup = {
          id: ids.hex(),
          name: wish.name ?? '',
          description: wish.description ?? null,
          filters,
        }
        await insertEndpointGroup(q, group)
        return group
      }),
    updateGroup: (ctx, id, wish) =>
      write(ctx, rules.updateEndpointGroup, 'update-endpoint-group', async q => {
        const old = await load(q, id)
        if (wish.filters !== undefined) checkFilters(wish.filters)
        const group: EndpointGroup = {
          ...old,
          name: wish.name ?? old.name,
          description: wish.description === undefined ? old.description : wish.description,
          filters: wish.filters ?? old.filters,
        }
        await updateEndpointGroup(q, group)
        return group
      }),
    removeGroup: (ctx, id) =>
      write(ctx, rules.deleteEndpointGroup, 'remove-endpoint-group', async q => {
        await load(q, id)
        await removeEndpointGroup(q, id)
      }),
    groupEndpoints: (ctx, id) =>
      read(ctx, rules.listEndpointsAssociatedWithEndpointGroup, 'list-endpoints-of-group', async q => {
        const group = await load(q, id)
        return (await listEndpoints(q, ALL)).filter(endpoint => belongs(group, endpoint))
      }),
    groupProjects: (ctx, id) =>
      read(ctx, rules.listProjectsAssociatedWithEndpointGroup, 'list-projects-of-group', async q => {
        await load(q, id)
        const found = await groupFilters(q, { groupId: id })
        return withTags(
          q,
          await findProjects(
            q,
            found.map(row => row.projectId),
          ),
        )
      }),
    hasGroup: (ctx, id, projectId) =>
      read(ctx, rules.getEndpointGroupInProject, 'find-endpoint-group-in-project', async q => {
        await checkProject(q, projectId)
        await load(q, id)
        if ((await groupFilters(q, { projectId, groupId: id })).length === 0) throw faults.EndpointGroupNotInProject()
      }),
    addGroup: (ctx, id, projectId) =>
      write(ctx, rules.addEndpointGroupToProject, 'add-endpoint-group-to-project', async q => {
        await checkProject(q, projectId)
        await load(q, id)
        if (!(await addGroupFilter(q, projectId, id))) throw taken('project_endpoint_group')
      }),
    takeGroup: (ctx, id, projectId) =>
      write(ctx, rules.removeEndpointGroupFromProject, 'remove-endpoint-group-from-project', async q => {
        await checkProject(q, projectId)
        await load(q, id)
        if (!(await removeGroupFilter(q, projectId, id))) throw faults.EndpointGroupNotInProject()
      }),
    projectGroups: (ctx, projectId) =>
      read(ctx, rules.listEndpointGroupsForProject, 'list-endpoint-groups-of-project', async q => {
        await checkProject(q, projectId)
        const own = new Set((await groupFilters(q, { projectId })).map(row => row.groupId))
        return (await listEndpointGroups(q, ALL)).filter(group => own.has(group.id))
      }),
    projectEndpoints: (ctx, projectId) =>
      read(ctx, rules.listEndpointsForProject, 'list-endpoints-of-project', async q => {
        await checkProject(q, projectId)
        const all = await listEndpoints(q, ALL)
        const own = (await shownEndpoints(q, all)).get(projectId)
        return all.filter(endpoint => own?.has(endpoint.id) === true)
      }),
    endpointProjects: (ctx, endpointId) =>
      read(ctx, rules.listProjectsForEndpoint, 'list-projects-of-endpoint', async q => {
        await checkEndpoint(q, endpointId)
        const found = await endpointFilters(q, { endpointId })
        return withTags(
          q,
          await findProjects(
            q,
            found.map(row => row.projectId),
          ),
        )
      }),
    hasEndpoint: (ctx, projectId, endpointId) =>
      read(ctx, rules.checkEndpointInProject, 'find-endpoint-in-project', async q => {
        await checkEndpoint(q, endpointId)
        await checkProject(q, projectId)
        if ((await endpointFilters(q, { projectId, endpointId })).length === 0)
          throw faults.EndpointNotInProject({ id: endpointId, projectId })
      }),
    addEndpoint: (ctx, projectId, endpointId) =>
      write(ctx, rules.addEndpointToProject, 'add-endpoint-to-project', async q => {
        await checkEndpoint(q, endpointId)
        await checkProject(q, projectId)
        if (!(await addEndpointFilter(q, projectId, endpointId))) throw taken('project_endpoint')
      }),
    takeEndpoint: (ctx, projectId, endpointId) =>
      write(ctx, rules.removeEndpointFromProject, 'remove-endpoint-from-project', async q => {
        if (!(await removeEndpointFilter(q, projectId, endpointId)))
          throw faults.EndpointNotInProject({ id: endpointId, projectId })
      }),
  }
}
