// Tokens of consoles over HTTP.
import { handlers, type HandlerTable } from '#kernel/http/handlers.ts'
import { consoleTokens } from '#services/nova/contract/console-tokens.ts'
import { faults } from '#services/nova/contract/faults.ts'
import type { PartsDomain } from '#services/nova/domain/servers/parts.ts'

const REFUSED = 'The server could not comply with the request since it is either malformed or otherwise incorrect.'

export const consoleTokenHandlers = (domain: PartsDomain): HandlerTable =>
  handlers(consoleTokens, {
    show: async call => {
      // compat: until 2.30 this was about RDP alone, which is gone
      if (!call.has('everyType')) throw faults.BadRequest({ reason: REFUSED })
      const serverId = await domain.serverOfConsole(call.ctx, call.params.token)
      if (serverId === null) throw faults.NotFound({ reason: 'Token not found' })
      // Consoles are reached by the front door itself.
      const { hostname, port, protocol } = new URL(call.base)
      return {
        console: {
          instance_uuid: serverId,
          host: hostname,
          port: port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port),
          internal_access_path: null,
        },
      }
    },
    spice: async call => {
      await domain.consoleToken(call.ctx, call.params.id, 'spice', call.body.type)
    },
    rdp: () => {
      throw faults.BadRequest({ reason: REFUSED })
    },
  })
