// What a compute host does with guests that move, in the words of the sagas.
import { Fault } from '#kernel/contract/fault.ts'
import type { Hypervisor } from '#services/nova/drivers/hypervisor.ts'
import { connected, type guestSpec } from '#services/nova/actors/guest-spec.ts'
import type { SendProgress } from '#services/nova/drivers/hypervisor.ts'
import type { ConnectedDisk, NicRecord, ServerToBuild } from '#services/nova/rpc.ts'
import type { ComputeMoves } from '#services/nova/sagas/move-tools.ts'

export interface ComputeMoveParts {
  readonly hypervisor: Hypervisor
  readonly shutdownGraceMs: number
  /** A driver's deed on the seam. */
  readonly driver: <T>(
    name: string,
    serverId: string,
    payload: Record<string, unknown>,
    deed: () => Promise<T>,
  ) => Promise<T>
  readonly serverToBuild: (serverId: string) => Promise<ServerToBuild>
  /** The guest as it should be, its image at hand. */
  readonly specOf: (
    server: ServerToBuild,
    nics: readonly NicRecord[],
    disks: readonly ConnectedDisk[],
    signal: AbortSignal,
  ) => Promise<ReturnType<typeof guestSpec>>
  readonly progress: (moveId: string, progress: SendProgress) => Promise<void>
}

const recorded = (server: ServerToBuild): ConnectedDisk[] =>
  server.volumes.flatMap(volume => (volume.connectionInfo === null ? [] : [connected(volume)]))

export function computeMoves(parts: ComputeMoveParts): ComputeMoves {
  const { hypervisor, driver, specOf } = parts
  const spec = (server: ServerToBuild, disks: readonly ConnectedDisk[] | null, signal: AbortSignal) =>
    specOf(server, server.nics, disks ?? recorded(server), signal)
  return {
    async demandCanTake(serverId, how) {
      if (how === 'live' && !hypervisor.capabilities.liveMigration)
        throw new Fault(
          'MigrationPreCheckError',
          400,
          'Migration pre-check error: the hypervisor cannot move servers while they run',
        )
      await driver(`can-take-${how}`, serverId, {}, () => hypervisor.facts())
    },
    setAside: serverId =>
      driver('set-aside', serverId, {}, () => hypervisor.setAside(serverId, { graceMs: parts.shutdownGraceMs })),
    async moveIn(server, baggage, disks, start, signal) {
      const guest = await spec(server, disks, signal)
      const payload = { vcpus: guest.vcpus, memory_mb: guest.memoryMb, start }
      await driver('move-in', server.serverId, payload, () => hypervisor.moveIn(guest, baggage, { start, signal }))
    },
    async bringBack(serverId, start, signal) {
      await driver('bring-back', serverId, {}, () => hypervisor.bringBack(serverId))
      if (!start) return
      const guest = await spec(await parts.serverToBuild(serverId), null, signal)
      await driver('start', serverId, {}, () => hypervisor.powerOn(guest, { signal }))
    },
    dropAside: serverId => driver('drop-aside', serverId, {}, () => hypervisor.dropAside(serverId)),
    async receive(server, disks, signal) {
      const guest = await spec(server, disks, signal)
      return driver('receive', server.serverId, {}, () => hypervisor.receive(guest, { signal }))
    },
    async send(serverId, moveId, to, signal) {
      let told: Promise<void> = Promise.resolve()
      const onProgress = (progress: SendProgress): void => {
        told = told.then(() => parts.progress(moveId, progress)).catch(() => undefined)
      }
      await driver('send', serverId, { driver: to.driver }, () => hypervisor.send(serverId, to, { signal, onProgress }))
      await told
    },
    takeOver: (serverId, paused) =>
      driver('take-over', serverId, {}, () => hypervisor.takeOver(serverId, paused ? 'paused' : 'running')),
    async rebuildHere(server, disks, stopped, signal) {
      const guest = await spec(server, disks, signal)
      const id = server.serverId
      await driver('spawn', id, { rebuilt: true }, () => hypervisor.spawn(guest, { signal }))
      if (stopped) await driver('stop', id, {}, () => hypervisor.powerOff(id, { signal }))
    },
  }
}
