// Volumes of servers beyond connecting them, from Cinder's public API: parked while the server has no host, snapshots for
// images, new bytes for a root.
import { Fault } from '#kernel/contract/fault.ts'
import type { Transport } from '#kernel/http/client.ts'
import type { Clock } from '#kernel/lib/clock.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import { restTo } from '#services/nova/actors/neighbours/rest.ts'
import type { MadeSnapshot, VolumeTools } from '#services/nova/sagas/image-tools.ts'

interface AttachmentView {
  readonly id: string
  readonly volume_id: string
  readonly instance: string | null
  readonly status: string
}
interface SnapshotView {
  readonly id: string
  readonly volume_id: string
  readonly status: string
  readonly size: number
  readonly metadata: Readonly<Record<string, string>>
}
export interface CinderVolumesParts {
  readonly transport: Transport
  readonly clock: Clock
  readonly volumeTimeoutMs: number
}

/** `ctx` carries nova's own token; `person` that of whoever asked: snapshots are made by his rights and quota. */
export const cinderVolumes =
  (parts: CinderVolumesParts) =>
  (
    ctx: Ctx,
    person?: Ctx,
    saved?: (serverId: string, volumeId: string, attachmentId: string) => Promise<void>,
  ): VolumeTools => {
    const asPerson: Ctx = person?.who == null ? ctx : { ...ctx, who: person.who }
    const rest = restTo(parts.transport, 'volume 3.70')
    const attachmentsOf = async (serverId: string, volumeId: string): Promise<AttachmentView[]> =>
      (
        await rest.json<{ attachments: AttachmentView[] }>(ctx, 'GET', '/v3/attachments', '/v3/attachments', {
          query: `all_tenants=1&volume_id=${volumeId}&instance_id=${serverId}`,
        })
      ).attachments.filter(one => one.volume_id === volumeId && one.instance === serverId)
    const marked = async (imageId: string): Promise<SnapshotView[]> =>
      (
        await rest.json<{ snapshots: SnapshotView[] }>(ctx, 'GET', '/v3/snapshots/detail', '/v3/snapshots/detail', {
          query: new URLSearchParams({ all_tenants: '1', metadata: `{'koto_image': '${imageId}'}` }).toString(),
        })
      ).snapshots.filter(one => one.metadata['koto_image'] === imageId)

    return {
      async park(serverId, disks) {
        for (const { volumeId } of disks) {
          if (volumeId === null) continue
          const there = await attachmentsOf(serverId, volumeId)
          let free = there.find(one => one.status === 'reserved')
          free ??= (
            await rest.json<{ attachment: AttachmentView }>(ctx, 'POST', '/v3/attachments', '/v3/attachments', {
              body: { attachment: { volume_uuid: volumeId, instance_uuid: serverId } },
            })
          ).attachment
          await saved?.(serverId, volumeId, free.id)
          for (const one of there)
            if (one.id !== free.id)
              await rest.json(ctx, 'DELETE', '/v3/attachments/{id}', `/v3/attachments/${one.id}`, { fine: [404] })
        }
      },
      async reimage(volumeId, imageId, signal) {
        await rest.json(ctx, 'POST', '/v3/volumes/{id}/action', `/v3/volumes/${volumeId}/action`, {
          body: { 'os-reimage': { image_id: imageId, reimage_reserved: true } },
        })
        const end = parts.clock.monotonic() + parts.volumeTimeoutMs
        for (let pause = 20; ; pause = Math.min(pause * 2, 1000)) {
          const { volume } = await rest.json<{ volume: { status: string } }>(
            ctx,
            'GET',
            '/v3/volumes/{id}',
            `/v3/volumes/${volumeId}`,
          )
          if (volume.status !== 'downloading') {
            if (volume.status.startsWith('error'))
              throw new Fault('ReimageException', 500, `Reimaging volume ${volumeId} failed: it is ${volume.status}.`)
            return
          }
          if (parts.clock.monotonic() > end)
            throw new Fault('ReimageException', 500, `Reimaging volume ${volumeId} did not end in time.`)
          await parts.clock.sleep(pause, signal)
        }
      },
      async snapshot({ imageId, name, volumeIds }) {
        const known = await marked(imageId)
        const made: MadeSnapshot[] = []
        for (const volumeId of volumeIds) {
          const snapshot =
            known.find(one => one.volume_id === volumeId) ??
            (
              await rest.json<{ snapshot: SnapshotView }>(asPerson, 'POST', '/v3/snapshots', '/v3/snapshots', {
                body: { snapshot: { volume_id: volumeId, name, force: true, metadata: { koto_image: imageId } } },
              })
            ).snapshot
          made.push({ volumeId, snapshotId: snapshot.id, sizeGb: snapshot.size })
        }
        return made
      },
      async dropSnapshots({ imageId }) {
        for (const one of await marked(imageId)) {
          await rest.json(ctx, 'DELETE', '/v3/snapshots/{id}', `/v3/snapshots/${one.id}`, { fine: [404] })
        }
      },
    }
  }
