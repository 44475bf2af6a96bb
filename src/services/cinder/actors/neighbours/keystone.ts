// Keystone from Cinder's side: whether a project is there, asked with the caller's own token.
import type { Transport } from '#kernel/http/client.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import { restTo } from '#services/cinder/actors/neighbours/rest.ts'

export interface KeystoneLook {
  /** False: there is none, or none the caller may see. */
  projectExists(ctx: Ctx, projectId: string): Promise<boolean>
}

export function keystoneLook(transport: Transport | undefined): KeystoneLook {
  if (transport === undefined) return { projectExists: async () => true }
  const rest = restTo(transport)
  return {
    async projectExists(ctx, projectId) {
      if (!/^[0-9a-zA-Z_.-]{1,64}$/.test(projectId)) return false
      const path = `/v3/projects/${projectId}`
      return (await rest.json(ctx, 'GET', '/v3/projects/{project_id}', path, { fine: [403, 404] })) !== null
    },
  }
}
