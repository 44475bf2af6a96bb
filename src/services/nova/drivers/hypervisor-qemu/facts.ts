// What this machine is, in the words of the compute API.
import { readFile, statfs } from 'node:fs/promises'
import { arch, cpus, freemem, loadavg, totalmem, uptime } from 'node:os'
import type { QemuTools } from '#services/nova/drivers/hypervisor-qemu/tools.ts'
import type { HostFacts } from '#services/nova/drivers/hypervisor.ts'
import { uptimeText } from '#services/nova/drivers/uptime-text.ts'

/** `QEMU emulator version 7.2.22 (Debian …)` is 7002022; 0 when it cannot be read. */
export function versionNumber(text: string): number {
  const [, major = '0', minor = '0', micro = '0'] = /version (\d+)\.(\d+)(?:\.(\d+))?/.exec(text) ?? []
  return Number(major) * 1_000_000 + Number(minor) * 1_000 + Number(micro)
}

export async function hostFacts(tools: QemuTools, qemuVersion: string): Promise<HostFacts> {
  const [disk, accelerator, info] = await Promise.all([
    statfs(tools.state),
    tools.accelerator(),
    readFile('/proc/cpuinfo', 'utf8').catch(() => ''),
  ])
  const field = (name: string): string => new RegExp(`^${name}\\s*:\\s*(.*)$`, 'm').exec(info)?.[1]?.trim() ?? ''
  const count = cpus().length
  const sockets = new Set(info.match(/^physical id\s*:.*$/gm) ?? []).size || 1
  const cores = Math.max(1, Math.min(Math.floor(count / sockets), Number(field('cpu cores')) || 1))
  return {
    hypervisorType: 'QEMU',
    hypervisorVersion: versionNumber(qemuVersion),
    vcpus: count,
    memoryMb: Math.floor(Math.min(totalmem(), process.constrainedMemory() || totalmem()) / 2 ** 20),
    memoryFreeMb: Math.floor(freemem() / 2 ** 20),
    diskGb: Math.floor((disk.blocks * disk.bsize) / 2 ** 30),
    diskFreeGb: Math.floor((disk.bavail * disk.bsize) / 2 ** 30),
    uptime: uptimeText(uptime(), loadavg(), tools.clock.now()),
    cpu: {
      arch: arch() === 'arm64' ? 'aarch64' : 'x86_64',
      vendor: field('vendor_id').replace('GenuineIntel', 'Intel').replace('AuthenticAMD', 'AMD'),
      model: field('model name'),
      features: field('flags')
        .split(' ')
        .filter(flag => flag !== ''),
      topology: { sockets, cores, threads: Math.max(1, Math.floor(count / sockets / cores)), cells: 1 },
    },
    accelerator: { kind: accelerator.kind, why: accelerator.why },
  }
}
