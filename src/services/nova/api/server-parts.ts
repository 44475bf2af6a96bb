// What hangs on servers, over HTTP: translate, never decide.
import { answer, handlers, type HandlerTable } from '#kernel/http/handlers.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import { faults } from '#services/nova/contract/faults.ts'
import { rules } from '#services/nova/contract/rules.ts'
import {
  assistedSnapshots,
  externalEvents,
  serverAddresses,
  serverConsoles,
  serverInterfaces,
  serverMetadata,
  serverMore,
  serverTags,
  volumeAttachments,
} from '#services/nova/contract/server-parts.ts'
import type { PartsDomain } from '#services/nova/domain/servers/parts.ts'
import type { EventAnswer, ExternalEvent } from '#services/nova/domain/external-events.ts'
import type { NicRecord } from '#services/nova/rpc.ts'

export interface PartsApi {
  readonly domain: PartsDomain
  readonly events: {
    take(ctx: Ctx, events: readonly ExternalEvent[]): Promise<{ events: EventAnswer[]; code: number }>
  }
  /** The front door's own address for a console: `http://127.0.0.1:8080`. */
  readonly frontDoor: (base: string) => string
  readonly portStatus: (ctx: Ctx, serverId: string) => Promise<Map<string, string>>
  readonly groupsOf: (ctx: Ctx, serverId: string) => Promise<unknown[]>
  readonly changeGroup: (ctx: Ctx, serverId: string, name: string, add: boolean) => Promise<void>
  readonly mergeVolume: (ctx: Ctx, merge: { volumeId: string; base: string }) => Promise<void>
  readonly snapshotVolume: (ctx: Ctx, volumeId: string, overlay: string) => Promise<void>
}

type Device = Awaited<ReturnType<PartsDomain['volumes']>>[number]
const attachment = (device: Device, serverId: string, at: number): Record<string, unknown> => ({
  ...(at >= 2089 ? {} : { id: device.volumeId }),
  serverId,
  volumeId: device.volumeId,
  device: device.device === null ? null : `/dev/${device.device}`,
  ...(at >= 2070 ? { tag: device.tag } : {}),
  ...(at >= 2079 ? { delete_on_termination: device.deleteOnTermination } : {}),
  ...(at >= 2089 ? { attachment_id: device.attachmentId, bdm_uuid: device.id } : {}),
})
const wire = (nic: NicRecord, status: string, at: number): Record<string, unknown> => ({
  net_id: nic.networkId,
  port_id: nic.portId,
  mac_addr: nic.mac,
  port_state: status,
  fixed_ips: nic.addresses.map(address => ({ subnet_id: address.subnetId, ip_address: address.address })),
  ...(at >= 2070 ? { tag: nic.tag } : {}),
})
const byNetwork = (nics: readonly NicRecord[]): Record<string, { version: number; addr: string }[]> => {
  const found: Record<string, { version: number; addr: string }[]> = {}
  for (const nic of nics) {
    const list = (found[nic.networkLabel] ??= [])
    for (const address of nic.addresses) {
      list.push({ version: address.version, addr: address.address })
      for (const floating of address.floating) list.push({ version: 4, addr: floating })
    }
  }
  return found
}

/** What `delete_info` says is to be merged into what. Throws 400. */
function mergeOf(text: string | undefined): { volumeId: string; base: string } {
  if (text === undefined) throw faults.BadRequest({ reason: "'delete_info'" })
  let info: { volume_id?: unknown; merge_target_file?: unknown } | null
  try {
    info = JSON.parse(text) as typeof info
  } catch (error) {
    throw faults.BadRequest({ reason: `delete_info is not JSON: ${(error as Error).message}` })
  }
  if (typeof info?.volume_id !== 'string') throw faults.BadRequest({ reason: "'volume_id'" })
  if (typeof info.merge_target_file !== 'string')
    throw faults.BadRequest({ reason: 'Invalid volume: only what was written since can be merged into its base.' })
  return { volumeId: info.volume_id, base: info.merge_target_file }
}

export function partHandlers(api: PartsApi): HandlerTable[] {
  const { domain } = api
  const consoleUrl = (base: string, protocol: string, token: string): string =>
    protocol === 'serial'
      ? `${api.frontDoor(base).replace(/^http/, 'ws')}/console/websockify?token=${token}`
      : `${api.frontDoor(base)}/console/vnc?token=${token}`
  return [
    handlers(serverMetadata, {
      list: async call => ({ metadata: await domain.metadata(call.ctx, call.params.id, rules.serverMetadataIndex) }),
      show: async call => {
        const value = (await domain.metadata(call.ctx, call.params.id, rules.serverMetadataShow))[call.params.key]
        if (value === undefined) throw faults.NotFound({ reason: 'Metadata item was not found' })
        return { meta: { [call.params.key]: value } }
      },
      merge: async call => ({
        metadata: await domain.mergeMetadata(call.ctx, call.params.id, call.body.metadata, rules.serverMetadataCreate),
      }),
      replace: async call => ({ metadata: await domain.replaceMetadata(call.ctx, call.params.id, call.body.metadata) }),
      set: async call => {
        const { meta } = call.body
        if (Object.keys(meta).length !== 1) throw faults.BadRequest({ reason: 'Request body contains too many items' })
        if (meta[call.params.key] === undefined) throw faults.BadRequest({ reason: 'Request body and URI mismatch' })
        await domain.mergeMetadata(call.ctx, call.params.id, meta, rules.serverMetadataUpdate)
        return { meta }
      },
      remove: call => domain.removeMetadata(call.ctx, call.params.id, call.params.key),
    }),
    handlers(serverTags, {
      list: async call => ({ tags: await domain.tags(call.ctx, call.params.id, rules.serverTagsIndex) }),
      check: async call => {
        if (!(await domain.tags(call.ctx, call.params.id, rules.serverTagsShow)).includes(call.params.tag)) {
          throw faults.NotFound({ reason: `Server ${call.params.id} has no tag '${call.params.tag}'` })
        }
      },
      replace: async call => ({
        tags: await domain.writeTags(call.ctx, call.params.id, rules.serverTagsUpdateAll, () => call.body.tags),
      }),
      set: async call => {
        const { tag } = call.params
        if (tag.length > 60 || /[,/]/.test(tag))
          throw faults.BadRequest({
            reason: `Tag '${tag}' is invalid. It must be a non empty string without characters '/' and ','. Maximum length of a tag is 60.`,
          })
        let known = false
        await domain.writeTags(
          call.ctx,
          call.params.id,
          rules.serverTagsUpdate,
          now => ((known = now.includes(tag)), [...now, tag]),
        )
        return answer(known ? 204 : 201, known ? {} : { location: `${call.base}${call.path}` })
      },
      remove: async call => {
        await domain.writeTags(call.ctx, call.params.id, rules.serverTagsDelete, now => {
          if (!now.includes(call.params.tag))
            throw faults.NotFound({ reason: `Server ${call.params.id} has no tag '${call.params.tag}'` })
          return now.filter(tag => tag !== call.params.tag)
        })
      },
      removeAll: async call =>
        void (await domain.writeTags(call.ctx, call.params.id, rules.serverTagsDeleteAll, () => [])),
    }),
    handlers(serverAddresses, {
      list: async call => ({ addresses: byNetwork(await domain.nics(call.ctx, call.params.id, rules.ipsIndex)) }),
      show: async call => {
        const found = byNetwork(await domain.nics(call.ctx, call.params.id, rules.ipsShow))[call.params.network]
        if (found === undefined) throw faults.NotFound({ reason: 'Instance is not a member of specified network' })
        return { [call.params.network]: found }
      },
    }),
    handlers(volumeAttachments, {
      list: async call => {
        const devices = await domain.volumes(call.ctx, call.params.id, rules.volumesAttachmentsIndex)
        const from = call.query.offset ?? 0
        return {
          volumeAttachments: devices
            .slice(from, from + Math.min(call.query.limit ?? 1000, 1000))
            .map(device => attachment(device, call.params.id, call.at)),
        }
      },
      show: async call => {
        const device = (await domain.volumes(call.ctx, call.params.id, rules.volumesAttachmentsShow)).find(
          one => one.volumeId === call.params.volume,
        )
        if (device === undefined)
          throw faults.NotFound({
            reason: `Instance ${call.params.id} is not attached to volume ${call.params.volume}.`,
          })
        return { volumeAttachment: attachment(device, call.params.id, call.at) }
      },
      attach: async call => {
        const given = call.body.volumeAttachment
        const device = await domain.attachVolume(call.ctx, call.params.id, {
          volumeId: given.volumeId,
          device: given.device ?? null,
          tag: given.tag ?? null,
          deleteOnTermination: given.delete_on_termination ?? false,
        })
        return { volumeAttachment: attachment(device, call.params.id, call.at) }
      },
      update: async call => {
        const given = call.body.volumeAttachment
        const { id, volume } = call.params
        const swap = !call.has('properties') || given.volumeId !== volume
        const rule = swap ? rules.volumesAttachmentsSwap : rules.volumesAttachmentsUpdate
        const { volumeId, delete_on_termination: deleteOnTermination, ...fixed } = given
        if (call.has('properties'))
          await domain.changeAttachment(
            ...([call.ctx, id, volume] as const),
            { ...fixed, ...(deleteOnTermination === undefined ? {} : { deleteOnTermination }) },
            rule,
          )
        if (swap) await domain.swapVolume(call.ctx, id, volume, volumeId)
      },
      detach: call => domain.detachVolume(call.ctx, call.params.id, call.params.volume),
    }),
    handlers(serverInterfaces, {
      list: async call => {
        const nics = await domain.nics(call.ctx, call.params.id, rules.attachInterfacesList)
        const states = await api.portStatus(call.ctx, call.params.id)
        return { interfaceAttachments: nics.map(nic => wire(nic, states.get(nic.portId) ?? 'DOWN', call.at)) }
      },
      show: async call => {
        const nic = (await domain.nics(call.ctx, call.params.id, rules.attachInterfacesShow)).find(
          one => one.portId === call.params.port,
        )
        if (nic === undefined)
          throw faults.NotFound({ reason: `Instance ${call.params.id} does not have port with id ${call.params.port}` })
        const states = await api.portStatus(call.ctx, call.params.id)
        return { interfaceAttachment: wire(nic, states.get(nic.portId) ?? 'DOWN', call.at) }
      },
      attach: async call => {
        const given = call.body?.interfaceAttachment ?? {}
        if (given.net_id !== undefined && given.port_id !== undefined)
          throw faults.BadRequest({ reason: 'Must not input both network_id and port_id' })
        if (given.fixed_ips !== undefined && given.net_id === undefined)
          throw faults.BadRequest({ reason: 'Must input network_id when request IP address' })
        const nic = await domain.attachInterface(call.ctx, call.params.id, {
          networkId: given.net_id ?? null,
          portId: given.port_id ?? null,
          fixedIp: given.fixed_ips?.[0]?.ip_address ?? null,
          tag: given.tag ?? null,
        })
        const states = await api.portStatus(call.ctx, call.params.id)
        return { interfaceAttachment: wire(nic, states.get(nic.portId) ?? 'DOWN', call.at) }
      },
      detach: call => domain.detachInterface(call.ctx, call.params.id, call.params.port),
    }),
    handlers(serverConsoles, {
      create: async call => {
        const { protocol, type } = call.body.remote_console
        const token = await domain.consoleToken(call.ctx, call.params.id, protocol, type)
        return { remote_console: { protocol, type, url: consoleUrl(call.base, protocol, token) } }
      },
      vnc: async call => ({
        console: {
          type: call.body.type,
          url: consoleUrl(call.base, 'vnc', await domain.consoleToken(call.ctx, call.params.id, 'vnc', call.body.type)),
        },
      }),
      serial: async call => ({
        console: {
          type: call.body.type,
          url: consoleUrl(
            call.base,
            'serial',
            await domain.consoleToken(call.ctx, call.params.id, 'serial', call.body.type),
          ),
        },
      }),
      output: async call => ({ output: await domain.consoleLog(call.ctx, call.params.id, call.body?.length ?? null) }),
    }),
    handlers(serverMore, {
      diagnostics: async call => {
        const found = await domain.diagnostics(call.ctx, call.params.id)
        return call.at >= 2048
          ? {
              state: found.state,
              driver: found.driver,
              hypervisor: found.hypervisor,
              hypervisor_os: found.hypervisorOs,
              uptime: found.uptimeSeconds,
              config_drive: found.configDrive,
              num_cpus: found.cpus.length,
              num_nics: found.nics.length,
              num_disks: found.disks.length,
              cpu_details: found.cpus.map(cpu => ({ id: cpu.id, time: cpu.timeNs, utilisation: null })),
              memory_details: { maximum: found.memory.maximumMb, used: found.memory.usedMb },
              disk_details: found.disks.map(disk => ({
                read_bytes: disk.readBytes,
                read_requests: disk.readRequests,
                write_bytes: disk.writeBytes,
                write_requests: disk.writeRequests,
                errors_count: disk.errors,
              })),
              nic_details: found.nics.map(nic => ({
                mac_address: nic.mac,
                rx_octets: nic.rxBytes,
                rx_packets: nic.rxPackets,
                rx_drop: null,
                rx_errors: null,
                rx_rate: null,
                tx_octets: nic.txBytes,
                tx_packets: nic.txPackets,
                tx_drop: null,
                tx_errors: null,
                tx_rate: null,
              })),
            }
          : {
              memory: found.memory.maximumMb * 1024,
              ...Object.fromEntries(found.cpus.map(cpu => [`cpu${cpu.id}_time`, cpu.timeNs])),
            }
      },
      securityGroups: async call => {
        await domain.find(call.ctx, call.params.id, rules.securityGroupsList)
        return { security_groups: await api.groupsOf(call.ctx, call.params.id) }
      },
      addSecurityGroup: async call => {
        await domain.find(call.ctx, call.params.id, rules.securityGroupsAdd)
        await api.changeGroup(call.ctx, call.params.id, call.body.name, true)
      },
      removeSecurityGroup: async call => {
        await domain.find(call.ctx, call.params.id, rules.securityGroupsRemove)
        await api.changeGroup(call.ctx, call.params.id, call.body.name, false)
      },
    }),
    handlers(externalEvents, {
      create: async call => {
        const { events, code } = await api.events.take(call.ctx, call.body.events)
        call.status(code)
        return { events }
      },
    }),
    handlers(assistedSnapshots, {
      remove: call => api.mergeVolume(call.ctx, mergeOf(call.query.delete_info?.at(-1))),
      create: async call => {
        const { volume_id, create_info } = call.body.snapshot
        await api.snapshotVolume(call.ctx, volume_id, create_info.new_file)
        return { snapshot: { id: create_info.snapshot_id, volumeId: volume_id } }
      },
    }),
  ]
}
