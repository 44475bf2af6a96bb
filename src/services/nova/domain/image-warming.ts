// Hosts that are up are told one image after another; what does not work is logged and changes nothing.
import type { Bus } from '#kernel/bus/bus.ts'
import type { Database } from '#kernel/db/database.ts'
import type { Clock } from '#kernel/lib/clock.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import { hostsDb } from '#services/nova/db/hosts.ts'
import type { NovaTables } from '#services/nova/db/tables.ts'
import { isUp } from '#services/nova/domain/conductor/host-states.ts'
import { computeRpc } from '#services/nova/rpc.ts'

export type ImageWarming = (ctx: Ctx, hosts: readonly string[], imageIds: readonly string[]) => Promise<void>

export const imageWarming =
  (tools: {
    readonly database: Database<NovaTables>
    readonly bus: Bus
    readonly clock: Clock
    readonly downAfterMs: number
    readonly warn: (ctx: Ctx, says: string) => void
  }): ImageWarming =>
  async (ctx, hosts, imageIds) => {
    const services = await tools.database.read(ctx, 'services-of-hosts', q => hostsDb(q).services())
    const up = services.filter(
      one =>
        one.binary === 'nova-compute' &&
        hosts.includes(one.host) &&
        !one.disabled &&
        isUp(one, tools.clock.now(), tools.downAfterMs),
    )
    for (const { host } of up)
      for (const imageId of imageIds)
        await tools.bus
          .client(computeRpc)
          .on(host)
          .cache_image(ctx, { imageId })
          .catch((error: unknown) =>
            tools.warn(ctx, `image ${imageId} is not at hand on ${host}: ${(error as Error).message}`),
          )
  }
