// A guest's screen or serial line as a stream of bytes, for the websocket side to carry.
import { basename, dirname } from 'node:path'
import type { Duplex } from 'node:stream'
import { connectSocket } from '#host/qemu/qmp.ts'
import type { Hypervisor } from '#services/nova/drivers/hypervisor.ts'

/**
 * Connects to the guest's VNC server (RFB, several may look) or to its serial line (one at a time: a second one is kept
 * waiting). Throws the driver's fault when the guest does not run or has no such thing.
 */
export async function openConsole(hypervisor: Hypervisor, serverId: string, kind: 'vnc' | 'serial'): Promise<Duplex> {
  return openConsoleSocket(await hypervisor[kind](serverId))
}

/** The same from the socket's path, as `vnc_socket` and `serial_socket` of nova-compute answer it. */
export const openConsoleSocket = (path: string): Promise<Duplex> => connectSocket(dirname(path), basename(path))
