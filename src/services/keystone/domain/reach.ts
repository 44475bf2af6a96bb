// Where a user could go: the projects, domains and the system on which he has a role.
import type { Ctx } from '#kernel/lib/context.ts'
import { assignmentsOfUser } from '#services/keystone/db/assignments.ts'
import {
  findProject,
  findProjects,
  listProjects,
  subtreeOf,
  tagsOf,
  type ProjectEntity,
} from '#services/keystone/db/projects.ts'
import type { Query } from '#services/keystone/db/ledger.ts'
import type { DomainTools } from '#services/keystone/domain/tools.ts'

export type TaggedProject = ProjectEntity & { readonly tags: readonly string[] }
export interface Reach {
  /** Enabled ones in enabled domains. */
  projects(ctx: Ctx, userId: string): Promise<TaggedProject[]>
  domains(ctx: Ctx, userId: string): Promise<TaggedProject[]>
  system(ctx: Ctx, userId: string): Promise<boolean>
}

/** Projects with the user's roles on them, by way of domains and parents as well; enabled or not. */
export async function projectsOfUser(q: Query, userId: string): Promise<ProjectEntity[]> {
  const assignments = await assignmentsOfUser(q, userId)
  const found = new Map<string, ProjectEntity>()
  const direct = assignments.filter(a => a.targetKind === 'project' && !a.inherited).map(a => a.targetId)
  for (const project of await findProjects(q, direct)) found.set(project.id, project)
  for (const above of new Set(assignments.filter(a => a.inherited).map(a => a.targetId))) {
    const root = await findProject(q, above)
    if (root === null) continue
    const below = root.isDomain
      ? await listProjects(q, { filters: [] }, { isDomain: false, domainId: root.id })
      : await subtreeOf(q, root.id)
    for (const project of below) found.set(project.id, project)
  }
  return [...found.values()].sort((a, b) => (a.id < b.id ? -1 : 1))
}

export const withTags = async (q: Query, projects: readonly ProjectEntity[]): Promise<TaggedProject[]> => {
  const tags = await tagsOf(
    q,
    projects.map(project => project.id),
  )
  return projects.map(project => ({ ...project, tags: tags.get(project.id) ?? [] }))
}

export function createReach(tools: Pick<DomainTools, 'ledger'>): Reach {
  const { ledger } = tools
  return {
    projects: (ctx, userId) =>
      ledger.read(ctx, 'list-projects-of-user', async q => {
        const all = await projectsOfUser(q, userId)
        const domains = new Map(
          (
            await findProjects(
              q,
              all.flatMap(project => project.domainId ?? []),
            )
          ).map(domain => [domain.id, domain]),
        )
        const open = all.filter(
          project => project.enabled && (project.domainId === null || domains.get(project.domainId)?.enabled === true),
        )
        return withTags(q, open)
      }),
    domains: (ctx, userId) =>
      ledger.read(ctx, 'list-domains-of-user', async q => {
        const assignments = await assignmentsOfUser(q, userId)
        const ids = assignments.filter(a => a.targetKind === 'domain' && !a.inherited).map(a => a.targetId)
        const domains = (await findProjects(q, ids)).filter(domain => domain.enabled)
        return withTags(q, domains)
      }),
    system: (ctx, userId) =>
      ledger.read(ctx, 'find-system-roles-of-user', async q =>
        (await assignmentsOfUser(q, userId)).some(a => a.targetKind === 'system'),
      ),
  }
}
