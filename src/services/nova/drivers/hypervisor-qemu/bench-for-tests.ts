// The workshop of the host tests: a state folder of its own, real guests in it, and nothing left of them at the end.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connectSocket } from '#host/qemu/qmp.ts'
import { systemClock, type Clock } from '#kernel/lib/clock.ts'
import { makeTestGuest } from '#services/nova/drivers/hypervisor-qemu/guest-for-tests.ts'
import {
  createQemuHypervisor,
  type QemuHypervisorOptions,
} from '#services/nova/drivers/hypervisor-qemu/hypervisor-qemu.ts'
import type { HypervisorBench } from '#services/nova/drivers/hypervisor.suite.ts'
import type { Hypervisor } from '#services/nova/drivers/hypervisor.ts'

export interface QemuBench extends HypervisorBench {
  readonly folder: string
  readonly clock: Clock
  readonly kernel: string
  readonly initrd: string
  /** Another driver on the same folder. */
  make(options?: Partial<QemuHypervisorOptions>): Promise<Hypervisor>
  /** The guest's serial line: one at a time per guest. */
  serial(serverId: string): Promise<Socket>
  /** Waits for a condition, at most `limitMs`. */
  until(what: string, limitMs: number, holds: () => boolean | Promise<boolean>): Promise<void>
}

export async function makeQemuBench(options: Partial<QemuHypervisorOptions> = {}): Promise<QemuBench> {
  const clock = systemClock()
  const folder = mkdtempSync(join(tmpdir(), 'koto-qemu-'))
  const { kernel, initrd } = await makeTestGuest(join(folder, 'initrd'))
  const base = join(folder, 'base.raw')
  execFileSync('qemu-img', ['create', '-q', '-f', 'raw', base, '16M'])
  const open = new Set<Hypervisor>()
  const make = async (change: Partial<QemuHypervisorOptions> = {}): Promise<Hypervisor> => {
    const one = await createQemuHypervisor({
      state: folder,
      clock,
      accelerator: 'tcg',
      startingAtOnce: 8,
      ...options,
      ...change,
    })
    open.add(one)
    return one
  }
  const hypervisor = await make()
  // The clock's timers do not keep a process alive; a test run needs something that does.
  const alive = setInterval(() => undefined, 1_000)
  const until: QemuBench['until'] = async (what, limitMs, holds) => {
    const deadline = clock.monotonic() + limitMs
    while (!(await holds())) {
      if (clock.monotonic() > deadline) throw new Error(`not within ${limitMs} ms: ${what}`)
      await clock.sleep(25)
    }
  }
  return {
    hypervisor,
    folder,
    clock,
    kernel,
    initrd,
    make,
    until,
    guest(change = {}) {
      const portId = crypto.randomUUID()
      const mac = `fa:16:3e:${portId.slice(0, 2)}:${portId.slice(2, 4)}:${portId.slice(4, 6)}`
      return {
        serverId: crypto.randomUUID(),
        name: 'demo',
        hostname: 'demo',
        vcpus: 1,
        memoryMb: 96,
        rootDisk: { from: 'image', base, baseFormat: 'raw', sizeGb: 1 },
        kernel,
        ramdisk: initrd,
        cmdline: 'console=ttyS0 quiet cryptomgr.notests',
        disks: [],
        nics: [{ portId, mac, tap: `tap${portId.slice(0, 11)}`, mtu: 1450 }],
        ...change,
      }
    },
    async volume(device) {
      const volumeId = crypto.randomUUID()
      const path = join(folder, `${volumeId}.qcow2`)
      execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', path, '64M'])
      return { volumeId, serial: volumeId, device, source: { kind: 'file', path, format: 'qcow2' } }
    },
    async overlay(disk) {
      const path = join(folder, `${disk.volumeId}.overlay.qcow2`)
      execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', '-b', `${disk.volumeId}.qcow2`, '-F', 'qcow2', path])
      return path
    },
    path: name => join(folder, name),
    booted: serverId =>
      until(`boot of ${serverId}`, 60_000, async () => (await hypervisor.consoleLog(serverId)).includes('BOOT-DONE')),
    serial: serverId => connectSocket(`${folder}/servers/${serverId}`, 'run/serial.sock'),
    neighbour: () => make({ state: join(folder, 'neighbour') }),
    async restarted() {
      await hypervisor.close()
      return make()
    },
    async end() {
      for (const one of open) {
        for (const { serverId } of await one.list()) await one.destroy(serverId)
        await one.close()
      }
      clearInterval(alive)
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
