// Instance actions over HTTP.
import { handlers, type HandlerTable } from '#kernel/http/handlers.ts'
import { nextHref } from '#kernel/http/paging.ts'
import { presenter } from '#kernel/http/presenter.ts'
import { isoMicros } from '#kernel/lib/clock.ts'
import { ActionView, instanceActions } from '#services/nova/contract/instance-actions.ts'
import type { ActionEvent, ServerAction } from '#services/nova/db/actions.ts'
import type { ActionStory, InstanceActions } from '#services/nova/domain/instance-actions.ts'

const shown = presenter<ServerAction>()(ActionView, {
  action: a => a.action,
  instance_uuid: a => a.serverId,
  request_id: a => a.requestId,
  user_id: a => a.userId,
  project_id: a => a.projectId,
  start_time: a => isoMicros(a.startedAt),
  message: a => a.message,
  updated_at: a => isoMicros(a.updatedAt),
  events: () => undefined,
})
const msOf = (times: readonly string[] | undefined): number | null => {
  const text = times?.at(-1)?.replace(' ', 'T')
  if (text === undefined) return null
  // A time without a zone is UTC.
  return Date.parse(/(Z|[+-]\d{2}:?\d{2})$/i.test(text) || !text.includes('T') ? text : `${text}Z`)
}

/** `hostId` names the host to its project without telling it. */
export function instanceActionHandlers(
  domain: InstanceActions,
  hostId: (projectId: string, host: string | null) => string,
): HandlerTable {
  const eventOf = (
    event: ActionEvent,
    story: ActionStory,
    view: { hosts: boolean; details: boolean },
  ): Record<string, unknown> => ({
    event: event.event,
    start_time: isoMicros(event.startedAt),
    finish_time: event.finishedAt === null ? null : isoMicros(event.finishedAt),
    result: event.result,
    ...(story.seesAll ? { traceback: event.details } : {}),
    ...(story.seesAll && view.hosts ? { host: event.host } : {}),
    ...(view.hosts ? { hostId: hostId(story.projectId, event.host) } : {}),
    ...(story.seesDetails && view.details ? { details: event.details } : {}),
  })
  return handlers(instanceActions, {
    list: async call => {
      const { query } = call
      const asked = call.has('paged')
        ? {
            limit: query.limit?.at(-1) ?? null,
            marker: query.marker?.at(-1) ?? null,
            changedSince: msOf(query['changes-since']),
            changedBefore: msOf(query['changes-before']),
          }
        : null
      const { actions, isFull } = await domain.list(call.ctx, call.params.server, asked, call.has('ofDeleted'))
      const last = isFull ? actions.at(-1) : undefined
      return {
        instanceActions: await call.list(shown, actions),
        ...(last === undefined ? {} : { links: [{ rel: 'next', href: nextHref(call, last.requestId) }] }),
      }
    },
    show: async call => {
      const { server, request } = call.params
      const story = await domain.show(call.ctx, server, request, call.has('ofDeleted'))
      const seesEvents = story.seesAll || call.has('eventsForOwners')
      const view = { hosts: call.has('hosts'), details: call.has('details') }
      return {
        instanceAction: {
          ...(await call.show(shown, story.action)),
          ...(seesEvents ? { events: story.events.map(event => eventOf(event, story, view)) } : {}),
        },
      }
    },
  })
}
