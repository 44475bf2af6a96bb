// Groups of volumes and their snapshots over HTTP.
import { isoMicros } from '#kernel/lib/clock.ts'
import { handlers, type Call, type HandlerTable } from '#kernel/http/handlers.ts'
import { groupActions, groups, groupSnapshotActions, groupSnapshots } from '#services/cinder/contract/groups.ts'
import { rules } from '#services/cinder/contract/rules.ts'
import type { GroupSnapshot } from '#services/cinder/db/group-snapshots.ts'
import { boolOf, lastOf, listRequest, pageLinks } from '#services/cinder/api/listing.ts'
import { createGroupFrom } from '#services/cinder/domain/group-copies.ts'
import type { GroupSnapshotsDomain } from '#services/cinder/domain/group-snapshots.ts'
import type { GroupsDomain, GroupsTools, GroupView } from '#services/cinder/domain/groups.ts'

export interface GroupsApi {
  readonly tools: GroupsTools
  readonly groups: GroupsDomain
  readonly snapshots: GroupSnapshotsDomain
  readonly maxLimit: number
}

const groupView = (group: GroupView, call: Call, withVolumes: boolean): object => ({
  id: group.id,
  status: group.status,
  availability_zone: group.availabilityZone,
  created_at: isoMicros(group.createdAt),
  name: group.name,
  description: group.description,
  group_type: group.groupTypeId,
  volume_types: group.volumeTypes,
  ...(call.has('sources') ? { group_snapshot_id: group.groupSnapshotId, source_group_id: group.sourceGroupId } : {}),
  ...(call.has('volumes') && withVolumes ? { volumes: group.volumes } : {}),
  ...(call.has('replication') ? { replication_status: 'disabled' } : {}),
  ...(call.has('project') && call.allows(rules.groupGroupProjectAttribute, { project_id: group.projectId })
    ? { project_id: group.projectId }
    : {}),
})
const snapshotView = (one: GroupSnapshot, call: Call): object => ({
  id: one.id,
  group_id: one.groupId,
  group_type_id: one.groupTypeId,
  status: one.status,
  created_at: isoMicros(one.createdAt),
  name: one.name,
  description: one.description,
  ...(call.has('project') && call.allows(rules.groupGroupSnapshotProjectAttribute, { project_id: one.projectId })
    ? { project_id: one.projectId }
    : {}),
})

export function groupHandlers(api: GroupsApi): HandlerTable[] {
  const { tools, groups: domain, snapshots } = api
  /** Consistency groups are left out of lists, as upstream does: pages may be shorter than asked. */
  const listed = async (call: Call) => {
    const { groups: found, more } = await domain.list(call.ctx, listRequest(call, api.maxLimit))
    const reserved = (await tools.groupTypes.consistency(call.ctx))?.id
    return {
      shown: found.filter(group => group.groupTypeId !== reserved),
      links: pageLinks(call, 'group', more, found.at(-1)?.id),
    }
  }
  const listedSnapshots = async (call: Call) => {
    const request = call.has('paging')
      ? listRequest(call, api.maxLimit)
      : listRequest({ ...call, query: {} }, api.maxLimit)
    const { found, more } = await snapshots.list(call.ctx, request)
    const reserved = (await tools.groupTypes.consistency(call.ctx))?.id
    return {
      shown: found.filter(one => one.groupTypeId !== reserved),
      links: pageLinks(call, 'group_snapshot', more, found.at(-1)?.id),
    }
  }
  return [
    handlers(groups, {
      list: async call => {
        const { shown, links } = await listed(call)
        return { groups: shown.map(({ id, name }) => ({ id, name })), ...links }
      },
      detail: async call => {
        const { shown, links } = await listed(call)
        const withVolumes = call.has('volumes') && boolOf(lastOf(call.query), 'list_volume')
        const views = await domain.views(call.ctx, shown)
        return { groups: views.map(group => groupView(group, call, withVolumes)), ...links }
      },
      show: async call => {
        const group = await domain.find(call.ctx, call.params.id)
        await domain.demandGeneric(call.ctx, group.groupTypeId)
        const withVolumes = call.has('volumes') && boolOf(lastOf(call.query), 'list_volume')
        const [view] = await domain.views(call.ctx, [group])
        return { group: groupView(view as GroupView, call, withVolumes) }
      },
      create: async call => {
        const given = call.body.group
        const type = await tools.groupTypes.findByRef(call.ctx, given.group_type)
        await domain.demandGeneric(call.ctx, type.id)
        const made = await domain.create(call.ctx, {
          name: given.name ?? null,
          description: given.description ?? null,
          type,
          volumeTypes: given.volume_types,
          availabilityZone: given.availability_zone ?? null,
        })
        return { group: { id: made.id, name: made.name } }
      },
      createFromSource: async call => {
        const { name, description, source_group_id, group_snapshot_id } = call.body
        const source =
          group_snapshot_id === undefined
            ? await domain.find(call.ctx, source_group_id ?? '')
            : await snapshots.find(call.ctx, group_snapshot_id)
        await domain.demandGeneric(call.ctx, source.groupTypeId)
        const made = await createGroupFrom(tools, call.ctx, {
          name: name ?? null,
          description: description ?? null,
          groupSnapshotId: group_snapshot_id ?? null,
          sourceGroupId: source_group_id ?? null,
        })
        return { group: { id: made.id, name: made.name } }
      },
      update: async call => {
        const given = call.body.group
        await domain.demandGeneric(call.ctx, (await domain.find(call.ctx, call.params.id)).groupTypeId)
        await domain.update(call.ctx, call.params.id, {
          name: given.name ?? null,
          description: given.description ?? null,
          add: given.add_volumes ?? null,
          remove: given.remove_volumes ?? null,
        })
      },
    }),
    handlers(groupActions, {
      remove: async call => {
        await domain.demandGeneric(call.ctx, (await domain.find(call.ctx, call.params.id)).groupTypeId)
        await domain.remove(call.ctx, call.params.id, call.body['delete-volumes'] === true)
      },
      resetStatus: call => domain.resetStatus(call.ctx, call.params.id, call.body.status),
      enableReplication: call => domain.replicate(call.ctx, call.params.id, 'enable', rules.groupEnableReplication),
      disableReplication: call => domain.replicate(call.ctx, call.params.id, 'disable', rules.groupDisableReplication),
      failoverReplication: call =>
        domain.replicate(call.ctx, call.params.id, 'failover', rules.groupFailoverReplication),
      listReplicationTargets: call =>
        domain.replicate(call.ctx, call.params.id, 'list', rules.groupListReplicationTargets),
    }),
    handlers(groupSnapshots, {
      list: async call => {
        const { shown, links } = await listedSnapshots(call)
        return { group_snapshots: shown.map(({ id, name }) => ({ id, name })), ...links }
      },
      detail: async call => {
        const { shown, links } = await listedSnapshots(call)
        return { group_snapshots: shown.map(one => snapshotView(one, call)), ...links }
      },
      show: async call => {
        const one = await snapshots.find(call.ctx, call.params.id)
        await domain.demandGeneric(call.ctx, one.groupTypeId, 'group snapshot')
        return { group_snapshot: snapshotView(one, call) }
      },
      create: async call => {
        const { group_id, name, description } = call.body.group_snapshot
        const group = await domain.find(call.ctx, group_id)
        await domain.demandGeneric(call.ctx, group.groupTypeId, 'group snapshot')
        const made = await snapshots.create(call.ctx, {
          groupId: group.id,
          name: name ?? null,
          description: description ?? null,
        })
        return { group_snapshot: { id: made.id, name: made.name, group_type_id: made.groupTypeId } }
      },
      remove: async call => {
        const one = await snapshots.find(call.ctx, call.params.id)
        await domain.demandGeneric(call.ctx, one.groupTypeId, 'group snapshot')
        await snapshots.remove(call.ctx, call.params.id)
      },
    }),
    handlers(groupSnapshotActions, {
      resetStatus: call => snapshots.resetStatus(call.ctx, call.params.id, call.body.status),
    }),
  ]
}
