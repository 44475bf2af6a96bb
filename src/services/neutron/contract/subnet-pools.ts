// Subnet pools: prefixes that subnets are cut from, so that nobody has to think of a CIDR.
import { inOut, input, listReplyOf, once, out, replyOf, resource } from '#kernel/contract/resource.ts'
import { del, get, post, put } from '#kernel/contract/route.ts'
import { must, object } from '#kernel/contract/shape.ts'
import { intLike, list, nullable, raw, text, uuid } from '#kernel/contract/shapes.ts'
import { faults } from '#services/neutron/contract/faults.ts'
import { moreRules } from '#services/neutron/contract/rules-more.ts'
import { rules } from '#services/neutron/contract/rules.ts'
import { identity, owner, story, tagged } from '#services/neutron/contract/standard.ts'
import { anyQuery, bool, name } from '#services/neutron/contract/words.ts'

const prefixes = list(text({ max: 64 }), { unique: true, max: 100 })
/** A length, shown as text. compat: Neutron's own answers have it so. */
const length = raw<number | string>({ ...intLike({ min: 0 }).schema(0) }, value => Number(value))

export const subnetPool = resource('subnetpool', 'subnetpools', {
  ...identity,
  name: inOut(name).filters().sorts(),
  ...owner,
  prefixes: inOut(prefixes),
  default_quota: inOut(nullable(intLike({ min: 0 })))
    .optional()
    .filters()
    .sorts(),
  ip_version: out(intLike()).filters().sorts(),
  default_prefixlen: inOut(length).optional().filters().sorts(),
  min_prefixlen: inOut(length).optional().filters().sorts(),
  max_prefixlen: inOut(length).optional().filters().sorts(),
  is_default: inOut(bool)
    .otherwise(false)
    .filters()
    .sorts()
    .setBy(rules.createSubnetpoolIsDefault, rules.updateSubnetpoolIsDefault),
  shared: once(bool).otherwise(false).filters().sorts().setBy(rules.createSubnetpoolShared),
  address_scope_id: inOut(nullable(uuid)).optional().filters().sorts().of('address-scope'),
  ...story,
  ...tagged,
})
/** Subnets may be cut from the default pool of their family. */
export const useDefaultPool = input(bool).otherwise(false).of('default-subnetpools')

const judged = 'domain' as const
const scoping = [
  faults.AddressScopeNotFound,
  faults.AddressScopePrefixConflict,
  faults.NetworkAddressScopeAffinityError,
  faults.IllegalSubnetPoolIpVersionAssociationToAddressScope,
]
const some = object({ prefixes: must(prefixes) }, { extra: true })
export const subnetPools = {
  list: get('/v2.0/subnetpools', {
    policy: rules.getSubnetpool,
    judged,
    query: anyQuery,
    reply: listReplyOf(subnetPool),
  }),
  show: get('/v2.0/subnetpools/{id}', {
    policy: rules.getSubnetpool,
    judged,
    query: anyQuery,
    reply: replyOf(subnetPool),
    faults: [faults.SubnetPoolNotFound],
  }),
  create: post('/v2.0/subnetpools', {
    policy: rules.createSubnetpool,
    judged,
    body: subnetPool.createBody,
    bodyOptional: true,
    reply: replyOf(subnetPool),
    faults: [
      faults.EmptySubnetPoolPrefixList,
      faults.PrefixVersionMismatch,
      faults.IllegalSubnetPoolPrefixBounds,
      faults.InvalidInput,
      faults.OverQuota,
      ...scoping,
    ],
  }),
  update: put('/v2.0/subnetpools/{id}', {
    policy: rules.updateSubnetpool,
    judged,
    body: subnetPool.updateBody,
    bodyOptional: true,
    reply: replyOf(subnetPool),
    faults: [
      faults.SubnetPoolNotFound,
      faults.IllegalSubnetPoolPrefixUpdate,
      faults.IllegalSubnetPoolUpdate,
      ...scoping,
    ],
  }),
  remove: del('/v2.0/subnetpools/{id}', {
    policy: rules.deleteSubnetpool,
    judged,
    faults: [faults.SubnetPoolNotFound, faults.SubnetPoolDeleteError],
  }),
  onboard: put('/v2.0/subnetpools/{id}/onboard_network_subnets', {
    policy: moreRules.onboardNetworkSubnets,
    judged,
    body: object({ network_id: must(uuid) }, { extra: true }),
    reply: raw<unknown>({}),
    faults: [faults.SubnetPoolNotFound, faults.NetworkNotFound, faults.IllegalSubnetPoolPrefixUpdate],
  }),
  addPrefixes: put('/v2.0/subnetpools/{id}/add_prefixes', {
    policy: rules.addPrefixes,
    judged,
    body: some,
    reply: some,
  }),
  removePrefixes: put('/v2.0/subnetpools/{id}/remove_prefixes', {
    policy: rules.removePrefixes,
    judged,
    body: some,
    reply: some,
  }),
}
