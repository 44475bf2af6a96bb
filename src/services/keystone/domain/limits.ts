// Limits kept centrally; the flat model: a project's limit says nothing about its neighbours'.
import type { Rule } from '#kernel/contract/rule.ts'
import { isDuplicate } from '#kernel/db/errors.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import { faults } from '#services/keystone/contract/faults.ts'
import { rules } from '#services/keystone/contract/rules.ts'
import { findRegion, findService } from '#services/keystone/db/catalog.ts'
import type { ListQuery } from '#services/keystone/db/filters.ts'
import type { Query } from '#services/keystone/db/ledger.ts'
import {
  findLimit,
  findRegisteredLimit,
  findRegisteredLimitFor,
  insertLimit,
  insertRegisteredLimit,
  listLimits,
  listRegisteredLimits,
  registeredLimitInUse,
  removeLimit,
  removeRegisteredLimit,
  updateLimit,
  updateRegisteredLimit,
  type Limit,
  type RegisteredLimit,
} from '#services/keystone/db/limits.ts'
import { findProject, listProjects } from '#services/keystone/db/projects.ts'
import { bearer, enforce, type DomainTools } from '#services/keystone/domain/tools.ts'

export interface RegisteredLimitWish {
  readonly serviceId?: string | undefined
  readonly regionId?: string | null | undefined
  readonly resourceName?: string | undefined
  readonly defaultLimit?: number | undefined
  readonly description?: string | null | undefined
}
export interface LimitWish {
  readonly serviceId: string
  readonly regionId?: string | null | undefined
  readonly resourceName: string
  readonly resourceLimit: number
  readonly projectId?: string | null | undefined
  readonly domainId?: string | null | undefined
  readonly description?: string | null | undefined
}
export interface RegisteredLimits {
  list(ctx: Ctx, list: ListQuery): Promise<RegisteredLimit[]>
  find(ctx: Ctx, id: string): Promise<RegisteredLimit>
  create(ctx: Ctx, wishes: readonly RegisteredLimitWish[]): Promise<RegisteredLimit[]>
  update(ctx: Ctx, id: string, wish: RegisteredLimitWish): Promise<RegisteredLimit>
  remove(ctx: Ctx, id: string): Promise<void>
}
export interface Limits {
  list(ctx: Ctx, list: ListQuery): Promise<Limit[]>
  find(ctx: Ctx, id: string): Promise<Limit>
  create(ctx: Ctx, wishes: readonly LimitWish[]): Promise<Limit[]>
  update(
    ctx: Ctx,
    id: string,
    wish: { resourceLimit?: number | undefined; description?: string | null | undefined },
  ): Promise<Limit>
  remove(ctx: Ctx, id: string): Promise<void>
}

const dashless = (uuid: string): string => uuid.replaceAll('-', '').toLowerCase()

async function checkPlaces(
  q: Query,
  of: { serviceId: string; regionId: string | null },
  what: 'registered_limit' | 'limit',
): Promise<void> {
  if ((await findService(q, of.serviceId)) === null) throw faults.Expecting({ attribute: 'service_id', target: what })
  if (of.regionId !== null && (await findRegion(q, of.regionId)) === null)
    throw faults.Expecting({ attribute: 'region_id', target: what })
}

export function createRegisteredLimits(tools: DomainTools): RegisteredLimits {
  const { ledger, ids } = tools
  const load = async (ctx: Ctx, q: Query, id: string, rule: Rule): Promise<RegisteredLimit> => {
    enforce(tools, ctx, rule, {})
    const limit = await findRegisteredLimit(q, id)
    if (limit === null) throw faults.RegisteredLimitNotFound({ id })
    return limit
  }
  const write = async (deed: () => Promise<unknown>): Promise<void> => {
    try {
      await deed()
    } catch (error) {
      if (!isDuplicate(error)) throw error
      throw faults.Conflict({ type: 'registered_limit', details: 'Duplicate entry' })
    }
  }
  return {
    list: (ctx, list) => {
      enforce(tools, ctx, rules.listRegisteredLimits, {})
      return ledger.read(ctx, 'list-registered-limits', q => listRegisteredLimits(q, list))
    },
    find: (ctx, id) => ledger.read(ctx, 'find-registered-limit', q => load(ctx, q, id, rules.getRegisteredLimit)),
    create: (ctx, wishes) =>
      ledger.note(ctx, 'create-registered-limits', async q => {
        enforce(tools, ctx, rules.createRegisteredLimits, {})
        const made: RegisteredLimit[] = []
        for (const wish of wishes) {
          const limit: RegisteredLimit = {
            id: ids.hex(),
            serviceId: dashless(wish.serviceId ?? ''),
            regionId: wish.regionId ?? null,
            resourceName: wish.resourceName ?? '',
            defaultLimit: wish.defaultLimit ?? 0,
            description: wish.description ?? null,
          }
          await checkPlaces(q, limit, 'registered_limit')
          await write(() => insertRegisteredLimit(q, limit))
          made.push(limit)
        }
        return made
      }),
    update: (ctx, id, wish) =>
      ledger.note(ctx, 'update-registered-limit', async q => {
        const old = await load(ctx, q, id, rules.updateRegisteredLimit)
        const limit: RegisteredLimit = {
          ...old,
          serviceId: wish.serviceId === undefined ? old.serviceId : dashless(wish.serviceId),
          regionId: wish.regionId === undefined ? old.regionId : wish.regionId,
          resourceName: wish.resourceName ?? old.resourceName,
          defaultLimit: wish.defaultLimit ?? old.defaultLimit,
          description: wish.description === undefined ? old.description : wish.description,
        }
        await checkPlaces(q, limit, 'registered_limit')
        const moves =
          limit.serviceId !== old.serviceId ||
          limit.regionId !== old.regionId ||
          limit.resourceName !== old.resourceName
        if (moves && (await registeredLimitInUse(q, id))) throw faults.RegisteredLimitInUse({ id })
        await write(() => updateRegisteredLimit(q, limit))
        return limit
      }),
    async remove(ctx, id) {
      await ledger.note(ctx, 'remove-registered-limit', async q => {
        await load(ctx, q, id, rules.deleteRegisteredLimit)
        if (await registeredLimitInUse(q, id)) throw faults.RegisteredLimitInUse({ id })
        await removeRegisteredLimit(q, id)
      })
    },
  }
}

export function createLimits(tools: DomainTools): Limits {
  const { ledger, ids } = tools
  const loadFor = async (ctx: Ctx, q: Query, id: string, rule: Rule): Promise<Limit> => {
    const limit = await findLimit(q, id)
    const project = limit?.projectId == null ? null : await findProject(q, limit.projectId)
    enforce(
      tools,
      ctx,
      rule,
      limit === null
        ? {}
        : {
            'target.limit.project_id': limit.projectId,
            ...(limit.domainId === null ? {} : { 'target.limit.domain.id': limit.domainId }),
            ...(project === null ? {} : { 'target.limit.project.domain_id': project.domainId }),
          },
    )
    if (limit === null) throw faults.LimitNotFound({ id })
    return limit
  }
  return {
    list: (ctx, list) => {
      enforce(tools, ctx, rules.listLimits, {})
      const who = bearer(ctx)
      return ledger.read(ctx, 'list-limits', async q => {
        if (who.system || who.roles.includes('admin') || who.roles.includes('service')) return listLimits(q, list)
        if (who.domainId !== null) {
          const projects = await listProjects(q, { filters: [] }, { isDomain: false, domainId: who.domainId })
          return listLimits(q, list, { projectIds: projects.map(project => project.id), domainId: who.domainId })
        }
        return who.projectId === null ? [] : listLimits(q, list, { projectIds: [who.projectId] })
      })
    },
    find: (ctx, id) => ledger.read(ctx, 'find-limit', q => loadFor(ctx, q, id, rules.getLimit)),
    create: (ctx, wishes) =>
      ledger.note(ctx, 'create-limits', async q => {
        enforce(tools, ctx, rules.createLimits, {})
        const made: Limit[] = []
        for (const wish of wishes) {
          const projectId = wish.projectId ?? null
          const domainId = wish.domainId ?? null
          if ((projectId === null) === (domainId === null))
            throw faults.ValidationError({ detail: 'Either project_id or domain_id must be given, and not both.' })
          const of = {
            serviceId: dashless(wish.serviceId),
            regionId: wish.regionId ?? null,
            resourceName: wish.resourceName,
          }
          await checkPlaces(q, of, 'limit')
          const place = await findProject(q, projectId ?? domainId ?? '')
          if (place === null || place.isDomain !== (domainId !== null))
            throw faults.Expecting({ attribute: projectId === null ? 'domain_id' : 'project_id', target: 'limit' })
          const registered = await findRegisteredLimitFor(q, of)
          if (registered === null) throw faults.NoLimitReference()
          const limit: Limit = {
            ...of,
            id: ids.hex(),
            registeredLimitId: registered.id,
            projectId,
            domainId,
            resourceLimit: wish.resourceLimit,
            description: wish.description ?? null,
          }
          if (!(await insertLimit(q, limit))) throw faults.Conflict({ type: 'limit', details: 'Duplicate entry' })
          made.push(limit)
        }
        return made
      }),
    update: (ctx, id, wish) =>
      ledger.note(ctx, 'update-limit', async q => {
        const old = await loadFor(ctx, q, id, rules.updateLimit)
        const limit: Limit = {
          ...old,
          resourceLimit: wish.resourceLimit ?? old.resourceLimit,
          description: wish.description === undefined ? old.description : wish.description,
        }
        await updateLimit(q, limit)
        return limit
      }),
    async remove(ctx, id) {
      await ledger.note(ctx, 'remove-limit', async q => {
        await loadFor(ctx, q, id, rules.deleteLimit)
        await removeLimit(q, id)
      })
    },
  }
}
