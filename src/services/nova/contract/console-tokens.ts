// Tokens of consoles as proxies ask about them; and the console actions of kinds that no host here offers.
import { action, get } from '#kernel/contract/route.ts'
import { must, object } from '#kernel/contract/shape.ts'
import { any, nullable, words } from '#kernel/contract/shapes.ts'
import { faults } from '#services/nova/contract/faults.ts'
import { rules } from '#services/nova/contract/rules.ts'

const act = '/v2.1/servers/{id}/action' as const
export const consoleTokens = {
  show: get('/v2.1/os-console-auth-tokens/{token}', {
    policy: rules.consoleAuthTokens,
    switches: { everyType: '2.31' },
    faults: [faults.BadRequest, faults.NotFound],
  }),
  spice: action(act, 'os-getSPICEConsole', {
    policy: rules.remoteConsoles,
    until: '2.5',
    status: 200,
    body: object({ type: must(words('spice-html5')) }),
    faults: [faults.InstanceNotFound, faults.BadRequest],
  }),
  rdp: action(act, 'os-getRDPConsole', {
    policy: 'authenticated',
    until: '2.5',
    body: nullable(any),
    bodyOptional: true,
    faults: [faults.BadRequest],
  }),
}
