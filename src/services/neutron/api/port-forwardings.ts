// Forwardings of floating IPs' ports and helpers of routers: handlers and presenters.
import { handlers, type HandlerTable } from '#kernel/http/handlers.ts'
import { presenter } from '#kernel/http/presenter.ts'
import {
  conntrackHelper,
  conntrackHelpers,
  portForwarding,
  portForwardings,
} from '#services/neutron/contract/port-forwardings.ts'
import { children } from '#services/neutron/api/children.ts'
import type { ConntrackHelper, PortForwarding } from '#services/neutron/db/port-forwardings.ts'
import type { ConntrackHelpers } from '#services/neutron/domain/conntrack-helpers.ts'
import type { PortForwardings } from '#services/neutron/domain/port-forwardings.ts'

/** A single port also stands by itself; a range only as a range. */
const single = (from: number, to: number): number | null => (from === to ? from : null)
const protocolOf = (text: string): 'tcp' | 'udp' => (text === 'udp' ? 'udp' : 'tcp')

export const portForwardingHandlers = (domain: PortForwardings): HandlerTable => {
  const present = presenter<PortForwarding>()(portForwarding.view, {
    id: f => f.id,
    project_id: () => undefined,
    external_port: f => single(f.externalPort, f.externalPortEnd),
    external_port_range: f => `${f.externalPort}:${f.externalPortEnd}`,
    internal_port: f => single(f.internalPort, f.internalPortEnd),
    internal_port_range: f => `${f.internalPort}:${f.internalPortEnd}`,
    internal_ip_address: f => f.internalIp,
    protocol: f => protocolOf(f.protocol),
    internal_port_id: f => f.internalPortId,
    description: f => f.description,
  })
  const it = children(portForwarding, present)
  return handlers(portForwardings, {
    list: async call => it.list(call, await domain.list(call.ctx, call.params.id)),
    show: async call => it.show(call, await domain.show(call.ctx, call.params.id, call.params.forwarding)),
    create: call => it.create(call, bodies => domain.create(call.ctx, call.params.id, bodies)),
    update: call => it.update(call, body => domain.update(call.ctx, call.params.id, call.params.forwarding, body)),
    remove: call => domain.remove(call.ctx, call.params.id, call.params.forwarding),
  })
}

export const conntrackHelperHandlers = (domain: ConntrackHelpers): HandlerTable => {
  const present = presenter<ConntrackHelper>()(conntrackHelper.view, {
    id: h => h.id,
    project_id: () => undefined,
    protocol: h => h.protocol as 'tcp',
    port: h => h.port,
    helper: h => h.helper,
  })
  const it = children(conntrackHelper, present)
  return handlers(conntrackHelpers, {
    list: async call => it.list(call, await domain.list(call.ctx, call.params.id)),
    show: async call => it.show(call, await domain.show(call.ctx, call.params.id, call.params.helper)),
    create: call => it.create(call, bodies => domain.create(call.ctx, call.params.id, bodies)),
    update: call => it.update(call, body => domain.update(call.ctx, call.params.id, call.params.helper, body)),
    remove: call => domain.remove(call.ctx, call.params.id, call.params.helper),
  })
}
