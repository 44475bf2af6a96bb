// Keystone, as far as Nova asks it beside tokens: is there such a project?
import { RemoteFault, type Transport } from '#kernel/http/client.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import { restTo } from '#services/nova/actors/neighbours/rest.ts'
import { faults } from '#services/nova/contract/faults.ts'

/** Throws 400 for a project that Keystone says is not there. What the caller may not ask, and what cannot be asked, passes. */
export function projectCheck(transport: Transport | undefined): (ctx: Ctx, id: string) => Promise<void> {
  if (transport === undefined) return async () => undefined
  const rest = restTo(transport)
  return async (ctx, id) => {
    if (id === ctx.who?.projectId) return
    try {
      const path = `/v3/projects/${encodeURIComponent(id)}`
      await rest.json(ctx, 'GET', '/v3/projects/{id}', path)
    } catch (error) {
      if (!(error instanceof RemoteFault)) throw error
      if (error.status === 404) throw faults.ProjectNotFound({ id })
    }
  }
}
