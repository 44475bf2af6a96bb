// Projects, tags and domains over HTTP.
import { answer, handlers, type Call, type HandlerTable } from '#kernel/http/handlers.ts'
import {
  collection,
  listQuery,
  queryFlag,
  queryText,
  selfLink,
  type ListSettings,
} from '#services/keystone/api/lists.ts'
import { showDomain, showProject } from '#services/keystone/api/show.ts'
import { faults } from '#services/keystone/contract/faults.ts'
import { domains, projects } from '#services/keystone/contract/projects.ts'
import { extrasOf, owned } from '#services/keystone/domain/common.ts'
import type { Domains } from '#services/keystone/domain/domains.ts'
import type { Family, IdTree, Projects, ProjectWish } from '#services/keystone/domain/projects.ts'
import type { TaggedProject } from '#services/keystone/domain/reach.ts'

const KNOWN = [
  'name',
  'description',
  'enabled',
  'domain_id',
  'parent_id',
  'is_domain',
  'tags',
  'options',
  'explicit_domain_id',
]
interface Body {
  readonly name?: string
  readonly description?: string | null
  readonly enabled?: boolean
  readonly domain_id?: string | null
  readonly parent_id?: string | null
  readonly is_domain?: boolean
  readonly tags?: readonly string[]
  readonly options?: { readonly immutable?: boolean | null }
}
const wishOf = (body: Body): ProjectWish => ({
  name: body.name,
  description: body.description,
  enabled: body.enabled,
  domainId: body.domain_id,
  parentId: body.parent_id,
  isDomain: body.is_domain,
  tags: body.tags,
  options: body.options,
  extra: extrasOf(body, KNOWN),
})
const words = (query: unknown, name: string): string[] =>
  (queryText(query, name) ?? '').split(',').filter(word => word !== '')

/** Which relatives a request wants to see, and how. Throws 400 for both ways at once. */
function familyOf(query: unknown): Family {
  const way = (what: 'parents' | 'subtree'): 'list' | 'ids' | null => {
    const asList = queryFlag(query, `${what}_as_list`)
    const asIds = queryFlag(query, `${what}_as_ids`)
    if (asList && asIds)
      throw faults.ValidationError({
        detail: `Cannot use ${what}_as_list and ${what}_as_ids query params at the same time.`,
      })
    return asList ? 'list' : asIds ? 'ids' : null
  }
  return { parents: way('parents'), subtree: way('subtree') }
}

export const projectHandlers = (verbs: Projects, settings: ListSettings): HandlerTable => {
  const wire = (call: Pick<Call, 'base'>, project: TaggedProject): Record<string, unknown> =>
    showProject(project, selfLink(call, 'projects', project.id))
  const relatives = (call: Pick<Call, 'base'>, all: readonly TaggedProject[] | IdTree): unknown =>
    Array.isArray(all) ? (all as TaggedProject[]).map(project => ({ project: wire(call, project) })) : all
  const tags = async (call: Pick<Call, 'base' | 'path' | 'ctx'>, id: string): Promise<object> => ({
    tags: await verbs.tags(call.ctx, id),
    links: { self: `${call.base}${call.path}` },
  })
  return handlers(projects, {
    list: async call => {
      const list = listQuery(call, ['domain_id', 'enabled', 'name', 'parent_id'], settings)
      const rows = await verbs.list(call.ctx, list, {
        isDomain: queryFlag(call.query, 'is_domain'),
        tags: {
          all: words(call.query, 'tags'),
          any: words(call.query, 'tags-any'),
          notAll: words(call.query, 'not-tags'),
          notAny: words(call.query, 'not-tags-any'),
        },
      })
      return collection(call, 'projects', rows, row => wire(call, row), list)
    },
    create: async call => {
      const { project } = call.body
      return { project: wire(call, await verbs.create(call.ctx, { ...wishOf(project), name: project.name })) }
    },
    show: async call => {
      const found = await verbs.find(call.ctx, call.params.project_id, familyOf(call.query))
      return {
        project: {
          ...wire(call, found.project),
          ...(found.parents === undefined ? {} : { parents: relatives(call, found.parents) }),
          ...(found.subtree === undefined ? {} : { subtree: relatives(call, found.subtree) }),
        },
      }
    },
    update: async call => ({
      project: wire(
        call,
        await verbs.update(call.ctx, call.params.project_id, wishOf(owned(call.body.project, call.params.project_id))),
      ),
    }),
    remove: call => verbs.remove(call.ctx, call.params.project_id),
    tags: call => tags(call, call.params.project_id),
    replaceTags: async call => {
      await verbs.replaceTags(call.ctx, call.params.project_id, call.body.tags)
      return { tags: call.body.tags, links: { self: `${call.base}${call.path}` } }
    },
    removeTags: call => verbs.replaceTags(call.ctx, call.params.project_id, []),
    hasTag: call => verbs.hasTag(call.ctx, call.params.project_id, call.params.tag),
    addTag: async call => {
      const { tag } = call.params
      if (tag.length > 255 || /[,/]/.test(tag))
        throw faults.ValidationError({ detail: `Invalid input for field 'tags': '${tag}' does not match '^[^,/]*$'` })
      await verbs.addTag(call.ctx, call.params.project_id, tag)
      return answer(201, { location: `${call.base}${call.path}` })
    },
    removeTag: call => verbs.removeTag(call.ctx, call.params.project_id, call.params.tag),
  })
}

export const domainHandlers = (verbs: Domains, settings: ListSettings): HandlerTable => {
  const wire = (call: Pick<Call, 'base'>, domain: TaggedProject): object =>
    showDomain(domain, selfLink(call, 'domains', domain.id))
  return handlers(domains, {
    list: async call => {
      const list = listQuery(call, ['name', 'enabled'], settings)
      const rows = await verbs.list(call.ctx, list)
      return collection(call, 'domains', rows, row => wire(call, row), list)
    },
    create: async call => {
      const { domain } = call.body
      const wish = { ...wishOf(domain), name: domain.name, id: domain.explicit_domain_id }
      return { domain: wire(call, await verbs.create(call.ctx, wish)) }
    },
    show: async call => ({ domain: wire(call, await verbs.find(call.ctx, call.params.domain_id)) }),
    update: async call => ({
      domain: wire(
        call,
        await verbs.update(call.ctx, call.params.domain_id, wishOf(owned(call.body.domain, call.params.domain_id))),
      ),
    }),
    remove: call => verbs.remove(call.ctx, call.params.domain_id),
  })
}
