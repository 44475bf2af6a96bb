// What the steps of Nova's sagas may use, by the place where they run. Types only: the conductor and the compute actor
// give implementations; steps never import a database, a driver or a client.
import type { Ending } from '#kernel/saga/saga.ts'
import type { GuestState } from '#services/nova/drivers/hypervisor.ts'
import type { ComputeMoves, ConductorMoves } from '#services/nova/sagas/move-tools.ts'
import type { CaptureTools, ServerImageTools, VolumeTools, WireTools } from '#services/nova/sagas/image-tools.ts'
import type { ConnectedDisk, Destination, NicRecord, RequestSpec, ServerToBuild } from '#services/nova/rpc.ts'

/** Where an image lies on the host. */
export interface CachedImage {
  readonly path: string
  readonly format: 'raw' | 'qcow2'
  readonly virtualSize: number
  readonly kernel: string | null
  readonly ramdisk: string | null
  readonly cmdline: string | null
}

/** nova-conductor: the only one of Nova's actors with a database. */
export interface ConductorTools {
  readonly scheduler: {
    /** Best first. Keeps the verdicts. Throws NoValidHost with every host's reasons. */
    select(spec: RequestSpec): Promise<Destination[]>
  }
  readonly placement: {
    /** One allocation set per server: repeating it changes nothing. Throws a fault when the host is full by now. */
    claim(spec: RequestSpec, destination: Destination): Promise<void>
    release(serverId: string): Promise<void>
  }
  readonly servers: {
    placeOn(serverId: string, destination: Destination): Promise<void>
    clearHost(serverId: string): Promise<void>
    becameActive(serverId: string): Promise<void>
    /** Keeps the server in ERROR with a fault a person can read; network and disk rows as the undos left them. */
    failed(serverId: string, ending: Ending): Promise<void>
    /** Ends an operation: these states, no task. */
    settle(serverId: string, change: { vmState?: string; power?: GuestState }): Promise<void>
    /** An operation failed: the task ends, the action records why; ERROR only when `broken`. */
    operationFailed(serverId: string, event: string, ending: Ending, broken: boolean): Promise<void>
    /** Waits to be reclaimed from now on, and counts against no quota. */
    setAside(serverId: string, power: GuestState): Promise<void>
    /** Counts again, and is what it was. */
    takeBack(serverId: string, vmState: string): Promise<void>
    /** The row and all that hangs on it are gone for clients. */
    deleted(serverId: string): Promise<void>
    nicsOf(serverId: string): Promise<NicRecord[]>
    disksOf(serverId: string): Promise<ServerToBuild['volumes']>
    saveNics(serverId: string, nics: readonly NicRecord[]): Promise<void>
    saveDisk(serverId: string, disk: ConnectedDisk): Promise<void>
    forgetDisk(serverId: string, volumeId: string): Promise<void>
    forgetNic(serverId: string, portId: string): Promise<void>
    /** Writes an event of the current action: `compute__do_build_and_run_instance`, … */
    event(serverId: string, requestId: string, event: string, host: string | null, error: Error | null): Promise<void>
  }
  readonly moves: ConductorMoves
  readonly serverImages: ServerImageTools
  readonly wires: WireTools
  readonly volumes: VolumeTools
  /** For servers whose host cannot be asked (never scheduled, or down). */
  readonly neutron: NeutronTools
  readonly cinder: CinderTools
}

export interface NeutronTools {
  /** Ports for the server in the order asked for: made, or taken over. A repeat finds those it made. */
  allocate(server: ServerToBuild, host: string): Promise<NicRecord[]>
  /** One more wire for a running server. */
  allocateOne(
    server: ServerToBuild,
    host: string,
    wanted: { networkId: string | null; portId: string | null; fixedIp: string | null; tag: string | null },
  ): Promise<NicRecord>
  /** Deletes the ports that Nova made and unbinds the others. */
  release(serverId: string, nics: readonly NicRecord[] | null): Promise<void>
  releaseOne(serverId: string, nic: NicRecord): Promise<void>
  /** Resolves when all ports are ACTIVE. Throws a fault after the time limit. */
  awaitActive(serverId: string, portIds: readonly string[], signal: AbortSignal): Promise<void>
}

export interface CinderTools {
  /** Makes volumes that are to be made, connects all. A repeat finds the same attachments. Records "no volume" when there is none. */
  connectAll(server: ServerToBuild, host: string, signal: AbortSignal): Promise<ConnectedDisk[]>
  connect(
    serverId: string,
    host: string,
    volume: ServerToBuild['volumes'][number],
    signal: AbortSignal,
  ): Promise<ConnectedDisk>
  complete(attachmentId: string): Promise<void>
  /** Attachments gone, volumes back to available; those made for this server or marked delete-on-termination deleted when `forGood`. */
  disconnectAll(serverId: string, volumes: ServerToBuild['volumes'], forGood: boolean): Promise<void>
  disconnect(attachmentId: string): Promise<void>
}

/** nova-compute on one host: hypervisor, caches and neighbours; no database. */
export interface ComputeTools {
  readonly host: string
  readonly conductor: {
    serverToBuild(serverId: string): Promise<ServerToBuild>
    saveNics(serverId: string, nics: readonly NicRecord[]): Promise<void>
    saveDisks(serverId: string, disks: readonly ConnectedDisk[]): Promise<void>
  }
  readonly images: {
    ensure(server: ServerToBuild, signal: AbortSignal): Promise<CachedImage>
  }
  readonly captures: CaptureTools
  readonly wires: WireTools
  readonly volumes: VolumeTools
  readonly neutron: NeutronTools
  readonly cinder: CinderTools
  readonly moves: ComputeMoves
  readonly hypervisor: {
    spawn(
      server: ServerToBuild,
      image: CachedImage | null,
      nics: readonly NicRecord[],
      disks: readonly ConnectedDisk[],
      signal: AbortSignal,
    ): Promise<void>
    destroy(serverId: string): Promise<void>
    power(server: ServerToBuild, verb: PowerVerb, signal: AbortSignal): Promise<GuestState>
    attachDisk(serverId: string, disk: ConnectedDisk): Promise<void>
    detachDisk(serverId: string, volumeId: string): Promise<void>
    attachNic(serverId: string, nic: NicRecord): Promise<void>
    detachNic(serverId: string, portId: string): Promise<void>
  }
}
export type PowerVerb = 'stop' | 'start' | 'reboot-soft' | 'reboot-hard' | 'pause' | 'unpause' | 'suspend' | 'resume'

export interface Tools {
  readonly conductor: ConductorTools
  readonly compute: ComputeTools
}
