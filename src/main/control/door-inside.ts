// The APIs as seen from the cloud's external network: what is run with `koto enter` must reach the same URLs as outside.
// A listener inside that namespace, owned by this process, hands each connection on to the front door.
import { connect, type Server, type Socket } from 'node:net'
import type { Exec } from '#host/node/exec.ts'
import { listenIn } from '#host/linux/listen-in.ts'

export interface DoorInside {
  close(): void
}

/**
 * `prefix` enters the external network; `door` is the front door's URL, e.g. `http://127.0.0.1:8080/`.
 * Throws when the namespace does not let us listen, in which case the cloud is as good as before for all but `koto enter`.
 */
export async function openDoorInside(prefix: readonly string[], door: string, exec: Exec): Promise<DoorInside> {
  const { hostname, port } = new URL(door)
  const where = { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port) }
  if (!/^127\.|^::1$/.test(where.host)) {
    // The host's own address exists outside only; inside it is given to the loopback device.
    const width = where.host.includes(':') ? 128 : 32
    await exec.run([...prefix, 'ip', 'address', 'replace', `${where.host}/${width}`, 'dev', 'lo'])
  }
  const server: Server = await listenIn(prefix, where)
  const open = new Set<Socket>()
  server.on('connection', inner => {
    const outer = connect(where.port, where.host)
    for (const [socket, other] of [
      [inner, outer],
      [outer, inner],
    ] as const) {
      open.add(socket)
      socket.setNoDelay(true)
      socket.on('error', () => other.destroy())
      socket.on('close', () => open.delete(socket))
      socket.pipe(other)
    }
  })
  server.on('error', () => undefined)
  return {
    close() {
      server.close()
      for (const socket of open) socket.destroy()
    },
  }
}
