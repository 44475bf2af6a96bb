// A server made anew from an image under the same name, addresses and volumes. The API changed the row; until the guest is
// touched the row can be changed back.
import { saga } from '#kernel/saga/saga.ts'
import type { ImageBefore } from '#services/nova/sagas/image-tools.ts'
import type { Tools } from '#services/nova/sagas/tools.ts'

export interface RebuildServer {
  readonly serverId: string
  readonly host: string
  /** What it was; a stopped server stays stopped. */
  readonly vmState: string
  readonly before: ImageBefore
  readonly keepEphemeral: boolean
  /** The root is a volume that gets this image's bytes. */
  readonly reimageVolume: { readonly volumeId: string; readonly imageId: string } | null
}

export const rebuildServer = saga<Tools>()<RebuildServer, 'conductor'>('rebuild-server', {
  subject: s => s.serverId,
  taskState: 'rebuilding',
  home: 'conductor',
  failed: async (s, t, ending) => {
    // The disks are gone or half made: only another rebuild brings it back.
    if (s['touched'] === true) await t.servers.operationFailed(s.serverId, 'compute_rebuild_instance', ending, true)
    else await t.serverImages.unrebuilt(s.serverId, s.before, ending)
  },
})
  .step('learn', {
    at: 'compute',
    onHost: s => s.host,
    do: async (s, t) => ({ server: await t.conductor.serverToBuild(s.serverId) }),
  })
  .step('fetch-image', {
    at: 'compute',
    onHost: s => s.host,
    when: s => s.server.imageId !== '',
    do: async (s, t, run) => ({ image: await t.images.ensure(s.server, run.signal) }),
  })
  .step('touch', {
    at: 'conductor',
    taskState: 'rebuild_block_device_mapping',
    do: async () => ({ touched: true }),
  })
  .step('end-guest', {
    at: 'compute',
    onHost: s => s.host,
    when: s => s.reimageVolume !== null,
    do: async (s, t, run) => {
      await t.hypervisor.power(s.server, 'stop', run.signal)
    },
  })
  .step('reimage-volume', {
    at: 'compute',
    onHost: s => s.host,
    when: s => s.reimageVolume !== null,
    deadlineMs: 3_600_000,
    do: (s, t, run) => t.volumes.reimage(s.reimageVolume?.volumeId ?? '', s.reimageVolume?.imageId ?? '', run.signal),
  })
  .step('make-disks', {
    at: 'compute',
    onHost: s => s.host,
    taskState: 'rebuild_spawning',
    do: (s, t, run) => t.captures.reimage(s.server, s.image ?? null, s.keepEphemeral, run.signal),
  })
  .step('start', {
    at: 'compute',
    onHost: s => s.host,
    when: s => s.vmState !== 'stopped',
    do: async (s, t, run) => ({ power: await t.captures.start(s.server, s.image ?? null, run.signal) }),
  })
  .step('announce', {
    at: 'conductor',
    taskState: null,
    do: (s, t) =>
      t.serverImages.rebuilt(s.serverId, s.vmState === 'stopped' ? 'stopped' : 'active', s.power ?? 'shutdown'),
  })
