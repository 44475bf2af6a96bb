// The metadata of volumes, the user's and the image's.
import type { Ctx } from '#kernel/lib/context.ts'
import type { Rule } from '#kernel/contract/rule.ts'
import { faults } from '#services/cinder/contract/faults.ts'
import { rules } from '#services/cinder/contract/rules.ts'
import { volumesDb, type Volume } from '#services/cinder/db/volumes.ts'
import { findVolume } from '#services/cinder/domain/find.ts'
import type { DomainTools } from '#services/cinder/domain/tools.ts'

export type Metadata = Readonly<Record<string, string>>
/** What may not be changed in these statuses. */
const CLOSED = ['maintenance', 'uploading']

export const createMetadataDomain = (tools: DomainTools) => {
  const { database, clock } = tools
  const of = async (ctx: Ctx, id: string): Promise<Metadata> =>
    (await database.read(ctx, 'volume-metadata', q => volumesDb(q).metadataOf([id]))).get(id) ?? {}
  const etagOf = (metadata: Metadata): string => tools.md5(pythonJson({ metadata }))
  const demandOpen = (volume: Volume, doing: 'Updating' | 'Deleting'): void => {
    if (CLOSED.includes(volume.status))
      throw faults.InvalidVolume({
        reason: `${doing} volume metadata is not allowed for volumes in ${volume.status} status.`,
      })
  }

  return {
    async list(ctx: Ctx, id: string): Promise<{ metadata: Metadata; etag: string }> {
      const volume = await findVolume(tools, ctx, id, rules.volumeGetVolumeMetadata)
      const metadata = await of(ctx, volume.id)
      return { metadata, etag: etagOf(metadata) }
    },
    async show(ctx: Ctx, id: string, key: string): Promise<string> {
      const volume = await findVolume(tools, ctx, id, rules.volumeGetVolumeMetadata)
      const value = (await of(ctx, volume.id))[key]
      if (value === undefined) throw faults.VolumeMetadataNotFound({ id, key })
      return value
    },
    /** `ifMatch`: ETags one of which the metadata must have now, or null. Returns all metadata. */
    async set(
      ctx: Ctx,
      id: string,
      metadata: Metadata,
      how: { rule: Rule; replace: boolean; ifMatch: readonly string[] | null },
    ): Promise<Metadata> {
      const volume = await findVolume(tools, ctx, id, how.rule)
      demandOpen(volume, 'Updating')
      return database.tx({ ...ctx, subject: volume.id }, 'set-volume-metadata', async q => {
        const before = (await volumesDb(q).metadataOf([volume.id])).get(volume.id) ?? {}
        if (how.ifMatch !== null && !how.ifMatch.includes(etagOf(before)) && !how.ifMatch.includes('*'))
          throw faults.PreconditionFailed()
        await volumesDb(q).setMetadata(volume.id, metadata, how.replace)
        await volumesDb(q).change(volume.id, {}, clock.now())
        return how.replace ? { ...metadata } : { ...before, ...metadata }
      })
    },
    async remove(ctx: Ctx, id: string, key: string): Promise<void> {
      const volume = await findVolume(tools, ctx, id, rules.volumeDeleteVolumeMetadata)
      demandOpen(volume, 'Deleting')
      const gone = await database.tx({ ...ctx, subject: volume.id }, 'drop-volume-metadata', q =>
        volumesDb(q).dropMetadatum(volume.id, key),
      )
      if (!gone) throw faults.VolumeMetadataNotFound({ id, key })
    },

    async showImage(ctx: Ctx, id: string): Promise<Metadata> {
      const volume = await findVolume(tools, ctx, id, rules.volumeGetVolumeMetadata)
      return volume.imageMetadata ?? {}
    },
    async setImage(ctx: Ctx, id: string, metadata: Metadata): Promise<Metadata> {
      const volume = await findVolume(tools, ctx, id, rules.volumeImageMetadataSet)
      demandOpen(volume, 'Updating')
      return database.tx({ ...ctx, subject: volume.id }, 'set-image-metadata', async q => {
        const imageMetadata = { ...(await volumesDb(q).byId(volume.id))?.imageMetadata, ...metadata }
        await volumesDb(q).change(volume.id, { imageMetadata }, clock.now())
        return imageMetadata
      })
    },
    async dropImage(ctx: Ctx, id: string, key: string): Promise<void> {
      const volume = await findVolume(tools, ctx, id, rules.volumeImageMetadataRemove)
      demandOpen(volume, 'Deleting')
      await database.tx({ ...ctx, subject: volume.id }, 'drop-image-metadata', async q => {
        const { [key]: gone, ...rest } = { ...(await volumesDb(q).byId(volume.id))?.imageMetadata }
        if (gone === undefined) throw faults.ImageMetadataNotFound({ id })
        await volumesDb(q).change(
          volume.id,
          { imageMetadata: Object.keys(rest).length === 0 ? null : rest },
          clock.now(),
        )
      })
    },
  }
}
export type MetadataDomain = ReturnType<typeof createMetadataDomain>

/** As Python's json prints it: a blank after colons and commas, everything beyond ASCII escaped. */
function pythonJson(value: unknown): string {
  const text =
    typeof value === 'object' && value !== null
      ? `{${Object.entries(value)
          .map(([key, entry]) => `${pythonJson(key)}: ${pythonJson(entry)}`)
          .join(', ')}}`
      : JSON.stringify(value)
  return text.replaceAll(/[\u007f-\uffff]/g, sign => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
