// Volumes over HTTP: translate, never decide.
import { isoMicros } from '#kernel/lib/clock.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import { handlers, type HandlerTable } from '#kernel/http/handlers.ts'
import { byVersion, needs, presenter, type Presenter, type Rows } from '#kernel/http/presenter.ts'
import type { Static } from '#kernel/contract/shape.ts'
import { rules } from '#services/cinder/contract/rules.ts'
import { volumes, VolumeMade, VolumeView } from '#services/cinder/contract/volumes.ts'
import type { Attachment } from '#services/cinder/db/attachments.ts'
import type { Volume } from '#services/cinder/db/volumes.ts'
import { boolOf, lastOf, linksOf, listRequest, pageLinks } from '#services/cinder/api/listing.ts'
import { createVolumes } from '#services/cinder/domain/volumes/create.ts'
import { pageOfVolumes, summaryOfVolumes } from '#services/cinder/domain/volumes/list.ts'
import type { VolumeLoads } from '#services/cinder/domain/volumes/loads.ts'
import type { VolumesDomain } from '#services/cinder/domain/volumes/volumes.ts'
import type { DomainTools } from '#services/cinder/domain/tools.ts'
import type { TypesDomain } from '#services/cinder/domain/types.ts'

export interface VolumesApi {
  readonly tools: DomainTools & { readonly types: TypesDomain }
  readonly domain: VolumesDomain
  readonly loads: VolumeLoads
}

interface Loaded {
  metadata: ReadonlyMap<string, Readonly<Record<string, string>>>
  attachments: ReadonlyMap<string, readonly Attachment[]>
  types: ReadonlyMap<string, string>
  services: ReadonlyMap<string, string>
  groups: ReadonlyMap<string, { readonly groupId: string; readonly consistency: boolean }>
}
/** Filters that later versions brought. */
const LATER_FILTERS = {
  glance_metadata: 3004,
  group_id: 3010,
  created_at: 3060,
  updated_at: 3060,
  use_quota: 3065,
  consumes_quota: 3065,
}
const isAdmin = (ctx: Ctx): boolean => ctx.who?.roles.includes('admin') === true
/** Servers' hosts are shown to administrators and services: Glance needs them of volumes that hold images. */
const seesHosts = (ctx: Ctx): boolean => isAdmin(ctx) || ctx.who?.roles.includes('service') === true

/** What administrators set is shown among the user's metadata. */
const withAdminMetadata = (v: Volume, metadata: Readonly<Record<string, string>> = {}): Record<string, string> => ({
  ...metadata,
  ...(v.readonly === null ? {} : { readonly: v.readonly }),
  ...(v.attachedMode === null ? {} : { attached_mode: v.attachedMode }),
})

type Made = Static<typeof VolumeMade>
const madeRows: Rows<Volume, Loaded, Made> = {
  id: v => v.id,
  status: v => v.status,
  size: v => v.sizeGb,
  availability_zone: v => v.availabilityZone,
  created_at: v => isoMicros(v.createdAt),
  updated_at: v => (v.updatedAt === null ? null : isoMicros(v.updatedAt)),
  name: v => v.name,
  description: v => v.description,
  volume_type: needs(['types'], (v, { types }) => types.get(v.typeId) ?? v.typeId),
  snapshot_id: v => v.snapshotId,
  source_volid: v => v.sourceVolumeId,
  metadata: needs(['metadata'], (v, { metadata }) => withAdminMetadata(v, metadata.get(v.id))),
  links: (v, _loaded, view) => linksOf(view.base, 'volumes', v.id),
  user_id: v => v.userId,
  bootable: v => String(v.bootable),
  encrypted: () => false,
  replication_status: () => null,
  consistencygroup_id: needs(['groups'], (v, { groups }) => {
    const group = groups.get(v.id)
    return group?.consistency === true ? group.groupId : null
  }),
  multiattach: v => v.multiattach,
  attachments: needs(['attachments'], (v, { attachments }, view) =>
    (attachments.get(v.id) ?? []).flatMap(one =>
      one.status !== 'attached'
        ? []
        : [
            {
              id: v.id,
              attachment_id: one.id,
              volume_id: v.id,
              server_id: one.serverId,
              host_name: seesHosts(view.ctx) ? one.host : null,
              device: one.mountpoint,
              attached_at: one.attachedAt === null ? null : isoMicros(one.attachedAt),
            },
          ],
    ),
  ),
  migration_status: (v, _loaded, view) => (isAdmin(view.ctx) ? v.migrationStatus : undefined),
  group_id: needs(['groups'], (v, { groups }) => groups.get(v.id)?.groupId ?? null),
  provider_id: (_v, _loaded, view) => (isAdmin(view.ctx) ? null : undefined),
  shared_targets: byVersion<Volume, Loaded>({ '3.48': () => false, '3.69': () => false }),
  service_uuid: needs(['services'], (v, { services }) =>
    v.host === null ? null : (services.get(v.host.replace(/#.*$/, '')) ?? null),
  ),
  cluster_name: (_v, _loaded, view) => (isAdmin(view.ctx) ? null : undefined),
  volume_type_id: v => v.typeId,
  consumes_quota: () => true,
}
const loadersOf = (loads: VolumeLoads) => {
  const ids = (all: readonly Volume[]): string[] => all.map(volume => volume.id)
  return {
    metadata: (ctx: Ctx, all: readonly Volume[]) => loads.metadata(ctx, ids(all)),
    attachments: (ctx: Ctx, all: readonly Volume[]) =>
      loads.attachments(ctx, ids(all.filter(volume => volume.attachStatus !== 'detached'))),
    types: (ctx: Ctx) => loads.types(ctx),
    services: (ctx: Ctx) => loads.services(ctx),
    groups: (ctx: Ctx, all: readonly Volume[]) => loads.groups(ctx, ids(all)),
  }
}

/** The presenters of volumes: as made, and as shown. */
export function presentVolume(loads: VolumeLoads): { made: Presenter<Volume>; shown: Presenter<Volume> } {
  const loaders = loadersOf(loads)
  return {
    made: presenter<Volume, Loaded>()(VolumeMade, madeRows, { loaders }),
    shown: presenter<Volume, Loaded>()(
      VolumeView,
      {
        ...madeRows,
        volume_image_metadata: v => (v.imageMetadata === null ? undefined : { ...v.imageMetadata }),
        'os-vol-host-attr:host': v => v.host,
        'os-vol-tenant-attr:tenant_id': v => v.projectId,
        'os-vol-mig-status-attr:migstat': v => v.migrationStatus,
        'os-vol-mig-status-attr:name_id': () => null,
      },
      { loaders },
    ),
  }
}

const blankToNull = (value: string | null | undefined): string | null =>
  value === undefined || value === '' ? null : value

export function volumeHandlers(api: VolumesApi): HandlerTable {
  const { tools, domain } = api
  const { maxLimit } = tools.settings
  const present = presentVolume(api.loads)
  const page = (call: { ctx: Ctx; query: unknown; at: number }) =>
    pageOfVolumes(tools, call.ctx, {
      ...listRequest(call, maxLimit, LATER_FILTERS),
      strictBooleans: call.at >= 3002,
    })

  return handlers(volumes, {
    list: async call => {
      const { volumes: found, more, count } = await page(call)
      return {
        volumes: found.map(volume => ({
          id: volume.id,
          name: volume.name,
          links: linksOf(call.base, 'volumes', volume.id),
        })),
        ...pageLinks(call, 'volumes', more, found.at(-1)?.id),
        ...(count === null ? {} : { count }),
      }
    },
    detail: async call => {
      const { volumes: found, more, count } = await page(call)
      return {
        volumes: await call.list(present.shown, found),
        ...pageLinks(call, 'volumes', more, found.at(-1)?.id),
        ...(count === null ? {} : { count }),
      }
    },
    summary: async call => {
      const query = lastOf(call.query)
      const found = await summaryOfVolumes(tools, call.ctx, boolOf(query, 'all_tenants'), call.at >= 3036)
      return {
        'volume-summary': {
          total_count: found.count,
          total_size: found.sizeGb,
          ...(found.metadata === null ? {} : { metadata: found.metadata }),
        },
      }
    },
    show: async call => ({
      volume: await call.show(present.shown, await domain.find(call.ctx, call.params.id, rules.volumeGet)),
    }),
    create: async call => {
      const { volume } = call.body
      const made = await createVolumes(tools, call.ctx, {
        name: volume.name ?? volume.display_name ?? null,
        description: volume.description ?? volume.display_description ?? null,
        typeRef: blankToNull(volume.volume_type),
        metadata: volume.metadata ?? {},
        snapshotId: volume.snapshot_id ?? null,
        sourceVolumeId: volume.source_volid ?? null,
        imageRef: volume.image_id ?? volume.imageRef ?? null,
        sizeGb: volume.size ?? null,
        availabilityZone: volume.availability_zone ?? null,
        multiattach: volume.multiattach === true,
        groupId: blankToNull(volume.group_id) ?? volume.consistencygroup_id ?? null,
        backupId: volume.backup_id ?? null,
        snapshotBehindImage: call.at >= 3046,
      })
      return { volume: await call.show(present.made, made) }
    },
    update: async call => {
      const { volume } = call.body
      const name = volume.name ?? volume.display_name
      const description = volume.description ?? volume.display_description
      const changed = await domain.update(
        call.ctx,
        call.params.id,
        { ...(name === undefined ? {} : { name }), ...(description === undefined ? {} : { description }) },
        volume.metadata ?? null,
      )
      return { volume: await call.show(present.made, changed) }
    },
    remove: async call => {
      const query = lastOf(call.query)
      const force = call.has('force') && boolOf(query, 'force')
      const how = { cascade: boolOf(query, 'cascade'), force }
      await domain.remove(call.ctx, call.params.id, how, force ? rules.volumeForceDelete : rules.volumeDelete)
    },
  })
}
