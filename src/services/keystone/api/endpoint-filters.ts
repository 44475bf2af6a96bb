// Endpoint groups and filters over HTTP.
import { handlers, type Call, type HandlerTable } from '#kernel/http/handlers.ts'
import { collection, listQuery, selfLink, type ListSettings } from '#services/keystone/api/lists.ts'
import { showEndpoint, showProject } from '#services/keystone/api/show.ts'
import { endpointFilters } from '#services/keystone/contract/endpoint-filters.ts'
import type { EndpointEntity } from '#services/keystone/db/catalog.ts'
import type { EndpointGroup } from '#services/keystone/db/endpoint-filters.ts'
import { fillFrontDoor } from '#services/keystone/domain/catalog-text.ts'
import type { EndpointFilters } from '#services/keystone/domain/endpoint-filters.ts'
import type { TaggedProject } from '#services/keystone/domain/reach.ts'

type ListCall = Pick<Call, 'base' | 'path' | 'rawQuery' | 'query'>

export function endpointFilterHandlers(
  verbs: EndpointFilters,
  settings: ListSettings,
  frontDoor: (base: string) => string,
): HandlerTable {
  const wire = (call: Pick<Call, 'base'>, group: EndpointGroup): object => ({
    id: group.id,
    name: group.name,
    description: group.description,
    filters: group.filters,
    links: selfLink(call, 'OS-EP-FILTER/endpoint_groups', group.id),
  })
  const groups = (call: ListCall, rows: readonly EndpointGroup[]): object =>
    collection(call, 'endpoint_groups', rows, row => wire(call, row))
  const projects = (call: ListCall, rows: readonly TaggedProject[]): object =>
    collection(call, 'projects', rows, row => showProject(row, selfLink(call, 'projects', row.id)))
  const endpoints = (call: ListCall, rows: readonly EndpointEntity[]): object =>
    collection(call, 'endpoints', rows, row =>
      showEndpoint({ ...row, url: fillFrontDoor(row.url, frontDoor(call.base)) }, selfLink(call, 'endpoints', row.id)),
    )
  return handlers(endpointFilters, {
    listGroups: async call => {
      const list = listQuery(call, ['name'], settings)
      return collection(call, 'endpoint_groups', await verbs.listGroups(call.ctx, list), row => wire(call, row), list)
    },
    createGroup: async call => ({
      endpoint_group: wire(call, await verbs.createGroup(call.ctx, call.body.endpoint_group)),
    }),
    showGroup: async call => ({
      endpoint_group: wire(call, await verbs.findGroup(call.ctx, call.params.endpoint_group_id)),
    }),
    updateGroup: async call => ({
      endpoint_group: wire(
        call,
        await verbs.updateGroup(call.ctx, call.params.endpoint_group_id, call.body.endpoint_group),
      ),
    }),
    removeGroup: call => verbs.removeGroup(call.ctx, call.params.endpoint_group_id),
    groupEndpoints: async call => endpoints(call, await verbs.groupEndpoints(call.ctx, call.params.endpoint_group_id)),
    groupProjects: async call => projects(call, await verbs.groupProjects(call.ctx, call.params.endpoint_group_id)),
    showGroupInProject: async call => {
      const { endpoint_group_id: id, project_id: projectId } = call.params
      await verbs.hasGroup(call.ctx, id, projectId)
      return {
        project_endpoint_group: {
          endpoint_group_id: id,
          project_id: projectId,
          links: { self: `${call.base}${call.path}` },
        },
      }
    },
    addGroupToProject: call => verbs.addGroup(call.ctx, call.params.endpoint_group_id, call.params.project_id),
    removeGroupFromProject: call => verbs.takeGroup(call.ctx, call.params.endpoint_group_id, call.params.project_id),
    projectGroups: async call => groups(call, await verbs.projectGroups(call.ctx, call.params.project_id)),
    projectEndpoints: async call => endpoints(call, await verbs.projectEndpoints(call.ctx, call.params.project_id)),
    endpointProjects: async call => projects(call, await verbs.endpointProjects(call.ctx, call.params.endpoint_id)),
    addEndpoint: call => verbs.addEndpoint(call.ctx, call.params.project_id, call.params.endpoint_id),
    hasEndpoint: call => verbs.hasEndpoint(call.ctx, call.params.project_id, call.params.endpoint_id),
    removeEndpoint: call => verbs.takeEndpoint(call.ctx, call.params.project_id, call.params.endpoint_id),
  })
}
