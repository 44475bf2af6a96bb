// The catalog as tokens carry it: rows of the database with the addresses filled in.
import type { Ctx } from '#kernel/lib/context.ts'
import { shownEndpoints } from '#services/keystone/db/endpoint-filters.ts'
import { catalogRows, type EndpointEntity, type ServiceEntity } from '#services/keystone/db/catalog.ts'
import type { DomainTools } from '#services/keystone/domain/tools.ts'

/** What a URL may name: `$(project_id)s`, also written `%(tenant_id)s`. */
export interface CatalogPlace {
  /** Scheme, host and port under which the client reached us: whatever port we got today, his URLs work. */
  readonly frontDoor: string
  readonly userId: string
  readonly projectId: string | null
}

const NAMED = /[$%]\((\w+)\)s/g

/** The URL with its names filled in; null when it names something this token has not. */
export function fillUrl(url: string, place: CatalogPlace): string | null {
  let complete = true
  const filled = url.replace(NAMED, (_whole, name: string) => {
    switch (name) {
      case 'front_door':
        return place.frontDoor
      case 'user_id':
        return place.userId
      case 'project_id':
      case 'tenant_id':
        if (place.projectId !== null) return place.projectId
    }
    complete = false
    return ''
  })
  return complete ? filled : null
}
/** For lists of endpoints: only the address of the front door is filled in, the rest is shown as it was written. */
export const fillFrontDoor = (url: string, frontDoor: string): string =>
  url.replace(/[$%]\(front_door\)s/g, () => frontDoor)

interface Rows {
  readonly generation: number
  readonly services: readonly { service: ServiceEntity; endpoints: readonly EndpointEntity[] }[]
  /** Project → the endpoints it shows, where somebody chose. */
  readonly shown: ReadonlyMap<string, ReadonlySet<string>>
  /** Whether any URL differs from user to user or project to project. */
  readonly personal: boolean
  readonly rendered: Map<string, string>
}
/** Catalogs kept: one per address clients use, times one per project where URLs name it. */
const MOST_RENDERED = 256

export interface CatalogEntry {
  readonly id: string
  readonly type: string
  readonly name: string
  readonly endpoints: readonly Readonly<Record<string, unknown>>[]
}
export interface Catalog {
  /** As JSON text, from memory while nothing was written. */
  json(ctx: Ctx, place: CatalogPlace): Promise<string>
}

export function createCatalog(tools: Pick<DomainTools, 'ledger'>): Catalog {
  const { ledger } = tools
  let held: Rows | null = null
  const rows = async (ctx: Ctx): Promise<Rows> => {
    if (held !== null && held.generation === ledger.generation()) return held
    const generation = ledger.generation()
    const { services, shown } = await ledger.read(ctx, 'read-catalog', async q => {
      const all = await catalogRows(q)
      return {
        services: all,
        shown: await shownEndpoints(
          q,
          all.flatMap(entry => entry.endpoints),
        ),
      }
    })
    const urls = services.flatMap(entry => entry.endpoints.map(endpoint => endpoint.url))
    const personal = urls.some(url => /[$%]\((?!front_door)\w+\)s/.test(url))
    return (held = { generation, services, shown, personal, rendered: new Map() })
  }
  return {
    async json(ctx, place) {
      const known = await rows(ctx)
      const only = place.projectId === null ? undefined : known.shown.get(place.projectId)
      const isPersonal = known.personal || only !== undefined
      const key = isPersonal ? `${place.frontDoor} ${place.projectId ?? ''} ${place.userId}` : place.frontDoor
      let text = known.rendered.get(key)
      if (text === undefined) {
        text = JSON.stringify(
          known.services
            .map(entry => ({
              ...entry,
              endpoints: entry.endpoints.filter(one => only === undefined || only.has(one.id)),
            }))
            .filter(entry => only === undefined || entry.endpoints.length > 0)
            .map(entry => entryOf(entry.service, entry.endpoints, place)),
        )
        if (known.rendered.size >= MOST_RENDERED) known.rendered.clear()
        known.rendered.set(key, text)
      }
      return text
    },
  }
}

function entryOf(service: ServiceEntity, endpoints: readonly EndpointEntity[], place: CatalogPlace): CatalogEntry {
  return {
    endpoints: endpoints.flatMap(endpoint => {
      const url = fillUrl(endpoint.url, place)
      return url === null
        ? []
        : [
            {
              id: endpoint.id,
              interface: endpoint.interface,
              region_id: endpoint.regionId,
              url,
              region: endpoint.regionId,
            },
          ]
    }),
    id: service.id,
    type: service.type,
    name: service.name ?? '',
  }
}
