// Bringing back what was deleted softly.
import { handlers, type HandlerTable } from '#kernel/http/handlers.ts'
import { deferredDelete } from '#services/nova/contract/deferred-delete.ts'
import type { DeferredDelete } from '#services/nova/domain/servers/deferred-delete.ts'

export const deferredDeleteHandlers = (domain: DeferredDelete): HandlerTable =>
  handlers(deferredDelete, { restore: call => domain.restore(call.ctx, call.params.id) })
