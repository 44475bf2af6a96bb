// Cinder as the console needs it: how much of the quota is used.
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
