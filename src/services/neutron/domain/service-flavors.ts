// Flavors of services and their profiles: the verbs.
import type { CreateOf, UpdateOf } from '#kernel/contract/resource.ts'
import { flag, fromJson, isSet, json } from '#kernel/db/codecs.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import { faults } from '#services/neutron/contract/faults.ts'
import { moreRules as rules } from '#services/neutron/contract/rules-more.ts'
import { flavor, serviceProfile } from '#services/neutron/contract/service-flavors.ts'
import type { Listing } from '#services/neutron/db/listing.ts'
import { newStandard, standardOf, type Q, type Standard } from '#services/neutron/db/standard.ts'
import type { ServiceFlavorTable, ServiceProfileTable } from '#services/neutron/db/tables-more.ts'
import { plainNoun } from '#services/neutron/domain/plain.ts'
import type { DomainTools } from '#services/neutron/domain/tools.ts'

type Profile = CreateOf<(typeof serviceProfile)['rows']>
type Flavor = CreateOf<(typeof flavor)['rows']>
export interface ServiceFlavor extends Standard {
  readonly serviceType: string
  readonly profiles: readonly string[]
  readonly enabled: boolean
}
export interface ServiceProfile extends Standard {
  readonly driver: string
  readonly metainfo: string
  readonly enabled: boolean
}
const toFlavor = (row: Readonly<ServiceFlavorTable>): ServiceFlavor => ({
  ...standardOf(row),
  serviceType: row.service_type,
  profiles: fromJson(row.service_profiles),
  enabled: isSet(row.enabled),
})
const toProfile = (row: Readonly<ServiceProfileTable>): ServiceProfile => ({
  ...standardOf(row),
  driver: row.driver,
  metainfo: row.metainfo,
  enabled: isSet(row.enabled),
})
/** The drivers of routers that upstream ships: what a profile may name. */
const DRIVERS: ReadonlySet<string> = new Set(
  ['single_node.SingleNodeDriver', 'dvr.DvrDriver', 'ha.HaDriver', 'dvrha.DvrHaDriver'].map(
    name => `neutron.services.l3_router.service_providers.${name}`,
  ),
)
const changes = (body: Partial<Pick<Flavor, 'name' | 'description' | 'enabled'>>) => ({
  ...(body.name === undefined ? {} : { name: body.name }),
  ...(body.description === undefined ? {} : { description: body.description ?? '' }),
  ...(body.enabled === undefined ? {} : { enabled: flag(body.enabled) }),
})
const described = (body: { readonly name?: string; readonly description: string | null }) => ({
  ...(body.name === undefined ? {} : { name: body.name }),
  description: body.description ?? '',
})

export const createServiceFlavors = (tools: DomainTools) => {
  const { clock } = tools
  const flavors = plainNoun(tools, {
    of: flavor,
    table: 'service_flavors',
    entity: toFlavor,
    rules: {
      get: rules.getFlavor,
      create: rules.createFlavor,
      update: rules.updateFlavor,
      remove: rules.deleteFlavor,
    },
    missing: id => faults.FlavorNotFound({ flavor_id: id }),
    everybody: true,
  })
  const profiles = plainNoun(tools, {
    of: serviceProfile,
    table: 'service_profiles',
    entity: toProfile,
    rules: {
      get: rules.getServiceProfile,
      create: rules.createServiceProfile,
      update: rules.updateServiceProfile,
      remove: rules.deleteServiceProfile,
    },
    missing: id => faults.ServiceProfileNotFound({ sp_id: id }),
  })
  /** @throws ServiceProfileNotFound */
  async function checkProfiles(q: Q, asked: readonly string[]): Promise<void> {
    for (const id of asked) {
      const found = await q.selectFrom('service_profiles').select('id').where('id', '=', id).executeTakeFirst()
      if (found === undefined) throw faults.ServiceProfileNotFound({ sp_id: id })
    }
  }
  const checkDriver = (driver: string, metainfo: string): void => {
    if (driver === '' && metainfo === '') throw faults.ServiceProfileEmpty()
    if (driver !== '' && !DRIVERS.has(driver)) throw faults.ServiceProfileDriverNotFound({ driver })
  }

  return {
    flavors: {
      list: (ctx: Ctx, listing: Listing): Promise<ServiceFlavor[]> => flavors.list(ctx, listing),
      show: (ctx: Ctx, id: string): Promise<ServiceFlavor> => flavors.show(ctx, id),
      create: (ctx: Ctx, bodies: readonly Flavor[]): Promise<ServiceFlavor[]> =>
        flavors.create(ctx, bodies as readonly (Flavor & object)[] as never, async (q, sent, id) => {
          const body = sent as unknown as Flavor
          await checkProfiles(q, body.service_profiles)
          return {
            ...newStandard(id, '', described(body), clock.now()),
            service_type: body.service_type,
            service_profiles: json(body.service_profiles),
            enabled: flag(body.enabled),
          }
        }),
      update: (
        ctx: Ctx,
        id: string,
        body: UpdateOf<(typeof flavor)['rows']>,
        revision: number | null,
      ): Promise<ServiceFlavor> =>
        flavors.update(ctx, id, body, revision, async q => {
          if (body.service_profiles !== undefined) await checkProfiles(q, body.service_profiles)
          return {
            ...changes(body),
            ...(body.service_profiles === undefined ? {} : { service_profiles: json(body.service_profiles) }),
          }
        }),
      remove: (ctx: Ctx, id: string, revision: number | null): Promise<void> => flavors.remove(ctx, id, revision),
      /** @throws FlavorServiceProfileBindingExists */
      join: (ctx: Ctx, id: string, profile: string): Promise<ServiceFlavor> =>
        flavors.update(
          ctx,
          id,
          {},
          null,
          async (q, it) => {
            await checkProfiles(q, [profile])
            if (it.profiles.includes(profile))
              throw faults.FlavorServiceProfileBindingExists({ sp_id: profile, fl_id: id })
            return { service_profiles: json([...it.profiles, profile]) }
          },
          rules.createFlavorServiceProfile,
        ),
      /** @throws FlavorServiceProfileBindingNotFound */
      part: async (ctx: Ctx, id: string, profile: string): Promise<void> => {
        await flavors.update(
          ctx,
          id,
          {},
          null,
          async (_q, it) => {
            if (!it.profiles.includes(profile))
              throw faults.FlavorServiceProfileBindingNotFound({ sp_id: profile, fl_id: id })
            return { service_profiles: json(it.profiles.filter(one => one !== profile)) }
          },
          rules.deleteFlavorServiceProfile,
        )
      },
    },
    profiles: {
      list: (ctx: Ctx, listing: Listing): Promise<ServiceProfile[]> => profiles.list(ctx, listing),
      show: (ctx: Ctx, id: string): Promise<ServiceProfile> => profiles.show(ctx, id),
      create: (ctx: Ctx, bodies: readonly Profile[]): Promise<ServiceProfile[]> =>
        profiles.create(ctx, bodies as never, async (_q, sent, id) => {
          const body = sent as unknown as Profile
          checkDriver(body.driver, body.metainfo)
          return {
            ...newStandard(id, '', described(body), clock.now()),
            driver: body.driver,
            metainfo: body.metainfo,
            enabled: flag(body.enabled),
          }
        }),
      update: (
        ctx: Ctx,
        id: string,
        body: UpdateOf<(typeof serviceProfile)['rows']>,
        revision: number | null,
      ): Promise<ServiceProfile> =>
        profiles.update(ctx, id, body, revision, async (_q, it) => {
          const driver = body.driver ?? it.driver
          const metainfo = body.metainfo ?? it.metainfo
          checkDriver(driver, metainfo)
          return { ...changes(body), driver, metainfo }
        }),
      /** @throws ServiceProfileInUse */
      remove: (ctx: Ctx, id: string, revision: number | null): Promise<void> =>
        profiles.remove(ctx, id, revision, async q => {
          const all = await q.selectFrom('service_flavors').select('service_profiles').execute()
          if (all.some(row => fromJson(row.service_profiles).includes(id)))
            throw faults.ServiceProfileInUse({ sp_id: id })
        }),
    },
  }
}
export type ServiceFlavors = ReturnType<typeof createServiceFlavors>
