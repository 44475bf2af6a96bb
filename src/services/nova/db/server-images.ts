// A server's dealings with images: whence it came, what it was shelved as, what it is rescued with; and its row's change of image.
import type { Kysely } from 'kysely'

import { fromJson, json, time } from '#kernel/db/codecs.ts'
import { swap } from '#kernel/db/helpers.ts'
import type { Server } from '#services/nova/db/servers.ts'
import type { NovaTables, ServerOrigin, ServerRescue, ServerShelved } from '#services/nova/db/tables.ts'

export interface ServerImages {
  readonly origin: ServerOrigin
  readonly shelved: ServerShelved | null
  readonly rescue: ServerRescue | null
}

/** The part of a server's row that a rebuild changes. */
export interface ImageOfServer {
  readonly imageId: string
  readonly kernelId: string
  readonly ramdiskId: string
  readonly imageProperties: Readonly<Record<string, string>>
}

type Column = 'origin' | 'shelved' | 'rescue'

export const serverImagesDb = (q: Kysely<NovaTables>) => {
  const set = async (serverId: string, column: Column, value: object | null): Promise<void> => {
    const text = value === null ? null : json(value as never)
    if (await swap(q, 'server_images', { server_id: serverId }, { [column]: text })) return
    if (value === null) return
    const none = { origin: null, shelved: null, rescue: null }
    await q
      .insertInto('server_images')
      .values({ server_id: serverId, ...none, [column]: text } as never)
      .execute()
  }
  return {
    /** For a server of an older version the origin is told from its row. */
    async of(server: Pick<Server, 'id' | 'imageId' | 'flavor'>): Promise<ServerImages> {
      const row = await q.selectFrom('server_images').selectAll().where('server_id', '=', server.id).executeTakeFirst()
      const origin = row?.origin ?? null
      return {
        origin:
          origin === null
            ? {
                baseImageId: server.imageId,
                minRamMb: 0,
                minDiskGb: server.flavor.diskGb,
                userName: null,
                projectName: null,
                roles: null,
              }
            : fromJson(origin),
        shelved: row === undefined || row.shelved === null ? null : fromJson(row.shelved),
        rescue: row === undefined || row.rescue === null ? null : fromJson(row.rescue),
      }
    },
    setOrigin: (serverId: string, origin: ServerOrigin): Promise<void> => set(serverId, 'origin', origin),
    setShelved: (serverId: string, shelved: ServerShelved | null): Promise<void> => set(serverId, 'shelved', shelved),
    setRescue: (serverId: string, rescue: ServerRescue | null): Promise<void> => set(serverId, 'rescue', rescue),
    /** Offloading is due for what was shelved before `at` (milliseconds) and still has a host. */
    async shelvedBefore(at: number): Promise<string[]> {
      const rows = await q
        .selectFrom('servers as s')
        .innerJoin('server_images as i', 'i.server_id', 's.id')
        .select(['s.id', 'i.shelved'])
        .where('s.vm_state', '=', 'shelved')
        .where('s.task_state', 'is', null)
        .where('s.deleted_at', 'is', null)
        .execute()
      return rows.flatMap(row =>
        row.shelved !== null && fromJson<ServerShelved>(row.shelved).at <= at ? [row.id] : [],
      )
    },
    /** The row says from now on that the server was made from this. */
    setImage: (serverId: string, image: ImageOfServer, now: number): Promise<boolean> =>
      swap(
        q,
        'servers',
        { id: serverId, deleted_at: null },
        {
          image_id: image.imageId,
          kernel_id: image.kernelId,
          ramdisk_id: image.ramdiskId,
          image_properties: json({ ...image.imageProperties }),
          updated_at: time(now),
        },
      ),
    /** Key and certificates as a rebuild gives them anew; absent ones stay. */
    setKeys: (
      serverId: string,
      keys: {
        key?: { name: string | null; publicKey: string | null }
        trustedCerts?: readonly string[] | null
      },
    ): Promise<boolean> =>
      swap(
        q,
        'servers',
        { id: serverId, deleted_at: null },
        {
          ...(keys.key === undefined ? {} : { key_name: keys.key.name, public_key: keys.key.publicKey }),
          ...(keys.trustedCerts === undefined
            ? {}
            : { trusted_certs: keys.trustedCerts === null ? null : json([...keys.trustedCerts]) }),
        },
      ),
    /** Where it wants to be from now on; null: anywhere. */
    pin: (serverId: string, zone: string | null): Promise<boolean> =>
      swap(
        q,
        'servers',
        { id: serverId, deleted_at: null },
        { pinned_availability_zone: zone, availability_zone: zone },
      ),
  }
}
