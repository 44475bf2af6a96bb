// Regions, services and endpoints: what the catalog is made of.
import { del, get, patch, post, put } from '#kernel/contract/route.ts'
import { may, must, object } from '#kernel/contract/shape.ts'
import { bool, list, nullable, text, words } from '#kernel/contract/shapes.ts'
import { faults } from '#services/keystone/contract/faults.ts'
import { rules } from '#services/keystone/contract/rules.ts'
import { freeText, Links, ListLinks, listQueryShape, open, regionId } from '#services/keystone/contract/shapes.ts'

export const Region = object(
  { id: must(text()), description: must(text()), parent_region_id: must(nullable(text())), links: must(Links) },
  open,
)
export const Service = object(
  { id: must(text()), type: must(text()), name: may(text()), enabled: must(bool), links: must(Links) },
  open,
)
export const Endpoint = object(
  {
    id: must(text()),
    interface: must(text()),
    region: must(nullable(text())),
    region_id: must(nullable(text())),
    service_id: must(text()),
    url: must(text()),
    enabled: must(bool),
    links: must(Links),
  },
  open,
)
const regionFields = { description: may(freeText), parent_region_id: may(nullable(regionId)) }
const serviceFields = {
  name: may(text({ min: 1, max: 255 })),
  description: may(freeText),
  enabled: may(bool),
}
const serviceType = text({ min: 1, max: 255 })
/** `http://…`, or one that begins with a name to be filled in: `$(front_door)s/compute`. */
const url = text({ max: 2048, pattern: '^([a-zA-Z0-9+.-]+:.+|[$%]\\(front_door\\)s.*)$' })
const endpointFields = {
  region: may(nullable(regionId)),
  region_id: may(nullable(regionId)),
  enabled: may(bool),
  name: may(freeText),
  description: may(freeText),
}
const endpointWord = words('admin', 'internal', 'public')

export const regions = {
  list: get('/v3/regions', {
    policy: rules.listRegions,
    query: listQueryShape,
    reply: object({ regions: must(list(Region)), links: must(ListLinks) }, open),
  }),
  create: post('/v3/regions', {
    policy: rules.createRegion,
    body: object({ region: must(object({ ...regionFields, id: may(text({ max: 255 })) }, open)) }),
    reply: object({ region: must(Region) }),
    faults: [faults.Conflict, faults.RegionNotFound],
  }),
  show: get('/v3/regions/{region_id}', {
    policy: rules.getRegion,
    reply: object({ region: must(Region) }),
    faults: [faults.RegionNotFound],
  }),
  createNamed: put('/v3/regions/{region_id}', {
    policy: rules.createRegion,
    body: object({ region: must(object({ ...regionFields, id: may(text({ max: 255 })) }, open)) }),
    status: 201,
    reply: object({ region: must(Region) }),
    faults: [faults.Conflict, faults.RegionNotFound, faults.ValidationError],
  }),
  update: patch('/v3/regions/{region_id}', {
    policy: rules.updateRegion,
    body: object({ region: must(object(regionFields, { ...open, minProperties: 1 })) }),
    reply: object({ region: must(Region) }),
    faults: [faults.RegionNotFound, faults.CircularRegion],
  }),
  remove: del('/v3/regions/{region_id}', {
    policy: rules.deleteRegion,
    faults: [faults.RegionNotFound, faults.RegionInUse],
  }),
}

export const services = {
  list: get('/v3/services', {
    policy: rules.listServices,
    query: listQueryShape,
    reply: object({ services: must(list(Service)), links: must(ListLinks) }, open),
  }),
  create: post('/v3/services', {
    policy: rules.createService,
    body: object({ service: must(object({ ...serviceFields, type: must(serviceType) }, open)) }),
    reply: object({ service: must(Service) }),
  }),
  show: get('/v3/services/{service_id}', {
    policy: rules.getService,
    reply: object({ service: must(Service) }),
    faults: [faults.ServiceNotFound],
  }),
  update: patch('/v3/services/{service_id}', {
    policy: rules.updateService,
    body: object({
      service: must(object({ ...serviceFields, type: may(serviceType) }, { ...open, minProperties: 1 })),
    }),
    reply: object({ service: must(Service) }),
    faults: [faults.ServiceNotFound],
  }),
  remove: del('/v3/services/{service_id}', { policy: rules.deleteService, faults: [faults.ServiceNotFound] }),
}

export const endpoints = {
  list: get('/v3/endpoints', {
    policy: rules.listEndpoints,
    query: listQueryShape,
    reply: object({ endpoints: must(list(Endpoint)), links: must(ListLinks) }, open),
  }),
  create: post('/v3/endpoints', {
    policy: rules.createEndpoint,
    body: object({
      endpoint: must(
        object({ ...endpointFields, interface: must(endpointWord), service_id: must(text()), url: must(url) }, open),
      ),
    }),
    reply: object({ endpoint: must(Endpoint) }),
    faults: [faults.Expecting, faults.InvalidUrl],
  }),
  show: get('/v3/endpoints/{endpoint_id}', {
    policy: rules.getEndpoint,
    reply: object({ endpoint: must(Endpoint) }),
    faults: [faults.EndpointNotFound],
  }),
  update: patch('/v3/endpoints/{endpoint_id}', {
    policy: rules.updateEndpoint,
    body: object({
      endpoint: must(
        object(
          { ...endpointFields, interface: may(endpointWord), service_id: may(text()), url: may(url) },
          { ...open, minProperties: 1 },
        ),
      ),
    }),
    reply: object({ endpoint: must(Endpoint) }),
    faults: [faults.EndpointNotFound, faults.Expecting, faults.InvalidUrl],
  }),
  remove: del('/v3/endpoints/{endpoint_id}', { policy: rules.deleteEndpoint, faults: [faults.EndpointNotFound] }),
}
