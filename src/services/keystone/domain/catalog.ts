// Regions, services and endpoints.
import type { Ctx } from '#kernel/lib/context.ts'
import type { Rule } from '#kernel/contract/rule.ts'
import { isDuplicate } from '#kernel/db/errors.ts'
import { faults } from '#services/keystone/contract/faults.ts'
import { rules } from '#services/keystone/contract/rules.ts'
import {
  findEndpoint,
  findRegion,
  findService,
  insertEndpoint,
  insertRegion,
  insertService,
  listEndpoints,
  listRegions,
  listServices,
  removeEndpoint,
  removeRegion,
  removeService,
  updateEndpoint,
  updateRegion,
  updateService,
  type EndpointEntity,
  type RegionEntity,
  type ServiceEntity,
} from '#services/keystone/db/catalog.ts'
import type { ListQuery } from '#services/keystone/db/filters.ts'
import type { Query } from '#services/keystone/db/ledger.ts'
import type { Extra } from '#services/keystone/db/tables.ts'
import { mergeExtras } from '#services/keystone/domain/common.ts'
import { enforce, type DomainTools } from '#services/keystone/domain/tools.ts'

export interface RegionWish {
  readonly id?: string | undefined
  readonly description?: string | null | undefined
  readonly parentId?: string | null | undefined
  readonly extra: Extra
}
export interface ServiceWish {
  readonly type?: string | undefined
  readonly name?: string | undefined
  readonly description?: string | null | undefined
  readonly enabled?: boolean | undefined
  readonly extra: Extra
}
export interface EndpointWish {
  readonly serviceId?: string | undefined
  readonly interface?: string | undefined
  readonly url?: string | undefined
  readonly regionId?: string | null | undefined
  /** An older spelling: such a region is made when it is not there. */
  readonly region?: string | null | undefined
  readonly enabled?: boolean | undefined
  readonly extra: Extra
}
/** The same five verbs for each. */
interface Nouns<E, W> {
  list(ctx: Ctx, list: ListQuery): Promise<E[]>
  find(ctx: Ctx, id: string): Promise<E>
  create(ctx: Ctx, wish: W): Promise<E>
  update(ctx: Ctx, id: string, wish: W): Promise<E>
  remove(ctx: Ctx, id: string): Promise<void>
}
export type Regions = Nouns<RegionEntity, RegionWish>
export type Services = Nouns<ServiceEntity, ServiceWish>
export type Endpoints = Nouns<EndpointEntity, EndpointWish>

export function createRegions(tools: DomainTools): Regions {
  const { ledger, ids } = tools
  const load = async (ctx: Ctx, q: Query, id: string, rule: Rule): Promise<RegionEntity> => {
    enforce(tools, ctx, rule, {})
    const region = await findRegion(q, id)
    if (region === null) throw faults.RegionNotFound({ id })
    return region
  }
  /** Throws when the parent is not there, or lies below. */
  const checkParent = async (q: Query, id: string, parentId: string | null): Promise<void> => {
    let at = parentId
    const seen = new Set([id])
    while (at !== null) {
      if (seen.has(at)) throw faults.CircularRegion({ id: parentId ?? '' })
      seen.add(at)
      const parent: RegionEntity | null = await findRegion(q, at)
      if (parent === null) throw faults.RegionNotFound({ id: at })
      at = parent.parentId
    }
  }
  const subtree = async (q: Query, id: string): Promise<string[]> => {
    const all = await listRegions(q, { filters: [] })
    const found = [id]
    for (const at of found) for (const region of all) if (region.parentId === at) found.push(region.id)
    return found
  }
  return {
    list: (ctx, list) => {
      enforce(tools, ctx, rules.listRegions, {})
      return ledger.read(ctx, 'list-regions', q => listRegions(q, list))
    },
    find: (ctx, id) => ledger.read(ctx, 'find-region', q => load(ctx, q, id, rules.getRegion)),
    create: (ctx, wish) =>
      ledger.write(ctx, 'create-region', async q => {
        enforce(tools, ctx, rules.createRegion, {})
        const region: RegionEntity = {
          id: wish.id === undefined || wish.id === '' ? ids.hex() : wish.id,
          parentId: wish.parentId ?? null,
          description: wish.description ?? '',
          extra: mergeExtras({}, wish.extra),
        }
        if ((await findRegion(q, region.id)) !== null)
          throw faults.Conflict({ type: 'region', details: `Duplicate ID, ${region.id}.` })
        await checkParent(q, region.id, region.parentId)
        await insertRegion(q, region)
        return region
      }),
    update: (ctx, id, wish) =>
      ledger.write(ctx, 'update-region', async q => {
        const old = await load(ctx, q, id, rules.updateRegion)
        const region: RegionEntity = {
          ...old,
          parentId: wish.parentId === undefined ? old.parentId : wish.parentId,
          description: wish.description === undefined ? old.description : (wish.description ?? ''),
          extra: mergeExtras(old.extra, wish.extra),
        }
        await checkParent(q, id, region.parentId)
        await updateRegion(q, region)
        return region
      }),
    async remove(ctx, id) {
      await ledger.write(ctx, 'remove-region', async q => {
        await load(ctx, q, id, rules.deleteRegion)
        const regions = await subtree(q, id)
        const inUse = (await listEndpoints(q, { filters: [] })).some(
          one => one.regionId !== null && regions.includes(one.regionId),
        )
        if (inUse) throw faults.RegionInUse({ id })
        for (const region of regions.reverse()) await removeRegion(q, region)
      })
    },
  }
}

export function createServices(tools: DomainTools): Services {
  const { ledger, ids } = tools
  const load = async (ctx: Ctx, q: Query, id: string, rule: Rule): Promise<ServiceEntity> => {
    enforce(tools, ctx, rule, {})
    const service = await findService(q, id)
    if (service === null) throw faults.ServiceNotFound({ id })
    return service
  }
  return {
    list: (ctx, list) => {
      enforce(tools, ctx, rules.listServices, {})
      return ledger.read(ctx, 'list-services', q => listServices(q, list))
    },
    find: (ctx, id) => ledger.read(ctx, 'find-service', q => load(ctx, q, id, rules.getService)),
    create: (ctx, wish) =>
      ledger.write(ctx, 'create-service', async q => {
        enforce(tools, ctx, rules.createService, {})
        const service: ServiceEntity = {
          id: ids.hex(),
          type: wish.type ?? '',
          name: wish.name ?? null,
          description: wish.description ?? null,
          enabled: wish.enabled ?? true,
          extra: mergeExtras({}, wish.extra),
        }
        await insertService(q, service)
        return service
      }),
    update: (ctx, id, wish) =>
      ledger.write(ctx, 'update-service', async q => {
        const old = await load(ctx, q, id, rules.updateService)
        const service: ServiceEntity = {
          ...old,
          type: wish.type ?? old.type,
          name: wish.name ?? old.name,
          description: wish.description === undefined ? old.description : wish.description,
          enabled: wish.enabled ?? old.enabled,
          extra: mergeExtras(old.extra, wish.extra),
        }
        await updateService(q, service)
        return service
      }),
    async remove(ctx, id) {
      await ledger.write(ctx, 'remove-service', async q => {
        await load(ctx, q, id, rules.deleteService)
        await removeService(q, id)
      })
    },
  }
}

const FILLED = /[$%]\((\w*)\)(.?)/g
const NAMES = ['front_door', 'project_id', 'tenant_id', 'user_id']

/** Throws 400 for a URL that names what we do not fill in. */
function checkUrl(url: string): void {
  for (const match of url.matchAll(FILLED))
    if (!NAMES.includes(match[1] ?? '') || match[2] !== 's') throw faults.InvalidUrl({ url })
  if (/[$%]\((?!\w+\)s)/.test(url)) throw faults.InvalidUrl({ url })
}

export function createEndpoints(tools: DomainTools): Endpoints {
  const { ledger, ids } = tools
  const load = async (ctx: Ctx, q: Query, id: string, rule: Rule): Promise<EndpointEntity> => {
    enforce(tools, ctx, rule, {})
    const endpoint = await findEndpoint(q, id)
    if (endpoint === null) throw faults.EndpointNotFound({ id })
    return endpoint
  }
  const regionOf = async (q: Query, wish: EndpointWish, old: string | null): Promise<string | null> => {
    if (wish.regionId !== undefined && wish.regionId !== null) {
      if ((await findRegion(q, wish.regionId)) === null)
        throw faults.Expecting({ attribute: 'endpoint region_id', target: 'region table' })
      return wish.regionId
    }
    if (wish.region !== undefined && wish.region !== null) {
      if ((await findRegion(q, wish.region)) === null)
        await insertRegion(q, { id: wish.region, parentId: null, description: '', extra: {} }).catch(
          (error: unknown) => {
            if (!isDuplicate(error)) throw error
          },
        )
      return wish.region
    }
    return wish.regionId === undefined ? old : null
  }
  const checkService = async (q: Query, id: string): Promise<void> => {
    if ((await findService(q, id)) === null)
      throw faults.Expecting({ attribute: 'endpoint service_id', target: 'service table' })
  }
  return {
    list: (ctx, list) => {
      enforce(tools, ctx, rules.listEndpoints, {})
      return ledger.read(ctx, 'list-endpoints', q => listEndpoints(q, list))
    },
    find: (ctx, id) => ledger.read(ctx, 'find-endpoint', q => load(ctx, q, id, rules.getEndpoint)),
    create: (ctx, wish) =>
      ledger.write(ctx, 'create-endpoint', async q => {
        enforce(tools, ctx, rules.createEndpoint, {})
        checkUrl(wish.url ?? '')
        const regionId = await regionOf(q, wish, null)
        await checkService(q, wish.serviceId ?? '')
        const endpoint: EndpointEntity = {
          id: ids.hex(),
          serviceId: wish.serviceId ?? '',
          interface: wish.interface ?? 'public',
          regionId,
          url: wish.url ?? '',
          enabled: wish.enabled ?? true,
          extra: mergeExtras({}, wish.extra),
        }
        await insertEndpoint(q, endpoint)
        return endpoint
      }),
    update: (ctx, id, wish) =>
      ledger.write(ctx, 'update-endpoint', async q => {
        const old = await load(ctx, q, id, rules.updateEndpoint)
        if (wish.url !== undefined) checkUrl(wish.url)
        if (wish.serviceId !== undefined) await checkService(q, wish.serviceId)
        const endpoint: EndpointEntity = {
          ...old,
          serviceId: wish.serviceId ?? old.serviceId,
          interface: wish.interface ?? old.interface,
          regionId: await regionOf(q, wish, old.regionId),
          url: wish.url ?? old.url,
          enabled: wish.enabled ?? old.enabled,
          extra: mergeExtras(old.extra, wish.extra),
        }
        await updateEndpoint(q, endpoint)
        return endpoint
      }),
    async remove(ctx, id) {
      await ledger.write(ctx, 'remove-endpoint', async q => {
        await load(ctx, q, id, rules.deleteEndpoint)
        await removeEndpoint(q, id)
      })
    },
  }
}
