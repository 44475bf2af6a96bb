// Messages as their project reads and removes them.
import { wordTable } from '#kernel/lib/word-table.ts'
import { isFull } from '#kernel/http/paging.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import { faults } from '#services/cinder/contract/faults.ts'
import { rules } from '#services/cinder/contract/rules.ts'
import type { Rule } from '#kernel/contract/rule.ts'
import { messagesDb, type Message } from '#services/cinder/db/messages.ts'
import { demand, isUuid, targetOf } from '#services/cinder/domain/find.ts'
import { usableFilters, type ListRequest } from '#services/cinder/domain/listing.ts'
import { projectOf, type DomainTools } from '#services/cinder/domain/tools.ts'

const COLUMNS: Readonly<Record<string, string>> = wordTable<string>({
  resource_uuid: 'resource_id',
  resource_type: 'resource_type',
  request_id: 'request_id',
})
const SORTS: Readonly<Record<string, string>> = wordTable<string>({
  id: 'id',
  created_at: 'created_at',
  resource_uuid: 'resource_id',
  resource_type: 'resource_type',
  request_id: 'request_id',
  guaranteed_until: 'expires_at',
  expires_at: 'expires_at',
})

export const createUserMessagesDomain = (tools: DomainTools) => {
  const { database } = tools
  const find = async (ctx: Ctx, id: string, rule: Rule): Promise<Message> => {
    const message = isUuid(id) ? await database.read(ctx, 'find-message', q => messagesDb(q).byId(id)) : undefined
    if (message === undefined || !tools.policy.allows(ctx.who, rules.messageGet, targetOf(message)))
      throw faults.MessageNotFound({ id })
    demand(tools, ctx, rule, targetOf(message))
    return message
  }
  return {
    show: (ctx: Ctx, id: string): Promise<Message> => find(ctx, id, rules.messageGet),
    async remove(ctx: Ctx, id: string): Promise<void> {
      const message = await find(ctx, id, rules.messageDelete)
      await database.tx(ctx, 'delete-message', q => messagesDb(q).remove(message.id))
    },
    async list(ctx: Ctx, request: ListRequest): Promise<{ messages: Message[]; more: boolean }> {
      const usable = usableFilters(ctx, 'message', request)
      const equal: Record<string, string> = {}
      for (const [key, value] of Object.entries(usable)) {
        if (key === 'message_level') {
          if (value !== 'ERROR') return { messages: [], more: false }
          continue
        }
        if (key === 'event_id') {
          const parts = value.split('_')
          equal['action_id'] = parts.at(-2) ?? ''
          equal['detail_id'] = parts.at(-1) ?? ''
          continue
        }
        const column = COLUMNS[key]
        if (column === undefined) return { messages: [], more: false }
        equal[column] = value
      }
      const sort = request.sort.map(({ key, direction }) => {
        const column = SORTS[key]
        if (column === undefined) throw faults.InvalidInput({ reason: 'Invalid sort key' })
        return { column, direction }
      })
      const rows = await database.read(ctx, 'list-messages', q =>
        messagesDb(q).list(
          { projectId: projectOf(ctx), equal },
          { sort, marker: request.marker, limit: request.limit + request.offset },
        ),
      )
      if (rows === undefined) throw faults.MessageNotFound({ id: request.marker ?? '' })
      const shown = rows.slice(request.offset, request.offset + request.limit)
      return { messages: shown, more: isFull(shown.length, request.limit) }
    },
  }
}
export type UserMessagesDomain = ReturnType<typeof createUserMessagesDomain>
