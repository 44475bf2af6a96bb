// Ports: handlers and presenter.
import { handlers, type HandlerTable } from '#kernel/http/handlers.ts'
import { needs, presenter } from '#kernel/http/presenter.ts'
import { port, ports, vnicTypes } from '#services/neutron/contract/ports.ts'
import { noun, seconds } from '#services/neutron/api/noun.ts'
import type { Allocation } from '#services/neutron/db/subnets.ts'
import type { Looks, TrunkDetails } from '#services/neutron/domain/looks.ts'
import { portTarget, type PortOfNetwork, type Ports } from '#services/neutron/domain/ports.ts'

interface Loaded {
  readonly tags: ReadonlyMap<string, readonly string[]>
  readonly addresses: ReadonlyMap<string, readonly Allocation[]>
  readonly trunks: ReadonlyMap<string, TrunkDetails>
  readonly qos: ReadonlyMap<string, string>
  readonly groups: ReadonlyMap<string, readonly string[]>
}
const ids = (entities: readonly PortOfNetwork[]): string[] => entities.map(one => one.id)

/** Only a parent has any: for others the attribute is absent. */
const trunkView = (trunk: TrunkDetails | undefined): Record<string, unknown> | undefined =>
  trunk === undefined
    ? undefined
    : {
        trunk_id: trunk.trunkId,
        sub_ports: trunk.subports.map(({ place, mac }) => ({
          segmentation_id: place.segmentationId,
          segmentation_type: place.segmentationType,
          port_id: place.portId,
          mac_address: mac,
        })),
      }

/** The name of one address: the port's own, or one made of the address. */
const assignment = (dnsName: string, ip: string): Record<string, string> => {
  const hostname = dnsName === '' ? `host-${ip.replaceAll(/[.:]/g, '-')}` : dnsName.replace(/\.$/, '')
  return { ip_address: ip, hostname, fqdn: dnsName.endsWith('.') ? dnsName : `${hostname}.openstacklocal.` }
}

export const portHandlers = (domain: Ports, looks: Looks): HandlerTable => {
  const present = presenter<PortOfNetwork, Loaded>()(
    port.view,
    {
      id: p => p.id,
      name: p => p.name,
      project_id: p => p.projectId,
      tenant_id: p => p.projectId,
      network_id: p => p.networkId,
      admin_state_up: p => p.adminStateUp,
      mac_address: p => p.macAddress,
      fixed_ips: needs(['addresses'], (p, { addresses }) =>
        (addresses.get(p.id) ?? []).map(one => ({ subnet_id: one.subnetId, ip_address: one.ip })),
      ),
      device_id: p => p.deviceId,
      device_owner: p => p.deviceOwner,
      status: p => p.status,
      security_groups: needs(['groups'], (p, { groups }) => [...(groups.get(p.id) ?? [])]),
      port_security_enabled: p => p.portSecurityEnabled,
      allowed_address_pairs: p => p.allowedAddressPairs.map(pair => ({ ...pair })),
      extra_dhcp_opts: p => p.extraDhcpOpts.map(option => ({ ...option })),
      dns_name: p => p.dnsName,
      dns_assignment: needs(['addresses'], (p, { addresses }) =>
        (addresses.get(p.id) ?? []).map(one => assignment(p.dnsName, one.ip)),
      ),
      'binding:host_id': p => p.hostId,
      'binding:vif_type': p => p.vifType,
      'binding:vif_details': p => ({ ...p.vifDetails }),
      'binding:vnic_type': p => vnicTypes.find(type => type === p.vnicType) ?? 'normal',
      'binding:profile': p => ({ ...p.profile }),
      trunk_details: needs(['trunks'], (p, { trunks }) => trunkView(trunks.get(p.id))),
      qos_policy_id: needs(['qos'], (p, { qos }) => qos.get(p.id) ?? null),
      qos_network_policy_id: needs(['qos'], (p, { qos }) => qos.get(p.networkId) ?? null),
      description: p => p.description,
      created_at: p => seconds(p.createdAt),
      updated_at: p => seconds(p.updatedAt),
      revision_number: p => p.revision,
      tags: needs(['tags'], (p, { tags }) => [...(tags.get(p.id) ?? [])]),
    },
    {
      loaders: {
        tags: (ctx, all) => looks.tags(ctx, ids(all)),
        addresses: (ctx, all) => looks.addressesOf(ctx, ids(all)),
        trunks: (ctx, all) => looks.trunksOf(ctx, ids(all)),
        qos: (ctx, all) => looks.qosOf(ctx, [...ids(all), ...all.map(one => one.networkId)]),
        groups: (ctx, all) => looks.groupsOf(ctx, ids(all)),
      },
      target: one => portTarget(one),
    },
  )
  const it = noun<PortOfNetwork>({ of: port, present })
  return handlers(ports, {
    list: call => it.list(call, domain.list),
    show: call => it.show(call, domain.show),
    create: call => it.create(call, domain.create),
    update: call => it.update(call, domain.update),
    remove: call => it.remove(call, domain.remove),
  })
}
