// Routers and floating IPs: handlers and presenters.
import { handlers, type HandlerTable } from '#kernel/http/handlers.ts'
import { needs, presenter, type Presenter } from '#kernel/http/presenter.ts'
import { externalGateways } from '#services/neutron/contract/external-gateways.ts'
import { floatingip, floatingips, router, routers } from '#services/neutron/contract/routers.ts'
import { noun, seconds } from '#services/neutron/api/noun.ts'
import type { Port } from '#services/neutron/db/ports.ts'
import type { ConntrackHelper, PortForwarding } from '#services/neutron/db/port-forwardings.ts'
import type { FloatingIp, Router } from '#services/neutron/db/routers.ts'
import type { ExternalGateways, Gateway } from '#services/neutron/domain/external-gateways.ts'
import type { FloatingIps } from '#services/neutron/domain/floating-ips.ts'
import type { Looks } from '#services/neutron/domain/looks.ts'
import type { Joint } from '#services/neutron/domain/router-interfaces.ts'
import type { Routers } from '#services/neutron/domain/routers.ts'

type Tags = ReadonlyMap<string, readonly string[]>

const jointView = (joint: Joint): object => ({
  id: joint.routerId,
  tenant_id: joint.projectId,
  project_id: joint.projectId,
  port_id: joint.portId,
  network_id: joint.networkId,
  subnet_id: joint.subnetIds[0] ?? null,
  subnet_ids: joint.subnetIds,
})

interface RouterLoaded {
  readonly tags: Tags
  readonly qos: ReadonlyMap<string, string>
  readonly gateways: ReadonlyMap<string, readonly Gateway[]>
  readonly helpers: ReadonlyMap<string, readonly ConntrackHelper[]>
}
const gatewayView = (router: Router, gateway: Gateway) => ({
  network_id: gateway.networkId,
  enable_snat: router.enableSnat,
  external_fixed_ips: gateway.ips.map(ip => ({ subnet_id: ip.subnetId, ip_address: ip.ip })),
})
export const routerPresenter = (domain: Routers, gateways: ExternalGateways, looks: Looks): Presenter<Router> =>
  presenter<Router, RouterLoaded>()(
    router.view,
    {
      id: r => r.id,
      name: r => r.name,
      project_id: r => r.projectId,
      tenant_id: r => r.projectId,
      admin_state_up: r => r.adminStateUp,
      status: r => r.status,
      external_gateway_info: needs(['gateways', 'qos'], (r, loaded) => {
        const [first] = loaded.gateways.get(r.id) ?? []
        return first === undefined ? null : { ...gatewayView(r, first), qos_policy_id: loaded.qos.get(r.id) ?? null }
      }),
      external_gateways: needs(['gateways'], (r, loaded) =>
        (loaded.gateways.get(r.id) ?? []).map(one => gatewayView(r, one)),
      ),
      enable_default_route_bfd: r => r.defaultRouteBfd,
      enable_default_route_ecmp: r => r.defaultRouteEcmp,
      conntrack_helpers: needs(['helpers'], (r, { helpers }) =>
        (helpers.get(r.id) ?? []).map(one => ({ protocol: one.protocol, port: one.port, helper: one.helper })),
      ),
      availability_zone_hints: r => [...r.availabilityZoneHints],
      availability_zones: r => (r.gatewayNetworkId === null ? [] : ['nova']),
      routes: r => r.routes.map(route => ({ destination: route.destination, nexthop: route.nexthop })),
      description: r => r.description,
      created_at: r => seconds(r.createdAt),
      updated_at: r => seconds(r.updatedAt),
      revision_number: r => r.revision,
      tags: needs(['tags'], (r, { tags }) => [...(tags.get(r.id) ?? [])]),
    },
    {
      loaders: {
        tags: (ctx, all) =>
          looks.tags(
            ctx,
            all.map(one => one.id),
          ),
        qos: (ctx, all) =>
          looks.qosOf(
            ctx,
            all.map(one => one.id),
          ),
        gateways: (ctx, all) => gateways.of(ctx, all),
        helpers: (ctx, all) =>
          domain.helpersOf(
            ctx,
            all.map(one => one.id),
          ),
      },
    },
  )

export const externalGatewayHandlers = (gateways: ExternalGateways, present: Presenter<Router>): HandlerTable =>
  handlers(externalGateways, {
    add: async call => ({
      router: await call.show(
        present,
        await gateways.add(call.ctx, call.params.id, call.body?.['router']?.external_gateways),
      ),
    }),
    update: async call => ({
      router: await call.show(
        present,
        await gateways.update(call.ctx, call.params.id, call.body?.['router']?.external_gateways),
      ),
    }),
    remove: async call => ({
      router: await call.show(
        present,
        await gateways.remove(call.ctx, call.params.id, call.body?.['router']?.external_gateways),
      ),
    }),
  })

export const routerHandlers = (domain: Routers, present: Presenter<Router>): HandlerTable => {
  const it = noun<Router>({ of: router, present })
  return handlers(routers, {
    list: call => it.list(call, domain.list),
    show: call => it.show(call, domain.show),
    create: call => it.create(call, domain.create),
    update: call => it.update(call, domain.update),
    remove: call => it.remove(call, domain.remove),
    addInterface: async call => jointView(await domain.addInterface(call.ctx, call.params.id, call.body ?? {})),
    removeInterface: async call => jointView(await domain.removeInterface(call.ctx, call.params.id, call.body ?? {})),
    addRoutes: async call => ({
      router: await call.show(present, await domain.addRoutes(call.ctx, call.params.id, call.body.router.routes)),
    }),
    removeRoutes: async call => ({
      router: await call.show(present, await domain.removeRoutes(call.ctx, call.params.id, call.body.router.routes)),
    }),
  })
}

const details = (port: Port | undefined): Record<string, unknown> | null =>
  port === undefined
    ? null
    : {
        name: port.name,
        network_id: port.networkId,
        mac_address: port.macAddress,
        admin_state_up: port.adminStateUp,
        status: port.status,
        device_id: port.deviceId,
        device_owner: port.deviceOwner,
      }

interface FloatingLoaded {
  readonly tags: Tags
  readonly ports: ReadonlyMap<string, Port>
  readonly qos: ReadonlyMap<string, string>
  readonly forwardings: ReadonlyMap<string, readonly PortForwarding[]>
}
export const floatingIpHandlers = (domain: FloatingIps, looks: Looks): HandlerTable => {
  const present = presenter<FloatingIp, FloatingLoaded>()(
    floatingip.view,
    {
      id: f => f.id,
      project_id: f => f.projectId,
      tenant_id: f => f.projectId,
      floating_ip_address: f => f.floatingIpAddress,
      floating_network_id: f => f.floatingNetworkId,
      router_id: f => f.routerId,
      port_id: f => f.portId,
      fixed_ip_address: f => f.fixedIpAddress,
      dns_name: f => f.dnsName,
      dns_domain: f => f.dnsDomain,
      status: f => f.status,
      port_forwardings: needs(['forwardings'], (f, { forwardings }) =>
        (forwardings.get(f.id) ?? []).map(one => ({
          id: one.id,
          protocol: one.protocol,
          external_port: one.externalPort === one.externalPortEnd ? one.externalPort : null,
          external_port_range: `${one.externalPort}:${one.externalPortEnd}`,
          internal_ip_address: one.internalIp,
          internal_port: one.internalPort === one.internalPortEnd ? one.internalPort : null,
          internal_port_range: `${one.internalPort}:${one.internalPortEnd}`,
          internal_port_id: one.internalPortId,
        })),
      ),
      port_details: needs(['ports'], (f, { ports }) => details(ports.get(f.portId ?? ''))),
      qos_policy_id: needs(['qos'], (f, { qos }) => qos.get(f.id) ?? null),
      qos_network_policy_id: needs(['qos'], (f, { qos }) => qos.get(f.floatingNetworkId) ?? null),
      description: f => f.description,
      created_at: f => seconds(f.createdAt),
      updated_at: f => seconds(f.updatedAt),
      revision_number: f => f.revision,
      tags: needs(['tags'], (f, { tags }) => [...(tags.get(f.id) ?? [])]),
    },
    {
      loaders: {
        tags: (ctx, all) =>
          looks.tags(
            ctx,
            all.map(one => one.id),
          ),
        qos: (ctx, all) =>
          looks.qosOf(
            ctx,
            all.flatMap(one => [one.id, one.floatingNetworkId]),
          ),
        forwardings: (ctx, all) =>
          domain.forwardingsOf(
            ctx,
            all.map(one => one.id),
          ),
        ports: (ctx, all) =>
          domain.portsOf(
            ctx,
            all.flatMap(one => one.portId ?? []),
          ),
      },
    },
  )
  const it = noun<FloatingIp>({ of: floatingip, present })
  return handlers(floatingips, {
    list: call => it.list(call, domain.list),
    show: call => it.show(call, domain.show),
    create: call => it.create(call, domain.create),
    update: call => it.update(call, domain.update),
    remove: call => it.remove(call, domain.remove),
  })
}
