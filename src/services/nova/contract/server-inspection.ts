// Looking into a guest: how its processors and memory are laid out, and an interrupt that makes its kernel dump itself.
import { action, get } from '#kernel/contract/route.ts'
import { any, nullable } from '#kernel/contract/shapes.ts'
import { faults } from '#services/nova/contract/faults.ts'
import { rules } from '#services/nova/contract/rules.ts'

export const serverInspection = {
  topology: get('/v2.1/servers/{id}/topology', {
    policy: rules.computeServerTopologyIndex,
    since: '2.78',
    faults: [faults.InstanceNotFound],
  }),
  crashDump: action('/v2.1/servers/{id}/action', 'trigger_crash_dump', {
    policy: rules.serversTriggerCrashDump,
    since: '2.17',
    body: nullable(any),
    bodyOptional: true,
    faults: [faults.InstanceNotFound, faults.InstanceInvalidState, faults.InstanceIsLocked, faults.InstanceNotReady],
  }),
}
