// Passwords and insides of guests over HTTP.
import { handlers, type HandlerTable } from '#kernel/http/handlers.ts'
import { serverInspection } from '#services/nova/contract/server-inspection.ts'
import { serverPasswords } from '#services/nova/contract/server-passwords.ts'
import type { ServerPasswords } from '#services/nova/domain/servers/passwords.ts'

export const serverPasswordHandlers = (domain: ServerPasswords): HandlerTable[] => [
  handlers(serverPasswords, {
    change: call => domain.change(call.ctx, call.params.id, call.body.adminPass),
    show: async call => ({ password: await domain.show(call.ctx, call.params.id) }),
    clear: call => domain.clear(call.ctx, call.params.id),
  }),
  handlers(serverInspection, {
    topology: call => domain.topology(call.ctx, call.params.id),
    crashDump: call => domain.crashDump(call.ctx, call.params.id),
  }),
]
