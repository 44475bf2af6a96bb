// Nobody holds an image without having said what for.
import { Fault } from '#kernel/contract/fault.ts'
import type { Rule } from '#kernel/contract/rule.ts'
import type { Database } from '#kernel/db/database.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import type { Enforcer } from '#kernel/policy/enforcer.ts'
import { faults } from '#services/glance/contract/faults.ts'
import { rules } from '#services/glance/contract/rules.ts'
import { imagesDb, type Image, type Member } from '#services/glance/db/images.ts'
import type { GlanceTables } from '#services/glance/db/tables.ts'

export interface AccessTools {
  readonly database: Database<GlanceTables>
  readonly policy: Enforcer
}
export interface Held {
  readonly image: Image
  readonly members: readonly Member[]
  readonly target: Readonly<Record<string, unknown>>
}
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** The policy target: whoever a shared image is shared with counts as its `member_id`. */
const targetOf = (image: Image, members: readonly Member[], ctx: Ctx): Record<string, unknown> => {
  const member = image.visibility === 'shared' ? members.find(one => one.memberId === ctx.who?.projectId) : undefined
  return {
    project_id: image.owner,
    owner: image.owner,
    // 'shared' alone lets nobody in: only the member id does.
    visibility: image.visibility === 'shared' ? 'private' : image.visibility,
    member_id: member?.memberId,
    image_id: image.id,
  }
}

/** A living image for what `rule` is about. 404 when the caller may not see it, 403 when he may see but not do. */
export async function holdImage(tools: AccessTools, ctx: Ctx, id: string, rule: Rule): Promise<Held> {
  const found = UUID.test(id)
    ? await tools.database.read(ctx, 'find-image', async q => {
        const image = await imagesDb(q).byId(id.toLowerCase())
        return image === undefined
          ? undefined
          : { image, members: image.visibility === 'shared' ? await imagesDb(q).members(image.id) : [] }
      })
    : undefined
  if (found === undefined) throw faults.ImageNotFound({ id })
  const target = targetOf(found.image, found.members, ctx)
  if (!tools.policy.allows(ctx.who, rules.getImage, target)) throw faults.ImageNotFound({ id })
  const verdict = tools.policy.check(ctx.who, rule, target)
  if (!verdict.ok)
    throw new Fault('Forbidden', 403, 'You are not authorized to complete this action.', { because: verdict.because })
  return { ...found, target }
}
