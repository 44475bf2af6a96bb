// Attachments: the handshake between a volume and whoever uses it. Reserve, connect, complete; deleting ends it.
import { action, del, get, post, put } from '#kernel/contract/route.ts'
import { may, must, object } from '#kernel/contract/shape.ts'
import { any, list, nullable, raw, text, words } from '#kernel/contract/shapes.ts'
import { faults } from '#services/cinder/contract/faults.ts'
import { rules } from '#services/cinder/contract/rules.ts'
import { listQuery } from '#services/cinder/contract/volumes.ts'

type Bag = Readonly<Record<string, unknown>>
const since = '3.27'

export const AttachmentSummary = object({
  id: must(text()),
  status: must(text()),
  instance: must(nullable(text())),
  volume_id: must(text()),
})
export const AttachmentView = object({
  id: must(text()),
  status: must(text()),
  instance: must(nullable(text())),
  volume_id: must(text()),
  attached_at: must(text()),
  detached_at: must(text()),
  attach_mode: must(nullable(text())),
  connection_info: must(raw<Bag>({ type: 'object' })),
})
const one = object({ attachment: must(AttachmentView) })

export const attachments = {
  list: get('/v3/attachments', {
    policy: 'authenticated',
    since,
    query: listQuery,
    reply: object({ attachments: must(list(AttachmentSummary)) }, { extra: true }),
  }),
  detail: get('/v3/attachments/detail', {
    policy: 'authenticated',
    since,
    query: listQuery,
    reply: object({ attachments: must(list(AttachmentView)) }, { extra: true }),
  }),
  show: get('/v3/attachments/{id}', {
    policy: 'authenticated',
    since,
    reply: one,
    faults: [faults.AttachmentNotFound],
  }),
  create: post('/v3/attachments', {
    policy: rules.volumeAttachmentCreate,
    since,
    status: 200,
    body: object({
      attachment: must(
        object({
          instance_uuid: may(text({ format: 'uuid' })),
          connector: may(raw<Bag | null>({ type: ['object', 'null'] })),
          volume_uuid: must(text({ format: 'uuid' })),
          mode: may(words('rw', 'ro')).since('3.54'),
        }),
      ),
    }),
    reply: one,
    faults: [faults.VolumeNotFound, faults.InvalidVolume, faults.InvalidInput],
  }),
  update: put('/v3/attachments/{id}', {
    policy: rules.volumeAttachmentUpdate,
    since,
    body: object({
      attachment: must(object({ connector: must(raw<Bag>({ type: 'object', minProperties: 1 })) })),
    }),
    reply: one,
    faults: [faults.AttachmentNotFound, faults.ResourceConflict, faults.InvalidInput],
  }),
  remove: del('/v3/attachments/{id}', {
    policy: rules.volumeAttachmentDelete,
    since,
    status: 200,
    reply: object({ attachments: must(list(AttachmentSummary)) }),
    faults: [faults.AttachmentNotFound, faults.NovaUsesAttachment],
  }),
  complete: action('/v3/attachments/{id}/action', 'os-complete', {
    policy: rules.volumeAttachmentComplete,
    since: '3.44',
    status: 204,
    body: any,
    faults: [faults.AttachmentNotFound],
  }),
}
