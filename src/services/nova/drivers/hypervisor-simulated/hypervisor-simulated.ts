// Guests that exist only on paper: the same port, the same faults, hundreds of hosts in one process at next to no cost.
import type { Clock } from '#kernel/lib/clock.ts'
import { lastLines } from '#services/nova/drivers/console-lines.ts'
import { guestLocks } from '#services/nova/drivers/guest-locks.ts'
import { simulatedMoves } from '#services/nova/drivers/hypervisor-simulated/moves.ts'
import { createShelf, type Shelf, type SimulatedGuest } from '#services/nova/drivers/hypervisor-simulated/shelf.ts'
import { bootText, simulatedScreen } from '#services/nova/drivers/hypervisor-simulated/boot-text.ts'
import {
  HypervisorFault,
  type DiskSpec,
  type FoundGuest,
  type GuestEvent,
  type GuestSpec,
  type GuestState,
  type HostFacts,
  type Hypervisor,
  type HypervisorCapabilities,
} from '#services/nova/drivers/hypervisor.ts'
import { uptimeText } from '#services/nova/drivers/uptime-text.ts'

export interface SimulatedHypervisorOptions {
  readonly clock: Clock
  /** What the host claims to be; the rest has defaults. */
  readonly facts?: Partial<HostFacts>
  readonly capabilities?: Partial<HypervisorCapabilities>
  /** A file that keeps the guests over a restart of the control plane; a real host's guests would live on, too. */
  readonly file?: string
  /** How long a start takes. Default 0. */
  readonly spawnMs?: number
  /** How long a running guest is on its way to another host. Default 0. */
  readonly sendMs?: number
  /** Volumes whose guest does not let go of them. For tests of what follows. */
  readonly clingsTo?: (volumeId: string) => boolean
}

/** The port, and the hands of a test or a demo on the guests' side. */
export interface SimulatedHypervisor extends Hypervisor {
  /** The guest shuts itself down, crashes or panics. */
  guestEnds(serverId: string, why: 'guest' | 'crashed' | 'panic'): Promise<void>
}

const GIB = 2 ** 30
const ALL: HypervisorCapabilities = {
  suspend: true,
  hotplugDisk: true,
  hotplugNic: true,
  liveVolumeResize: true,
  liveVolumeSnapshot: true,
  liveCapture: true,
  vnc: false,
  serial: false,
  rescue: true,
  liveMigration: true,
}

export function simulatedFacts(change: Partial<HostFacts> = {}): HostFacts {
  return {
    hypervisorType: 'fake',
    hypervisorVersion: 1_000,
    vcpus: 64,
    memoryMb: 262_144,
    memoryFreeMb: 262_144,
    diskGb: 4_096,
    diskFreeGb: 4_096,
    cpu: {
      arch: 'x86_64',
      vendor: 'Koto',
      model: 'simulated',
      features: ['sse2', 'sse4.2', 'avx2'],
      topology: { sockets: 2, cores: 16, threads: 2, cells: 1 },
    },
    accelerator: { kind: 'simulated', why: 'this host is simulated' },
    ...change,
  }
}

const volumesOf = (guest: GuestSpec): readonly DiskSpec[] =>
  guest.rootDisk.from === 'volume' ? [guest.rootDisk.disk, ...guest.disks] : guest.disks

/** Makes one host. Hosts share nothing. */
export function createSimulatedHypervisor(options: SimulatedHypervisorOptions): SimulatedHypervisor {
  const { clock } = options
  const startedAt = clock.now()
  const shelf: Shelf = createShelf(options.file)
  const locks = guestLocks()
  const listeners = new Set<(event: GuestEvent) => void>()
  const emit = (event: GuestEvent): void => listeners.forEach(listen => listen(event))

  const must = async (serverId: string): Promise<SimulatedGuest> => {
    const guest = await shelf.get(serverId)
    if (guest === undefined)
      throw new HypervisorFault('not-found', `Instance ${serverId} could not be found on this host`)
    return guest
  }
  const mustBe = async (serverId: string, states: readonly GuestState[]): Promise<SimulatedGuest> => {
    const guest = await must(serverId)
    if (!states.includes(guest.state))
      throw new HypervisorFault('wrong-state', `Instance ${serverId} is ${guest.state}`)
    return guest
  }
  const mustHave = (guest: SimulatedGuest, volumeId: string): DiskSpec => {
    const disk = volumesOf(guest.spec).find(one => one.volumeId === volumeId)
    if (disk === undefined)
      throw new HypervisorFault('not-found', `Volume ${volumeId} is not attached to instance ${guest.spec.serverId}`)
    return disk
  }
  const change = async (guest: SimulatedGuest, spec: Partial<GuestSpec>): Promise<void> =>
    shelf.put({ ...guest, spec: { ...guest.spec, ...spec } })
  /** A file that two guests write to would be torn; a real hypervisor's lock says so. */
  const mustBeFree = async (serverId: string, disks: readonly DiskSpec[]): Promise<void> => {
    for (const other of await shelf.all()) {
      if (other.spec.serverId === serverId || (other.state !== 'running' && other.state !== 'paused')) continue
      for (const { source, volumeId } of volumesOf(other.spec)) {
        const taken = disks.some(
          disk => source.kind === 'file' && disk.source.kind === 'file' && disk.source.path === source.path,
        )
        if (taken) throw new HypervisorFault('busy', `Volume ${volumeId} is in use`)
      }
    }
  }
  const mustFit = ({ rootDisk }: GuestSpec): void => {
    if (rootDisk.from === 'image' && rootDisk.sizeGb > 0 && (rootDisk.baseVirtualSize ?? 0) > rootDisk.sizeGb * GIB) {
      throw new HypervisorFault(
        'disk-too-small',
        `Flavor's disk is too small for requested image. Flavor disk is ${rootDisk.sizeGb * GIB} bytes, image is ${rootDisk.baseVirtualSize} bytes.`,
      )
    }
  }
  const startNow = async (spec: GuestSpec, signal: AbortSignal | undefined): Promise<void> => {
    mustFit(spec)
    await mustBeFree(spec.serverId, volumesOf(spec))
    if ((options.spawnMs ?? 0) > 0) await clock.sleep(options.spawnMs ?? 0, signal)
    signal?.throwIfAborted()
    await shelf.put({ spec, state: 'running', startedAt: clock.now(), console: bootText(spec) })
  }
  const swapSource = async (guest: SimulatedGuest, volumeId: string, path: string): Promise<void> => {
    const swap = (disk: DiskSpec): DiskSpec =>
      disk.volumeId === volumeId ? { ...disk, source: { kind: 'file', path, format: 'qcow2' } } : disk
    const { rootDisk } = guest.spec
    await change(guest, {
      disks: guest.spec.disks.map(swap),
      rootDisk: rootDisk.from === 'volume' ? { from: 'volume', disk: swap(rootDisk.disk) } : rootDisk,
    })
  }
  const found = (guest: SimulatedGuest): FoundGuest => ({
    serverId: guest.spec.serverId,
    state: guest.state,
    recorded: true,
    spec: guest.spec,
    nics: guest.spec.nics,
    disks: [
      ...(guest.spec.rescue === undefined
        ? []
        : [{ id: 'rescue', path: 'rescue', format: 'qcow2', sizeBytes: 0, backing: guest.spec.rescue.base }]),
      ...(guest.spec.rootDisk.from === 'image'
        ? [
            {
              id: 'root',
              path: 'root',
              format: 'qcow2',
              sizeBytes: guest.spec.rootDisk.sizeGb * GIB,
              backing: guest.spec.rootDisk.base,
            },
          ]
        : []),
      ...volumesOf(guest.spec).map(({ volumeId, source }) => ({
        id: volumeId,
        path: source.kind === 'file' ? source.path : source.export,
        format: source.kind === 'file' ? source.format : 'nbd',
        sizeBytes: 0,
      })),
    ],
  })
  const list = async (): Promise<readonly FoundGuest[]> => (await shelf.all()).map(found)
  const unsupported = (what: string): Promise<never> =>
    Promise.reject(new HypervisorFault('unsupported', `A simulated host has no ${what}`))

  return {
    capabilities: { ...ALL, ...options.capabilities },
    adopt: list,
    facts: async () => {
      const facts = simulatedFacts(options.facts)
      const used = (await shelf.all()).reduce(
        (sum, guest) => sum + (guest.state === 'shutdown' ? 0 : guest.spec.memoryMb),
        0,
      )
      const uptime = uptimeText((clock.now() - startedAt) / 1000, [0, 0, 0], clock.now())
      return { uptime, ...facts, memoryFreeMb: Math.max(0, facts.memoryMb - used) }
    },
    spawn: (spec, { signal } = {}) =>
      locks.run(spec.serverId, signal, async either => {
        if ((await shelf.get(spec.serverId))?.state !== 'running') await startNow(spec, either)
      }),
    destroy: serverId =>
      locks.end(serverId, new HypervisorFault('not-found', `Instance ${serverId} is being deleted`), () =>
        shelf.remove(serverId),
      ),
    async powerOff(serverId) {
      await shelf.put({ ...(await must(serverId)), state: 'shutdown' })
    },
    powerOn: (spec, { signal } = {}) =>
      locks.run(spec.serverId, signal, async either => {
        if ((await must(spec.serverId)).state !== 'running') await startNow(spec, either)
      }),
    reboot: (spec, _kind, { signal } = {}) =>
      locks.run(spec.serverId, signal, async either => {
        await must(spec.serverId)
        await startNow(spec, either)
      }),
    reimage: (spec, { signal } = {}) =>
      locks.run(spec.serverId, signal, async () => {
        const guest = await must(spec.serverId)
        mustFit(spec)
        await shelf.put({ ...guest, spec, state: 'shutdown' })
      }),
    async pause(serverId) {
      await shelf.put({ ...(await mustBe(serverId, ['running', 'paused'])), state: 'paused' })
    },
    async unpause(serverId) {
      await shelf.put({ ...(await mustBe(serverId, ['running', 'paused'])), state: 'running' })
    },
    async suspend(serverId) {
      await shelf.put({ ...(await mustBe(serverId, ['running', 'paused', 'suspended'])), state: 'suspended' })
    },
    async resume(serverId) {
      await shelf.put({ ...(await mustBe(serverId, ['running', 'suspended'])), state: 'running' })
    },
    async attachDisk(serverId, disk) {
      const guest = await must(serverId)
      if (guest.state === 'running') await mustBeFree(serverId, [disk])
      await change(guest, { disks: [...guest.spec.disks.filter(one => one.volumeId !== disk.volumeId), disk] })
    },
    async detachDisk(serverId, volumeId) {
      const guest = await must(serverId)
      const there = guest.spec.disks.some(disk => disk.volumeId === volumeId)
      if (there && guest.state === 'running' && options.clingsTo?.(volumeId) === true) {
        throw new HypervisorFault('busy', `The guest does not let go of volume ${volumeId}`)
      }
      await change(guest, { disks: guest.spec.disks.filter(disk => disk.volumeId !== volumeId) })
    },
    async resizeDisk(serverId, volumeId) {
      mustHave(await mustBe(serverId, ['running', 'paused']), volumeId)
    },
    async snapshotDisk(serverId, volumeId, overlay) {
      const guest = await mustBe(serverId, ['running', 'paused'])
      mustHave(guest, volumeId)
      await swapSource(guest, volumeId, overlay.path)
    },
    async commitDisk(serverId, volumeId, base) {
      const guest = await mustBe(serverId, ['running', 'paused'])
      mustHave(guest, volumeId)
      await swapSource(guest, volumeId, base.path)
    },
    async attachNic(serverId, nic) {
      const guest = await must(serverId)
      await change(guest, { nics: [...guest.spec.nics.filter(one => one.portId !== nic.portId), nic] })
    },
    async detachNic(serverId, portId) {
      const guest = await must(serverId)
      await change(guest, { nics: guest.spec.nics.filter(nic => nic.portId !== portId) })
    },
    async captureRoot(serverId, out) {
      const { spec } = await must(serverId)
      if (spec.rootDisk.from !== 'image')
        throw new HypervisorFault('unsupported', 'The root is a volume: its snapshot is Cinder’s')
      await shelf.writeFile(out.path, spec.rootDisk.base, Math.max(1, spec.rootDisk.sizeGb) * GIB)
    },
    consoleLog: async (serverId, lines) => lastLines((await must(serverId)).console, lines),
    async vnc(serverId) {
      await mustBe(serverId, ['running', 'paused'])
      return unsupported('screen')
    },
    async serial(serverId) {
      await mustBe(serverId, ['running', 'paused'])
      return unsupported('serial line')
    },
    async screenshot(serverId) {
      await mustBe(serverId, ['running', 'paused'])
      return simulatedScreen()
    },
    async interrupt(serverId) {
      const guest = await mustBe(serverId, ['running', 'paused'])
      const said = `[${((clock.now() - guest.startedAt) / 1_000).toFixed(6).padStart(12)}] Uhhuh. NMI received.\n`
      await shelf.put({ ...guest, console: guest.console + said })
    },
    async setPassword(serverId) {
      await mustBe(serverId, ['running'])
    },
    ...simulatedMoves({ clock, shelf, locks, sendMs: options.sendMs ?? 0, startNow }),
    state: async serverId => (await shelf.get(serverId))?.state ?? 'missing',
    recorded: async serverId => (await shelf.get(serverId))?.spec ?? null,
    list,
    async diagnostics(serverId) {
      const guest = await mustBe(serverId, ['running', 'paused'])
      const { spec } = guest
      const uptimeSeconds = Math.floor((clock.now() - guest.startedAt) / 1_000)
      return {
        state: guest.state,
        driver: 'libvirt',
        hypervisor: 'fake',
        hypervisorOs: 'linux',
        uptimeSeconds,
        configDrive: spec.configDriveIso !== undefined,
        cpus: Array.from({ length: spec.vcpus }, (_, id) => ({ id, timeNs: uptimeSeconds * 1_000_000 })),
        memory: { maximumMb: spec.memoryMb, usedMb: spec.memoryMb },
        disks: found(guest).disks.map(({ id }) => ({
          id,
          readBytes: 0,
          readRequests: 0,
          writeBytes: 0,
          writeRequests: 0,
          errors: 0,
        })),
        nics: spec.nics.map(({ mac }) => ({ mac, rxBytes: 0, rxPackets: 0, txBytes: 0, txPackets: 0 })),
      }
    },
    onEvent(listen) {
      listeners.add(listen)
      return () => listeners.delete(listen)
    },
    async guestEnds(serverId, why) {
      const guest = await mustBe(serverId, ['running', 'paused'])
      await shelf.put({ ...guest, state: why === 'guest' ? 'shutdown' : 'crashed' })
      emit({ kind: 'stopped', serverId, why, detail: 'simulated' })
    },
    close() {
      listeners.clear()
      return shelf.close()
    },
  }
}
