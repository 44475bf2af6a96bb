// Consistency groups and their snapshots over HTTP: the older API on groups, which every client of it may go on using.
import { isoMicros } from '#kernel/lib/clock.ts'
import { handlers, type Call, type HandlerTable } from '#kernel/http/handlers.ts'
import { consistencyGroups, consistencySnapshots } from '#services/cinder/contract/groups.ts'
import { faults } from '#services/cinder/contract/faults.ts'
import type { GroupSnapshot } from '#services/cinder/db/group-snapshots.ts'
import type { GroupsApi } from '#services/cinder/api/groups.ts'
import { listRequest, pageLinks } from '#services/cinder/api/listing.ts'
import { CONSISTENCY_TYPE } from '#services/cinder/domain/group-types.ts'
import { createGroupFrom } from '#services/cinder/domain/group-copies.ts'
import type { GroupView } from '#services/cinder/domain/groups.ts'

const view = (group: GroupView): object => ({
  id: group.id,
  status: group.status,
  availability_zone: group.availabilityZone,
  created_at: isoMicros(group.createdAt),
  name: group.name,
  description: group.description,
  volume_types: group.volumeTypes,
})
const snapshotView = (one: GroupSnapshot): object => ({
  id: one.id,
  consistencygroup_id: one.groupId,
  status: one.status,
  created_at: isoMicros(one.createdAt),
  name: one.name,
  description: one.description,
})

export function consistencyHandlers(api: GroupsApi): HandlerTable[] {
  const { tools, groups: domain, snapshots } = api
  const listed = async (call: Call) => {
    const { groups: found, more } = await domain.list(call.ctx, listRequest(call, api.maxLimit))
    return { found, links: pageLinks(call, 'consistencygroup', more, found.at(-1)?.id) }
  }
  /** Marker, limit and offset are all that this list knows. */
  const listedSnapshots = async (call: Call): Promise<GroupSnapshot[]> => {
    const { limit, offset, marker } = listRequest(call, api.maxLimit)
    const request = listRequest({ ...call, query: {} }, api.maxLimit)
    return (await snapshots.list(call.ctx, { ...request, limit, offset, marker })).found
  }
  return [
    handlers(consistencyGroups, {
      list: async call => {
        const { found, links } = await listed(call)
        return { consistencygroups: found.map(({ id, name }) => ({ id, name })), ...links }
      },
      detail: async call => {
        const { found, links } = await listed(call)
        return { consistencygroups: (await domain.views(call.ctx, found)).map(view), ...links }
      },
      show: async call => {
        const [group] = await domain.views(call.ctx, [await domain.find(call.ctx, call.params.id)])
        return { consistencygroup: view(group as GroupView) }
      },
      create: async call => {
        const { name = null, description = null, volume_types, availability_zone } = call.body.consistencygroup
        if (typeof volume_types !== 'string' || volume_types === '')
          throw faults.BadRequest({
            reason: `volume_types must be provided to create consistency group ${name ?? 'None'}.`,
          })
        if (availability_zone != null && typeof availability_zone !== 'string')
          throw faults.InvalidInput({ reason: `Availability zone '${String(availability_zone)}' is invalid.` })
        const type = await tools.groupTypes.consistency(call.ctx)
        if (type === undefined)
          throw faults.BadRequest({
            reason: `Group type ${CONSISTENCY_TYPE} not found. Rerun migration script to create the default cgsnapshot type.`,
          })
        const made = await domain.create(call.ctx, {
          name,
          description,
          type,
          volumeTypes: volume_types.replace(/,+$/, '').split(','),
          availabilityZone: availability_zone ?? null,
        })
        return { consistencygroup: { id: made.id, name: made.name } }
      },
      createFromSource: async call => {
        const { name = null, description = null, cgsnapshot_id, source_cgid } = call.body['consistencygroup-from-src']
        const some = [cgsnapshot_id, source_cgid].filter(one => one !== undefined && one !== '')
        if (some.length === 0)
          throw faults.BadRequest({
            reason: `Either 'cgsnapshot_id' or 'source_cgid' must be provided to create consistency group ${name ?? 'None'} from source.`,
          })
        if (some.length === 2)
          throw faults.BadRequest({
            reason: `Cannot provide both 'cgsnapshot_id' and 'source_cgid' to create consistency group ${name ?? 'None'} from source.`,
          })
        const made = await createGroupFrom(tools, call.ctx, {
          name,
          description,
          groupSnapshotId: cgsnapshot_id === undefined || cgsnapshot_id === '' ? null : cgsnapshot_id,
          sourceGroupId: source_cgid === undefined || source_cgid === '' ? null : source_cgid,
        })
        return { consistencygroup: { id: made.id, name: made.name } }
      },
      remove: call => {
        const force = call.body?.consistencygroup?.force
        const word = String(force ?? false).toLowerCase()
        return domain.remove(call.ctx, call.params.id, ['true', '1', 'on', 'yes', 'y', 't'].includes(word))
      },
      update: async call => {
        const { name = null, description = null, add_volumes, remove_volumes } = call.body.consistencygroup
        const add = add_volumes ?? ''
        const remove = remove_volumes ?? ''
        const blanks = call.has('blanks')
        const named = blanks
          ? name !== null || description !== null
          : [name, description].some(one => one !== null && one !== '')
        if (!named && add === '' && remove === '')
          throw faults.BadRequest({
            reason: blanks
              ? 'Must specify one or more of the following keys to update: name, description, add_volumes, remove_volumes.'
              : 'Name, description, add_volumes, and remove_volumes can not be all empty in the request body.',
          })
        await domain.update(call.ctx, call.params.id, { name, description, add, remove })
      },
    }),
    handlers(consistencySnapshots, {
      list: async call => ({ cgsnapshots: (await listedSnapshots(call)).map(({ id, name }) => ({ id, name })) }),
      detail: async call => ({ cgsnapshots: (await listedSnapshots(call)).map(snapshotView) }),
      show: async call => ({ cgsnapshot: snapshotView(await snapshots.find(call.ctx, call.params.id)) }),
      create: async call => {
        const { consistencygroup_id, name, description } = call.body.cgsnapshot
        const made = await snapshots.create(call.ctx, {
          groupId: consistencygroup_id,
          name: name?.trim() ?? null,
          description: description?.trim() ?? null,
        })
        return { cgsnapshot: { id: made.id, name: made.name } }
      },
      remove: call => snapshots.remove(call.ctx, call.params.id),
    }),
  ]
}
