// From a row in BUILD to a running guest. Read from top to bottom; each undo stands under its deed.
// Events 1–7 of the book happened before: the POST was authenticated, validated, authorised, and its row written.
import { saga } from '#kernel/saga/saga.ts'
import type { RequestSpec } from '#services/nova/rpc.ts'
import type { Tools } from '#services/nova/sagas/tools.ts'

export interface BootServer {
  readonly serverId: string
  readonly spec: RequestSpec
}

/** What another host might do better. A refused request (4xx of a neighbour, a bad image) is not. */
const isReschedulable = (error: Error): boolean => {
  const { code, status } = error as { code?: string; status?: number }
  return (
    code !== 'BuildAborted' && code !== 'RemoteFault' && !(status !== undefined && status < 500 && code !== 'HostFull')
  )
}
/** Candidates tried before giving up, as `scheduler.max_attempts` upstream. */
const MOST_CANDIDATES = 3

export const bootServer = saga<Tools>()<BootServer, 'conductor'>('boot-server', {
  subject: s => s.serverId,
  taskState: 'scheduling',
  home: 'conductor',
  failed: (s, t, ending) => t.servers.failed(s.serverId, ending),
})
  .step('pick-hosts', {
    // 8–11 · filters, weights, verdicts kept
    at: 'conductor',
    taskState: 'scheduling',
    do: async (s, t) => ({ hosts: await t.scheduler.select(s.spec) }),
  })
  .forEachUntilOne(
    'on-a-host',
    { as: 'destination', over: s => s.hosts.slice(0, MOST_CANDIDATES), retryOn: isReschedulable },
    on =>
      on

        .step('claim', {
          // (today's order: placement)
          at: 'conductor',
          do: (s, t) => t.placement.claim(s.spec, s.destination),
          undo: (s, t) => t.placement.release(s.serverId),
        })
        .step('place', {
          at: 'conductor',
          do: (s, t) => t.servers.placeOn(s.serverId, s.destination),
          undo: (s, t) => t.servers.clearHost(s.serverId),
        })
        .step('learn', {
          // 12–18 · cast to the host; it asks the conductor
          at: 'compute',
          do: async (s, t) => ({ server: await t.conductor.serverToBuild(s.serverId) }),
        })
        .step('fetch-image', {
          // 19–21
          at: 'compute',
          when: s => s.server.imageId !== '',
          do: async (s, t, run) => ({ image: await t.images.ensure(s.server, run.signal) }), // a cache: nothing to undo
        })
        .step('allocate-network', {
          // 22–24
          at: 'compute',
          taskState: 'networking',
          do: async (s, t) => {
            const nics = await t.neutron.allocate(s.server, s.destination.host)
            await t.conductor.saveNics(s.serverId, nics)
            return { nics }
          },
          undo: async (s, t) => {
            await t.neutron.release(s.serverId, s.nics ?? null)
            await t.conductor.saveNics(s.serverId, [])
          },
        })
        .step('attach-volumes', {
          // 25–27 · recorded as "no volume" when none
          at: 'compute',
          taskState: 'block_device_mapping',
          do: async (s, t, run) => {
            const disks = await t.cinder.connectAll(s.server, s.destination.host, run.signal)
            if (disks.length > 0) await t.conductor.saveDisks(s.serverId, disks)
            return { disks }
          },
          undo: (s, t) => t.cinder.disconnectAll(s.serverId, s.server.volumes, false),
        })
        .step('spawn', {
          // 28
          at: 'compute',
          taskState: 'spawning',
          do: (s, t, run) => t.hypervisor.spawn(s.server, s.image ?? null, s.nics, s.disks, run.signal),
          undo: (s, t) => t.hypervisor.destroy(s.serverId),
        })
        .step('settle-network', {
          // the wires are alive: Neutron said so
          at: 'compute',
          do: (s, t, run) =>
            t.neutron.awaitActive(
              s.serverId,
              s.nics.map(nic => nic.portId),
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
  .step('announce', {
    at: 'conductor',
    taskState: null,
    do: (s, t) => t.servers.becameActive(s.serverId),
  })
