// Glance as the console needs it: what a server can start from.
import type { Client } from '#app/api/client.ts'

export interface Image {
  readonly id: string
  readonly name: string | null
  readonly status: string
  readonly visibility: string
  /** GB */
  readonly min_disk: number
  /** MB */
  readonly min_ram: number
  /** Bytes; null while nothing is uploaded. */
  readonly size: number | null
  readonly disk_format: string | null
}

/** Up to 1,000 images that the project may see, by name. */
export async function listImages(client: Client): Promise<readonly Image[]> {
  const { body } = await client.send<{ images: Image[] }>({
    service: 'image',
    method: 'GET',
    path: '/images',
    query: { limit: '1000', sort: 'name:asc' },
  })
  return body.images
}
