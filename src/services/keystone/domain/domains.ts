// Domains: where names are unique, and what is removed as a whole once it is disabled.
import type { Ctx } from '#kernel/lib/context.ts'
import { faults } from '#services/keystone/contract/faults.ts'
import { rules } from '#services/keystone/contract/rules.ts'
import type { ListQuery } from '#services/keystone/db/filters.ts'
import { listGroups } from '#services/keystone/db/groups.ts'
import type { Query } from '#services/keystone/db/ledger.ts'
import {
  findProject,
  insertProject,
  listProjects,
  replaceTags,
  updateProject,
  type ProjectEntity,
} from '#services/keystone/db/projects.ts'
import { listRoles, removeRole } from '#services/keystone/db/roles.ts'
import { listUsers } from '#services/keystone/db/users.ts'
import { checkMutable, mergeExtras, mergeOptions } from '#services/keystone/domain/common.ts'
import { changedProject, said, uniqueProject, type ProjectWish } from '#services/keystone/domain/projects.ts'
import { withTags, type TaggedProject } from '#services/keystone/domain/reach.ts'
import { removeGroupWhole, removeProjectWhole, removeUserWhole } from '#services/keystone/domain/removal.ts'
import type { Tokens } from '#services/keystone/domain/tokens.ts'
import { bearer, enforce, type DomainTools } from '#services/keystone/domain/tools.ts'

export interface Domains {
  list(ctx: Ctx, list: ListQuery): Promise<TaggedProject[]>
  find(ctx: Ctx, id: string): Promise<TaggedProject>
  create(
    ctx: Ctx,
    wish: ProjectWish & { readonly name: string; readonly id?: string | undefined },
  ): Promise<TaggedProject>
  update(ctx: Ctx, id: string, wish: ProjectWish): Promise<TaggedProject>
  remove(ctx: Ctx, id: string): Promise<void>
}

export const domainTarget = (domain: ProjectEntity | null): Record<string, unknown> =>
  domain === null ? {} : { 'target.domain.id': domain.id }

export function createDomains(tools: DomainTools, tokens: Tokens): Domains {
  const { ledger, ids, clock } = tools

  const loadFor = async (
    ctx: Ctx,
    q: Query,
    id: string,
    rule: (typeof rules)[keyof typeof rules],
  ): Promise<ProjectEntity> => {
    const found = await findProject(q, id)
    const domain = found !== null && found.isDomain ? found : null
    enforce(tools, ctx, rule, domainTarget(domain))
    if (domain === null) throw faults.DomainNotFound({ id })
    return domain
  }
  const tagged = async (q: Query, domain: ProjectEntity): Promise<TaggedProject> =>
    (await withTags(q, [domain]))[0] as TaggedProject

  return {
    async list(ctx, list) {
      const domainId = bearer(ctx).domainId
      enforce(tools, ctx, rules.listDomains, domainId === null ? {} : { 'target.domain.id': domainId })
      const filters =
        domainId === null
          ? list.filters
          : [...list.filters, { name: 'id', comparator: 'equals' as const, anyCase: false, value: domainId }]
      return ledger.read(ctx, 'list-domains', async q =>
        withTags(q, await listProjects(q, { ...list, filters }, { isDomain: true })),
      )
    },
    find: (ctx, id) =>
      ledger.read(ctx, 'find-domain', async q => tagged(q, await loadFor(ctx, q, id, rules.getDomain))),

    create: (ctx, wish) =>
      ledger.write(ctx, 'create-domain', async q => {
        enforce(tools, ctx, rules.createDomain, {})
        const domain: ProjectEntity = {
          id: wish.id ?? ids.hex(),
          domainId: null,
          parentId: null,
          name: wish.name.trim(),
          isDomain: true,
          enabled: wish.enabled ?? true,
          description: wish.description ?? '',
          options: mergeOptions({}, wish.options),
          extra: mergeExtras({}, wish.extra),
        }
        await uniqueProject(domain, () => insertProject(q, domain))
        await replaceTags(q, domain.id, wish.tags ?? [])
        return tagged(q, domain)
      }),

    update: (ctx, id, wish) =>
      ledger.write(ctx, 'update-domain', async q => {
        const old = await loadFor(ctx, q, id, rules.updateDomain)
        checkMutable('domain', id, old.options, said(wish))
        const domain = changedProject(old, wish)
        await uniqueProject(domain, () => updateProject(q, domain))
        if (wish.tags !== undefined) await replaceTags(q, id, wish.tags)
        return tagged(q, domain)
      }),

    async remove(ctx, id) {
      await ledger.write(ctx, 'remove-domain', async q => {
        const domain = await loadFor(ctx, q, id, rules.deleteDomain)
        if (domain.options['immutable'] === true) throw faults.ImmutableDelete({ type: 'domain', id })
        if (domain.enabled)
          throw faults.Denied({ reason: 'Cannot delete a domain that is enabled, please disable it first.' })
        const all = { filters: [] }
        const now = clock.now()
        for (const user of await listUsers(q, all, { domainId: id })) await removeUserWhole(q, user.id, now, tokens.end)
        for (const group of await listGroups(q, all, { domainId: id })) await removeGroupWhole(q, group.id, tokens.end)
        for (const role of await listRoles(q, all, id)) await removeRole(q, role.id)
        for (const project of await listProjects(q, all, { isDomain: false, domainId: id }))
          await removeProjectWhole(q, project.id, now, tokens.end)
        await removeProjectWhole(q, id, now, tokens.end)
      })
    },
  }
}
