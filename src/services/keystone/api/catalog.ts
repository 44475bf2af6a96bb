// Regions, services and endpoints over HTTP.
import { handlers, type Call, type HandlerTable } from '#kernel/http/handlers.ts'
import { collection, listQuery, selfLink, type ListSettings } from '#services/keystone/api/lists.ts'
import { showEndpoint, showRegion, showService } from '#services/keystone/api/show.ts'
import { endpoints, regions, services } from '#services/keystone/contract/catalog.ts'
import { faults } from '#services/keystone/contract/faults.ts'
import type { EndpointEntity, RegionEntity, ServiceEntity } from '#services/keystone/db/catalog.ts'
import type {
  Endpoints,
  EndpointWish,
  Regions,
  RegionWish,
  Services,
  ServiceWish,
} from '#services/keystone/domain/catalog.ts'
import { fillFrontDoor } from '#services/keystone/domain/catalog-text.ts'
import { extrasOf, owned } from '#services/keystone/domain/common.ts'

type Base = Pick<Call, 'base'>

interface RegionBody {
  readonly id?: string
  readonly description?: string | null
  readonly parent_region_id?: string | null
}
const regionWish = (body: RegionBody): RegionWish => ({
  id: body.id,
  description: body.description,
  parentId: body.parent_region_id,
  extra: extrasOf(body, ['description', 'parent_region_id']),
})
export const regionHandlers = (verbs: Regions, settings: ListSettings): HandlerTable => {
  const wire = (call: Base, region: RegionEntity): object => showRegion(region, selfLink(call, 'regions', region.id))
  return handlers(regions, {
    list: async call => {
      const list = listQuery(call, ['parent_region_id'], settings)
      const rows = await verbs.list(call.ctx, list)
      return collection(call, 'regions', rows, row => wire(call, row), list)
    },
    create: async call => ({ region: wire(call, await verbs.create(call.ctx, regionWish(call.body.region))) }),
    createNamed: async call => {
      const id = call.params.region_id
      const { region } = call.body
      if (region.id !== undefined && region.id !== id)
        throw faults.ValidationError({ detail: `Conflicting region IDs specified: "${id}" != "${region.id}"` })
      return { region: wire(call, await verbs.create(call.ctx, { ...regionWish(region), id })) }
    },
    show: async call => ({ region: wire(call, await verbs.find(call.ctx, call.params.region_id)) }),
    update: async call => ({
      region: wire(
        call,
        await verbs.update(call.ctx, call.params.region_id, regionWish(owned(call.body.region, call.params.region_id))),
      ),
    }),
    remove: call => verbs.remove(call.ctx, call.params.region_id),
  })
}

interface ServiceBody {
  readonly type?: string
  readonly name?: string
  readonly description?: string | null
  readonly enabled?: boolean
}
const serviceWish = (body: ServiceBody): ServiceWish => ({
  type: body.type,
  name: body.name,
  description: body.description,
  enabled: body.enabled,
  extra: extrasOf(body, ['type', 'name', 'description', 'enabled']),
})
export const serviceHandlers = (verbs: Services, settings: ListSettings): HandlerTable => {
  const wire = (call: Base, service: ServiceEntity): object =>
    showService(service, selfLink(call, 'services', service.id))
  return handlers(services, {
    list: async call => {
      const list = listQuery(call, ['type', 'name'], settings)
      const rows = await verbs.list(call.ctx, list)
      return collection(call, 'services', rows, row => wire(call, row), list)
    },
    create: async call => ({ service: wire(call, await verbs.create(call.ctx, serviceWish(call.body.service))) }),
    show: async call => ({ service: wire(call, await verbs.find(call.ctx, call.params.service_id)) }),
    update: async call => ({
      service: wire(
        call,
        await verbs.update(
          call.ctx,
          call.params.service_id,
          serviceWish(owned(call.body.service, call.params.service_id)),
        ),
      ),
    }),
    remove: call => verbs.remove(call.ctx, call.params.service_id),
  })
}

interface EndpointBody {
  readonly service_id?: string
  readonly interface?: string
  readonly url?: string
  readonly region_id?: string | null
  readonly region?: string | null
  readonly enabled?: boolean
}
const endpointWish = (body: EndpointBody): EndpointWish => ({
  serviceId: body.service_id,
  interface: body.interface,
  url: body.url,
  regionId: body.region_id,
  region: body.region,
  enabled: body.enabled,
  extra: extrasOf(body, ['service_id', 'interface', 'url', 'region_id', 'region', 'enabled']),
})
export const endpointHandlers = (
  verbs: Endpoints,
  settings: ListSettings,
  frontDoor: (base: string) => string,
): HandlerTable => {
  const wire = (call: Base, endpoint: EndpointEntity): object =>
    showEndpoint(
      { ...endpoint, url: fillFrontDoor(endpoint.url, frontDoor(call.base)) },
      selfLink(call, 'endpoints', endpoint.id),
    )
  return handlers(endpoints, {
    list: async call => {
      const list = listQuery(call, ['interface', 'service_id', 'region_id'], settings)
      const rows = await verbs.list(call.ctx, list)
      return collection(call, 'endpoints', rows, row => wire(call, row), list)
    },
    create: async call => ({ endpoint: wire(call, await verbs.create(call.ctx, endpointWish(call.body.endpoint))) }),
    show: async call => ({ endpoint: wire(call, await verbs.find(call.ctx, call.params.endpoint_id)) }),
    update: async call => ({
      endpoint: wire(
        call,
        await verbs.update(
          call.ctx,
          call.params.endpoint_id,
          endpointWish(owned(call.body.endpoint, call.params.endpoint_id)),
        ),
      ),
    }),
    remove: call => verbs.remove(call.ctx, call.params.endpoint_id),
  })
}
