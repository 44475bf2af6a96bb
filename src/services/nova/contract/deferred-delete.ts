// Deleting softly: what is asked for while a server waits to be reclaimed.
import { action } from '#kernel/contract/route.ts'
import { any, nullable } from '#kernel/contract/shapes.ts'
import { faults } from '#services/nova/contract/faults.ts'
import { rules } from '#services/nova/contract/rules.ts'

export const deferredDelete = {
  restore: action('/v2.1/servers/{id}/action', 'restore', {
    policy: rules.deferredDeleteRestore,
    body: nullable(any),
    bodyOptional: true,
    faults: [faults.InstanceNotFound, faults.InstanceInvalidState, faults.InstanceIsLocked, faults.OverQuota],
  }),
}
