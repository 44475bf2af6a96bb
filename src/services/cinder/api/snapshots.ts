// Snapshots over HTTP, with their actions and metadata.
import { isoMicros } from '#kernel/lib/clock.ts'
import type { Static } from '#kernel/contract/shape.ts'
import { handlers, type HandlerTable } from '#kernel/http/handlers.ts'
import { needs, presenter, type Presenter, type Rows } from '#kernel/http/presenter.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import { faults } from '#services/cinder/contract/faults.ts'
import { rules } from '#services/cinder/contract/rules.ts'
import {
  snapshotActions,
  SnapshotMade,
  snapshotMetadata,
  snapshots,
  SnapshotView,
} from '#services/cinder/contract/snapshots.ts'
import type { Snapshot } from '#services/cinder/db/snapshots.ts'
import { listRequest, pageLinks } from '#services/cinder/api/listing.ts'
import type { SnapshotsDomain } from '#services/cinder/domain/snapshots.ts'
import type { VolumeLoads } from '#services/cinder/domain/volumes/loads.ts'

interface Loaded {
  metadata: ReadonlyMap<string, Readonly<Record<string, string>>>
  groups: ReadonlyMap<string, string>
}
const LATER_FILTERS = { metadata: 3022, use_quota: 3065, consumes_quota: 3065 }

const madeRows: Rows<Snapshot, Loaded, Static<typeof SnapshotMade>> = {
  id: s => s.id,
  created_at: s => isoMicros(s.createdAt),
  updated_at: s => (s.updatedAt === null ? null : isoMicros(s.updatedAt)),
  name: s => s.name,
  description: s => s.description,
  volume_id: s => s.volumeId,
  status: s => s.status,
  size: s => s.sizeGb,
  metadata: needs(['metadata'], (s, { metadata }) => ({ ...metadata.get(s.id) })),
  group_snapshot_id: needs(['groups'], (s, { groups }) => groups.get(s.id) ?? null),
  user_id: s => s.userId,
  consumes_quota: () => true,
}

/** The presenters of snapshots: as made, and as shown. */
export function presentSnapshot(loads: VolumeLoads): { made: Presenter<Snapshot>; shown: Presenter<Snapshot> } {
  const loaders = {
    metadata: (ctx: Ctx, all: readonly Snapshot[]) =>
      loads.snapshotMetadata(
        ctx,
        all.map(one => one.id),
      ),
    groups: (ctx: Ctx, all: readonly Snapshot[]) =>
      loads.groupSnapshots(
        ctx,
        all.map(one => one.id),
      ),
  }
  const made = presenter<Snapshot, Loaded>()(SnapshotMade, madeRows, { loaders })
  const shown = presenter<Snapshot, Loaded>()(
    SnapshotView,
    {
      ...madeRows,
      'os-extended-snapshot-attributes:project_id': s => s.projectId,
      'os-extended-snapshot-attributes:progress': s => s.progress,
    },
    { loaders },
  )
  return { made, shown }
}

export function snapshotHandlers(api: {
  domain: SnapshotsDomain
  loads: VolumeLoads
  maxLimit: number
}): HandlerTable[] {
  const { domain, maxLimit } = api
  const { made, shown } = presentSnapshot(api.loads)
  return [
    handlers(snapshots, {
      list: async call => {
        const {
          snapshots: found,
          more,
          count,
        } = await domain.list(call.ctx, listRequest(call, maxLimit, LATER_FILTERS))
        return {
          snapshots: await call.list(made, found),
          ...pageLinks(call, 'snapshots', more, found.at(-1)?.id),
          ...(count === null ? {} : { count }),
        }
      },
      detail: async call => {
        const {
          snapshots: found,
          more,
          count,
        } = await domain.list(call.ctx, listRequest(call, maxLimit, LATER_FILTERS))
        return {
          snapshots: await call.list(shown, found),
          ...pageLinks(call, 'snapshots', more, found.at(-1)?.id),
          ...(count === null ? {} : { count }),
        }
      },
      show: async call => ({
        snapshot: await call.show(shown, await domain.find(call.ctx, call.params.id, rules.volumeGetSnapshot)),
      }),
      create: async call => {
        const { snapshot } = call.body
        const anyway = call.has('inUse')
        if (anyway && snapshot.force === false)
          throw faults.BadRequest({
            reason:
              "Since microversion 3.66 the 'force' flag is invalid for this request.  For backward compatability, however, when the 'force' flag is passed with a value evaluating to True, it is silently ignored.",
          })
        const begun = await domain.create(call.ctx, {
          volumeId: snapshot.volume_id,
          name: snapshot.name ?? snapshot.display_name ?? null,
          description: snapshot.description ?? null,
          metadata: snapshot.metadata ?? {},
          inUse: anyway || snapshot.force === true,
        })
        return { snapshot: await call.show(made, begun) }
      },
      update: async call => {
        const { snapshot } = call.body
        const name = snapshot.name ?? snapshot.display_name
        const description = snapshot.description ?? snapshot.display_description
        const changed = await domain.update(call.ctx, call.params.id, {
          ...(name === undefined ? {} : { name }),
          ...(description === undefined ? {} : { description }),
        })
        return { snapshot: await call.show(made, changed) }
      },
      remove: call => domain.remove(call.ctx, call.params.id, false),
    }),
    handlers(snapshotActions, {
      resetStatus: call => domain.resetStatus(call.ctx, call.params.id, call.body.status ?? ''),
      forceDelete: call => domain.remove(call.ctx, call.params.id, true, rules.snapshotAdminActionsForceDelete),
      updateStatus: call => domain.report(call.ctx, call.params.id, call.body.status, call.body.progress ?? null),
    }),
    handlers(snapshotMetadata, {
      list: async call => ({ metadata: await domain.metadata(call.ctx, call.params.snapshot_id) }),
      create: async call => ({
        metadata: await domain.setMetadata(call.ctx, call.params.snapshot_id, call.body.metadata, false),
      }),
      replace: async call => ({
        metadata: await domain.setMetadata(call.ctx, call.params.snapshot_id, call.body.metadata, true),
      }),
      show: async call => {
        const { key, snapshot_id } = call.params
        const value = (await domain.metadata(call.ctx, snapshot_id))[key]
        if (value === undefined) throw faults.SnapshotMetadataNotFound({ id: snapshot_id, key })
        return { meta: { [key]: value } }
      },
      set: async call => {
        const { meta } = call.body
        if (!Object.hasOwn(meta, call.params.key)) throw faults.BadRequest({ reason: 'Request body and URI mismatch' })
        await domain.setMetadata(call.ctx, call.params.snapshot_id, meta, false)
        return { meta }
      },
      remove: call => domain.dropMetadatum(call.ctx, call.params.snapshot_id, call.params.key),
    }),
  ]
}
