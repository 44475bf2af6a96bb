// Servers that change their size or their host, and what is told of it. Clients call one such way a migration.
import { action, del, get } from '#kernel/contract/route.ts'
import { may, must, object } from '#kernel/contract/shape.ts'
import { any, boolLike, int, intLike, list, nullable, raw, repeated, text, words } from '#kernel/contract/shapes.ts'
import { faults } from '#services/nova/contract/faults.ts'
import { rules } from '#services/nova/contract/rules.ts'

/** Statuses of live migrations that are shown as being under way. */
export const LIVE_UNDER_WAY: readonly string[] = ['queued', 'preparing', 'running', 'post-migrating']

const at = '/v2.1/servers/{id}/action'
const state = [faults.InstanceNotFound, faults.InstanceInvalidState, faults.InstanceIsLocked]
const host = text({ min: 1, max: 255, pattern: '^[a-zA-Z0-9-._]*$' })
/** `auto` and booleans in all their spellings; null says auto. */
const blockMigration = raw<boolean | null>(
  { ...boolLike.schema(0), enum: [...((boolLike.schema(0)['enum'] as unknown[]) ?? []), 'auto'] },
  value => (value === 'auto' ? null : (boolLike.raise?.(value, 0) ?? value)),
)

export const moveActions = {
  resize: action(at, 'resize', {
    policy: rules.serversResize,
    body: object(
      {
        flavorRef: must(raw<string>({ type: ['string', 'integer'], minLength: 1 }, String)),
        'OS-DCF:diskConfig': may(words('AUTO', 'MANUAL')),
      },
      { extra: false },
    ),
    faults: [...state, faults.InstanceNotReady, faults.ServiceUnavailable, faults.OverQuota, faults.FlavorBadRequest],
  }),
  confirmResize: action(at, 'confirmResize', {
    policy: rules.serversConfirmResize,
    body: nullable(any),
    bodyOptional: true,
    status: 204,
    faults: [...state, faults.NotResized, faults.ServiceUnavailable],
  }),
  revertResize: action(at, 'revertResize', {
    policy: rules.serversRevertResize,
    body: nullable(any),
    bodyOptional: true,
    faults: [...state, faults.NotResized, faults.OverQuota],
  }),
  migrate: action(at, 'migrate', {
    policy: rules.migrateServerMigrate,
    body: nullable(object({ host: may(nullable(host)).since('2.56') }, { extra: { refusedFrom: '2.56' } })),
    bodyOptional: true,
    faults: [...state, faults.CannotMigrateToSameHost, faults.NoSuchComputeHost, faults.ServiceUnavailable],
  }),
  migrateLive: action(at, 'os-migrateLive', {
    policy: rules.migrateServerMigrateLive,
    body: object(
      {
        host: must(nullable(host)),
        block_migration: must(boolLike).becomes('2.25', blockMigration),
        disk_over_commit: must(boolLike).until('2.24'),
        force: may(boolLike).only('2.30', '2.67'),
      },
      { extra: false },
    ),
    switches: { inBackground: '2.34', takesForce: '2.30', neverForced: '2.68' },
    faults: [...state, faults.NoSuchComputeHost, faults.MigrationPreCheckError, faults.NoValidHost],
  }),
  evacuate: action(at, 'evacuate', {
    policy: rules.evacuate,
    body: object(
      {
        host: may(host),
        onSharedStorage: must(boolLike).until('2.13'),
        adminPass: may(text()),
        force: may(boolLike).only('2.29', '2.67'),
      },
      { extra: false },
    ),
    status: 200,
    switches: { tellsNoPassword: '2.14', takesForce: '2.29', neverForced: '2.68', leaveStopped: '2.95' },
    faults: [...state, faults.ComputeServiceInUse, faults.NotFound, faults.BadRequest],
  }),
}

const when = text({ format: 'date-time' })
const place = must(nullable(text()))
const bytes = must(nullable(int()))
/** In the list of all. */
export const MoveView = object({
  id: must(int()),
  uuid: must(text()).since('2.59'),
  instance_uuid: must(text()),
  created_at: must(text()),
  updated_at: must(nullable(text())),
  status: must(text()),
  migration_type: must(text()).since('2.23'),
  old_instance_type_id: must(nullable(int())),
  new_instance_type_id: must(nullable(int())),
  source_compute: place,
  source_node: place,
  dest_compute: place,
  dest_node: place,
  dest_host: place,
  links: may(list(any)).since('2.23'),
  user_id: must(nullable(text())).since('2.80'),
  project_id: must(nullable(text())).since('2.80'),
})
/** One that is under way, of one server. */
export const LiveMoveView = object({
  id: must(int()),
  uuid: must(text()).since('2.59'),
  server_uuid: must(text()),
  created_at: must(text()),
  updated_at: must(nullable(text())),
  status: must(text()),
  source_compute: place,
  source_node: place,
  dest_compute: place,
  dest_node: place,
  dest_host: place,
  memory_total_bytes: bytes,
  memory_processed_bytes: bytes,
  memory_remaining_bytes: bytes,
  disk_total_bytes: bytes,
  disk_processed_bytes: bytes,
  disk_remaining_bytes: bytes,
  user_id: must(nullable(text())).since('2.80'),
  project_id: must(nullable(text())).since('2.80'),
})

const filter = may(repeated(text()))
const single = (shape: ReturnType<typeof text>) => may(repeated(shape))
export const moves = {
  list: get('/v2.1/os-migrations', {
    policy: rules.migrationsIndex,
    query: object(
      {
        hidden: filter,
        host: filter,
        instance_uuid: filter,
        source_compute: filter,
        status: filter,
        migration_type: filter,
        limit: may(repeated(intLike({ min: 0 }))).since('2.59'),
        marker: single(text()).since('2.59'),
        'changes-since': single(when).since('2.59'),
        'changes-before': single(when).since('2.66'),
        user_id: single(text()).since('2.80'),
        project_id: single(text()).since('2.80'),
      },
      { extra: { refusedFrom: '2.59' } },
    ),
    switches: { paged: '2.59', changedBefore: '2.66', byOwner: '2.80' },
    faults: [faults.BadRequest, faults.MarkerNotFound],
  }),
}

const one = '/v2.1/servers/{server}/migrations/{migration}'
export const serverMoves = {
  list: get('/v2.1/servers/{server}/migrations', {
    policy: rules.serversMigrationsIndex,
    since: '2.23',
    faults: [faults.InstanceNotFound],
  }),
  show: get(one, {
    policy: rules.serversMigrationsShow,
    since: '2.23',
    faults: [faults.InstanceNotFound, faults.NotFound],
  }),
  abort: del(one, {
    policy: rules.serversMigrationsDelete,
    since: '2.24',
    status: 202,
    switches: { alsoQueued: '2.65' },
    faults: [...state, faults.MigrationNotFoundForInstance, faults.InvalidMigrationState],
  }),
  forceComplete: action(`${one}/action`, 'force_complete', {
    policy: rules.serversMigrationsForceComplete,
    since: '2.22',
    body: nullable(any),
    bodyOptional: true,
    faults: [...state, faults.BadRequest, faults.InvalidMigrationState],
  }),
}
