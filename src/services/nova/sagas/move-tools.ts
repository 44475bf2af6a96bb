// What the steps of sagas that move servers may use beside the others' tools. Types only.
import type { Baggage, Landing } from '#services/nova/drivers/hypervisor.ts'
import type { Ending } from '#kernel/saga/saga.ts'
import type { ConnectedDisk, Destination, NicRecord, ServerToBuild } from '#services/nova/rpc.ts'

export interface ConductorMoves {
  /** What the server holds in Placement is the move's from now on. A repeat changes nothing. */
  holdClaim(moveId: string, serverId: string): Promise<void>
  /** What the move holds is the server's again, instead of whatever the server held. */
  giveClaimBack(moveId: string, serverId: string): Promise<void>
  /** The destination counts the server's new size. Throws a fault when the server's group forbids the place by now. */
  reserve(moveId: string, destination: Destination): Promise<void>
  unreserve(moveId: string): Promise<void>
  /** Moves from one of these statuses to another; false when it was in none of them. */
  status(moveId: string, from: readonly string[], to: string): Promise<boolean>
  /** Binds the server's ports to another host. Returns its wires. */
  bindWires(serverId: string, host: string): Promise<NicRecord[]>
  /** Bindings that stand ready at another host, for a server that runs on. */
  readyWires(serverId: string, host: string): Promise<void>
  switchWires(serverId: string, host: string): Promise<NicRecord[]>
  /** Ends bindings at a host that are not in force. */
  dropWires(serverId: string, host: string): Promise<void>
  /** Second attachments of all volumes, connected at another host. A repeat finds them. */
  connectVolumes(serverId: string, host: string): Promise<ConnectedDisk[]>
  /** Ends the attachments that stand in the server's rows. */
  releaseVolumes(serverId: string): Promise<void>
  /** Makes the attachments in the server's rows anew at a host, and writes them down. */
  restoreVolumes(serverId: string, host: string): Promise<void>
  /** Ends the attachments that do not stand in the server's rows. */
  dropOtherAttachments(serverId: string): Promise<void>
  /** The server is on its new host, in its new size, and waits for a person's word. */
  resized(moveId: string, disks: readonly ConnectedDisk[] | null): Promise<void>
  confirmed(moveId: string): Promise<void>
  reverted(moveId: string): Promise<void>
  /** It stays what it was; the action says why. Wires and disks as the undos left them. */
  failed(moveId: string, event: string, ending: Ending): Promise<void>
  /** A running server is on its new host by all ledgers; the tidying up follows in the same transaction. Throws when somebody aborted the move. */
  handedOver(moveId: string, disks: readonly ConnectedDisk[] | null, tidyUp: LandServerInput): Promise<void>
  landed(moveId: string): Promise<void>
  /** A server of a dead host is on another one. */
  evacuated(moveId: string, disks: readonly ConnectedDisk[] | null, stopped: boolean): Promise<void>
}
export interface LandServerInput {
  readonly serverId: string
  readonly moveId: string
  readonly from: string
  readonly to: string
  readonly paused: boolean
}

export interface ComputeMoves {
  /** Refuses, so that another host may be tried, what this host cannot take over. */
  demandCanTake(serverId: string, how: 'cold' | 'live'): Promise<void>
  setAside(serverId: string): Promise<Baggage>
  moveIn(
    server: ServerToBuild,
    baggage: Baggage,
    disks: readonly ConnectedDisk[] | null,
    start: boolean,
    signal: AbortSignal,
  ): Promise<void>
  /** What was put aside is the guest again, and runs again if it shall. */
  bringBack(serverId: string, start: boolean, signal: AbortSignal): Promise<void>
  dropAside(serverId: string): Promise<void>
  receive(server: ServerToBuild, disks: readonly ConnectedDisk[] | null, signal: AbortSignal): Promise<Landing>
  send(serverId: string, moveId: string, to: Landing, signal: AbortSignal): Promise<void>
  takeOver(serverId: string, paused: boolean): Promise<void>
  /** Makes the guest of a dead host here, from its image or its volumes. */
  rebuildHere(
    server: ServerToBuild,
    disks: readonly ConnectedDisk[] | null,
    stopped: boolean,
    signal: AbortSignal,
  ): Promise<void>
}
