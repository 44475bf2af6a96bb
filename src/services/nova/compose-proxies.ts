// The tables of the proxies of old versions: Glance, Neutron and Cinder in Nova's old words, with the person's own token.
import type { HandlerTable } from '#kernel/http/handlers.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import { cinderProxy } from '#services/nova/actors/neighbours/cinder-proxy.ts'
import { glanceProxy } from '#services/nova/actors/neighbours/glance-proxy.ts'
import { neutronProxy } from '#services/nova/actors/neighbours/neutron-proxy.ts'
import { imageProxyHandlers } from '#services/nova/api/image-proxies.ts'
import { networkProxyHandlers } from '#services/nova/api/network-proxies.ts'
import { securityGroupProxyHandlers } from '#services/nova/api/security-group-proxies.ts'
import { volumeProxyHandlers } from '#services/nova/api/volume-proxies.ts'
import { isAdmin } from '#services/nova/domain/caller.ts'
import { limitsOf, type QuotaDefaults } from '#services/nova/domain/quotas.ts'
import { createServerAddresses } from '#services/nova/domain/servers/addresses.ts'
import type { NovaRooms } from '#services/nova/service.ts'

export function proxyTables(
  rooms: NovaRooms,
  defaults: QuotaDefaults,
  refresh: (ctx: Ctx, serverId: string) => Promise<void>,
): HandlerTable[] {
  const { database, policy, neighbours } = rooms
  const { maxLimit } = rooms.settings
  const neutron = neutronProxy(neighbours.neutron)
  const admin = (ctx: Ctx): boolean => isAdmin(policy, ctx.who)
  return [
    ...imageProxyHandlers({
      glance: glanceProxy(neighbours.glance),
      maxLimit,
      metadataLimit: ctx =>
        database.read(ctx, 'limits', async q => (await limitsOf(q, ctx.who?.projectId ?? '', defaults)).metadata_items),
    }),
    ...networkProxyHandlers({
      neutron,
      isAdmin: admin,
      servers: createServerAddresses({ database, policy, neutron, refresh }),
    }),
    ...securityGroupProxyHandlers({ neutron, maxLimit, isAdmin: admin }),
    ...volumeProxyHandlers({ cinder: cinderProxy(neighbours.cinder), maxLimit }),
  ]
}
