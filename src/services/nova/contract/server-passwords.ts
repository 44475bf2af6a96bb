// Passwords of guests: setting the administrator's, and what a guest told of its own through the metadata service.
import { action, del, get } from '#kernel/contract/route.ts'
import { must, object } from '#kernel/contract/shape.ts'
import { text } from '#kernel/contract/shapes.ts'
import { faults } from '#services/nova/contract/faults.ts'
import { rules } from '#services/nova/contract/rules.ts'

const found = [faults.InstanceNotFound]
export const serverPasswords = {
  change: action('/v2.1/servers/{id}/action', 'changePassword', {
    policy: rules.adminPassword,
    body: object({ adminPass: must(text()) }),
    faults: [...found, faults.Conflict, faults.InstanceInvalidState, faults.InstanceIsLocked],
  }),
  show: get('/v2.1/servers/{id}/os-server-password', { policy: rules.serverPasswordShow, faults: found }),
  clear: del('/v2.1/servers/{id}/os-server-password', { policy: rules.serverPasswordClear, faults: found }),
}
