// Bindings of a port to several hosts: one is in force, others stand ready for a server that moves.
import { inOut, listReplyOf, once, out, replyOf, resource } from '#kernel/contract/resource.ts'
import { del, get, post, put } from '#kernel/contract/route.ts'
import { any, dict, nullable, raw, text, words } from '#kernel/contract/shapes.ts'
import { faults } from '#services/neutron/contract/faults.ts'
import { vnicTypes } from '#services/neutron/contract/ports.ts'
import { rules } from '#services/neutron/contract/rules.ts'
import { anyQuery, projectId } from '#services/neutron/contract/words.ts'

export const portBinding = resource('binding', 'bindings', {
  host: inOut(text({ max: 255, min: 1 }))
    .filters()
    .sorts(),
  vif_type: out(text()).filters().sorts(),
  vif_details: out(dict(any)),
  vnic_type: inOut(words(...vnicTypes))
    .otherwise('normal')
    .filters()
    .sorts(),
  profile: inOut(nullable(dict(any))).optional(),
  status: out(text()).filters().sorts(),
  project_id: once(projectId).optional(),
})

const judged = 'domain' as const
const missing = [faults.PortNotFound, faults.PortBindingNotFound]
export const portBindings = {
  list: get('/v2.0/ports/{id}/bindings', {
    policy: rules.getPortBinding,
    judged,
    query: anyQuery,
    reply: listReplyOf(portBinding),
    faults: [faults.PortNotFound],
  }),
  show: get('/v2.0/ports/{id}/bindings/{host}', {
    policy: rules.getPortBinding,
    judged,
    query: anyQuery,
    reply: replyOf(portBinding),
    faults: missing,
  }),
  create: post('/v2.0/ports/{id}/bindings', {
    policy: rules.createPortBinding,
    judged,
    body: portBinding.createBody,
    bodyOptional: true,
    reply: replyOf(portBinding),
    faults: [faults.PortNotFound, faults.PortBindingAlreadyExists, faults.PortBindingError],
  }),
  update: put('/v2.0/ports/{id}/bindings/{host}', {
    policy: rules.createPortBinding,
    judged,
    body: portBinding.updateBody,
    bodyOptional: true,
    reply: replyOf(portBinding),
    faults: [...missing, faults.PortBindingError],
  }),
  /** compat: clients send a body that says nothing, or none; the answer is the binding without a key around it. */
  activate: put('/v2.0/ports/{id}/bindings/{host}/activate', {
    policy: rules.activate,
    judged,
    body: raw<unknown>({}),
    bodyOptional: true,
    reply: portBinding.view,
    faults: [...missing, faults.PortBindingAlreadyActive, faults.PortBindingError],
  }),
  remove: del('/v2.0/ports/{id}/bindings/{host}', {
    policy: rules.deletePortBinding,
    judged,
    faults: missing,
  }),
}
