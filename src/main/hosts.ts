// What this machine offers a cloud: QEMU or the simulation, the kernel's network or the simulation; each fall-back in one sentence.
import { createHash } from 'node:crypto'
import { hostname, networkInterfaces } from 'node:os'

import { makeIso } from '#host/block/iso.ts'
import { createFabric, type Fabric } from '#host/linux/fabric.ts'
import { probeNetwork, whereIs } from '#host/linux/probe.ts'
import type { Exec } from '#host/node/exec.ts'
import type { StateDir } from '#host/node/state-dir.ts'
import type { Clock } from '#kernel/lib/clock.ts'
import type { Log } from '#kernel/lib/log.ts'
import { Refusal } from '#kernel/config/refusal.ts'
import { builtKernel, guestCache } from '#main/guest-cache.ts'
import type { Mechanism, OnMetadata } from '#services/neutron/drivers/mechanism.ts'
import { createSimulatedMechanism } from '#services/neutron/drivers/mechanism-simulated/mechanism-simulated.ts'
import { withSimulatedPorts } from '#services/neutron/drivers/simulated-ports.ts'
import type { HostFiles } from '#services/nova/actors/compute.ts'
import { createCaptures } from '#services/nova/drivers/captures.ts'
import { createConfigDrives } from '#services/nova/drivers/config-drive.ts'
import type { Hypervisor } from '#services/nova/drivers/hypervisor.ts'
import { createSimulatedHypervisor } from '#services/nova/drivers/hypervisor-simulated/hypervisor-simulated.ts'
import type { ImageCache } from '#services/nova/drivers/image-cache.ts'

export interface HostWish {
  readonly hypervisor: 'auto' | 'qemu' | 'simulated'
  readonly network: 'auto' | 'linux' | 'simulated'
  /** Simulated hosts beside the real one. */
  readonly hosts: number
  /** Whether guests may reach the world through this machine's connections. */
  readonly egress: boolean
  /** This machine's address by which other hosts reach it; empty where networks end at this one. */
  readonly tunnelIp: string
  /** How long a running server is on its way between simulated hosts; default 0. */
  readonly sendMs?: number
}
export interface MachineParts {
  readonly state: StateDir
  readonly exec: Exec
  readonly clock: Clock
  readonly log: Log
  /** Answers what guests ask of 169.254.169.254. */
  readonly onMetadata: OnMetadata
}
export interface Host {
  readonly name: string
  readonly ip: string
  readonly hypervisor: Hypervisor
  readonly files: HostFiles
  readonly simulated: boolean
  /** Guests here reach no metadata service: each learns who it is from a drive. */
  readonly driveForAll: boolean
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
  /** Proves /dev/kvm if that has not been done since the machine started. One sentence when guests are emulated, else null. */
  emulation(): Promise<string | null>
}

/** The first address of this machine that others could use, else loopback. */
export function hostAddress(bind: string): string {
  if (bind !== '0.0.0.0' && bind !== '::') return bind
  for (const addresses of Object.values(networkInterfaces())) {
    for (const address of addresses ?? []) if (!address.internal && address.family === 'IPv4') return address.address
  }
  return '127.0.0.1'
}

/** The host of our own URLs, as clients write it: where we listen, or an address of this machine where that is everywhere. */
export function reachableHost(bind: string, hostIp: string): string {
  const everywhere = bind === '0.0.0.0' || bind === '::'
  const host = everywhere && hostIp !== '' ? hostIp : hostAddress(bind)
  return host.includes(':') ? `[${host}]` : host
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

  const wanted = wish.network === 'linux' || (wish.network === 'auto' && real)
  const network = wanted ? await linuxNetwork(wish, parts, root) : null
  if (network !== null) notices.push(...network.notices)
  const fabric = network?.made?.fabric ?? null
  const made = network?.made?.mechanism
  const mechanism =
    made === undefined ? createSimulatedMechanism() : real ? made : withSimulatedPorts(made, createSimulatedMechanism())

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
    const cache = guestCache(state)
    const hypervisor = await createQemuHypervisor({
      state: state.path,
      verdicts: cache,
      probeKernel: () => builtKernel(cache),
      onProblem: sentence => parts.log.warn(null, sentence),
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
    })
    hosts.push({
      name,
      ip: '127.0.0.1',
      hypervisor,
      files: realFiles(images, drives, state),
      simulated: false,
      driveForAll: fabric === null,
    })
  } else {
    hosts.push(simulatedHost(name, state, clock, wish.sendMs ?? 0))
  }
  for (let index = 1; index <= wish.hosts; index++)
    hosts.push(simulatedHost(`sim-${index}`, state, clock, wish.sendMs ?? 0))
  return {
    hosts,
    mechanism,
    fabric,
    images,
    notices,
    hypervisorKind: real ? 'qemu' : 'simulated',
    networkKind: fabric === null ? 'simulated' : 'linux',
    async emulation() {
      const facts = real ? await hosts[0]?.hypervisor.facts() : undefined
      return facts?.accelerator.kind === 'tcg' ? `Guests are emulated: ${facts.accelerator.why}.` : null
    },
  }
}

/** The kernel's network, or what keeps it from being had. Throws a Refusal for the latter when it was asked for by name. */
async function linuxNetwork(
  wish: HostWish,
  { state, exec, clock, onMetadata }: MachineParts,
  root: boolean,
): Promise<{ notices: readonly string[]; made: { fabric: Fabric; mechanism: Mechanism } | null }> {
  const without = (because: string) => {
    if (wish.network === 'linux') throw new Refusal(`A real network cannot be had: ${because}.`)
    return { notices: [`The network is simulated and carries no packets: ${because}.`], made: null }
  }
  const { usable, findings } = await probeNetwork({ exec, clock, root, deep: false })
  if (!usable)
    return without(findings.flatMap(finding => (finding.needed && !finding.ok ? [finding.cause] : [])).join('; '))
  const fabric = createFabric({ stateDir: state.path, exec, clock, root })
  // A cloud whose network was real keeps it: better no start than guests whose wires end nowhere.
  const first = state.read('network/holder.json') === null
  try {
    await fabric.start()
    const { createLinuxMechanism } = await import('#services/neutron/drivers/mechanism-linux/mechanism-linux.ts')
    const egress = wish.egress && (await whereIs('pasta')) !== null
    if (wish.tunnelIp !== '' && !root) throw new Refusal('Networks span hosts (neutron.tunnelIp) only as root.')
    const mechanism = await createLinuxMechanism({
      fabric,
      stateDir: state.path,
      clock,
      root,
      onMetadata,
      egress,
      ...(wish.tunnelIp === '' ? {} : { tunnelIp: wish.tunnelIp }),
    })
    const lesser = findings.filter(finding => !finding.ok && (wish.egress || finding.name !== 'pasta'))
    return { notices: lesser.map(finding => finding.says), made: { fabric, mechanism } }
  } catch (error) {
    if (!first) throw error
    await fabric.stop().catch(() => undefined)
    const why = (error as Error).message.split('\n')[0] ?? ''
    return without(`the kernel does not allow it here (${why.replace(/\.$/, '')})`)
  }
}

const absent = async (programs: readonly string[]): Promise<string[]> => {
  const found = await Promise.all(programs.map(whereIs))
  return programs.filter((_program, index) => found[index] === null)
}

function realFiles(images: ImageCache, drives: ReturnType<typeof createConfigDrives>, state: StateDir): HostFiles {
  return {
    captures: createCaptures({ folder: state.folder('captures') }),
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
    removeConfigDrive: serverId => drives.remove(serverId),
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
function simulatedHost(name: string, state: StateDir, clock: Clock, sendMs: number): Host {
  const hypervisor = createSimulatedHypervisor({ clock, sendMs, file: `${state.folder('simulated')}/${name}.json` })
  return {
    name,
    ip: '127.0.0.1',
    hypervisor,
    simulated: true,
    driveForAll: false,
    files: {
      ensureImage: async image => ({ path: `/simulated/${image.id}`, format: 'qcow2', virtualSize: image.size ?? 0 }),
      makeConfigDrive: async serverId => `/simulated/${serverId}.iso`,
      removeConfigDrive: async () => undefined,
      captures: createCaptures({ folder: `${state.folder('captures')}/${name}` }),
    },
  }
}

export const sha224 = (text: string): string => createHash('sha224').update(text).digest('hex')
export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')
export const md5 = (bytes: Uint8Array): string => createHash('md5').update(bytes).digest('hex')
