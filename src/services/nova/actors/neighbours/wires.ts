// Where a server's ports are wired, from Neutron's public API, for servers that leave a host and come to one.
import type { Transport } from '#kernel/http/client.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import { restTo } from '#services/nova/actors/neighbours/rest.ts'
import type { WireTools } from '#services/nova/sagas/image-tools.ts'

/** `ctx` carries nova's own token. A port that is gone is left out. */
export const wireTools =
  (transport: Transport) =>
  (ctx: Ctx): WireTools => {
    const rest = restTo(transport)
    const hostOf = async (portId: string, host: string): Promise<void> => {
      await rest.json(ctx, 'PUT', '/v2.0/ports/{id}', `/v2.0/ports/${portId}`, {
        body: { port: { 'binding:host_id': host } },
        fine: [404],
      })
    }
    return {
      async bind(nics, host) {
        for (const nic of nics) await hostOf(nic.portId, host)
      },
      async unbind(nics) {
        for (const nic of nics) await hostOf(nic.portId, '')
      },
    }
  }
