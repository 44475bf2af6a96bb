// Handing a volume over to another project: offered under one path from the beginning, under a second one with snapshots since 3.55.
import { del, get, post } from '#kernel/contract/route.ts'
import { may, must, object } from '#kernel/contract/shape.ts'
import { bool, boolLike, list, nullable, raw, text } from '#kernel/contract/shapes.ts'
import { faults } from '#services/cinder/contract/faults.ts'
import { rules } from '#services/cinder/contract/rules.ts'
import { Link, listQuery } from '#services/cinder/contract/volumes.ts'

const brief = {
  id: must(text()),
  volume_id: must(text()),
  name: must(nullable(text())),
  links: must(list(Link)),
}
const whole = {
  ...brief,
  created_at: must(text()),
  no_snapshots: must(bool).since('3.55'),
  destination_project_id: must(nullable(text())).since('3.57'),
  source_project_id: must(nullable(text())).since('3.57'),
  accepted: must(bool).since('3.57'),
}
export const TransferBrief = object(brief)
export const TransferView = object(whole)
export const TransferMade = object({ ...whole, auth_key: must(text()) })

/** Blanks around a name do not count for its length. */
const transferName = raw<string | null>(
  { type: ['string', 'null'], pattern: '^\\s*(\\S.{0,253}\\S|\\S?)\\s*$' },
  value => (typeof value === 'string' ? value.trim() : value),
)
const wish = { volume_id: must(text({ format: 'uuid' })), name: may(transferName) }
const CreateTransfer = object({ transfer: must(object(wish)) })
const CreateWithSnapshots = object({ transfer: must(object({ ...wish, no_snapshots: may(boolLike).since('3.55') })) })
const AcceptTransfer = object({
  accept: must(
    object({ auth_key: must(raw<string>({ type: ['string', 'integer'], maxLength: 255 }, value => String(value))) }),
  ),
})

const listed = { policy: rules.volumeGetAllTransfers, query: listQuery, switches: { paging: '3.59' } } as const
const shown = {
  policy: rules.volumeGetTransfer,
  reply: object({ transfer: must(TransferView) }),
  faults: [faults.TransferNotFound],
} as const
const made = {
  policy: rules.volumeCreateTransfer,
  status: 202,
  reply: object({ transfer: must(TransferMade) }),
  faults: [faults.VolumeNotFound, faults.InvalidVolume, faults.InvalidSnapshot],
} as const
const accepted = {
  policy: rules.volumeAcceptTransfer,
  status: 202,
  body: AcceptTransfer,
  reply: object({ transfer: must(TransferBrief) }),
  faults: [
    faults.TransferNotFound,
    faults.InvalidAuthKey,
    faults.InvalidVolume,
    faults.InvalidSnapshot,
    faults.VolumeLimitExceeded,
    faults.VolumeSizeExceedsAvailableQuota,
    faults.VolumeSizeExceedsLimit,
    faults.SnapshotLimitExceeded,
  ],
} as const
const removed = { policy: rules.volumeDeleteTransfer, status: 202, faults: [faults.TransferNotFound] } as const

const old = '/v3/os-volume-transfer'
export const transfers = {
  list: get(old, listed),
  detail: get(`${old}/detail`, listed),
  show: get(`${old}/{id}`, shown),
  create: post(old, { ...made, body: CreateTransfer }),
  accept: post(`${old}/{id}/accept`, accepted),
  remove: del(`${old}/{id}`, removed),
}
const at = '/v3/volume-transfers'
export const volumeTransfers = {
  list: get(at, listed),
  detail: get(`${at}/detail`, listed),
  show: get(`${at}/{id}`, shown),
  create: post(at, { ...made, body: CreateWithSnapshots }),
  accept: post(`${at}/{id}/accept`, accepted),
  remove: del(`${at}/{id}`, removed),
}
