// Actions that change a volume as a whole, over HTTP.
import { isoMicros } from '#kernel/lib/clock.ts'
import { handlers, type HandlerTable } from '#kernel/http/handlers.ts'
import { faults } from '#services/cinder/contract/faults.ts'
import { volumeChanges } from '#services/cinder/contract/volume-changes.ts'
import type { VolumeType } from '#services/cinder/db/types.ts'
import type { ManagingDomain } from '#services/cinder/domain/managing.ts'
import type { ChangesDomain } from '#services/cinder/domain/volumes/changes.ts'

const typeView = (type: VolumeType | undefined): object | null =>
  type === undefined
    ? null
    : {
        id: type.id,
        name: type.name,
        description: type.description,
        is_public: type.isPublic,
        extra_specs: { ...type.extraSpecs },
      }

export function volumeChangeHandlers(api: { domain: ChangesDomain; managing: ManagingDomain }): HandlerTable {
  const { domain, managing } = api
  return handlers(volumeChanges, {
    uploadImage: async call => {
      const { body } = call
      const shares = call.has('shares')
      const wish = {
        name: body.image_name,
        diskFormat: body.disk_format ?? 'raw',
        containerFormat: body.container_format ?? 'bare',
        visibility: shares ? (body.visibility ?? 'private') : null,
        protected: shares ? body.protected === true : null,
      }
      const { volume, type, imageId } = await domain.upload(call.ctx, call.params.id, wish)
      return {
        'os-volume_upload_image': {
          id: volume.id,
          updated_at: volume.updatedAt === null ? null : isoMicros(volume.updatedAt),
          status: 'uploading',
          display_description: volume.description,
          size: volume.sizeGb,
          volume_type: typeView(type),
          image_id: imageId,
          container_format: wish.containerFormat,
          disk_format: wish.diskFormat,
          image_name: wish.name,
          protected: wish.protected ?? false,
          visibility: wish.visibility ?? 'shared',
        },
      }
    },
    retype: call =>
      domain.retype(call.ctx, call.params.id, call.body.new_type, call.body.migration_policy === 'on-demand'),
    migrate: call => {
      const { host, cluster } = call.body
      if (cluster != null && cluster !== '')
        throw faults.InvalidHost({ reason: `No available service named '${cluster}'` })
      if (host == null || host === '') throw faults.InvalidInput({ reason: 'host field is missing.' })
      return domain.migrate(call.ctx, call.params.id, host)
    },
    completeMigration: async call => ({
      save_volume_id: await domain.completeMigration(call.ctx, call.params.id, call.body.new_volume),
    }),
    completeExtension: call => domain.completeExtension(call.ctx, call.params.id),
    revert: call => domain.revert(call.ctx, call.params.id, call.body.snapshot_id),
    reimage: call => domain.reimage(call.ctx, call.params.id, call.body.image_id, call.body.reimage_reserved === true),
    unmanage: call => managing.unmanage(call.ctx, call.params.id),
  })
}
