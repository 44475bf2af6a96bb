// Rows of projects and domains.
import { flag, fromJson, isSet, json } from '#kernel/db/codecs.ts'
import { inChunks } from '#kernel/db/helpers.ts'
import { listPage, type Columns, type ListQuery } from '#services/keystone/db/filters.ts'
import type { Query } from '#services/keystone/db/ledger.ts'
import type { Extra, Options, ProjectsTable } from '#services/keystone/db/tables.ts'

export interface ProjectEntity {
  readonly id: string
  /** Null for a domain. */
  readonly domainId: string | null
  readonly parentId: string | null
  readonly name: string
  readonly isDomain: boolean
  readonly enabled: boolean
  readonly description: string
  readonly options: Options
  readonly extra: Extra
}

const fromRow = (row: ProjectsTable): ProjectEntity => ({
  id: row.id,
  domainId: row.domain_id === '' ? null : row.domain_id,
  parentId: row.parent_id,
  name: row.name,
  isDomain: isSet(row.is_domain),
  enabled: isSet(row.enabled),
  description: row.description,
  options: fromJson(row.options),
  extra: fromJson(row.extra),
})
const toRow = (p: ProjectEntity): ProjectsTable => ({
  id: p.id,
  domain_id: p.domainId ?? '',
  parent_id: p.parentId,
  name: p.name,
  is_domain: flag(p.isDomain),
  enabled: flag(p.enabled),
  description: p.description,
  options: json(p.options),
  extra: json(p.extra),
})

export async function findProject(q: Query, id: string): Promise<ProjectEntity | null> {
  const row = await q.selectFrom('projects').selectAll().where('id', '=', id).executeTakeFirst()
  return row === undefined ? null : fromRow(row)
}
/** `domainId` null: a domain by its name. */
export async function findProjectByName(
  q: Query,
  name: string,
  domainId: string | null,
): Promise<ProjectEntity | null> {
  const row = await q
    .selectFrom('projects')
    .selectAll()
    .where('domain_id', '=', domainId ?? '')
    .where('name', '=', name)
    .executeTakeFirst()
  return row === undefined ? null : fromRow(row)
}
export async function findProjects(q: Query, ids: Iterable<string>): Promise<ProjectEntity[]> {
  const rows = await inChunks(ids, some =>
    q
      .selectFrom('projects')
      .selectAll()
      .where('id', 'in', [...some])
      .execute(),
  )
  return rows.map(fromRow)
}

export const PROJECT_FILTERS: Columns = {
  id: { column: 'projects.id' },
  name: { column: 'projects.name' },
  domain_id: { column: 'projects.domain_id' },
  parent_id: { column: 'projects.parent_id' },
  enabled: { column: 'projects.enabled', as: 'flag' },
}
/** Tags: all of `all`, one of `any`, not all of `notAll`, none of `notAny`. */
export interface TagFilter {
  readonly all: readonly string[]
  readonly any: readonly string[]
  readonly notAll: readonly string[]
  readonly notAny: readonly string[]
}
/** `isDomain` chooses domains or projects; `domainId` narrows to one domain; `ids` to some. One row more than the limit. */
export async function listProjects(
  q: Query,
  list: ListQuery,
  only: { isDomain: boolean; domainId?: string | undefined; tags?: TagFilter },
): Promise<ProjectEntity[]> {
  let query = q.selectFrom('projects').selectAll('projects').where('is_domain', '=', flag(only.isDomain))
  if (only.domainId !== undefined) query = query.where('domain_id', '=', only.domainId)
  const tagged = (name: string) =>
    q.selectFrom('project_tags').select('project_id').where('project_tags.name', '=', name)
  for (const name of only.tags?.all ?? []) query = query.where('projects.id', 'in', tagged(name))
  const { any = [], notAll = [], notAny = [] } = only.tags ?? {}
  if (any.length > 0)
    query = query.where(
      'projects.id',
      'in',
      q
        .selectFrom('project_tags')
        .select('project_id')
        .where('project_tags.name', 'in', [...any]),
    )
  if (notAny.length > 0)
    query = query.where(
      'projects.id',
      'not in',
      q
        .selectFrom('project_tags')
        .select('project_id')
        .where('project_tags.name', 'in', [...notAny]),
    )
  if (notAll.length > 0)
    query = query.where(eb => eb.not(eb.and(notAll.map(name => eb('projects.id', 'in', tagged(name))))))
  return (await listPage(q, query, PROJECT_FILTERS, list, 'projects')).map(fromRow)
}
export async function childrenOf(q: Query, parentId: string): Promise<ProjectEntity[]> {
  const rows = await q.selectFrom('projects').selectAll().where('parent_id', '=', parentId).execute()
  return rows.map(fromRow)
}
/** From the project's parent up to its domain. */
export async function parentsOf(q: Query, project: ProjectEntity): Promise<ProjectEntity[]> {
  const found: ProjectEntity[] = []
  let id = project.parentId
  while (id !== null && !found.some(known => known.id === id)) {
    const parent: ProjectEntity | null = await findProject(q, id)
    if (parent === null) break
    found.push(parent)
    id = parent.parentId
  }
  return found
}
/** All below it, nearest first. */
export async function subtreeOf(q: Query, id: string): Promise<ProjectEntity[]> {
  const found: ProjectEntity[] = []
  let layer = await childrenOf(q, id)
  while (layer.length > 0) {
    found.push(...layer)
    const rows = await inChunks(
      layer.map(project => project.id),
      some =>
        q
          .selectFrom('projects')
          .selectAll()
          .where('parent_id', 'in', [...some])
          .execute(),
    )
    layer = rows.map(fromRow)
  }
  return found
}
/** Throws DuplicateKey when the name is taken. */
export const insertProject = (q: Query, project: ProjectEntity): Promise<unknown> =>
  q.insertInto('projects').values(toRow(project)).execute()
/** Throws DuplicateKey when the new name is taken. */
export const updateProject = (q: Query, project: ProjectEntity): Promise<unknown> =>
  q.updateTable('projects').set(toRow(project)).where('id', '=', project.id).execute()
export async function removeProject(q: Query, id: string): Promise<void> {
  await q.deleteFrom('projects').where('id', '=', id).execute()
}

/** Tags by project, sorted by name. */
export async function tagsOf(q: Query, ids: Iterable<string>): Promise<Map<string, string[]>> {
  const rows = await inChunks(ids, some =>
    q
      .selectFrom('project_tags')
      .selectAll()
      .where('project_id', 'in', [...some])
      .orderBy('name')
      .execute(),
  )
  const tags = new Map<string, string[]>()
  for (const row of rows) {
    const own = tags.get(row.project_id)
    if (own === undefined) tags.set(row.project_id, [row.name])
    else own.push(row.name)
  }
  return tags
}
export async function replaceTags(q: Query, projectId: string, tags: readonly string[]): Promise<void> {
  await q.deleteFrom('project_tags').where('project_id', '=', projectId).execute()
  const rows = [...new Set(tags)].map(name => ({ project_id: projectId, name }))
  if (rows.length > 0) await q.insertInto('project_tags').values(rows).execute()
}
