// For tests: a guest without a virtual machine. A namespace whose only device is the other end of the port's "tap".
import type { Finished } from '#host/node/exec.ts'
import type { Fabric } from '#host/linux/fabric.ts'
import type { PortState } from '#services/neutron/drivers/mechanism.ts'
import { tapName } from '#services/neutron/drivers/names.ts'

export interface FakeGuest {
  readonly namespace: string
  /** Runs a program as the guest; gives its exit code instead of throwing. */
  run(argv: readonly string[], stdin?: string): Promise<Finished>
  /** True when an echo to `address` is answered; tries up to `tries` times, 0.4 s each. One is enough to show that none is. */
  pings(address: string, tries?: number): Promise<boolean>
  /** What a TCP server at `address` says first, or null when there is no connection. */
  reads(address: string, port: number): Promise<string | null>
  /** Starts a TCP server that says the guest's name; returns its end. */
  serve(port: number): Promise<() => void>
  /** Harmless to repeat. */
  remove(): Promise<void>
}

/** Plugs a guest in as compute would: the device by its name, nothing else. `address` sets it by hand; without it DHCP is asked for. */
export async function plugGuest(
  fabric: Fabric,
  port: PortState,
  address?: string,
  gateway?: string,
): Promise<FakeGuest> {
  const namespace = `guest-${port.id.slice(0, 11)}`
  await fabric.addNamespaces([namespace])
  const tap = tapName(port.id)
  const [said] = await fabric.link.run([
    `link add dev ${tap} type veth peer name eth0 address ${port.mac} netns ${namespace}`,
  ])
  if (said !== null) throw new Error(said)
  const exec = fabric.execIn(namespace)
  const lines = ['link set eth0 up']
  if (address !== undefined) lines.push(`addr add ${address} dev eth0${address.includes(':') ? ' nodad' : ''}`)
  if (gateway !== undefined) lines.push(`route add default via ${gateway}`)
  await exec.run(['ip', '-batch', '-'], { stdin: `${lines.join('\n')}\n` })
  const guest: FakeGuest = {
    namespace,
    run: (argv, stdin) =>
      exec.run(argv, { anyCode: true, timeoutMs: 20_000, ...(stdin === undefined ? {} : { stdin }) }),
    async pings(target, tries = 5) {
      for (let count = 0; count < tries; count += 1)
        if ((await guest.run(['ping', '-c1', '-W', '0.4', target])).code === 0) return true
      return false
    },
    async reads(target, tcpPort) {
      const done = await guest.run(['busybox', 'nc', '-w', '1', target, String(tcpPort)])
      return done.code === 0 && done.stdout !== '' ? done.stdout.trim() : null
    },
    async serve(tcpPort) {
      const server = await fabric.listen(namespace, { host: '::', port: tcpPort })
      server.on('connection', socket => {
        socket.on('error', () => undefined)
        socket.end(`${namespace}\n`)
      })
      return () => server.close()
    },
    async remove() {
      await fabric.link.run([`link del dev ${tap}`])
      await fabric.removeNamespaces([namespace])
    },
  }
  return guest
}
