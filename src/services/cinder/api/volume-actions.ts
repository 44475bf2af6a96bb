// Actions on volumes over HTTP, and their metadata.
import { answer, handlers, type HandlerTable } from '#kernel/http/handlers.ts'
import { faults } from '#services/cinder/contract/faults.ts'
import { rules } from '#services/cinder/contract/rules.ts'
import { volumeActions } from '#services/cinder/contract/volume-actions.ts'
import { volumeMetadata } from '#services/cinder/contract/volumes.ts'
import type { AttachingDomain } from '#services/cinder/domain/volumes/attaching.ts'
import type { MetadataDomain } from '#services/cinder/domain/volumes/metadata.ts'
import type { VolumesDomain } from '#services/cinder/domain/volumes/volumes.ts'

export interface VolumeActionsApi {
  readonly domain: VolumesDomain
  readonly attaching: AttachingDomain
  readonly metadata: MetadataDomain
}

/** `If-Match: "a", "b"` as the list of tags; null when there is none. */
const tagsOf = (header: string | undefined): string[] | null =>
  header === undefined || header.trim() === ''
    ? null
    : header.split(',').map(tag =>
        tag
          .trim()
          .replace(/^W\//, '')
          .replace(/^"(.*)"$/, '$1'),
      )

export function volumeActionHandlers(api: VolumeActionsApi): HandlerTable[] {
  const { domain, attaching, metadata } = api
  return [
    handlers(volumeActions, {
      attach: call =>
        attaching.attach(call.ctx, call.params.id, {
          serverId: call.body.instance_uuid ?? null,
          hostName: call.body.host_name ?? null,
          mountpoint: call.body.mountpoint,
          mode: call.body.mode ?? 'rw',
        }),
      detach: call => attaching.detach(call.ctx, call.params.id, call.body?.attachment_id ?? null),
      reserve: call => attaching.reserve(call.ctx, call.params.id),
      unreserve: call => attaching.unreserve(call.ctx, call.params.id),
      beginDetaching: call => attaching.beginDetaching(call.ctx, call.params.id),
      rollDetaching: call => attaching.rollDetaching(call.ctx, call.params.id),
      initializeConnection: async call => ({
        connection_info: await attaching.initialize(call.ctx, call.params.id, call.body.connector),
      }),
      terminateConnection: call => attaching.terminate(call.ctx, call.params.id, call.body.connector),
      extend: call => domain.extend(call.ctx, call.params.id, call.body.new_size, call.has('inUse')),
      resetStatus: call =>
        domain.resetStatus(call.ctx, call.params.id, {
          status: call.body.status ?? null,
          attachStatus: call.body.attach_status ?? null,
          migrationStatus: call.body.migration_status ?? null,
        }),
      setBootable: call => domain.setBootable(call.ctx, call.params.id, call.body.bootable),
      updateReadonly: call => domain.setReadonly(call.ctx, call.params.id, call.body.readonly),
      forceDelete: call =>
        domain.remove(call.ctx, call.params.id, { cascade: false, force: true }, rules.volumeAdminActionsForceDelete),
      forceDetach: call =>
        attaching.forceDetach(call.ctx, call.params.id, call.body.attachment_id ?? null, call.body.connector ?? null),
      setImageMetadata: async call => ({
        metadata: await metadata.setImage(call.ctx, call.params.id, call.body.metadata),
      }),
      showImageMetadata: async call => ({ metadata: await metadata.showImage(call.ctx, call.params.id) }),
      unsetImageMetadata: call => metadata.dropImage(call.ctx, call.params.id, call.body.key),
    }),
    handlers(volumeMetadata, {
      list: async call => {
        const found = await metadata.list(call.ctx, call.params.volume_id)
        if (call.has('etag')) call.header('etag', found.etag)
        return { metadata: found.metadata }
      },
      create: async call => ({
        metadata: await metadata.set(call.ctx, call.params.volume_id, call.body.metadata, {
          rule: rules.volumeCreateVolumeMetadata,
          replace: false,
          ifMatch: null,
        }),
      }),
      replace: call =>
        unlessChanged(async () => ({
          metadata: await metadata.set(call.ctx, call.params.volume_id, call.body.metadata, {
            rule: rules.volumeUpdateVolumeMetadata,
            replace: true,
            ifMatch: call.has('etag') ? tagsOf(call.headers['if-match']) : null,
          }),
        })),
      show: async call => ({
        meta: { [call.params.key]: await metadata.show(call.ctx, call.params.volume_id, call.params.key) },
      }),
      set: call =>
        unlessChanged(async () => {
          const { meta } = call.body
          if (!Object.hasOwn(meta, call.params.key))
            throw faults.BadRequest({ reason: 'Request body and URI mismatch' })
          await metadata.set(call.ctx, call.params.volume_id, meta, {
            rule: rules.volumeUpdateVolumeMetadata,
            replace: false,
            ifMatch: call.has('etag') ? tagsOf(call.headers['if-match']) : null,
          })
          return { meta }
        }),
      remove: call => metadata.remove(call.ctx, call.params.volume_id, call.params.key),
    }),
  ]
}

/** Upstream answers a failed If-Match without a body. */
async function unlessChanged<T extends object>(deed: () => Promise<T>): Promise<T | ReturnType<typeof answer>> {
  try {
    return await deed()
  } catch (error) {
    if ((error as { code?: string }).code === 'PreconditionFailed') return answer(412, {})
    throw error
  }
}
