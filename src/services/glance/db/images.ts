// Images as entities, and the queries about them.
import { sql, type Kysely, type Selectable } from 'kysely'

import { flag, fromJson, fromTime, isSet, json, orNull, time } from '#kernel/db/codecs.ts'
import { inChunks, swap } from '#kernel/db/helpers.ts'
import { page } from '#kernel/db/page.ts'
import type { GlanceTables, ImportState } from '#services/glance/db/tables.ts'

/** An image. Times in milliseconds since 1970, sizes in bytes, min_disk in GB, min_ram in MB. */
export interface Image {
  readonly id: string
  readonly name: string | null
  readonly owner: string | null
  readonly status: string
  readonly visibility: string
  readonly diskFormat: string | null
  readonly containerFormat: string | null
  readonly size: number | null
  readonly virtualSize: number | null
  readonly minDisk: number
  readonly minRam: number
  readonly isProtected: boolean
  readonly osHidden: boolean
  readonly checksum: string | null
  readonly hashAlgo: string | null
  readonly hashValue: string | null
  readonly properties: Readonly<Record<string, string | null>>
  readonly savingSince: number | null
  /** Null: it was never imported. Written by its own verbs only. */
  readonly importState: ImportState | null
  readonly createdAt: number
  readonly updatedAt: number
}
export interface Member {
  readonly imageId: string
  readonly memberId: string
  readonly status: string
  readonly createdAt: number
  readonly updatedAt: number
}

const toRow = (image: Image) => ({
  id: image.id,
  name: image.name,
  owner: image.owner,
  status: image.status,
  visibility: image.visibility,
  disk_format: image.diskFormat,
  container_format: image.containerFormat,
  size: image.size,
  virtual_size: image.virtualSize,
  min_disk: image.minDisk,
  min_ram: image.minRam,
  is_protected: flag(image.isProtected),
  os_hidden: flag(image.osHidden),
  checksum: image.checksum,
  hash_algo: image.hashAlgo,
  hash_value: image.hashValue,
  properties: json({ ...image.properties }),
  saving_since: orNull(time)(image.savingSince),
  created_at: time(image.createdAt),
  updated_at: time(image.updatedAt),
  deleted_at: null,
})
const fromRow = (row: Selectable<GlanceTables['images']>): Image => ({
  id: row.id,
  name: row.name,
  owner: row.owner,
  status: row.status,
  visibility: row.visibility,
  diskFormat: row.disk_format,
  containerFormat: row.container_format,
  size: row.size,
  virtualSize: row.virtual_size,
  minDisk: row.min_disk,
  minRam: row.min_ram,
  isProtected: isSet(row.is_protected),
  osHidden: isSet(row.os_hidden),
  checksum: row.checksum,
  hashAlgo: row.hash_algo,
  hashValue: row.hash_value,
  properties: fromJson(row.properties),
  savingSince: orNull(fromTime)(row.saving_since),
  importState: orNull<string, ImportState>(fromJson)(row.import_state),
  createdAt: fromTime(row.created_at),
  updatedAt: fromTime(row.updated_at),
})

export interface ImageFilters {
  /** The caller's project; null sees all (administrators). */
  readonly projectId: string | null
  readonly admin: boolean
  /** `public`, `private`, `shared`, `community`, `all`, or null for the default set. */
  readonly visibility: string | null
  readonly memberStatus: 'accepted' | 'pending' | 'rejected' | 'all'
  readonly hidden: boolean
  readonly equal: Readonly<Record<string, readonly string[]>>
  readonly properties: Readonly<Record<string, string>>
  readonly tags: readonly string[]
  readonly sizeMin: number | null
  readonly sizeMax: number | null
  /** Column, comparison and time. */
  readonly times: readonly {
    column: 'created_at' | 'updated_at'
    op: '=' | '!=' | '<' | '<=' | '>' | '>='
    at: number
  }[]
}

export const imagesDb = (q: Kysely<GlanceTables>) => {
  const living = () => q.selectFrom('images').selectAll().where('deleted_at', 'is', null)
  return {
    async byId(id: string): Promise<Image | undefined> {
      const row = await living().where('id', '=', id).executeTakeFirst()
      return row && fromRow(row)
    },
    /** Also deleted ones: their ids are never given again. */
    async everById(id: string): Promise<boolean> {
      return (await q.selectFrom('images').select('id').where('id', '=', id).executeTakeFirst()) !== undefined
    },
    async all(): Promise<Image[]> {
      return (await living().execute()).map(fromRow)
    },
    /** Like `enter`, with what the image shows of its import and its size. */
    enterImport: (
      id: string,
      from: readonly string[],
      to: { status: string; size?: number | null; state?: ImportState },
      now: number,
    ): Promise<boolean> =>
      swap(
        q,
        'images',
        { id, status: [...from], deleted_at: null },
        {
          status: to.status,
          updated_at: time(now),
          ...(to.size === undefined ? {} : { size: to.size }),
          ...(to.state === undefined ? {} : { import_state: json(to.state) }),
        },
      ),
    /** Numbers that quotas are about; sizes in bytes. */
    async usage(owner: string): Promise<{ size: number; staged: number; count: number; uploading: number }> {
      const row = await q
        .selectFrom('images')
        .select([
          sql<number>`coalesce(sum(case when status in ('active', 'deactivated') then size else 0 end), 0)`.as('size'),
          sql<number>`coalesce(sum(case when status in ('uploading', 'importing') then size else 0 end), 0)`.as(
            'staged',
          ),
          sql<number>`count(*)`.as('count'),
          sql<number>`coalesce(sum(case when status in ('saving', 'uploading', 'importing') then 1 else 0 end), 0)`.as(
            'uploading',
          ),
        ])
        .where('owner', '=', owner)
        .where('deleted_at', 'is', null)
        .executeTakeFirstOrThrow()
      const of = (value: unknown): number => Number(value)
      return { size: of(row.size), staged: of(row.staged), count: of(row.count), uploading: of(row.uploading) }
    },
    async add(image: Image): Promise<void> {
      await q.insertInto('images').values(toRow(image)).execute()
    },
    /** Replaces a living image's row if its status is still that: the status is the lock. */
    async replace(image: Image, whileStatus: string): Promise<boolean> {
      const { id, deleted_at: _deleted, ...rest } = toRow(image)
      return swap(q, 'images', { id, status: whileStatus, deleted_at: null }, rest)
    },
    enter: (
      id: string,
      from: readonly string[],
      to: string,
      now: number,
      savingSince: number | null,
    ): Promise<boolean> =>
      swap(
        q,
        'images',
        { id, status: [...from], deleted_at: null },
        { status: to, updated_at: time(now), saving_since: orNull(time)(savingSince) },
      ),
    async remove(id: string, now: number): Promise<boolean> {
      await q.deleteFrom('image_tags').where('image_id', '=', id).execute()
      await q.deleteFrom('image_members').where('image_id', '=', id).execute()
      return swap(
        q,
        'images',
        { id, deleted_at: null },
        { status: 'deleted', deleted_at: time(now), updated_at: time(now) },
      )
    },
    /** One page and one row more. Undefined: no such marker. */
    async list(
      filters: ImageFilters,
      paging: { sort: readonly { column: string; direction: 'asc' | 'desc' }[]; marker: string | null; limit: number },
    ): Promise<Image[] | undefined> {
      let query = living().where('os_hidden', '=', flag(filters.hidden))
      const { projectId, visibility, memberStatus } = filters
      const shared = (status: string) =>
        status === 'all'
          ? sql<boolean>`exists (select 1 from image_members m where m.image_id = images.id and m.member_id = ${projectId})`
          : sql<boolean>`exists (select 1 from image_members m where m.image_id = images.id and m.member_id = ${projectId} and m.status = ${status})`
      if (visibility !== null && visibility !== 'all') query = query.where('visibility', '=', visibility)
      if (!filters.admin && projectId !== null) {
        query = query.where(({ or, and, eb }) =>
          or([
            eb('owner', '=', projectId),
            eb('visibility', '=', 'public'),
            ...(visibility === 'community' || visibility === 'all' ? [eb('visibility', '=', 'community')] : []),
            and([eb('visibility', '=', 'shared'), shared(memberStatus)]),
          ]),
        )
      } else if (visibility === null && projectId !== null) {
        // An administrator's default list leaves out other people's community images.
        query = query.where(({ or, eb }) => or([eb('visibility', '!=', 'community'), eb('owner', '=', projectId)]))
      }
      for (const [column, values] of Object.entries(filters.equal))
        query = query.where(column as 'name', 'in', [...values])
      for (const [key, value] of Object.entries(filters.properties)) {
        query = query.where(
          sql<boolean>`json_extract(images.properties, ${`$."${key.replaceAll('"', '')}"`}) = ${value}`,
        )
      }
      for (const tag of filters.tags)
        query = query.where(
          sql<boolean>`exists (select 1 from image_tags t where t.image_id = images.id and t.tag = ${tag})`,
        )
      if (filters.sizeMin !== null) query = query.where('size', '>=', filters.sizeMin)
      if (filters.sizeMax !== null) query = query.where('size', '<=', filters.sizeMax)
      for (const { column, op, at } of filters.times) query = query.where(column, op, time(at))
      let marker
      if (paging.marker !== null) {
        marker = await living().where('id', '=', paging.marker).executeTakeFirst()
        if (marker === undefined) return undefined
      }
      return (await page(q, query, { sort: [...paging.sort], marker, limit: paging.limit + 1 })).map(fromRow)
    },
    async tagsOf(ids: readonly string[]): Promise<Map<string, string[]>> {
      const rows = await inChunks(ids, some =>
        q
          .selectFrom('image_tags')
          .selectAll()
          .where('image_id', 'in', [...some])
          .orderBy('tag')
          .execute(),
      )
      const found = new Map<string, string[]>()
      for (const row of rows) found.set(row.image_id, [...(found.get(row.image_id) ?? []), row.tag])
      return found
    },
    async setTags(id: string, tags: readonly string[]): Promise<void> {
      await q.deleteFrom('image_tags').where('image_id', '=', id).execute()
      const unique = [...new Set(tags)]
      if (unique.length > 0)
        await q
          .insertInto('image_tags')
          .values(unique.map(tag => ({ image_id: id, tag })))
          .execute()
    },
    async members(imageId: string): Promise<Member[]> {
      const rows = await q
        .selectFrom('image_members')
        .selectAll()
        .where('image_id', '=', imageId)
        .orderBy('created_at')
        .execute()
      return rows.map(row => ({
        imageId: row.image_id,
        memberId: row.member_id,
        status: row.status,
        createdAt: fromTime(row.created_at),
        updatedAt: fromTime(row.updated_at),
      }))
    },
    async addMember(member: Member): Promise<void> {
      await q
        .insertInto('image_members')
        .values({
          image_id: member.imageId,
          member_id: member.memberId,
          status: member.status,
          created_at: time(member.createdAt),
          updated_at: time(member.updatedAt),
        })
        .execute()
    },
    setMember: (imageId: string, memberId: string, status: string, now: number): Promise<boolean> =>
      swap(q, 'image_members', { image_id: imageId, member_id: memberId }, { status, updated_at: time(now) }),
    async removeMember(imageId: string, memberId: string): Promise<void> {
      await q.deleteFrom('image_members').where('image_id', '=', imageId).where('member_id', '=', memberId).execute()
    },
  }
}
