// Cinder's volumes and snapshots in Nova's old words, until 2.35. Later versions are to ask Cinder itself.
import { del, get, post } from '#kernel/contract/route.ts'
import { may, must, object } from '#kernel/contract/shape.ts'
import { any, boolLike, dict, intLike, repeated, text } from '#kernel/contract/shapes.ts'
import { faults } from '#services/nova/contract/faults.ts'
import { rules } from '#services/nova/contract/rules.ts'

const until = '2.35'
const query = object(
  { limit: may(repeated(intLike({ min: 0 }))), offset: may(repeated(intLike({ min: 0 }))) },
  { extra: true },
)
const missing = [faults.VolumeNotFound, faults.NotFound, faults.BadRequest]
export const volumes = {
  list: get('/v2.1/os-volumes', { policy: rules.volumesList, until, query }),
  detail: get('/v2.1/os-volumes/detail', { policy: rules.volumesDetail, until, query }),
  show: get('/v2.1/os-volumes/{id}', { policy: rules.volumesShow, until, faults: missing }),
  create: post('/v2.1/os-volumes', {
    policy: rules.volumesCreate,
    until,
    body: object({
      volume: must(
        object({
          volume_type: may(text()),
          metadata: may(dict(any)),
          snapshot_id: may(text()),
          size: must(intLike({ min: 1 })),
          availability_zone: may(text()),
          display_name: may(text()),
          display_description: may(text()),
        }),
      ),
    }),
    status: 200,
    faults: [...missing, faults.Forbidden],
  }),
  remove: del('/v2.1/os-volumes/{id}', { policy: rules.volumesDelete, until, status: 202, faults: missing }),
}
export const snapshots = {
  list: get('/v2.1/os-snapshots', { policy: rules.volumesSnapshotsList, until, query }),
  detail: get('/v2.1/os-snapshots/detail', { policy: rules.volumesSnapshotsDetail, until, query }),
  show: get('/v2.1/os-snapshots/{id}', { policy: rules.volumesSnapshotsShow, until, faults: missing }),
  create: post('/v2.1/os-snapshots', {
    policy: rules.volumesSnapshotsCreate,
    until,
    body: object({
      snapshot: must(
        object({
          volume_id: must(text()),
          force: may(boolLike),
          display_name: may(text()),
          display_description: may(text()),
        }),
      ),
    }),
    status: 200,
    faults: [...missing, faults.Forbidden],
  }),
  remove: del('/v2.1/os-snapshots/{id}', { policy: rules.volumesSnapshotsDelete, until, status: 202, faults: missing }),
}
