// What a simulated guest would have said while it started, and what its screen would show.
import type { GuestSpec } from '#services/nova/drivers/hypervisor.ts'

/** The console of a guest that has reached its login. */
export function bootText(guest: GuestSpec): string {
  const lines = [
    `Linux version 6.1.0-simulated (Koto) #1`,
    `Command line: ${guest.cmdline ?? 'root=/dev/vda console=tty0 console=ttyS0'}`,
    `DMI: OpenStack Foundation OpenStack Nova, UUID ${guest.serverId}`,
    `Memory: ${guest.memoryMb * 1024}K available`,
    `smp: Brought up 1 node, ${guest.vcpus} CPU${guest.vcpus === 1 ? '' : 's'}`,
    ...guest.nics.map((nic, index) => `eth${index}: ${nic.mac}, mtu ${nic.mtu}`),
    ...guest.disks.map(disk => `${disk.device}: serial ${disk.serial.slice(0, 20)}`),
    '',
    'This guest is simulated: it has a name and a place, but no processor.',
    '',
    `${guest.hostname} login: `,
  ]
  return lines.join('\n')
}

/** A PNG of one black pixel. */
export const simulatedScreen = (): Uint8Array =>
  new Uint8Array(
    Buffer.from(
      'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg==',
      'base64',
    ),
  )
