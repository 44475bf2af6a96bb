// Address scopes: within one, addresses of subnet pools do not overlap.
import { inOut, listReplyOf, once, out, replyOf, resource } from '#kernel/contract/resource.ts'
import { del, get, post, put } from '#kernel/contract/route.ts'
import { raw, uuid } from '#kernel/contract/shapes.ts'
import { faults } from '#services/neutron/contract/faults.ts'
import { moreRules as rules } from '#services/neutron/contract/rules-more.ts'
import { owner } from '#services/neutron/contract/standard.ts'
import { anyQuery, bool, name } from '#services/neutron/contract/words.ts'

const version = raw<4 | 6>({ enum: [4, 6, '4', '6'] }, value => Number(value))
export const addressScope = resource('address_scope', 'address_scopes', {
  id: out(uuid).filters().sorts(),
  name: inOut(name).otherwise('').filters().sorts(),
  ...owner,
  shared: inOut(bool)
    .otherwise(false)
    .filters()
    .sorts()
    .setBy(rules.createAddressScopeShared, rules.updateAddressScopeShared),
  ip_version: once(version).filters().sorts(),
})

const judged = 'domain' as const
const missing = [faults.AddressScopeNotFound]
export const addressScopes = {
  list: get('/v2.0/address-scopes', {
    policy: rules.getAddressScope,
    judged,
    query: anyQuery,
    reply: listReplyOf(addressScope),
  }),
  show: get('/v2.0/address-scopes/{id}', {
    policy: rules.getAddressScope,
    judged,
    query: anyQuery,
    reply: replyOf(addressScope),
    faults: missing,
  }),
  create: post('/v2.0/address-scopes', {
    policy: rules.createAddressScope,
    judged,
    body: addressScope.createBody,
    bodyOptional: true,
    reply: replyOf(addressScope),
  }),
  update: put('/v2.0/address-scopes/{id}', {
    policy: rules.updateAddressScope,
    judged,
    body: addressScope.updateBody,
    bodyOptional: true,
    reply: replyOf(addressScope),
    faults: [...missing, faults.AddressScopeUpdateError],
  }),
  remove: del('/v2.0/address-scopes/{id}', {
    policy: rules.deleteAddressScope,
    judged,
    faults: [...missing, faults.AddressScopeInUse],
  }),
}
