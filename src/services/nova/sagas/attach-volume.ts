// A volume for a server that exists. The API reserved it (an attachment without a connector) and wrote the mapping's row.
import { saga } from '#kernel/saga/saga.ts'
import type { ServerToBuild } from '#services/nova/rpc.ts'
import type { Tools } from '#services/nova/sagas/tools.ts'

export interface AttachVolume {
  readonly serverId: string
  /** Null for a server that is shelved and on no host: the volume is its own all the same. */
  readonly host: string | null
  readonly volume: ServerToBuild['volumes'][number]
  /** False for a stopped server: the disk is there at its next start. */
  readonly running: boolean
}

export const attachVolume = saga<Tools>()<AttachVolume, 'conductor'>('attach-volume', {
  subject: s => `${s.serverId}/${s.volume.volumeId ?? ''}`,
  home: 'conductor',
  failed: async (s, t, ending) => {
    await t.servers.forgetDisk(s.serverId, s.volume.volumeId ?? '')
    await t.cinder.disconnect(s.volume.attachmentId ?? '')
    await t.servers.event(
      s.serverId,
      ending.run.ctx.requestId,
      'compute_attach_volume',
      s.host,
      ending.errors.at(-1) ?? null,
    )
  },
})
  .step('connect', {
    at: 'compute',
    when: s => s.host !== null,
    onHost: s => s.host ?? '',
    do: async (s, t, run) => ({ disk: await t.cinder.connect(s.serverId, s.host ?? '', s.volume, run.signal) }),
  })
  .step('record', {
    at: 'conductor',
    do: async (s, t) => {
      if (s.disk !== undefined) await t.servers.saveDisk(s.serverId, s.disk)
    },
  })
  .step('plug', {
    at: 'compute',
    when: s => s.host !== null,
    onHost: s => s.host ?? '',
    do: async (s, t) => {
      if (s.disk !== undefined) await t.hypervisor.attachDisk(s.serverId, s.disk)
    },
    undo: (s, t) => t.hypervisor.detachDisk(s.serverId, s.volume.volumeId ?? ''),
  })
  .step('complete', {
    at: 'conductor',
    do: async (s, t, run) => {
      await t.cinder.complete(s.disk?.attachmentId ?? s.volume.attachmentId ?? '')
      await t.servers.event(s.serverId, run.ctx.requestId, 'compute_attach_volume', s.host, null)
    },
  })

export interface DetachVolume {
  readonly serverId: string
  readonly host: string | null
  readonly volumeId: string
  readonly attachmentId: string
}

export const detachVolume = saga<Tools>()<DetachVolume, 'conductor'>('detach-volume', {
  subject: s => `${s.serverId}/${s.volumeId}`,
  home: 'conductor',
  failed: async (s, t, ending) =>
    t.servers.event(
      s.serverId,
      ending.run.ctx.requestId,
      'compute_detach_volume',
      s.host,
      ending.errors.at(-1) ?? null,
    ),
})
  .step('unplug', {
    at: 'compute',
    when: s => s.host !== null,
    onHost: s => s.host ?? '',
    do: (s, t) => t.hypervisor.detachDisk(s.serverId, s.volumeId),
  })
  .step('disconnect', {
    at: 'conductor',
    do: (s, t) => t.cinder.disconnect(s.attachmentId),
  })
  .step('forget', {
    at: 'conductor',
    do: async (s, t, run) => {
      await t.servers.forgetDisk(s.serverId, s.volumeId)
      await t.servers.event(s.serverId, run.ctx.requestId, 'compute_detach_volume', s.host, null)
    },
  })
