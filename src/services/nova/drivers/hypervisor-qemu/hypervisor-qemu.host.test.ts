// The same promises with real processes: QEMU by emulation, a Debian kernel, busybox. Skipped where they are missing.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '#kernel/lib/clock.ts'
import { findTestKernel, makeTestGuest } from '#services/nova/drivers/hypervisor-qemu/guest-for-tests.ts'
import { createQemuHypervisor } from '#services/nova/drivers/hypervisor-qemu/hypervisor-qemu.ts'
import { hypervisorSuite, type HypervisorBench } from '#services/nova/drivers/hypervisor.suite.ts'
import type { Hypervisor } from '#services/nova/drivers/hypervisor.ts'

const clock = systemClock()

async function makeBench(): Promise<HypervisorBench> {
  const folder = mkdtempSync(join(tmpdir(), 'koto-qemu-'))
  const { kernel, initrd } = await makeTestGuest(join(folder, 'initrd'))
  const base = join(folder, 'base.raw')
  execFileSync('qemu-img', ['create', '-q', '-f', 'raw', base, '16M'])
  const open = new Set<Hypervisor>()
  const make = async (): Promise<Hypervisor> => {
    const one = await createQemuHypervisor({ state: folder, clock, accelerator: 'tcg', startingAtOnce: 8 })
    open.add(one)
    return one
  }
  const hypervisor = await make()
  // The clock's timers do not keep a process alive; a test run needs something that does.
  const alive = setInterval(() => undefined, 1_000)
  return {
    hypervisor,
    guest(change = {}) {
      const portId = crypto.randomUUID()
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
        nics: [
          {
            portId,
            mac: `fa:16:3e:${portId.slice(0, 2)}:${portId.slice(2, 4)}:${portId.slice(4, 6)}`,
            tap: `tap${portId.slice(0, 11)}`,
            mtu: 1450,
          },
        ],
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
    async booted(serverId) {
      const deadline = clock.monotonic() + 60_000
      while (!(await hypervisor.consoleLog(serverId)).includes('BOOT-DONE')) {
        if (clock.monotonic() > deadline) throw new Error(`did not boot: ${await hypervisor.consoleLog(serverId, 5)}`)
        await clock.sleep(50)
      }
    },
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

const found = findTestKernel()
hypervisorSuite('QEMU', makeBench, 'missing' in found ? { skip: found.missing } : {})
