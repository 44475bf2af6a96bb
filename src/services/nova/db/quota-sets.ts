// Limits that somebody set: of projects (`user_id` empty), of users inside them, and of classes (`default`, `class:NAME`).
import type { Kysely } from 'kysely'

import { upsert } from '#kernel/db/helpers.ts'
import type { NovaTables } from '#services/nova/db/tables.ts'

export type SetLimits = Readonly<Record<string, number>>

export const quotaSetsDb = (q: Kysely<NovaTables>) => ({
  async of(projectId: string, userId: string): Promise<SetLimits> {
    const rows = await q
      .selectFrom('quotas')
      .selectAll()
      .where('project_id', '=', projectId)
      .where('user_id', '=', userId)
      .execute()
    return Object.fromEntries(rows.map(row => [row.resource, row.quota]))
  },
  /** What was given out to single users of a project, summed. */
  async givenToUsers(projectId: string): Promise<SetLimits> {
    const rows = await q
      .selectFrom('quotas')
      .select(({ fn }) => ['resource', fn.sum<number>('quota').as('sum')])
      .where('project_id', '=', projectId)
      .where('user_id', '!=', '')
      .groupBy('resource')
      .execute()
    return Object.fromEntries(rows.map(row => [row.resource, Number(row.sum)]))
  },
  async set(projectId: string, userId: string, limits: SetLimits): Promise<void> {
    for (const [resource, quota] of Object.entries(limits)) {
      await upsert(q, 'quotas', { project_id: projectId, user_id: userId, resource, quota }, [
        'project_id',
        'user_id',
        'resource',
      ])
    }
  },
  /** Of the whole project with all its users, or of one user. */
  async forget(projectId: string, userId: string | null): Promise<void> {
    let gone = q.deleteFrom('quotas').where('project_id', '=', projectId)
    if (userId !== null) gone = gone.where('user_id', '=', userId)
    await gone.execute()
  },
  /** Servers, cores, memory and groups of one user in one project. */
  async usageOfUser(projectId: string, userId: string): Promise<SetLimits> {
    const servers = await q
      .selectFrom('servers')
      .select('flavor')
      .where('deleted_at', 'is', null)
      .where('project_id', '=', projectId)
      .where('user_id', '=', userId)
      .where('soft_deleted_at', 'is', null)
      .execute()
    const groups = await q
      .selectFrom('server_groups')
      .select(({ fn }) => fn.countAll<number>().as('many'))
      .where('project_id', '=', projectId)
      .where('user_id', '=', userId)
      .executeTakeFirst()
    const flavors = servers.map(({ flavor }) => JSON.parse(flavor) as { vcpus: number; ramMb: number })
    return {
      instances: flavors.length,
      cores: flavors.reduce((sum, flavor) => sum + flavor.vcpus, 0),
      ram: flavors.reduce((sum, flavor) => sum + flavor.ramMb, 0),
      server_groups: Number(groups?.many ?? 0),
    }
  },
})
