// A server put on the shelf: its disk becomes an image, then its place is given back. And taken from the shelf again.
import { Fault } from '#kernel/contract/fault.ts'
import { saga } from '#kernel/saga/saga.ts'
import type { RequestSpec } from '#services/nova/rpc.ts'
import type { NewImage } from '#services/nova/sagas/image-tools.ts'
import type { Tools } from '#services/nova/sagas/tools.ts'

export interface ShelveServer {
  readonly serverId: string
  readonly host: string
  readonly vmState: string
  readonly image: NewImage
  /** Its place is given back at once. */
  readonly offload: boolean
}

export const shelveServer = saga<Tools>()<ShelveServer, 'conductor'>('shelve-server', {
  subject: s => s.serverId,
  taskState: 'shelving',
  home: 'conductor',
  failed: (s, t, ending) => t.servers.operationFailed(s.serverId, 'compute_shelve_instance', ending, false),
})
  .step('power-off', {
    at: 'compute',
    onHost: s => s.host,
    // What is suspended has its memory on disk: it would be lost, and is not needed.
    when: s => s.vmState === 'active' || s.vmState === 'paused',
    do: async (s, t, run) => {
      await t.hypervisor.power(await t.conductor.serverToBuild(s.serverId), 'stop', run.signal)
    },
    undo: async (s, t, run) => {
      const server = await t.conductor.serverToBuild(s.serverId)
      await t.hypervisor.power(server, 'start', run.signal)
      if (s.vmState === 'paused') await t.hypervisor.power(server, 'pause', run.signal)
    },
  })
  .step('reserve-image', {
    at: 'compute',
    onHost: s => s.host,
    do: (s, t) => t.captures.reserve(s.image),
    undo: (s, t) => t.captures.drop(s.image.id),
  })
  .step('capture', {
    at: 'compute',
    onHost: s => s.host,
    taskState: 'shelving_image_pending_upload',
    deadlineMs: 3_600_000,
    do: (s, t, run) => t.captures.capture(s.serverId, s.image.id, run.signal),
    undo: (s, t) => t.captures.tidy(s.image.id),
  })
  .step('upload', {
    at: 'compute',
    onHost: s => s.host,
    taskState: 'shelving_image_uploading',
    deadlineMs: 3_600_000,
    do: (s, t, run) => t.captures.upload(s.image, run.signal),
  })
  .step('tidy', {
    at: 'compute',
    onHost: s => s.host,
    do: (s, t) => t.captures.tidy(s.image.id),
  })
  .step('settle', {
    at: 'conductor',
    do: (s, t) => t.serverImages.shelved(s.serverId, s.image.id, s.offload),
  })

export interface OffloadServer {
  readonly serverId: string
  readonly host: string
  /** Its guest still runs and is asked to shut down first: servers whose root is a volume are shelved so. */
  readonly running: boolean
}

/** Forward only: each step is repeated until it is done. */
export const offloadServer = saga<Tools>()<OffloadServer, 'conductor'>('offload-server', {
  subject: s => s.serverId,
  home: 'conductor',
  failed: (s, t, ending) => t.servers.operationFailed(s.serverId, 'compute_shelve_offload_instance', ending, false),
})
  .step('power-off', {
    at: 'compute',
    onHost: s => s.host,
    when: s => s.running,
    do: async (s, t, run) => {
      await t.hypervisor.power(await t.conductor.serverToBuild(s.serverId), 'stop', run.signal)
    },
  })
  .step('end-guest', {
    at: 'compute',
    onHost: s => s.host,
    do: (s, t) => t.hypervisor.destroy(s.serverId),
  })
  .step('unbind-network', {
    at: 'conductor',
    do: async (s, t) => t.wires.unbind(await t.servers.nicsOf(s.serverId)),
  })
  .step('park-volumes', {
    at: 'conductor',
    do: async (s, t) => t.volumes.park(s.serverId, await t.servers.disksOf(s.serverId)),
  })
  .step('release-claim', {
    at: 'conductor',
    do: (s, t) => t.placement.release(s.serverId),
  })
  .step('settle', {
    at: 'conductor',
    do: (s, t) => t.serverImages.offloaded(s.serverId, 'compute_shelve_offload_instance'),
  })

export interface UnshelveHere {
  readonly serverId: string
  readonly host: string
}

/** Its disk is still where it was. */
export const unshelveHere = saga<Tools>()<UnshelveHere, 'conductor'>('unshelve-here', {
  subject: s => s.serverId,
  taskState: 'unshelving',
  home: 'conductor',
  failed: (s, t, ending) => t.servers.operationFailed(s.serverId, 'compute_start_instance', ending, false),
})
  .step('start', {
    at: 'compute',
    onHost: s => s.host,
    taskState: 'powering-on',
    do: async (s, t, run) => ({
      power: await t.hypervisor.power(await t.conductor.serverToBuild(s.serverId), 'start', run.signal),
    }),
    undo: async (s, t, run) => {
      await t.hypervisor.power(await t.conductor.serverToBuild(s.serverId), 'stop', run.signal)
    },
  })
  .step('drop-image', {
    at: 'conductor',
    do: async (s, t) => {
      const imageId = await t.serverImages.shelvedImageOf(s.serverId)
      if (imageId !== null) await t.serverImages.dropQuietly(imageId)
    },
  })
  .step('announce', {
    at: 'conductor',
    taskState: null,
    do: (s, t) => t.serverImages.unshelved(s.serverId, 'compute_start_instance', s.power),
  })

export interface UnshelveServer {
  readonly serverId: string
  /** Null for a server whose root is a volume. */
  readonly imageId: string | null
  readonly spec: RequestSpec
}

const isReschedulable = (error: Error): boolean => {
  const { status } = error as Fault & { status?: number }
  return (error as { code?: string }).code === 'HostFull' || status === undefined || status >= 500
}

export const unshelveServer = saga<Tools>()<UnshelveServer, 'conductor'>('unshelve-server', {
  subject: s => s.serverId,
  taskState: 'unshelving',
  home: 'conductor',
  failed: (s, t, ending) => t.serverImages.unshelveFailed(s.serverId, 'compute_unshelve_instance', ending),
})
  .step('find-image', {
    at: 'conductor',
    when: s => s.imageId !== null,
    do: (s, t) => t.serverImages.demandShelved(s.serverId, s.imageId ?? ''),
  })
  .step('pick-hosts', {
    at: 'conductor',
    do: async (s, t) => ({ hosts: await t.scheduler.select(s.spec) }),
  })
  .forEachUntilOne('on-a-host', { as: 'destination', over: s => s.hosts.slice(0, 3), retryOn: isReschedulable }, on =>
    on
      .step('claim', {
        at: 'conductor',
        do: (s, t) => t.placement.claim(s.spec, s.destination),
        undo: (s, t) => t.placement.release(s.serverId),
      })
      .step('place', {
        at: 'conductor',
        do: (s, t) => t.servers.placeOn(s.serverId, s.destination),
        undo: (s, t) => t.servers.clearHost(s.serverId),
      })
      .step('mind-volumes', {
        at: 'conductor',
        do: async () => undefined,
        // Whatever was connected after this stays the server's, connected to nothing.
        undo: async (s, t) => t.volumes.park(s.serverId, await t.servers.disksOf(s.serverId)),
      })
      .step('learn', {
        at: 'compute',
        do: async (s, t) => {
          const server = await t.conductor.serverToBuild(s.serverId)
          return { server: s.imageId === null ? server : { ...server, imageId: s.imageId } }
        },
      })
      .step('fetch-image', {
        at: 'compute',
        when: s => s.server.imageId !== '',
        do: async (s, t, run) => ({ image: await t.images.ensure(s.server, run.signal) }),
      })
      .step('bind-network', {
        at: 'compute',
        taskState: 'spawning',
        do: (s, t) => t.wires.bind(s.server.nics, s.destination.host),
        undo: (s, t) => t.wires.unbind(s.server.nics),
      })
      .step('attach-volumes', {
        at: 'compute',
        do: async (s, t, run) => {
          const disks = await t.cinder.connectAll(s.server, s.destination.host, run.signal)
          if (disks.length > 0) await t.conductor.saveDisks(s.serverId, disks)
          return { disks }
        },
      })
      .step('spawn', {
        at: 'compute',
        do: (s, t, run) => t.hypervisor.spawn(s.server, s.image ?? null, s.server.nics, s.disks, run.signal),
        undo: (s, t) => t.hypervisor.destroy(s.serverId),
      })
      .step('settle-network', {
        at: 'compute',
        do: (s, t, run) =>
          t.neutron.awaitActive(
            s.serverId,
            s.server.nics.map(nic => nic.portId),
            run.signal,
          ),
      })
      .step('settle-volumes', {
        at: 'compute',
        when: s => s.disks.length > 0,
        do: async (s, t) => {
          for (const disk of s.disks) await t.cinder.complete(disk.attachmentId)
        },
      }),
  )
  .step('drop-image', {
    at: 'conductor',
    when: s => s.imageId !== null,
    do: (s, t) => t.serverImages.dropQuietly(s.imageId ?? ''),
  })
  .step('announce', {
    at: 'conductor',
    taskState: null,
    do: (s, t) => t.serverImages.unshelved(s.serverId, 'compute_unshelve_instance', 'running'),
  })
