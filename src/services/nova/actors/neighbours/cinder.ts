// Volumes from Cinder's public API (attachments of 3.44), with nova's service account.
import { Fault } from '#kernel/contract/fault.ts'
import type { Transport } from '#kernel/http/client.ts'
import type { Clock } from '#kernel/lib/clock.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import { restTo } from '#services/nova/actors/neighbours/rest.ts'
import type { DiskSource } from '#services/nova/drivers/hypervisor.ts'
import type { ConnectedDisk, ServerToBuild } from '#services/nova/rpc.ts'
import type { CinderTools } from '#services/nova/sagas/tools.ts'

type Volume = ServerToBuild['volumes'][number]
interface VolumeView {
  readonly id: string
  readonly status: string
  readonly size: number
  readonly metadata: Readonly<Record<string, string>>
}
interface AttachmentView {
  readonly id: string
  readonly volume_id: string
  readonly instance: string | null
  readonly connection_info: Readonly<Record<string, unknown>>
}

export interface CinderParts {
  readonly transport: Transport
  readonly clock: Clock
  /** How long a volume made for a server may take, in ms. */
  readonly volumeTimeoutMs: number
  /** What this host's initiator is called. */
  readonly connector: (host: string) => Readonly<Record<string, unknown>>
}

/** `connection_info` of Cinder as a disk of the hypervisor. Throws a fault on a kind this host cannot reach. */
export function diskSource(info: Readonly<Record<string, unknown>>): DiskSource {
  const data = (info['data'] ?? {}) as Record<string, unknown>
  switch (info['driver_volume_type']) {
    case 'local':
    case 'file':
      return {
        kind: 'file',
        path: String(data['device_path'] ?? data['path']),
        format: data['format'] === 'raw' ? 'raw' : 'qcow2',
      }
    case 'nbd':
      return typeof data['socket'] === 'string'
        ? { kind: 'nbd', socket: data['socket'], export: String(data['export'] ?? '') }
        : {
            kind: 'nbd-tcp',
            host: String(data['host']),
            port: Number(data['port']),
            export: String(data['export'] ?? ''),
          }
    default:
      throw new Fault(
        'VolumeDriverNotFound',
        500,
        `Could not find a handler for ${String(info['driver_volume_type'])} volume.`,
      )
  }
}

/** `ctx` carries nova's own token; `person` that of whoever asked: a volume made for a server is his, by his rights and quota. */
export const cinderNeighbour =
  (parts: CinderParts) =>
  (ctx: Ctx, person?: Ctx): CinderTools => {
    const asPerson: Ctx = person?.who == null ? ctx : { ...ctx, who: person.who }
    const rest = restTo(parts.transport, 'volume 3.70')
    const show = async (id: string): Promise<VolumeView> =>
      (await rest.json<{ volume: VolumeView }>(ctx, 'GET', '/v3/volumes/{id}', `/v3/volumes/${id}`)).volume

    const settled = async (id: string, signal: AbortSignal): Promise<VolumeView> => {
      const end = parts.clock.monotonic() + parts.volumeTimeoutMs
      for (let pause = 20; ; pause = Math.min(pause * 2, 1000)) {
        const volume = await show(id)
        if (volume.status.startsWith('error'))
          throw new Fault(
            'BuildAborted',
            500,
            `Volume ${id} did not finish being created: its status is ${volume.status}.`,
          )
        if (!['creating', 'downloading'].includes(volume.status)) return volume
        if (parts.clock.monotonic() > end)
          throw new Fault(
            'BuildAborted',
            500,
            `Volume ${id} did not finish being created in time. Its status is ${volume.status}.`,
          )
        await parts.clock.sleep(pause, signal)
      }
    }
    /** A volume that the request asked to be made. A repeat finds the one it made by its mark. */
    const made = async (server: ServerToBuild, volume: Volume, signal: AbortSignal): Promise<string> => {
      const { volumes } = await rest.json<{ volumes: VolumeView[] }>(ctx, 'GET', '/v3/volumes', '/v3/volumes', {
        query: new URLSearchParams({
          all_tenants: '1',
          project_id: server.projectId,
          metadata: `{'koto_block_device': '${volume.blockDeviceId}'}`,
        }).toString(),
      })
      const known = volumes[0]
      if (known !== undefined) return (await settled(known.id, signal)).id
      const { volume: created } = await rest.json<{ volume: VolumeView }>(
        asPerson,
        'POST',
        '/v3/volumes',
        '/v3/volumes',
        {
          body: {
            volume: {
              size: volume.sizeGb,
              name: '',
              metadata: { koto_block_device: volume.blockDeviceId },
              ...(volume.volumeType === null ? {} : { volume_type: volume.volumeType }),
              ...(volume.imageId === null ? {} : { imageRef: volume.imageId }),
              ...(volume.snapshotId === null ? {} : { snapshot_id: volume.snapshotId }),
            },
          },
        },
      )
      return (await settled(created.id, signal)).id
    }
    const connect: CinderTools['connect'] = async (serverId, host, volume, _signal) => {
      const volumeId = volume.volumeId
      if (volumeId === null) throw new Fault('BuildAborted', 500, 'A block device has no volume.')
      let attachmentId = volume.attachmentId
      if (attachmentId === null) {
        const { attachments } = await rest.json<{ attachments: { id: string; volume_id: string; instance: string }[] }>(
          ctx,
          'GET',
          '/v3/attachments',
          '/v3/attachments',
          { query: `all_tenants=1&volume_id=${volumeId}&instance_id=${serverId}` },
        )
        attachmentId = attachments.find(one => one.volume_id === volumeId && one.instance === serverId)?.id ?? null
      }
      if (attachmentId === null) {
        const { attachment } = await rest.json<{ attachment: AttachmentView }>(
          ctx,
          'POST',
          '/v3/attachments',
          '/v3/attachments',
          {
            body: { attachment: { volume_uuid: volumeId, instance_uuid: serverId } },
          },
        )
        attachmentId = attachment.id
      }
      const device = volume.device ?? 'vdb'
      const { attachment } = await rest.json<{ attachment: AttachmentView }>(
        ctx,
        'PUT',
        '/v3/attachments/{id}',
        `/v3/attachments/${attachmentId}`,
        {
          body: { attachment: { connector: { ...parts.connector(host), mountpoint: `/dev/${device}`, mode: 'rw' } } },
        },
      )
      const info = attachment.connection_info
      const { size } = await show(volumeId)
      return {
        blockDeviceId: volume.blockDeviceId,
        volumeId,
        attachmentId,
        sizeGb: size,
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
      }
    }
    return {
      async connectAll(server, host, signal) {
        if (server.volumes.length === 0) {
          // The book asks Cinder at this place. There is nothing to ask for, and the journey says so.
          await ctx.cross(
            {
              kind: 'skip',
              side: 'send',
              from: ctx.actor,
              to: parts.transport.to,
              name: 'no-volume',
              requestId: ctx.requestId,
              subject: server.serverId,
            },
            async () => undefined,
          )
          return []
        }
        const disks: ConnectedDisk[] = []
        for (const volume of server.volumes) {
          const volumeId = volume.volumeId ?? (await made(server, volume, signal))
          disks.push(await connect(server.serverId, host, { ...volume, volumeId }, signal))
        }
        return disks
      },
      connect,
      async complete(attachmentId) {
        await rest.json(ctx, 'POST', '/v3/attachments/{id}/action', `/v3/attachments/${attachmentId}/action`, {
          body: { 'os-complete': null },
        })
      },
      async disconnectAll(serverId, volumes, forGood) {
        const { attachments } = await rest.json<{ attachments: { id: string; volume_id: string; instance: string }[] }>(
          ctx,
          'GET',
          '/v3/attachments',
          '/v3/attachments',
          { query: `all_tenants=1&instance_id=${serverId}` },
        )
        for (const one of attachments) {
          if (one.instance === serverId)
            await rest.json(ctx, 'DELETE', '/v3/attachments/{id}', `/v3/attachments/${one.id}`, { fine: [404] })
        }
        for (const volume of volumes) {
          const madeHere = volume.sourceType !== 'volume'
          if (!forGood ? !madeHere : !volume.deleteOnTermination) continue
          let { volumeId } = volume
          if (volumeId === null) {
            const { volumes: found } = await rest.json<{ volumes: VolumeView[] }>(
              ctx,
              'GET',
              '/v3/volumes',
              '/v3/volumes',
              {
                query: new URLSearchParams({
                  all_tenants: '1',
                  metadata: `{'koto_block_device': '${volume.blockDeviceId}'}`,
                }).toString(),
              },
            )
            volumeId = found[0]?.id ?? null
          }
          if (volumeId !== null)
            // 400: it has snapshots. As upstream it stays its owner's then.
            await rest.json(ctx, 'DELETE', '/v3/volumes/{id}', `/v3/volumes/${volumeId}`, { fine: [404, 400] })
        }
      },
      async disconnect(attachmentId) {
        if (attachmentId !== '')
          await rest.json(ctx, 'DELETE', '/v3/attachments/{id}', `/v3/attachments/${attachmentId}`, { fine: [404] })
      },
    }
  }
