// Hosts as clients of the oldest versions see them; gone from 2.43 on.
import { get, put } from '#kernel/contract/route.ts'
import { may, object } from '#kernel/contract/shape.ts'
import { raw, repeated, text } from '#kernel/contract/shapes.ts'
import { faults } from '#services/nova/contract/faults.ts'
import { rules } from '#services/nova/contract/rules.ts'

const until = '2.42'
const mode = raw<boolean>(
  { type: 'string', enum: ['enable', 'disable', 'Enable', 'Disable', 'ENABLE', 'DISABLE'] },
  value => String(value).toLowerCase() === 'enable',
)
const at = '/v2.1/os-hosts/{host}'
const missing = [faults.HostNotFound, faults.NotSupported]
export const hosts = {
  list: get('/v2.1/os-hosts', {
    policy: rules.hostsList,
    until,
    query: object({ zone: may(repeated(text())) }, { extra: true }),
  }),
  show: get(at, { policy: rules.hostsShow, until, faults: missing }),
  update: put(at, {
    policy: rules.hostsUpdate,
    until,
    body: object(
      { status: may(mode), maintenance_mode: may(mode) },
      { rest: { anyOf: [{ required: ['status'] }, { required: ['maintenance_mode'] }] } },
    ),
    faults: missing,
  }),
  startup: get('/v2.1/os-hosts/{host}/startup', { policy: rules.hostsStart, until, faults: missing }),
  shutdown: get('/v2.1/os-hosts/{host}/shutdown', { policy: rules.hostsShutdown, until, faults: missing }),
  reboot: get('/v2.1/os-hosts/{host}/reboot', { policy: rules.hostsReboot, until, faults: missing }),
}
