// Flavors of services (of routers, say) and the profiles that tell how each is done.
import { inOut, once, out, resource } from '#kernel/contract/resource.ts'
import { del, post } from '#kernel/contract/route.ts'
import { must, object } from '#kernel/contract/shape.ts'
import { list, nullable, raw, text, uuid, words } from '#kernel/contract/shapes.ts'
import { faults } from '#services/neutron/contract/faults.ts'
import { createRoute, listRoute, removeRoute, showRoute, updateRoute } from '#services/neutron/contract/plain.ts'
import { moreRules as rules } from '#services/neutron/contract/rules-more.ts'
import { bool, description, name } from '#services/neutron/contract/words.ts'

/** Services that are there. */
export const serviceTypes = [
  'L3_ROUTER_NAT',
  'FLAVORS',
  'QOS',
  'METERING',
  'PORTFORWARDING',
  'CONNTRACKHELPER',
] as const
export const flavor = resource('flavor', 'flavors', {
  id: out(uuid).filters().sorts(),
  name: inOut(name).otherwise('').filters().sorts(),
  description: inOut(nullable(description)).otherwise('').filters().sorts(),
  service_type: once(words(...serviceTypes))
    .filters()
    .sorts(),
  service_profiles: inOut(list(uuid, { unique: true, max: 100 })).otherwise(() => []),
  enabled: inOut(bool).otherwise(true).filters().sorts(),
})
export const serviceProfile = resource('service_profile', 'service_profiles', {
  id: out(uuid).filters().sorts(),
  description: inOut(nullable(description)).otherwise('').filters().sorts(),
  driver: inOut(text({ max: 1024 }))
    .otherwise('')
    .filters()
    .sorts(),
  metainfo: inOut(text({ max: 4096 }))
    .otherwise('')
    .sorts(),
  enabled: inOut(bool).otherwise(true).filters().sorts(),
})

const FLAVORS = '/v2.0/flavors'
const PROFILES = '/v2.0/service_profiles'
const judged = 'domain' as const
const noFlavor = [faults.FlavorNotFound]
const noProfile = [faults.ServiceProfileNotFound]
export const flavors = {
  list: listRoute(FLAVORS, flavor, rules.getFlavor),
  show: showRoute(`${FLAVORS}/{id}`, flavor, rules.getFlavor, noFlavor),
  create: createRoute(FLAVORS, flavor, rules.createFlavor, noProfile),
  update: updateRoute(`${FLAVORS}/{id}`, flavor, rules.updateFlavor, noFlavor),
  remove: removeRoute(`${FLAVORS}/{id}`, rules.deleteFlavor, noFlavor),
  join: post(`${FLAVORS}/{id}/service_profiles`, {
    policy: rules.createFlavorServiceProfile,
    judged,
    body: object({ service_profile: must(object({ id: must(uuid) })) }, { extra: true }),
    reply: raw<unknown>({}),
    faults: [...noFlavor, ...noProfile, faults.FlavorServiceProfileBindingExists],
  }),
  part: del(`${FLAVORS}/{id}/service_profiles/{profile}`, {
    policy: rules.deleteFlavorServiceProfile,
    judged,
    faults: [...noFlavor, faults.FlavorServiceProfileBindingNotFound],
  }),
}
const refused = [faults.ServiceProfileEmpty, faults.ServiceProfileDriverNotFound]
export const serviceProfiles = {
  list: listRoute(PROFILES, serviceProfile, rules.getServiceProfile),
  show: showRoute(`${PROFILES}/{id}`, serviceProfile, rules.getServiceProfile, noProfile),
  create: createRoute(PROFILES, serviceProfile, rules.createServiceProfile, refused),
  update: updateRoute(`${PROFILES}/{id}`, serviceProfile, rules.updateServiceProfile, [...noProfile, ...refused]),
  remove: removeRoute(`${PROFILES}/{id}`, rules.deleteServiceProfile, [...noProfile, faults.ServiceProfileInUse]),
}
