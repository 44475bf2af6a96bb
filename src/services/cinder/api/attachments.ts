// Attachments over HTTP.
import { isoMicros } from '#kernel/lib/clock.ts'
import { handlers, type HandlerTable } from '#kernel/http/handlers.ts'
import { attachments } from '#services/cinder/contract/attachments.ts'
import type { Attachment } from '#services/cinder/db/attachments.ts'
import { listRequest, pageLinks } from '#services/cinder/api/listing.ts'
import type { AttachmentsDomain } from '#services/cinder/domain/attachments.ts'

const summary = (one: Attachment): Record<string, unknown> => ({
  id: one.id,
  status: one.status,
  instance: one.serverId,
  volume_id: one.volumeId,
})
const view = (one: Attachment): Record<string, unknown> => ({
  ...summary(one),
  attached_at: one.attachedAt === null ? '' : isoMicros(one.attachedAt),
  detached_at: '',
  attach_mode: one.mode,
  connection_info: one.connectionInfo ?? {},
})

export function attachmentHandlers(api: { domain: AttachmentsDomain; maxLimit: number }): HandlerTable {
  const { domain, maxLimit } = api
  return handlers(attachments, {
    list: async call => {
      const { attachments: found, more } = await domain.list(call.ctx, listRequest(call, maxLimit))
      return { attachments: found.map(summary), ...pageLinks(call, 'attachments', more, found.at(-1)?.id) }
    },
    detail: async call => {
      const { attachments: found, more } = await domain.list(call.ctx, listRequest(call, maxLimit))
      return { attachments: found.map(view), ...pageLinks(call, 'attachments', more, found.at(-1)?.id) }
    },
    show: async call => ({ attachment: view(await domain.find(call.ctx, call.params.id)) }),
    create: async call => {
      const { attachment } = call.body
      const made = await domain.create(call.ctx, {
        volumeId: attachment.volume_uuid,
        serverId: attachment.instance_uuid ?? null,
        connector: attachment.connector ?? null,
        mode: attachment.mode ?? null,
      })
      return { attachment: view(made) }
    },
    update: async call => ({
      attachment: view(await domain.update(call.ctx, call.params.id, call.body.attachment.connector)),
    }),
    remove: async call => ({ attachments: (await domain.remove(call.ctx, call.params.id)).map(summary) }),
    complete: call => domain.complete(call.ctx, call.params.id),
  })
}
