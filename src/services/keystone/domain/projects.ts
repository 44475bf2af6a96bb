// Projects: a tree below each domain, with tags.
import type { Ctx } from '#kernel/lib/context.ts'
import { faults } from '#services/keystone/contract/faults.ts'
import { rules } from '#services/keystone/contract/rules.ts'
import type { ListQuery } from '#services/keystone/db/filters.ts'
import type { Query } from '#services/keystone/db/ledger.ts'
import {
  childrenOf,
  findProject,
  insertProject,
  listProjects,
  parentsOf,
  replaceTags,
  subtreeOf,
  tagsOf,
  updateProject,
  type ProjectEntity,
  type TagFilter,
} from '#services/keystone/db/projects.ts'
import { isDuplicate } from '#kernel/db/errors.ts'
import { checkMutable, mergeExtras, mergeOptions } from '#services/keystone/domain/common.ts'
import { projectsOfUser, withTags, type TaggedProject } from '#services/keystone/domain/reach.ts'
import { removeProjectWhole } from '#services/keystone/domain/removal.ts'
import type { Tokens } from '#services/keystone/domain/tokens.ts'
import { bearer, enforce, type DomainTools } from '#services/keystone/domain/tools.ts'

export interface ProjectWish {
  readonly name?: string | undefined
  readonly description?: string | null | undefined
  readonly enabled?: boolean | undefined
  readonly domainId?: string | null | undefined
  readonly parentId?: string | null | undefined
  readonly isDomain?: boolean | undefined
  readonly tags?: readonly string[] | undefined
  readonly options?: { readonly immutable?: boolean | null } | undefined
  readonly extra: Readonly<Record<string, unknown>>
}
export interface Family {
  readonly parents: 'list' | 'ids' | null
  readonly subtree: 'list' | 'ids' | null
}
/** Ids nested as the projects are: `{ B: { A: null } }`. */
export type IdTree = { readonly [id: string]: IdTree } | null
export interface ProjectWithFamily {
  readonly project: TaggedProject
  readonly parents?: readonly TaggedProject[] | IdTree
  readonly subtree?: readonly TaggedProject[] | IdTree
}
export interface Projects {
  list(ctx: Ctx, list: ListQuery, only: { isDomain: boolean; tags: TagFilter }): Promise<TaggedProject[]>
  find(ctx: Ctx, id: string, family: Family): Promise<ProjectWithFamily>
  create(ctx: Ctx, wish: ProjectWish & { readonly name: string }): Promise<TaggedProject>
  update(ctx: Ctx, id: string, wish: ProjectWish): Promise<TaggedProject>
  remove(ctx: Ctx, id: string): Promise<void>
  tags(ctx: Ctx, id: string): Promise<readonly string[]>
  hasTag(ctx: Ctx, id: string, tag: string): Promise<void>
  replaceTags(ctx: Ctx, id: string, tags: readonly string[]): Promise<void>
  addTag(ctx: Ctx, id: string, tag: string): Promise<void>
  removeTag(ctx: Ctx, id: string, tag: string): Promise<void>
}

const MOST_TAGS = 80

export const projectTarget = (project: ProjectEntity | null): Record<string, unknown> =>
  project === null ? {} : { 'target.project.id': project.id, 'target.project.domain_id': project.domainId }

/** The words of a taken name. */
const taken = (project: ProjectEntity): string =>
  project.isDomain
    ? `it is not permitted to have two projects acting as domains with the same name: ${project.name}`
    : `it is not permitted to have two projects with either the same name or same id in the same domain: name is ${project.name}, project id ${project.id}`

/** Writes; a taken name becomes upstream's 409. */
export async function uniqueProject(project: ProjectEntity, write: () => Promise<unknown>): Promise<void> {
  try {
    await write()
  } catch (error) {
    if (!isDuplicate(error)) throw error
    throw faults.Conflict({ type: 'project', details: taken(project) })
  }
}

/** What is changed whichever way: as a project or as a domain. */
export function changedProject(old: ProjectEntity, wish: ProjectWish): ProjectEntity {
  return {
    ...old,
    name: wish.name?.trim() ?? old.name,
    description: wish.description === undefined ? old.description : (wish.description ?? ''),
    enabled: wish.enabled ?? old.enabled,
    options: mergeOptions(old.options, wish.options),
    extra: mergeExtras(old.extra, wish.extra),
  }
}
/** Only what the client said, for the check of immutability. */
export const said = (wish: ProjectWish): { options?: { immutable?: boolean | null } } => {
  const { extra, ...rest } = wish
  return Object.fromEntries(Object.entries({ ...rest, ...extra }).filter(([, value]) => value !== undefined))
}

export function createProjects(tools: DomainTools, tokens: Tokens): Projects {
  const { ledger, ids, clock, settings } = tools
  type AnyRule = (typeof rules)[keyof typeof rules]

  const loadFor = async (ctx: Ctx, q: Query, id: string, rule: AnyRule): Promise<ProjectEntity> => {
    const project = await findProject(q, id)
    enforce(tools, ctx, rule, projectTarget(project))
    if (project === null) throw faults.ProjectNotFound({ id })
    return project
  }
  const tagged = async (q: Query, project: ProjectEntity): Promise<TaggedProject> =>
    (await withTags(q, [project]))[0] as TaggedProject

  /** Throws 400 or 403 where a project may not stand. Returns what it stands below. */
  async function checkPlace(q: Query, domainId: string, parentId: string): Promise<void> {
    const domain = await findProject(q, domainId)
    if (domain === null || !domain.isDomain)
      throw faults.ValidationError({ detail: `Could not find domain: ${domainId}.` })
    const parent = await findProject(q, parentId)
    if (parent === null) throw faults.ValidationError({ detail: `Could not find project: ${parentId}.` })
    if (parent.isDomain && parent.id !== domain.id)
      throw faults.ValidationError({
        detail: `Cannot create project, the parent (${parent.id}) is acting as a domain, but this project's domain id (${domain.id}) does not match the parent's id.`,
      })
    if (!parent.isDomain && parent.domainId !== domain.id)
      throw faults.ValidationError({
        detail: `Cannot create project, since it specifies its domain_id ${domain.id}, but specifies a parent in a different domain (${parent.domainId ?? ''}).`,
      })
    const line = [parent, ...(await parentsOf(q, parent))]
    const disabled = line.find(project => !project.enabled)
    if (disabled !== undefined)
      throw faults.ValidationError({
        detail: `cannot create a project in a branch containing a disabled project: ${disabled.id}`,
      })
    if (line.length + 1 > settings.maxProjectTreeDepth + 1)
      throw faults.Denied({ reason: `Max hierarchy depth reached for ${parent.id} branch.` })
  }

  const treeUp = (line: readonly ProjectEntity[]): IdTree =>
    line.reduceRight<IdTree>((below, project) => ({ [project.id]: below }), null)
  const treeDown = (id: string, all: readonly ProjectEntity[]): IdTree => {
    const own = all.filter(project => project.parentId === id)
    return own.length === 0 ? null : Object.fromEntries(own.map(child => [child.id, treeDown(child.id, all)]))
  }

  return {
    async list(ctx, list, only) {
      const domainId = bearer(ctx).domainId
      enforce(tools, ctx, rules.listProjects, domainId === null ? {} : { 'target.domain_id': domainId })
      return ledger.read(ctx, 'list-projects', async q =>
        withTags(q, await listProjects(q, list, { ...only, domainId: domainId ?? undefined })),
      )
    },

    find: (ctx, id, family) =>
      ledger.read(ctx, 'find-project', async q => {
        const project = await loadFor(ctx, q, id, rules.getProject)
        const mine =
          family.parents === 'list' || family.subtree === 'list'
            ? new Set((await projectsOfUser(q, bearer(ctx).userId)).map(one => one.id))
            : new Set<string>()
        const above = family.parents === null ? [] : await parentsOf(q, project)
        const below = family.subtree === null ? [] : await subtreeOf(q, project.id)
        // As lists, only those on which the bearer has a role himself.
        const own = (all: readonly ProjectEntity[]): Promise<TaggedProject[]> =>
          withTags(
            q,
            all.filter(one => mine.has(one.id)),
          )
        return {
          project: await tagged(q, project),
          ...(family.parents === null ? {} : { parents: family.parents === 'list' ? await own(above) : treeUp(above) }),
          ...(family.subtree === null
            ? {}
            : { subtree: family.subtree === 'list' ? await own(below) : treeDown(project.id, below) }),
        }
      }),

    async create(ctx, wish) {
      const isDomain = wish.isDomain === true
      return ledger.write(ctx, 'create-project', async q => {
        let domainId: string | null = null
        let parentId: string | null = null
        if (!isDomain) {
          domainId = wish.domainId ?? bearer(ctx).domainId ?? 'default'
          parentId = wish.parentId ?? domainId
        }
        enforce(tools, ctx, rules.createProject, { 'target.project.domain_id': domainId })
        if (isDomain && (wish.parentId ?? wish.domainId ?? null) !== null)
          throw faults.ValidationError({ detail: 'only root projects are allowed to act as domains.' })
        if (domainId !== null && parentId !== null) await checkPlace(q, domainId, parentId)
        const project: ProjectEntity = {
          id: ids.hex(),
          domainId,
          parentId,
          name: wish.name.trim(),
          isDomain,
          enabled: wish.enabled ?? true,
          description: wish.description ?? '',
          options: mergeOptions({}, wish.options),
          extra: mergeExtras({}, wish.extra),
        }
        await uniqueProject(project, () => insertProject(q, project))
        await replaceTags(q, project.id, wish.tags ?? [])
        return tagged(q, project)
      })
    },

    update: (ctx, id, wish) =>
      ledger.write(ctx, 'update-project', async q => {
        const old = await loadFor(ctx, q, id, rules.updateProject)
        checkMutable(old.isDomain ? 'domain' : 'project', id, old.options, said(wish))
        if (wish.domainId !== undefined && wish.domainId !== old.domainId)
          throw faults.ValidationError({ detail: 'Update of `domain_id` is not allowed.' })
        if (wish.parentId !== undefined && wish.parentId !== old.parentId)
          throw faults.Denied({ reason: 'Update of `parent_id` is not allowed.' })
        if (wish.isDomain !== undefined && wish.isDomain !== old.isDomain)
          throw faults.ValidationError({ detail: 'Update of `is_domain` is not allowed.' })
        const project = changedProject(old, wish)
        if (!old.enabled && project.enabled && (await parentsOf(q, old)).some(parent => !parent.enabled))
          throw faults.Denied({ reason: `Cannot enable project ${id} since it has disabled parents` })
        if (old.enabled && !project.enabled && !old.isDomain && (await subtreeOf(q, id)).some(one => one.enabled))
          throw faults.Denied({ reason: `Cannot disable project ${id} since its subtree contains enabled projects.` })
        await uniqueProject(project, () => updateProject(q, project))
        if (wish.tags !== undefined) await replaceTags(q, id, wish.tags)
        return tagged(q, project)
      }),

    async remove(ctx, id) {
      await ledger.write(ctx, 'remove-project', async q => {
        const project = await loadFor(ctx, q, id, rules.deleteProject)
        if (project.options['immutable'] === true) throw faults.ImmutableDelete({ type: 'project', id })
        if (project.isDomain && project.enabled)
          throw faults.ValidationError({
            detail: `cannot delete an enabled project acting as a domain. Please disable the project ${id} first.`,
          })
        if ((await childrenOf(q, id)).length > 0)
          throw faults.Denied({
            reason: `Cannot delete the project ${id} since it is not a leaf in the hierarchy. Use the cascade option if you want to delete a whole subtree.`,
          })
        if (project.isDomain && (await hasPeople(q, id)))
          throw faults.Denied({ reason: `Cannot delete the project ${id} since users or groups still live in it.` })
        await removeProjectWhole(q, id, clock.now(), tokens.end)
      })
    },

    tags: (ctx, id) =>
      ledger.read(ctx, 'list-tags', async q => {
        await loadFor(ctx, q, id, rules.listProjectTags)
        return (await tagsOf(q, [id])).get(id) ?? []
      }),
    hasTag: (ctx, id, tag) =>
      ledger.read(ctx, 'find-tag', async q => {
        await loadFor(ctx, q, id, rules.getProjectTag)
        if ((await tagsOf(q, [id])).get(id)?.includes(tag) !== true) throw faults.ProjectTagNotFound({ id: tag })
      }),
    async replaceTags(ctx, id, tags) {
      await ledger.write(ctx, 'replace-tags', async q => {
        await loadFor(ctx, q, id, tags.length === 0 ? rules.deleteProjectTags : rules.updateProjectTags)
        await replaceTags(q, id, tags)
      })
    },
    async addTag(ctx, id, tag) {
      await ledger.write(ctx, 'add-tag', async q => {
        await loadFor(ctx, q, id, rules.createProjectTag)
        const old = (await tagsOf(q, [id])).get(id) ?? []
        if (!old.includes(tag) && old.length >= MOST_TAGS)
          throw faults.ValidationError({ detail: `Invalid input for field 'tags': more than ${MOST_TAGS} tags` })
        await replaceTags(q, id, [...old, tag])
      })
    },
    async removeTag(ctx, id, tag) {
      await ledger.write(ctx, 'remove-tag', async q => {
        await loadFor(ctx, q, id, rules.deleteProjectTag)
        const old = (await tagsOf(q, [id])).get(id) ?? []
        if (!old.includes(tag)) throw faults.ProjectTagNotFound({ id: tag })
        await replaceTags(
          q,
          id,
          old.filter(name => name !== tag),
        )
      })
    },
  }
}

async function hasPeople(q: Query, domainId: string): Promise<boolean> {
  const user = await q.selectFrom('users').select('id').where('domain_id', '=', domainId).executeTakeFirst()
  const group = await q.selectFrom('groups').select('id').where('domain_id', '=', domainId).executeTakeFirst()
  return user !== undefined || group !== undefined
}
