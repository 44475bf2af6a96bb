// A server as clients read it, at every version.
import { isoSeconds, isoMicros } from '#kernel/lib/clock.ts'
import { byVersion, needs, presenter, type Presenter, type View } from '#kernel/http/presenter.ts'
import { ServerView } from '#services/nova/contract/servers.ts'
import { statusOf } from '#services/nova/contract/states.ts'
import type { BlockDevice } from '#services/nova/db/block-devices.ts'
import type { ServerFault } from '#services/nova/db/actions.ts'
import type { Server } from '#services/nova/db/servers.ts'
import type { ServerLoads } from '#services/nova/domain/servers/loads.ts'
import type { NicRecord } from '#services/nova/rpc.ts'

interface Loaded {
  metadata: Map<string, Record<string, string>>
  tags: Map<string, string[]>
  nics: Map<string, NicRecord[]>
  devices: Map<string, BlockDevice[]>
  faults: Map<string, ServerFault>
  groups: Map<string, string[]>
  hostStates: Map<string, string>
  /** Null: Neutron could not be asked. */
  wireGroups: Map<string, string[]> | null
}

export const serverLinks = (view: Pick<View, 'base'>, id: string): { rel: string; href: string }[] => [
  { rel: 'self', href: `${view.base}/v2.1/servers/${id}` },
  { rel: 'bookmark', href: `${view.base}/servers/${id}` },
]
const bookmark = (view: View, kind: string, id: string): { rel: string; href: string } => ({
  rel: 'bookmark',
  href: `${view.base}/${kind}/${id}`,
})

const addressesOf = (nics: readonly NicRecord[]): Record<string, object[]> => {
  const networks: Record<string, object[]> = {}
  for (const nic of nics) {
    const list = (networks[nic.networkLabel] ??= [])
    for (const address of nic.addresses) {
      const mac = { 'OS-EXT-IPS-MAC:mac_addr': nic.mac }
      list.push({ version: address.version, addr: address.address, 'OS-EXT-IPS:type': 'fixed', ...mac })
      for (const floating of address.floating)
        list.push({ version: 4, addr: floating, 'OS-EXT-IPS:type': 'floating', ...mac })
    }
  }
  return networks
}

/** In the detailed list the groups are left out at every version. */
export const asListed = ({ server_groups: _groups, ...rest }: Record<string, unknown>): Record<string, unknown> => rest

const ONLY_READ = new Set([
  'OS-EXT-AZ:availability_zone',
  'pinned_availability_zone',
  'config_drive',
  'key_name',
  'security_groups',
  'os-extended-volumes:volumes_attached',
  'host_status',
])
/** The answer to an update: until 2.75 it says less than reading the server does. */
export function asUpdated(server: Record<string, unknown>, at: number): Record<string, unknown> {
  if (at >= 2075) return server
  const kept = Object.entries(server).filter(
    ([key]) => !ONLY_READ.has(key) && !/^OS-(SRV-USG|EXT-SRV-ATTR|EXT-STS):/.test(key),
  )
  const addresses = Object.entries(server['addresses'] as Record<string, { version: number; addr: string }[]>).map(
    ([network, list]) => [network, list.map(({ version, addr }) => ({ version, addr }))],
  )
  return { ...Object.fromEntries(kept), addresses: Object.fromEntries(addresses) as unknown }
}

/** The presenter of both lists and of single servers. Faults are shown where upstream shows them: ERROR and DELETED. */
export function presentServer(
  loads: ServerLoads,
  groupsOnWires: (ctx: View['ctx'], ids: readonly string[]) => Promise<Map<string, string[]> | null>,
): Presenter<Server> {
  const idsOf = (servers: readonly Server[]): string[] => servers.map(server => server.id)
  return presenter<Server, Loaded>()(
    ServerView,
    {
      id: s => s.id,
      name: s => s.name,
      status: s => statusOf(s),
      tenant_id: s => s.projectId,
      user_id: s => s.userId,
      metadata: needs(['metadata'], (s, { metadata }) => metadata.get(s.id) ?? {}),
      hostId: s => loads.hostId(s.projectId, s.host),
      image: (s, _loaded, view) =>
        s.imageId === '' ? '' : { id: s.imageId, links: [bookmark(view, 'images', s.imageId)] },
      flavor: byVersion<Server, Loaded>({
        '2.1': (s, _loaded, view) => ({ id: s.flavor.id, links: [bookmark(view, 'flavors', s.flavor.id)] }),
        '2.47': s => ({
          vcpus: s.flavor.vcpus,
          ram: s.flavor.ramMb,
          disk: s.flavor.diskGb,
          ephemeral: s.flavor.ephemeralGb,
          swap: s.flavor.swapMb,
          original_name: s.flavor.name,
          extra_specs: s.flavor.extraSpecs,
        }),
      }),
      created: s => isoSeconds(s.createdAt),
      updated: s => isoSeconds(s.updatedAt),
      addresses: needs(['nics'], (s, { nics }) => addressesOf(nics.get(s.id) ?? [])),
      accessIPv4: s => s.accessIpV4 ?? '',
      accessIPv6: s => s.accessIpV6 ?? '',
      links: (s, _loaded, view) => serverLinks(view, s.id),
      'OS-DCF:diskConfig': s => (s.autoDiskConfig ? 'AUTO' : 'MANUAL'),
      progress: s =>
        ['ACTIVE', 'BUILD', 'REBUILD', 'RESIZE', 'VERIFY_RESIZE', 'MIGRATING'].includes(statusOf(s))
          ? s.progress
          : undefined,
      fault: needs(['faults'], (s, { faults }, view) => {
        const fault = faults.get(s.id)
        if (fault === undefined || !['ERROR', 'DELETED'].includes(statusOf(s))) return undefined
        const admin = view.ctx.who?.roles.includes('admin') === true
        return {
          code: fault.code,
          created: isoSeconds(fault.createdAt),
          message: fault.message,
          ...(admin && fault.details !== '' ? { details: fault.details } : {}),
        }
      }),
      'OS-EXT-AZ:availability_zone': s => s.availabilityZone ?? '',
      config_drive: s => s.configDrive,
      key_name: s => s.keyName,
      'OS-SRV-USG:launched_at': s => (s.launchedAt === null ? null : isoMicros(s.launchedAt)),
      'OS-SRV-USG:terminated_at': s => (s.terminatedAt === null ? null : isoMicros(s.terminatedAt)),
      'OS-EXT-SRV-ATTR:host': s => s.host,
      'OS-EXT-SRV-ATTR:instance_name': s => `instance-${s.serial.toString(16).padStart(8, '0')}`,
      'OS-EXT-SRV-ATTR:hypervisor_hostname': s => s.node,
      'OS-EXT-SRV-ATTR:reservation_id': s => s.reservationId,
      'OS-EXT-SRV-ATTR:launch_index': s => s.launchIndex,
      'OS-EXT-SRV-ATTR:hostname': byVersion<Server, Loaded>({
        '2.3': (s, _loaded, view) => (view.ctx.who?.roles.includes('admin') === true ? s.hostname : undefined),
        '2.90': s => s.hostname,
      }),
      'OS-EXT-SRV-ATTR:kernel_id': s => s.kernelId,
      'OS-EXT-SRV-ATTR:ramdisk_id': s => s.ramdiskId,
      'OS-EXT-SRV-ATTR:root_device_name': s => s.rootDeviceName,
      'OS-EXT-SRV-ATTR:user_data': s => s.userData,
      'OS-EXT-STS:task_state': s => s.taskState,
      'OS-EXT-STS:vm_state': s => s.vmState,
      'OS-EXT-STS:power_state': s => s.powerState,
      'os-extended-volumes:volumes_attached': needs(['devices'], (s, { devices }, view) =>
        (devices.get(s.id) ?? []).flatMap(device =>
          device.volumeId === null
            ? []
            : [
                view.at >= 2003
                  ? { id: device.volumeId, delete_on_termination: device.deleteOnTermination }
                  : { id: device.volumeId },
              ],
        ),
      ),
      security_groups: needs(['wireGroups'], (s, { wireGroups }) => {
        const wanted = s.securityGroups.length === 0 && s.vmState !== 'building' ? ['default'] : s.securityGroups
        const names = wireGroups === null || s.vmState === 'building' ? wanted : (wireGroups.get(s.id) ?? [])
        return names.length === 0 ? undefined : names.map(name => ({ name }))
      }),
      locked: s => s.lockedBy !== null,
      locked_reason: s => s.lockedReason,
      host_status: needs(['hostStates'], (s, { hostStates }) =>
        s.host === null ? '' : (hostStates.get(s.host) ?? 'UNKNOWN'),
      ),
      description: s => s.description,
      tags: needs(['tags'], (s, { tags }) => tags.get(s.id) ?? []),
      trusted_image_certificates: s => (s.trustedCerts === null ? null : [...s.trustedCerts]),
      server_groups: needs(['groups'], (s, { groups }) => groups.get(s.id) ?? []),
      pinned_availability_zone: s => s.pinnedAvailabilityZone,
    },
    {
      loaders: {
        metadata: (ctx, servers) => loads.metadata(ctx, idsOf(servers)),
        tags: (ctx, servers) => loads.tags(ctx, idsOf(servers)),
        nics: (ctx, servers) => loads.nics(ctx, idsOf(servers)),
        devices: (ctx, servers) => loads.devices(ctx, idsOf(servers)),
        faults: (ctx, servers) => {
          const broken = servers.filter(server => ['ERROR', 'DELETED'].includes(statusOf(server)))
          return broken.length === 0 ? Promise.resolve(new Map()) : loads.faults(ctx, idsOf(broken))
        },
        groups: (ctx, servers) => loads.groups(ctx, idsOf(servers)),
        hostStates: ctx => loads.hostStates(ctx),
        wireGroups: (ctx, servers) =>
          groupsOnWires(
            ctx,
            servers.flatMap(s => (s.vmState === 'building' || s.deletedAt !== null ? [] : s.id)),
          ),
      },
    },
  )
}
