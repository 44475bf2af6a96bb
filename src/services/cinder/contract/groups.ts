// Groups of volumes, their snapshots, and the older consistency groups, which are groups of one type.
import { action, del, get, post, put } from '#kernel/contract/route.ts'
import { may, must, object } from '#kernel/contract/shape.ts'
import { any, boolLike, list, nullable, raw, text, uuid } from '#kernel/contract/shapes.ts'
import { faults } from '#services/cinder/contract/faults.ts'
import { groupFaults } from '#services/cinder/contract/group-faults.ts'
import { rules } from '#services/cinder/contract/rules.ts'
import { label } from '#services/cinder/contract/shapes.ts'
import { listQuery } from '#services/cinder/contract/volumes.ts'

/** A list of volumes as text: ids with commas between. */
const ids = raw<string | null>({ type: ['string', 'null'], maxLength: 255 })
const since = '3.13'
const listSwitches = { volumes: '3.25', replication: '3.38', project: '3.58', sources: '3.14' }

export const groups = {
  list: get('/v3/groups', { policy: rules.groupGetAll, since, query: listQuery }),
  detail: get('/v3/groups/detail', { policy: rules.groupGetAll, since, query: listQuery, switches: listSwitches }),
  show: get('/v3/groups/{id}', {
    policy: rules.groupGet,
    since,
    query: listQuery,
    switches: listSwitches,
    faults: [faults.GroupNotFound, faults.BadRequest],
  }),
  create: post('/v3/groups', {
    policy: rules.groupCreate,
    since,
    status: 202,
    body: object({
      group: must(
        object({
          name: may(label),
          description: may(label),
          group_type: must(
            raw<string>({ type: 'string', minLength: 1, maxLength: 255 }, value => String(value).trim()),
          ),
          volume_types: must(list(text({ max: 255 }), { min: 1, max: 1000, unique: true })),
          availability_zone: may(nullable(text({ min: 1, max: 255 }))),
        }),
      ),
    }),
    faults: [
      groupFaults.GroupTypeNotFound,
      groupFaults.GroupTypeNotFoundByName,
      faults.VolumeTypeNotFound,
      faults.InvalidInput,
      groupFaults.GroupLimitExceeded,
    ],
  }),
  createFromSource: action('/v3/groups/action', 'create-from-src', {
    policy: rules.groupCreate,
    since: '3.14',
    body: object(
      {
        name: may(label),
        description: may(label),
        source_group_id: may(uuid),
        group_snapshot_id: may(uuid),
      },
      { rest: { oneOf: [{ required: ['group_snapshot_id'] }, { required: ['source_group_id'] }] } },
    ),
    faults: [faults.GroupNotFound, groupFaults.GroupSnapshotNotFound, groupFaults.InvalidGroup],
  }),
  update: put('/v3/groups/{id}', {
    policy: rules.groupUpdate,
    since,
    status: 202,
    body: object({
      group: must(
        object(
          { name: may(label), description: may(label), add_volumes: may(ids), remove_volumes: may(ids) },
          { minProperties: 1 },
        ),
      ),
    }),
    faults: [faults.GroupNotFound, groupFaults.InvalidGroup, faults.InvalidVolume],
  }),
}
const at = '/v3/groups/{id}/action'
const status = object({ status: must(text({ max: 255 })) })
const replication = { since: '3.38', faults: [faults.GroupNotFound, groupFaults.InvalidGroupType] } as const
export const groupActions = {
  remove: action(at, 'delete', {
    policy: rules.groupDelete,
    since,
    body: object({ 'delete-volumes': may(boolLike) }),
    faults: [faults.GroupNotFound, groupFaults.InvalidGroup],
  }),
  resetStatus: action(at, 'reset_status', {
    policy: rules.groupResetStatus,
    since: '3.20',
    body: status,
    faults: [faults.GroupNotFound, groupFaults.InvalidGroupStatus],
  }),
  enableReplication: action(at, 'enable_replication', {
    ...replication,
    policy: rules.groupEnableReplication,
    body: object({}, { extra: true }),
  }),
  disableReplication: action(at, 'disable_replication', {
    ...replication,
    policy: rules.groupDisableReplication,
    body: object({}, { extra: true }),
  }),
  failoverReplication: action(at, 'failover_replication', {
    ...replication,
    policy: rules.groupFailoverReplication,
    body: object({ allow_attached_volume: may(boolLike), secondary_backend_id: may(nullable(text({ max: 255 }))) }),
  }),
  listReplicationTargets: action(at, 'list_replication_targets', {
    ...replication,
    policy: rules.groupListReplicationTargets,
    status: 200,
    body: object({}, { extra: true }),
  }),
}

const snapshotSwitches = { paging: '3.29', project: '3.58' }
export const groupSnapshots = {
  list: get('/v3/group_snapshots', {
    policy: rules.groupGetAllGroupSnapshots,
    since: '3.14',
    query: listQuery,
    switches: snapshotSwitches,
  }),
  detail: get('/v3/group_snapshots/detail', {
    policy: rules.groupGetAllGroupSnapshots,
    since: '3.14',
    query: listQuery,
    switches: snapshotSwitches,
  }),
  show: get('/v3/group_snapshots/{id}', {
    policy: rules.groupGetGroupSnapshot,
    since: '3.14',
    switches: snapshotSwitches,
    faults: [groupFaults.GroupSnapshotNotFound],
  }),
  create: post('/v3/group_snapshots', {
    policy: rules.groupCreateGroupSnapshot,
    since: '3.14',
    status: 202,
    body: object({
      group_snapshot: must(object({ group_id: must(uuid), name: may(label), description: may(label) })),
    }),
    faults: [faults.GroupNotFound, groupFaults.InvalidGroup, faults.InvalidVolume, faults.SnapshotLimitExceeded],
  }),
  remove: del('/v3/group_snapshots/{id}', {
    policy: rules.groupDeleteGroupSnapshot,
    since: '3.14',
    status: 202,
    faults: [groupFaults.GroupSnapshotNotFound, groupFaults.InvalidGroupSnapshot],
  }),
}
export const groupSnapshotActions = {
  resetStatus: action('/v3/group_snapshots/{id}/action', 'reset_status', {
    policy: rules.groupResetGroupSnapshotStatus,
    since: '3.19',
    body: status,
    faults: [groupFaults.GroupSnapshotNotFound, groupFaults.InvalidGroupSnapshotStatus],
  }),
}

const open = { extra: true } as const
export const consistencyGroups = {
  list: get('/v3/consistencygroups', { policy: rules.groupGetAll, query: listQuery }),
  detail: get('/v3/consistencygroups/detail', { policy: rules.groupGetAll, query: listQuery }),
  show: get('/v3/consistencygroups/{id}', { policy: rules.groupGet, faults: [faults.GroupNotFound] }),
  create: post('/v3/consistencygroups', {
    policy: rules.groupCreate,
    status: 202,
    body: object(
      {
        consistencygroup: must(
          object(
            { name: may(label), description: may(label), volume_types: must(any), availability_zone: may(any) },
            open,
          ),
        ),
      },
      open,
    ),
    faults: [faults.BadRequest, faults.VolumeTypeNotFound],
  }),
  createFromSource: post('/v3/consistencygroups/create_from_src', {
    policy: rules.groupCreate,
    status: 202,
    body: object(
      {
        'consistencygroup-from-src': must(
          object(
            {
              name: may(label),
              description: may(label),
              cgsnapshot_id: may(text({ max: 255 })),
              source_cgid: may(text({ max: 255 })),
            },
            open,
          ),
        ),
      },
      open,
    ),
    faults: [faults.BadRequest, faults.GroupNotFound, groupFaults.GroupSnapshotNotFound],
  }),
  remove: post('/v3/consistencygroups/{id}/delete', {
    policy: rules.groupDelete,
    status: 202,
    bodyOptional: true,
    body: raw<{ consistencygroup?: { force?: boolean | string } } | null>({
      type: ['object', 'null'],
      properties: {
        consistencygroup: {
          type: 'object',
          properties: { force: boolLike.schema(0) },
        },
      },
    }),
    faults: [faults.GroupNotFound, groupFaults.InvalidGroup],
  }),
  update: put('/v3/consistencygroups/{id}/update', {
    policy: rules.groupUpdate,
    status: 202,
    body: object(
      {
        consistencygroup: must(
          object({ name: may(label), description: may(label), add_volumes: may(ids), remove_volumes: may(ids) }, open),
        ),
      },
      open,
    ),
    switches: { blanks: '3.6' },
    faults: [faults.GroupNotFound, faults.BadRequest, groupFaults.InvalidGroup],
  }),
}
export const consistencySnapshots = {
  list: get('/v3/cgsnapshots', { policy: rules.groupGetAllGroupSnapshots, query: listQuery }),
  detail: get('/v3/cgsnapshots/detail', { policy: rules.groupGetAllGroupSnapshots, query: listQuery }),
  show: get('/v3/cgsnapshots/{id}', {
    policy: rules.groupGetGroupSnapshot,
    faults: [groupFaults.GroupSnapshotNotFound],
  }),
  create: post('/v3/cgsnapshots', {
    policy: rules.groupCreateGroupSnapshot,
    status: 202,
    body: object(
      {
        cgsnapshot: must(
          object(
            {
              consistencygroup_id: must(text({ max: 255 })),
              name: may(text({ max: 255 })),
              description: may(text({ max: 255 })),
            },
            open,
          ),
        ),
      },
      open,
    ),
    faults: [faults.GroupNotFound, faults.InvalidVolume],
  }),
  remove: del('/v3/cgsnapshots/{id}', {
    policy: rules.groupDeleteGroupSnapshot,
    status: 202,
    faults: [groupFaults.GroupSnapshotNotFound, groupFaults.InvalidGroupSnapshot],
  }),
}
