// Trunks: a guest's port that carries other ports with it, told apart by VLAN numbers.
import { inOut, listReplyOf, once, out, replyOf, resource } from '#kernel/contract/resource.ts'
import { del, get, post, put } from '#kernel/contract/route.ts'
import { any, list, raw, text, uuid } from '#kernel/contract/shapes.ts'
import { faults } from '#services/neutron/contract/faults.ts'
import { identity, owner, story, tagged } from '#services/neutron/contract/standard.ts'
import { trunkFaults } from '#services/neutron/contract/trunk-faults.ts'
import { trunkRules } from '#services/neutron/contract/trunk-rules.ts'
import { anyQuery, bool } from '#services/neutron/contract/words.ts'

/** As sent: what each must be is said by domain/subports.ts, in upstream's words. */
const subports = raw<unknown>({ type: 'array', maxItems: 1000 })

export const trunk = resource('trunk', 'trunks', {
  ...identity,
  ...owner,
  admin_state_up: inOut(bool).otherwise(true).filters().sorts(),
  port_id: once(uuid).filters().sorts(),
  status: out(text()).filters().sorts(),
  sub_ports: once(subports).otherwise(() => []),
  ...story,
  ...tagged,
})

const judged = 'domain' as const
const some = raw<Readonly<Record<string, unknown>>>({ type: 'object' })
const changing = {
  judged,
  body: some,
  bodyOptional: true,
  reply: raw<Record<string, unknown>>({ type: 'object' }),
  faults: [trunkFaults.TrunkNotFound, trunkFaults.TrunkDisabled, trunkFaults.SubPortNotFound, faults.InvalidInput],
} as const
export const trunks = {
  list: get('/v2.0/trunks', { policy: trunkRules.getTrunk, judged, query: anyQuery, reply: listReplyOf(trunk) }),
  show: get('/v2.0/trunks/{id}', {
    policy: trunkRules.getTrunk,
    judged,
    query: anyQuery,
    reply: replyOf(trunk),
    faults: [trunkFaults.TrunkNotFound],
  }),
  create: post('/v2.0/trunks', {
    policy: trunkRules.createTrunk,
    judged,
    body: trunk.createBody,
    bodyOptional: true,
    reply: replyOf(trunk),
    faults: [
      faults.PortNotFound,
      trunkFaults.ParentPortInUse,
      trunkFaults.TrunkPortInUse,
      trunkFaults.DuplicateSubPort,
    ],
  }),
  update: put('/v2.0/trunks/{id}', {
    policy: trunkRules.updateTrunk,
    judged,
    body: trunk.updateBody,
    bodyOptional: true,
    reply: replyOf(trunk),
    faults: [trunkFaults.TrunkNotFound],
  }),
  remove: del('/v2.0/trunks/{id}', {
    policy: trunkRules.deleteTrunk,
    judged,
    faults: [trunkFaults.TrunkNotFound, trunkFaults.TrunkInUse, trunkFaults.TrunkDisabled],
  }),
  subports: get('/v2.0/trunks/{id}/get_subports', {
    policy: trunkRules.getSubports,
    judged,
    reply: raw<{ sub_ports: unknown[] }>({ type: 'object', properties: { sub_ports: list(any).schema(0) } }),
    faults: [trunkFaults.TrunkNotFound],
  }),
  addSubports: put('/v2.0/trunks/{id}/add_subports', { policy: trunkRules.addSubports, ...changing }),
  removeSubports: put('/v2.0/trunks/{id}/remove_subports', { policy: trunkRules.removeSubports, ...changing }),
}
