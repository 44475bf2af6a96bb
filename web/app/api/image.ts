// Glance as the console needs it: what a server can start from, and how it comes there.
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
  readonly owner?: string | null
  readonly protected?: boolean
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

export interface NewImage {
  readonly name: string
  readonly diskFormat: string
  /** The bytes, or the address they are fetched from. */
  readonly from: File | string
}
export const DISK_FORMATS = ['qcow2', 'raw', 'iso', 'vmdk', 'vdi', 'vhd', 'vhdx'] as const

/** Makes an image and gives it its bytes; an address is fetched by Glance after the answer. One without bytes is deleted again. */
export async function createImage(client: Client, wanted: NewImage): Promise<string> {
  const body = { name: wanted.name, disk_format: wanted.diskFormat, container_format: 'bare' }
  const made = await client.send<Image>({ service: 'image', method: 'POST', path: '/images', body })
  const path = `/images/${encodeURIComponent(made.body.id)}`
  try {
    if (typeof wanted.from === 'string') {
      const method = { name: 'web-download', uri: wanted.from }
      await client.send({ service: 'image', method: 'POST', path: `${path}/import`, body: { method } })
    } else await client.send({ service: 'image', method: 'PUT', path: `${path}/file`, bytes: wanted.from })
  } catch (error) {
    await client.send({ service: 'image', method: 'DELETE', path }).catch(() => undefined)
    throw error
  }
  return made.body.id
}

export async function deleteImage(client: Client, id: string): Promise<void> {
  await client.send({ service: 'image', method: 'DELETE', path: `/images/${encodeURIComponent(id)}` })
}
