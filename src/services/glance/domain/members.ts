// Members: with whom a shared image is shared, and whether they took it.
import type { Clock } from '#kernel/lib/clock.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import { faults } from '#services/glance/contract/faults.ts'
import { rules } from '#services/glance/contract/rules.ts'
import { imagesDb, type Member } from '#services/glance/db/images.ts'
import { holdImage, type AccessTools, type Held } from '#services/glance/domain/access.ts'

export const createMembersDomain = (tools: AccessTools & { readonly clock: Clock; readonly most: number }) => {
  const { database, policy, clock } = tools
  const shared = (held: Held): void => {
    if (held.image.visibility !== 'shared') throw faults.Forbidden({ reason: 'Only shared images have members.' })
  }
  /** A member sees only himself; the owner and administrators see all. */
  const visible = (ctx: Ctx, held: Held, all: readonly Member[]): Member[] => {
    const own = ctx.who?.projectId
    if (own === held.image.owner || ctx.who?.roles.includes('admin') === true) return [...all]
    return all.filter(one => one.memberId === own)
  }
  const membersOf = (ctx: Ctx, id: string): Promise<Member[]> =>
    database.read(ctx, 'members-of-image', q => imagesDb(q).members(id))
  return {
    async list(ctx: Ctx, id: string): Promise<Member[]> {
      const held = await holdImage(tools, ctx, id, rules.getMembers)
      return visible(ctx, held, await membersOf(ctx, held.image.id))
    },
    async show(ctx: Ctx, id: string, member: string): Promise<Member> {
      const held = await holdImage(tools, ctx, id, rules.getMember)
      const found = visible(ctx, held, await membersOf(ctx, held.image.id)).find(one => one.memberId === member)
      if (found === undefined) throw faults.MemberNotFound({ member, id })
      return found
    },
    async add(ctx: Ctx, id: string, member: string): Promise<Member> {
      const held = await holdImage(tools, ctx, id, rules.addMember)
      shared(held)
      const made: Member = {
        imageId: held.image.id,
        memberId: member,
        status: 'pending',
        createdAt: clock.now(),
        updatedAt: clock.now(),
      }
      await database.tx({ ...ctx, subject: held.image.id }, 'add-member', async q => {
        const all = await imagesDb(q).members(held.image.id)
        if (all.some(one => one.memberId === member)) throw faults.DuplicateMember({ member, id })
        if (tools.most >= 0 && all.length >= tools.most)
          throw faults.OverQuota({ reason: `the image has ${all.length} members, the limit is ${tools.most}` })
        await imagesDb(q).addMember(made)
      })
      return made
    },
    async update(ctx: Ctx, id: string, member: string, status: string): Promise<Member> {
      const held = await holdImage(tools, ctx, id, rules.getImage)
      const found = (await membersOf(ctx, held.image.id)).find(one => one.memberId === member)
      if (found === undefined) throw faults.MemberNotFound({ member, id })
      if (!policy.allows(ctx.who, rules.modifyMember, { ...held.target, member_id: member }))
        throw faults.Forbidden({ reason: 'You are not authorized to complete this action.' })
      await database.tx({ ...ctx, subject: held.image.id }, 'update-member', q =>
        imagesDb(q).setMember(held.image.id, member, status, clock.now()),
      )
      return { ...found, status, updatedAt: clock.now() }
    },
    async remove(ctx: Ctx, id: string, member: string): Promise<void> {
      const held = await holdImage(tools, ctx, id, rules.deleteMember)
      shared(held)
      const found = (await membersOf(ctx, held.image.id)).find(one => one.memberId === member)
      if (found === undefined) throw faults.MemberNotFound({ member, id })
      await database.tx({ ...ctx, subject: held.image.id }, 'remove-member', q =>
        imagesDb(q).removeMember(held.image.id, member),
      )
    },
  }
}
export type MembersDomain = ReturnType<typeof createMembersDomain>
