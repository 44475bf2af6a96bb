// What this machine offers a cloud: QEMU or the simulation, the kernel's network or the simulation; each fall-back in one sentence.
import { createHash } from 'node:crypto'
import { hostname, networkInterfaces } from 'node:os'

import { makeIso } from '#host/block/iso.ts'
import { createFabric, type Fabric } from '#host/linux/fabric.ts'
import { probeNetwork, whereIs } from '#host/linux/probe.ts'
import type { Exec } from '#host/node/exec.ts'
import type { StateDir } from '#host/node/state-dir.ts'
import type { Clock } from '#kernel/lib/clock.ts'
import { Refusal } from '#kernel/config/refusal.ts'
import type { Mechanism, OnMetadata } from '#services/neutron/drivers/mechanism.ts'
import { createSimulatedMechanism } from '#services/neutron/drivers/mechanism-simulated/mechanism-simulated.ts'
import type { HostFiles } from '#services/nova/actors/compute.ts'
import { createConfigDrives } from '#services/nova/drivers/config-drive.ts'
import type { Hypervisor } from '#services/nova/drivers/hypervisor.ts'
import { createSimulatedHypervisor } from '#services/nova/drivers/hypervisor-simulated/hypervisor-simulated.ts'
import type { ImageCache } from '#services/nova/drivers/image-cache.ts'

export interface HostWish {
  readonly hypervisor: 'auto' | 'qemu' | 'simulated'
  readonly network: 'auto' | 'linux' | 'simulated'
  /** Simulated hosts beside the real one. */
  readonly hosts: number
}
export interface MachineParts {
  readonly state: StateDir
  readonly exec: Exec
  readonly clock: Clock
  /** A Linux kernel to prove /dev/kvm with, where there is one. */
  readonly probeKernel?: string
  /** Answers what guests ask of 169.254.169.254. */
  readonly onMetadata: OnMetadata
}
export interface Host {
  readonly name: string
  readonly ip: string
  readonly hypervisor: Hypervisor
  readonly files: HostFiles
  readonly simulated: boolean
}
export interface Machine {
  readonly hosts: readonly Host[]
  readonly mechanism: Mechanism
  readonly fabric: Fabric | null
  readonly images: ImageCache | null
  /** One sentence per thing that fell back. */
  readonly notices: readonly string[]
  readonly hypervisorKind: 'qemu' | 'simulated'
  readonly networkKind: 'linux' | 'simulated'
}

/** The first address of this machine that others could use, else loopback. */
export function hostAddress(bind: string): string {
  if (bind !== '0.0.0.0' && bind !== '::') return bind
  for (const addresses of Object.values(networkInterfaces())) {
    for (const address of addresses ?? []) if (!address.internal && address.family === 'IPv4') return address.address
  }
  return '127.0.0.1'
}

/** What this machine is called as a compute host. */
export const hostName = (): string => hostname().split('.')[0] ?? 'koto'

/** Finds out what can be had and makes it. Throws a Refusal when something asked for by name is not there. */
export async function findMachine(wish: HostWish, parts: MachineParts): Promise<Machine> {
  const { state, exec, clock } = parts
  const notices: string[] = []
  const root = process.getuid?.() === 0
  const name = hostName()

  const missing = wish.hypervisor === 'simulated' ? [] : await absent(['qemu-system-x86_64', 'qemu-img'])
  if (wish.hypervisor === 'qemu' && missing.length > 0) {
    throw new Refusal(
      `${missing.join(' and ')} cannot be found: install qemu-system-x86 and qemu-utils, or use --hypervisor simulated.`,
    )
  }
  const real = wish.hypervisor !== 'simulated' && missing.length === 0
  if (wish.hypervisor === 'auto' && !real) {
    notices.push('QEMU is not installed: servers are simulated. Install qemu-system-x86 and qemu-utils for real ones.')
  }

  let fabric: Fabric | null = null
  if (wish.network === 'linux' || (wish.network === 'auto' && real)) {
    const probe = await probeNetwork({ exec, clock, root, deep: false })
    const because = probe.findings.filter(finding => finding.needed && !finding.ok).map(finding => finding.says)
    if (probe.usable) fabric = createFabric({ stateDir: state.path, exec, clock, root })
    else if (wish.network === 'linux') throw new Refusal(`A real network cannot be had: ${because.join('; ')}.`)
    else notices.push(`The network is simulated, no packets flow: ${because.join('; ')}.`)
  }
  let mechanism: Mechanism
  if (fabric === null) mechanism = createSimulatedMechanism()
  else {
    await fabric.start()
    const { createLinuxMechanism } = await import('#services/neutron/drivers/mechanism-linux/mechanism-linux.ts')
    mechanism = await createLinuxMechanism({ fabric, stateDir: state.path, clock, root, onMetadata: parts.onMetadata })
  }

  const drives = createConfigDrives({
    folder: state.folder('config-drives'),
    makeIso: ({ volumeId, files, out }) => makeIso({ exec, volumeId, files, out }),
  })
  const hosts: Host[] = []
  let images: ImageCache | null = null
  if (real) {
    const { createQemuHypervisor } = await import('#services/nova/drivers/hypervisor-qemu/hypervisor-qemu.ts')
    const { createFileImageCache } = await import('#services/nova/drivers/image-cache-file/image-cache-file.ts')
    images = createFileImageCache({ folder: state.folder('image-cache'), exec, clock })
    await images.clean()
    const hypervisor = await createQemuHypervisor({
      state: state.path,
      clock,
      exec,
      ...(fabric === null
        ? {}
        : {
            placeIn: fabric.exec,
            taps: {
              create: (tap, options) => fabric.link.createTap(tap, options),
              remove: tap => fabric.link.removeTap(tap),
            },
          }),
      ...(parts.probeKernel === undefined ? {} : { probeKernel: parts.probeKernel }),
    })
    hosts.push({ name, ip: '127.0.0.1', hypervisor, files: realFiles(images, drives), simulated: false })
  } else {
    hosts.push(simulatedHost(name, state, clock))
  }
  for (let index = 1; index <= wish.hosts; index++) hosts.push(simulatedHost(`sim-${index}`, state, clock))
  return {
    hosts,
    mechanism,
    fabric,
    images,
    notices,
    hypervisorKind: real ? 'qemu' : 'simulated',
    networkKind: fabric === null ? 'simulated' : 'linux',
  }
}

const absent = async (programs: readonly string[]): Promise<string[]> => {
  const found = await Promise.all(programs.map(whereIs))
  return programs.filter((_program, index) => found[index] === null)
}

function realFiles(images: ImageCache, drives: ReturnType<typeof createConfigDrives>): HostFiles {
  return {
    async ensureImage(image, download, signal) {
      const at = await images.ensure(
        image.id,
        {
          diskFormat: image.diskFormat,
          hashAlgorithm: image.hashAlgorithm,
          hashValue: image.hash,
          sizeBytes: image.size,
          download: inner => streamed(download, inner),
        },
        { signal },
      )
      return {
        path: at.path,
        format: at.format === 'raw' || at.format === 'file' ? 'raw' : 'qcow2',
        virtualSize: at.virtualSize,
      }
    },
    makeConfigDrive: (serverId, files) => drives.write(serverId, files),
  }
}
async function* streamed(
  download: () => Promise<AsyncIterable<Uint8Array>>,
  signal: AbortSignal,
): AsyncIterable<Uint8Array> {
  for await (const chunk of await download()) {
    signal.throwIfAborted()
    yield chunk
  }
}

/** A host on paper: images are not fetched, config drives not written; what was asked for is checked all the same. */
function simulatedHost(name: string, state: StateDir, clock: Clock): Host {
  const hypervisor = createSimulatedHypervisor({ clock, file: `${state.folder('simulated')}/${name}.json` })
  return {
    name,
    ip: '127.0.0.1',
    hypervisor,
    simulated: true,
    files: {
      ensureImage: async image => ({ path: `/simulated/${image.id}`, format: 'qcow2', virtualSize: image.size ?? 0 }),
      makeConfigDrive: async serverId => `/simulated/${serverId}.iso`,
    },
  }
}

export const sha224 = (text: string): string => createHash('sha224').update(text).digest('hex')
export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')
export const md5 = (bytes: Uint8Array): string => createHash('md5').update(bytes).digest('hex')
