// Members of images over HTTP.
import { isoSeconds } from '#kernel/lib/clock.ts'
import { handlers, type HandlerTable } from '#kernel/http/handlers.ts'
import { members } from '#services/glance/contract/images.ts'
import type { Member } from '#services/glance/db/images.ts'
import type { MembersDomain } from '#services/glance/domain/members.ts'

const view = (member: Member): object => ({
  image_id: member.imageId,
  member_id: member.memberId,
  status: member.status,
  created_at: isoSeconds(member.createdAt),
  updated_at: isoSeconds(member.updatedAt),
  schema: '/v2/schemas/member',
})
export const memberHandlers = (domain: MembersDomain): HandlerTable =>
  handlers(members, {
    list: async call => ({
      members: (await domain.list(call.ctx, call.params.id)).map(view),
      schema: '/v2/schemas/members',
    }),
    show: async call => view(await domain.show(call.ctx, call.params.id, call.params.member)),
    add: async call => view(await domain.add(call.ctx, call.params.id, call.body.member)),
    update: async call => view(await domain.update(call.ctx, call.params.id, call.params.member, call.body.status)),
    remove: call => domain.remove(call.ctx, call.params.id, call.params.member),
  })
