// Cinder as the console needs it: volumes, their snapshots, and how much of the quota is used.
import type { Client } from '#app/api/client.ts'

export interface VolumeLimits {
  readonly maxTotalVolumes: number
  readonly totalVolumesUsed: number
  readonly maxTotalVolumeGigabytes: number
  readonly totalGigabytesUsed: number
}

export async function showVolumeLimits(client: Client, projectId: string): Promise<VolumeLimits> {
  const path = `/${encodeURIComponent(projectId)}/limits`
  const { body } = await client.send<{ limits: { absolute: VolumeLimits } }>({ service: 'volume', method: 'GET', path })
  return body.limits.absolute
}

export interface Volume {
  readonly id: string
  readonly name: string | null
  readonly status: string
  /** GB */
  readonly size: number
  readonly bootable: string
  readonly created_at: string
  readonly attachments: readonly { readonly server_id: string; readonly device: string | null }[]
}
export interface Snapshot {
  readonly id: string
  readonly name: string | null
  readonly status: string
  readonly size: number
  readonly volume_id: string
  readonly created_at: string
}
export interface NewVolume {
  readonly name: string
  readonly size: number
  readonly imageId: string | null
  readonly snapshotId: string | null
}
/** Something that changes by itself soon. */
export const moving = ({ status }: { readonly status: string }): boolean => status === 'reserved' || /ing$/.test(status)

const at = (projectId: string, path: string): string => `/${encodeURIComponent(projectId)}${path}`

export async function listVolumes(client: Client, projectId: string): Promise<readonly Volume[]> {
  const path = at(projectId, '/volumes/detail')
  return (await client.send<{ volumes: Volume[] }>({ service: 'volume', method: 'GET', path })).body.volumes
}
export async function listSnapshots(client: Client, projectId: string): Promise<readonly Snapshot[]> {
  const path = at(projectId, '/snapshots/detail')
  return (await client.send<{ snapshots: Snapshot[] }>({ service: 'volume', method: 'GET', path })).body.snapshots
}
export async function createVolume(client: Client, projectId: string, wanted: NewVolume): Promise<void> {
  const volume = {
    name: wanted.name,
    size: wanted.size,
    ...(wanted.imageId === null ? {} : { imageRef: wanted.imageId }),
    ...(wanted.snapshotId === null ? {} : { snapshot_id: wanted.snapshotId }),
  }
  await client.send({ service: 'volume', method: 'POST', path: at(projectId, '/volumes'), body: { volume } })
}
export async function deleteVolume(client: Client, projectId: string, id: string): Promise<void> {
  const path = at(projectId, `/volumes/${encodeURIComponent(id)}`)
  await client.send({ service: 'volume', method: 'DELETE', path })
}
export async function extendVolume(client: Client, projectId: string, id: string, size: number): Promise<void> {
  const path = at(projectId, `/volumes/${encodeURIComponent(id)}/action`)
  await client.send({ service: 'volume', method: 'POST', path, body: { 'os-extend': { new_size: size } } })
}
/** A volume in use too: Nova holds the guest's writes for a moment. */
export async function createSnapshot(client: Client, projectId: string, volumeId: string, name: string): Promise<void> {
  const snapshot = { name, volume_id: volumeId, force: true }
  await client.send({ service: 'volume', method: 'POST', path: at(projectId, '/snapshots'), body: { snapshot } })
}
export async function deleteSnapshot(client: Client, projectId: string, id: string): Promise<void> {
  const path = at(projectId, `/snapshots/${encodeURIComponent(id)}`)
  await client.send({ service: 'volume', method: 'DELETE', path })
}
export async function attachVolume(client: Client, serverId: string, volumeId: string): Promise<void> {
  const path = `/servers/${encodeURIComponent(serverId)}/os-volume_attachments`
  await client.send({ service: 'compute', method: 'POST', path, body: { volumeAttachment: { volumeId } } })
}
export async function detachVolume(client: Client, serverId: string, volumeId: string): Promise<void> {
  const path = `/servers/${encodeURIComponent(serverId)}/os-volume_attachments/${encodeURIComponent(volumeId)}`
  await client.send({ service: 'compute', method: 'DELETE', path })
}
