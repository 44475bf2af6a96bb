// Which endpoints a project's catalog shows: chosen one by one, or by groups that say what belongs to them.
import { del, get, patch, post, put } from '#kernel/contract/route.ts'
import { may, must, object } from '#kernel/contract/shape.ts'
import { bool, nullable, text, words } from '#kernel/contract/shapes.ts'
import { faults } from '#services/keystone/contract/faults.ts'
import { rules } from '#services/keystone/contract/rules.ts'
import { freeText, listQueryShape, longName, open } from '#services/keystone/contract/shapes.ts'

const Filters = object(
  {
    interface: may(words('admin', 'internal', 'public')),
    service_id: may(text({ max: 64 })),
    region_id: may(nullable(text({ max: 255 }))),
    enabled: may(bool),
  },
  open,
)
const ROOT = '/v3/OS-EP-FILTER'
const group = [faults.EndpointGroupNotFound]
const both = [faults.ProjectNotFound, faults.EndpointNotFound]

export const endpointFilters = {
  listGroups: get(`${ROOT}/endpoint_groups`, { policy: rules.listEndpointGroups, query: listQueryShape }),
  createGroup: post(`${ROOT}/endpoint_groups`, {
    policy: rules.createEndpointGroup,
    body: object({
      endpoint_group: must(object({ name: must(longName), description: may(freeText), filters: must(Filters) }, open)),
    }),
    faults: [faults.Expecting, faults.ValidationError],
  }),
  showGroup: get(`${ROOT}/endpoint_groups/{endpoint_group_id}`, { policy: rules.getEndpointGroup, faults: group }),
  updateGroup: patch(`${ROOT}/endpoint_groups/{endpoint_group_id}`, {
    policy: rules.updateEndpointGroup,
    body: object({
      endpoint_group: must(
        object(
          { name: may(longName), description: may(freeText), filters: may(Filters) },
          { ...open, minProperties: 1 },
        ),
      ),
    }),
    faults: [...group, faults.Expecting],
  }),
  removeGroup: del(`${ROOT}/endpoint_groups/{endpoint_group_id}`, { policy: rules.deleteEndpointGroup, faults: group }),
  groupEndpoints: get(`${ROOT}/endpoint_groups/{endpoint_group_id}/endpoints`, {
    policy: rules.listEndpointsAssociatedWithEndpointGroup,
    faults: group,
  }),
  groupProjects: get(`${ROOT}/endpoint_groups/{endpoint_group_id}/projects`, {
    policy: rules.listProjectsAssociatedWithEndpointGroup,
    faults: group,
  }),
  showGroupInProject: get(`${ROOT}/endpoint_groups/{endpoint_group_id}/projects/{project_id}`, {
    policy: rules.getEndpointGroupInProject,
    faults: [...group, faults.ProjectNotFound, faults.EndpointGroupNotInProject],
  }),
  addGroupToProject: put(`${ROOT}/endpoint_groups/{endpoint_group_id}/projects/{project_id}`, {
    policy: rules.addEndpointGroupToProject,
    status: 204,
    faults: [...group, faults.ProjectNotFound, faults.Conflict],
  }),
  removeGroupFromProject: del(`${ROOT}/endpoint_groups/{endpoint_group_id}/projects/{project_id}`, {
    policy: rules.removeEndpointGroupFromProject,
    faults: [...group, faults.ProjectNotFound, faults.EndpointGroupNotInProject],
  }),
  projectGroups: get(`${ROOT}/projects/{project_id}/endpoint_groups`, {
    policy: rules.listEndpointGroupsForProject,
    faults: [faults.ProjectNotFound],
  }),
  projectEndpoints: get(`${ROOT}/projects/{project_id}/endpoints`, {
    policy: rules.listEndpointsForProject,
    faults: [faults.ProjectNotFound],
  }),
  endpointProjects: get(`${ROOT}/endpoints/{endpoint_id}/projects`, {
    policy: rules.listProjectsForEndpoint,
    faults: [faults.EndpointNotFound],
  }),
  addEndpoint: put(`${ROOT}/projects/{project_id}/endpoints/{endpoint_id}`, {
    policy: rules.addEndpointToProject,
    status: 204,
    faults: [...both, faults.Conflict],
  }),
  hasEndpoint: get(`${ROOT}/projects/{project_id}/endpoints/{endpoint_id}`, {
    policy: rules.checkEndpointInProject,
    status: 204,
    faults: [...both, faults.EndpointNotInProject],
  }),
  removeEndpoint: del(`${ROOT}/projects/{project_id}/endpoints/{endpoint_id}`, {
    policy: rules.removeEndpointFromProject,
    faults: [faults.EndpointNotInProject],
  }),
}
