// What Placement, Neutron and Cinder are asked when a server moves: claims change hands, ports are bound elsewhere, volumes are attached twice.
import { Fault } from '#kernel/contract/fault.ts'
import { RemoteFault, type Transport } from '#kernel/http/client.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import { diskSource } from '#services/nova/actors/neighbours/cinder.ts'
import { restTo } from '#services/nova/actors/neighbours/rest.ts'
import type { ConnectedDisk, NicRecord, VolumeToAttach } from '#services/nova/rpc.ts'

interface Held {
  readonly allocations: Readonly<Record<string, { resources: Readonly<Record<string, number>> }>>
  readonly consumer_generation?: number
  readonly project_id?: string
  readonly user_id?: string
  readonly consumer_type?: string
}
type Consumer = 'INSTANCE' | 'MIGRATION'

export interface PlacementMoves {
  /** What `from` holds is `to`'s, at one stroke and instead of what `to` held. Harmless when `from` holds nothing. */
  handOver(ctx: Ctx, from: string, to: string, toType: Consumer): Promise<void>
}

/** `ctx` everywhere is nova's service account. */
export function placementMoves(transport: Transport): PlacementMoves {
  const rest = restTo(transport, 'placement 1.39')
  const held = (ctx: Ctx, id: string): Promise<Held> =>
    rest.json<Held>(ctx, 'GET', '/allocations/{consumer_uuid}', `/allocations/${id}`)
  return {
    async handOver(ctx, from, to, toType) {
      for (let attempt = 1; ; attempt++) {
        const [has, had] = [await held(ctx, from), await held(ctx, to)]
        const providers = Object.entries(has.allocations)
        if (providers.length === 0) return
        const owner = { project_id: has.project_id, user_id: has.user_id }
        try {
          await rest.json(ctx, 'POST', '/allocations', '/allocations', {
            body: {
              [from]: {
                allocations: {},
                ...owner,
                consumer_generation: has.consumer_generation ?? null,
                consumer_type: has.consumer_type ?? 'INSTANCE',
              },
              [to]: {
                allocations: Object.fromEntries(providers.map(([id, { resources }]) => [id, { resources }])),
                ...owner,
                consumer_generation: had.consumer_generation ?? null,
                consumer_type: toType,
              },
            },
          })
          return
        } catch (error) {
          if (!(error instanceof RemoteFault) || error.status !== 409 || attempt >= 10) throw error
        }
      }
    },
  }
}

export interface WireMoves {
  /** In force at once. Returns the wires as they are then. */
  bind(nics: readonly NicRecord[], host: string): Promise<NicRecord[]>
  /** Stands ready beside the one in force. Harmless when it does. */
  ready(nics: readonly NicRecord[], host: string): Promise<void>
  activate(nics: readonly NicRecord[], host: string): Promise<NicRecord[]>
  /** Ends one that is not in force. Harmless when there is none. */
  drop(nics: readonly NicRecord[], host: string): Promise<void>
}

interface PortView {
  readonly 'binding:host_id'?: string
  readonly 'binding:vif_type'?: string
}

export const wireMoves =
  (transport: Transport) =>
  (ctx: Ctx): WireMoves => {
    const rest = restTo(transport)
    const show = async (id: string): Promise<PortView> =>
      (await rest.json<{ port: PortView }>(ctx, 'GET', '/v2.0/ports/{id}', `/v2.0/ports/${id}`)).port
    const seen = (nic: NicRecord, port: PortView): NicRecord => {
      const vifType = port['binding:vif_type'] ?? nic.vifType
      if (vifType === 'binding_failed')
        throw new Fault('PortBindingFailed', 500, `Binding failed for port ${nic.portId}, please check neutron logs.`)
      return { ...nic, vifType }
    }
    const bindings = async (id: string): Promise<{ host: string; status: string }[]> =>
      (
        await rest.json<{ bindings: { host: string; status: string }[] }>(
          ctx,
          'GET',
          '/v2.0/ports/{id}/bindings',
          `/v2.0/ports/${id}/bindings`,
        )
      ).bindings
    return {
      async bind(nics, host) {
        const bound: NicRecord[] = []
        for (const nic of nics) {
          const { port } = await rest.json<{ port: PortView }>(
            ctx,
            'PUT',
            '/v2.0/ports/{id}',
            `/v2.0/ports/${nic.portId}`,
            { body: { port: { 'binding:host_id': host } } },
          )
          bound.push(seen(nic, port))
        }
        return bound
      },
      async ready(nics, host) {
        for (const { portId } of nics)
          await rest.json(ctx, 'POST', '/v2.0/ports/{id}/bindings', `/v2.0/ports/${portId}/bindings`, {
            body: { binding: { host } },
            fine: [409],
          })
      },
      async activate(nics, host) {
        const bound: NicRecord[] = []
        for (const nic of nics) {
          const path = `/v2.0/ports/${nic.portId}/bindings/${encodeURIComponent(host)}/activate`
          if ((await show(nic.portId))['binding:host_id'] !== host)
            await rest.json(ctx, 'PUT', '/v2.0/ports/{id}/bindings/{host}/activate', path, { fine: [409] })
          bound.push(seen(nic, await show(nic.portId)))
        }
        return bound
      },
      async drop(nics, host) {
        for (const { portId } of nics) {
          const idle = (await bindings(portId)).some(one => one.host === host && one.status !== 'ACTIVE')
          if (!idle) continue
          const path = `/v2.0/ports/${portId}/bindings/${encodeURIComponent(host)}`
          await rest.json(ctx, 'DELETE', '/v2.0/ports/{id}/bindings/{host}', path, { fine: [404] })
        }
      },
    }
  }

export interface VolumeMoves {
  /** Second attachments, connected at `host`. `reuse`: one that is there already and in no row is taken. */
  connect(
    serverId: string,
    volumes: readonly VolumeToAttach[],
    host: string,
    how: { readonly reuse: boolean },
  ): Promise<ConnectedDisk[]>
  /** Ends the server's attachments of these volumes but those named in them. */
  dropOthers(serverId: string, volumes: readonly VolumeToAttach[]): Promise<void>
}

interface AttachmentView {
  readonly id: string
  readonly volume_id: string
  readonly instance: string | null
  readonly connection_info: Readonly<Record<string, unknown>>
}

/** `connector`: what a host's initiator is called. */
export const volumeMoves =
  (transport: Transport, connector: (host: string) => Readonly<Record<string, unknown>>) =>
  (ctx: Ctx): VolumeMoves => {
    const rest = restTo(transport, 'volume 3.70')
    const attachmentsOf = async (serverId: string): Promise<AttachmentView[]> =>
      (
        await rest.json<{ attachments: AttachmentView[] }>(ctx, 'GET', '/v3/attachments', '/v3/attachments', {
          query: `all_tenants=1&instance_id=${serverId}`,
        })
      ).attachments.filter(one => one.instance === serverId)
    return {
      async connect(serverId, volumes, host, { reuse }) {
        const recorded = new Set(volumes.map(volume => volume.attachmentId))
        const there = volumes.length === 0 ? [] : await attachmentsOf(serverId)
        const disks: ConnectedDisk[] = []
        for (const volume of volumes) {
          const { volumeId } = volume
          if (volumeId === null) continue
          const spare = reuse ? there.find(one => one.volume_id === volumeId && !recorded.has(one.id)) : undefined
          const attachmentId =
            spare?.id ??
            (
              await rest.json<{ attachment: AttachmentView }>(ctx, 'POST', '/v3/attachments', '/v3/attachments', {
                body: { attachment: { volume_uuid: volumeId, instance_uuid: serverId } },
              })
            ).attachment.id
          const device = volume.device ?? 'vdb'
          const { attachment } = await rest.json<{ attachment: AttachmentView }>(
            ctx,
            'PUT',
            '/v3/attachments/{id}',
            `/v3/attachments/${attachmentId}`,
            { body: { attachment: { connector: { ...connector(host), mountpoint: `/dev/${device}`, mode: 'rw' } } } },
          )
          const info = attachment.connection_info
          disks.push({
            blockDeviceId: volume.blockDeviceId,
            volumeId,
            attachmentId,
            sizeGb: volume.sizeGb ?? 0,
            connectionInfo: info,
            disk: {
              volumeId,
              source: diskSource(
                info['data'] === undefined ? { driver_volume_type: info['driver_volume_type'], data: info } : info,
              ),
              serial: volumeId,
              device,
              ...(volume.bootIndex === null ? {} : { bootIndex: volume.bootIndex }),
            },
          })
        }
        return disks
      },
      async dropOthers(serverId, volumes) {
        if (volumes.length === 0) return
        const keep = new Set(volumes.map(volume => volume.attachmentId))
        const moved = new Set(volumes.map(volume => volume.volumeId))
        for (const { id, volume_id } of await attachmentsOf(serverId))
          if (!keep.has(id) && moved.has(volume_id))
            await rest.json(ctx, 'DELETE', '/v3/attachments/{id}', `/v3/attachments/${id}`, { fine: [404] })
      },
    }
  }
