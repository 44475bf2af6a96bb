// Address groups: lists of prefixes that security group rules name instead of one prefix each.
import { inOut, listReplyOf, once, out, replyOf, resource } from '#kernel/contract/resource.ts'
import { del, get, post, put } from '#kernel/contract/route.ts'
import { must, object } from '#kernel/contract/shape.ts'
import { list, text, uuid } from '#kernel/contract/shapes.ts'
import { faults } from '#services/neutron/contract/faults.ts'
import { moreRules as rules } from '#services/neutron/contract/rules-more.ts'
import { owner, story } from '#services/neutron/contract/standard.ts'
import { anyQuery, bool, description, listOrNull, name } from '#services/neutron/contract/words.ts'

const prefix = text({ max: 64 })
export const addressGroup = resource('address_group', 'address_groups', {
  id: out(uuid).filters().sorts(),
  name: inOut(name).otherwise('').filters().sorts(),
  ...owner,
  addresses: once(listOrNull(prefix, { max: 1000 })).optional(),
  shared: out(bool).filters(),
  ...story,
  description: inOut(description).otherwise('').filters().sorts(),
})

const judged = 'domain' as const
const missing = [faults.AddressGroupNotFound]
/** compat: the list may come under the group's key, or bare. */
const some = object({ addresses: must(list(prefix, { max: 1000 })) }, { extra: true })
export const addressGroups = {
  list: get('/v2.0/address-groups', {
    policy: rules.getAddressGroup,
    judged,
    query: anyQuery,
    reply: listReplyOf(addressGroup),
  }),
  show: get('/v2.0/address-groups/{id}', {
    policy: rules.getAddressGroup,
    judged,
    query: anyQuery,
    reply: replyOf(addressGroup),
    faults: missing,
  }),
  create: post('/v2.0/address-groups', {
    policy: rules.createAddressGroup,
    judged,
    body: addressGroup.createBody,
    bodyOptional: true,
    reply: replyOf(addressGroup),
  }),
  update: put('/v2.0/address-groups/{id}', {
    policy: rules.updateAddressGroup,
    judged,
    body: addressGroup.updateBody,
    bodyOptional: true,
    reply: replyOf(addressGroup),
    faults: missing,
  }),
  remove: del('/v2.0/address-groups/{id}', {
    policy: rules.deleteAddressGroup,
    judged,
    faults: [...missing, faults.AddressGroupInUse],
  }),
  add: put('/v2.0/address-groups/{id}/add_addresses', {
    policy: rules.addAddresses,
    judged,
    body: some,
    reply: replyOf(addressGroup),
    faults: [...missing, faults.AddressesAlreadyExist],
  }),
  take: put('/v2.0/address-groups/{id}/remove_addresses', {
    policy: rules.removeAddresses,
    judged,
    body: some,
    reply: replyOf(addressGroup),
    faults: [...missing, faults.AddressesNotFound],
  }),
}
