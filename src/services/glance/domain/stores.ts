// The one store: what it is, what a project uses of it, where an image lies in it.
import { wordTable } from '#kernel/lib/word-table.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import { Fault } from '#kernel/contract/fault.ts'
import { faults } from '#services/glance/contract/faults.ts'
import { STORE } from '#services/glance/contract/imports.ts'
import { rules } from '#services/glance/contract/rules.ts'
import { imagesDb, type Image } from '#services/glance/db/images.ts'
import { holdImage, type AccessTools } from '#services/glance/domain/access.ts'
import { amounts, RESOURCES, type Quotas } from '#services/glance/domain/quotas.ts'

const DIGEST_BYTES: Readonly<Record<string, number>> = wordTable<number>({ md5: 16, sha1: 20, sha256: 32, sha512: 64 })

export const createStoresDomain = (
  tools: AccessTools & { readonly quotas: Quotas; readonly url: (imageId: string) => string },
) => ({
  /** Limits and use of the caller's project; empty when nobody is held to any. */
  async usage(ctx: Ctx): Promise<Record<string, { usage: number; limit: number }>> {
    const projectId = ctx.who?.projectId ?? null
    const limits = projectId === null ? null : await tools.quotas.of(ctx, projectId)
    if (projectId === null || limits === null) return {}
    const used = amounts(await tools.database.read(ctx, 'usage', q => imagesDb(q).usage(projectId)))
    return Object.fromEntries(RESOURCES.map(name => [name, { usage: used[name], limit: limits[name] }]))
  },
  /** Always refused in the end: there is one store. Throws 404, 403, 409. */
  async removeFrom(ctx: Ctx, store: string, id: string): Promise<never> {
    if (store !== STORE) throw faults.Conflict({ reason: `The selected store ${store} is not available on this node.` })
    const { image } = await holdImage(tools, ctx, id, rules.deleteImageLocation)
    if (image.status !== 'active')
      throw faults.Conflict({
        reason: "It's not allowed to remove image data from store if image status is not 'active'",
      })
    throw faults.Forbidden({
      reason: 'Cannot delete image data from the only store containing it. Consider deleting the image instead.',
    })
  },
  /** Where its bytes lie: for services. */
  async locations(ctx: Ctx, id: string): Promise<{ url: string; metadata: { store: string } }[]> {
    const { image } = await holdImage(tools, ctx, id, rules.fetchImageLocation)
    return hasBytes(image) ? [{ url: tools.url(image.id), metadata: { store: STORE } }] : []
  },
  /** Always refused in the end: no store here takes addresses of elsewhere. Throws 400, 403, 404, 409. */
  async addLocation(
    ctx: Ctx,
    id: string,
    given: { url: string; validation_data?: { os_hash_algo?: string; os_hash_value?: string } | null },
  ): Promise<never> {
    const { image, target } = await holdImage(tools, ctx, id, rules.getImage)
    if (image.status !== 'queued')
      throw faults.Conflict({ reason: `It's not allowed to add locations if image status is ${image.status}.` })
    const verdict = tools.policy.check(ctx.who, rules.addImageLocation, target)
    if (!verdict.ok)
      throw new Fault('Forbidden', 403, 'You are not authorized to complete this action.', { because: verdict.because })
    if (ctx.who?.roles.includes('service') !== true)
      throw faults.Forbidden({ reason: 'http store must be enabled to use location API by normal user.' })
    const value = given.validation_data?.os_hash_value
    const algorithm = given.validation_data?.os_hash_algo ?? 'sha512'
    if (value !== undefined) {
      if (!/^[0-9a-f]*$/i.test(value) || value.length % 2 === 1)
        throw faults.BadRequest({ reason: `os_hash_value (${value}) is not a valid hexadecimal value` })
      const want = DIGEST_BYTES[algorithm] ?? 64
      if (value.length !== want * 2)
        throw faults.BadRequest({
          reason: `os_hash_value: (${value}) is not the correct size for (${algorithm}) (should be (${want}) bytes)`,
        })
    }
    throw faults.BadRequest({ reason: `Invalid location: ${given.url}: no store of this cloud takes it.` })
  },
})
export type StoresDomain = ReturnType<typeof createStoresDomain>
const hasBytes = (image: Image): boolean => image.status === 'active' || image.status === 'deactivated'
