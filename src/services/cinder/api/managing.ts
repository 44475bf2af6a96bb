// Lists of what could be managed, and managing, over HTTP.
import { handlers, type Call, type HandlerTable } from '#kernel/http/handlers.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import {
  manageableSnapshots,
  manageableVolumes,
  snapshotManage,
  snapshotUnmanage,
  volumeManage,
} from '#services/cinder/contract/managing.ts'
import { lastOf, listRequest } from '#services/cinder/api/listing.ts'
import { presentSnapshot } from '#services/cinder/api/snapshots.ts'
import { presentVolume } from '#services/cinder/api/volumes.ts'
import type { ManageableView, ManagingDomain } from '#services/cinder/domain/managing.ts'
import type { VolumeLoads } from '#services/cinder/domain/volumes/loads.ts'

type ListCall = Pick<Call, 'query' | 'at' | 'ctx'>
type Made = { readonly name?: string | null | undefined; readonly description?: string | null | undefined }

const briefly = (one: ManageableView): Record<string, unknown> => ({
  reference: { 'source-name': one.reference },
  size: one.sizeGb,
  safe_to_manage: one.unsafe === null,
  ...(one.source === null ? {} : { source_reference: { 'source-name': one.source } }),
})
const wholly = (one: ManageableView): Record<string, unknown> => ({
  ...briefly(one),
  reason_not_safe: one.unsafe,
  cinder_id: one.cinderId,
  extra_info: null,
})
const labels = (given: Made): { name: string | null; description: string | null } => ({
  name: given.name ?? null,
  description: given.description ?? null,
})

export function managingHandlers(api: {
  domain: ManagingDomain
  loads: VolumeLoads
  maxLimit: number
}): HandlerTable[] {
  const { domain, maxLimit } = api
  const volume = presentVolume(api.loads).made
  const snapshot = presentSnapshot(api.loads).made
  const list = async (
    call: ListCall,
    key: string,
    find: ManagingDomain['volumes'],
    view: typeof briefly,
  ): Promise<object> => {
    const { host, cluster: _cluster, ...query } = lastOf(call.query)
    const sorted = query['sort'] !== undefined || query['sort_key'] !== undefined
    const request = listRequest({ query: sorted ? query : { ...query, sort: 'reference:desc' }, at: call.at }, maxLimit)
    return { [key]: (await find(call.ctx, host ?? null, request)).map(view) }
  }
  type VolumeBody = Parameters<ManagingDomain['manage']>[1]['ref']
  const manage = (
    ctx: Ctx,
    given: Made & {
      readonly ref: VolumeBody
      readonly host?: string | null | undefined
      readonly volume_type?: string | null | undefined
      readonly availability_zone?: string | null | undefined
      readonly bootable?: boolean | undefined
      readonly metadata?: Record<string, string> | null | undefined
    },
  ) =>
    domain.manage(ctx, {
      ...labels(given),
      ref: given.ref,
      host: given.host ?? null,
      typeRef: given.volume_type ?? null,
      availabilityZone: given.availability_zone ?? null,
      bootable: given.bootable === true,
      metadata: given.metadata ?? {},
    })
  const manageSnapshot = (
    ctx: Ctx,
    given: Made & {
      readonly ref: VolumeBody
      readonly volume_id: string
      readonly metadata?: Record<string, string> | null | undefined
    },
  ) =>
    domain.manageSnapshot(ctx, {
      ...labels(given),
      ref: given.ref,
      volumeId: given.volume_id,
      metadata: given.metadata ?? {},
    })
  return [
    handlers(manageableVolumes, {
      list: call => list(call as ListCall, 'manageable-volumes', domain.volumes, briefly),
      detail: call => list(call as ListCall, 'manageable-volumes', domain.volumes, wholly),
      create: async call => ({ volume: await call.show(volume, await manage(call.ctx, call.body.volume)) }),
    }),
    handlers(volumeManage, {
      list: call => list(call as ListCall, 'manageable-volumes', domain.volumes, briefly),
      detail: call => list(call as ListCall, 'manageable-volumes', domain.volumes, wholly),
      create: async call => ({ volume: await call.show(volume, await manage(call.ctx, call.body.volume)) }),
    }),
    handlers(manageableSnapshots, {
      list: call => list(call as ListCall, 'manageable-snapshots', domain.snapshots, briefly),
      detail: call => list(call as ListCall, 'manageable-snapshots', domain.snapshots, wholly),
      create: async call => ({
        snapshot: await call.show(snapshot, await manageSnapshot(call.ctx, call.body.snapshot)),
      }),
    }),
    handlers(snapshotManage, {
      list: call => list(call as ListCall, 'manageable-snapshots', domain.snapshots, briefly),
      detail: call => list(call as ListCall, 'manageable-snapshots', domain.snapshots, wholly),
      create: async call => ({
        snapshot: await call.show(snapshot, await manageSnapshot(call.ctx, call.body.snapshot)),
      }),
    }),
    handlers(snapshotUnmanage, { unmanage: call => domain.unmanageSnapshot(call.ctx, call.params.id) }),
  ]
}
