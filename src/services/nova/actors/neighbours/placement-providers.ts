// What Placement is told of compute hosts beside inventory and claims: the aggregates they are in, and that they are gone.
import type { Transport } from '#kernel/http/client.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import { restTo } from '#services/nova/actors/neighbours/rest.ts'

export interface ProviderMirror {
  aggregatesOf(ctx: Ctx, providerId: string, aggregates: readonly string[]): Promise<void>
  remove(ctx: Ctx, providerId: string): Promise<void>
}

/**
 * `asService` gives a context with Nova's own account. Nothing here throws: our own rows decide, and a person who asked for
 * an aggregate is not told of a neighbour; `warn` is.
 */
export function providerMirror(
  transport: Transport,
  asService: (ctx: Ctx) => Promise<Ctx>,
  warn: (ctx: Ctx, says: string) => void,
): ProviderMirror {
  const rest = restTo(transport, 'placement 1.39')
  const kindly = async (ctx: Ctx, what: string, deed: (service: Ctx) => Promise<unknown>): Promise<void> => {
    try {
      await deed(await asService(ctx))
    } catch (error) {
      warn(ctx, `Placement was not told ${what}: ${(error as Error).message}`)
    }
  }
  return {
    aggregatesOf: (ctx, providerId, aggregates) =>
      kindly(ctx, `the aggregates of provider ${providerId}`, async service => {
        const template = '/resource_providers/{uuid}/aggregates'
        const path = `/resource_providers/${providerId}/aggregates`
        const now = await rest.json<{ resource_provider_generation: number }>(service, 'GET', template, path)
        const { resource_provider_generation: generation } = now
        await rest.json(service, 'PUT', template, path, {
          body: { aggregates: [...aggregates], resource_provider_generation: generation },
        })
      }),
    remove: (ctx, providerId) =>
      kindly(ctx, `that provider ${providerId} is gone`, service =>
        rest.json(service, 'DELETE', '/resource_providers/{uuid}', `/resource_providers/${providerId}`, {
          fine: [404],
        }),
      ),
  }
}
