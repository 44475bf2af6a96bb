// Cinder's volumes and snapshots in Nova's old words.
import { handlers, type HandlerTable } from '#kernel/http/handlers.ts'
import { faults } from '#services/nova/contract/faults.ts'
import { snapshots, volumes } from '#services/nova/contract/volume-proxies.ts'
import { translated, type Snapshot, type Volume, type Volumes } from '#services/nova/domain/proxies.ts'

const volumeBody = (volume: Volume): object => {
  const [attachment] = volume.attachments
  return {
    id: volume.id,
    status: volume.status,
    size: volume.size,
    availabilityZone: volume.availability_zone,
    createdAt: volume.created_at,
    // compat: one attachment at most, and an empty one when there is none
    attachments:
      attachment === undefined
        ? [{}]
        : [
            {
              id: volume.id,
              volumeId: volume.id,
              serverId: attachment.server_id,
              ...(attachment.device === null ? {} : { device: attachment.device }),
            },
          ],
    displayName: volume.name,
    displayDescription: volume.description,
    volumeType: volume.volume_type,
    snapshotId: volume.snapshot_id,
    metadata: volume.metadata,
  }
}
const snapshotBody = (snapshot: Snapshot): object => ({
  id: snapshot.id,
  volumeId: snapshot.volume_id,
  status: snapshot.status,
  size: snapshot.size,
  createdAt: snapshot.created_at,
  displayName: snapshot.name,
  displayDescription: snapshot.description,
})

export function volumeProxyHandlers(tools: { cinder: Volumes; maxLimit: number }): HandlerTable[] {
  const { cinder, maxLimit } = tools
  const page = (query: { limit?: number[]; offset?: number[] }): { limit: number; offset: number } => ({
    limit: Math.min(query.limit?.at(-1) || maxLimit, maxLimit),
    offset: query.offset?.at(-1) ?? 0,
  })
  const wrong = (says: string): Error => faults.BadRequest({ reason: says })
  const full = (says: string): Error => faults.Forbidden({ reason: says })
  const noVolume = (id: string) => (): Error => faults.VolumeNotFound({ id })
  const noSnapshot = (id: string) => (): Error => faults.NotFound({ reason: `Snapshot ${id} could not be found.` })
  return [
    handlers(volumes, {
      list: async call => ({ volumes: (await cinder.volumes(call.ctx, page(call.query))).map(volumeBody) }),
      detail: async call => ({ volumes: (await cinder.volumes(call.ctx, page(call.query))).map(volumeBody) }),
      show: async call => {
        const { id } = call.params
        return { volume: volumeBody(await translated(cinder.volume(call.ctx, id), { 404: noVolume(id) })) }
      },
      create: async call => {
        const given = call.body.volume
        if (given.snapshot_id !== undefined)
          await translated(cinder.snapshot(call.ctx, given.snapshot_id), { 404: noSnapshot(given.snapshot_id) })
        const made = await translated(
          cinder.makeVolume(call.ctx, {
            size: given.size,
            name: given.display_name ?? null,
            description: given.display_description ?? null,
            ...(given.snapshot_id === undefined ? {} : { snapshot_id: given.snapshot_id }),
            ...(given.volume_type === undefined ? {} : { volume_type: given.volume_type }),
            ...(given.metadata === undefined ? {} : { metadata: given.metadata }),
            ...(given.availability_zone === undefined ? {} : { availability_zone: given.availability_zone }),
          }),
          { 400: wrong, 404: wrong, 413: full },
        )
        call.header('location', `${call.base}${call.path}/${made.id}`)
        return { volume: volumeBody(made) }
      },
      remove: async call => {
        const { id } = call.params
        await translated(cinder.removeVolume(call.ctx, id), { 404: noVolume(id), 400: wrong })
      },
    }),
    handlers(snapshots, {
      list: async call => ({ snapshots: (await cinder.snapshots(call.ctx, page(call.query))).map(snapshotBody) }),
      detail: async call => ({ snapshots: (await cinder.snapshots(call.ctx, page(call.query))).map(snapshotBody) }),
      show: async call => {
        const { id } = call.params
        return { snapshot: snapshotBody(await translated(cinder.snapshot(call.ctx, id), { 404: noSnapshot(id) })) }
      },
      create: async call => {
        const given = call.body.snapshot
        const made = await translated(
          cinder.makeSnapshot(call.ctx, {
            volume_id: given.volume_id,
            name: given.display_name ?? null,
            description: given.display_description ?? null,
            ...(given.force === true ? { force: true } : {}),
          }),
          { 400: wrong, 404: noVolume(given.volume_id), 413: full },
        )
        return { snapshot: snapshotBody(made) }
      },
      remove: async call => {
        const { id } = call.params
        await translated(cinder.removeSnapshot(call.ctx, id), { 404: noSnapshot(id) })
      },
    }),
  ]
}
