// nova-conductor's answers to the other actors: reads and writes they may not do themselves.
import type { Bus, Served } from '#kernel/bus/bus.ts'
import type { Database } from '#kernel/db/database.ts'
import type { Clock } from '#kernel/lib/clock.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import type { Ids } from '#kernel/lib/ids.ts'
import { blockDevicesDb } from '#services/nova/db/block-devices.ts'
import { hostsDb } from '#services/nova/db/hosts.ts'
import { nicsDb } from '#services/nova/db/nics.ts'
import { serversDb, type Server } from '#services/nova/db/servers.ts'
import type { NovaTables } from '#services/nova/db/tables.ts'
import { serverToBuild } from '#services/nova/domain/conductor/server-to-build.ts'
import { POWER } from '#services/nova/domain/conductor/power-numbers.ts'
import { forgottenAsides, saveProgress } from '#services/nova/domain/conductor/move-progress.ts'
import { hostStates } from '#services/nova/domain/conductor/host-states.ts'
import { conductorRpc, type HostReport, type NicRecord, type WantedState } from '#services/nova/rpc.ts'

export interface ConductorServing {
  readonly database: Database<NovaTables>
  readonly clock: Clock
  readonly ids: Ids
  readonly ratios: {
    readonly cpu: number
    readonly ram: number
    readonly disk: number
    readonly reservedMemoryMb: number
  }
  readonly downAfterMs: number
  readonly warn: (says: string) => void
  /** Tells Placement what a host has. */
  readonly provide: (
    ctx: Ctx,
    node: {
      id: string
      hostname: string
      vcpus: number
      memoryMb: number
      diskGb: number
      ratios: ConductorServing['ratios']
    },
  ) => Promise<void>
  /** Begins to bring a guest to what its row says. False when there is nothing to do any more. */
  readonly mend: (ctx: Ctx, serverId: string, host: string, verb: 'start' | 'stop') => Promise<boolean>
  /** A host reports, with these guests: what it held for servers that left it while it was dead can go. */
  readonly hostIsBack: (ctx: Ctx, host: string, guests: readonly string[]) => Promise<void>
  /** What `meta_data.json` and its companions hold. */
  readonly configDriveFiles: (
    ctx: Ctx,
    serverId: string,
    nics: readonly NicRecord[],
  ) => Promise<Readonly<Record<string, string>>>
}

export function serveConductor(bus: Bus, parts: ConductorServing): Promise<Served> {
  const { database, clock } = parts
  /** What Placement was told of each node. */
  const told = new Map<string, string>()
  return bus.serve(conductorRpc, null, {
    server_to_build: async (ctx, { serverId }) => ({
      server: await database.read({ ...ctx, subject: serverId }, 'server-to-build', q => serverToBuild(q, serverId)),
    }),
    guest_parts: async (ctx, { serverId }) => {
      const server = await database.read(ctx, 'guest-parts', q => serverToBuild(q, serverId))
      return { server, hostname: server.hostname }
    },
    host_states: async (ctx, { hosts }) => ({
      hosts: await database.read(ctx, 'host-states', q => hostStates(q, hosts, clock.now(), parts.downAfterMs)),
    }),
    save_nics: async (ctx, { serverId, nics }) => {
      await database.tx(ctx, 'save-nics', q => nicsDb(q).replace(serverId, nics))
      return { saved: true }
    },
    save_disks: async (ctx, { disks }) => {
      await database.tx(ctx, 'save-disks', async q => {
        for (const disk of disks)
          await blockDevicesDb(q).connected(disk.blockDeviceId, { ...disk, device: disk.disk.device })
      })
      return { saved: true }
    },
    config_drive_files: async (ctx, { serverId, nics }) => ({
      files: await parts.configDriveFiles(ctx, serverId, nics),
    }),
    host_report: (ctx, report) => hostReport(parts, told, ctx, report),
    move_progress: async (ctx, { moveId, progress }) => {
      await database.tx(ctx, 'move-progress', q => saveProgress(q, moveId, progress, clock.now()))
    },
    mend_guest: async (ctx, { serverId, host, verb }) => ({ begun: await parts.mend(ctx, serverId, host, verb) }),
    guest_changed: async (ctx, { serverId, state }) => {
      await database.tx(ctx, 'guest-changed', async q => {
        const server = await serversDb(q).byId(serverId)
        if (server === undefined || server.taskState !== null) return // an operation is under way: it will say how it ended
        const ended = state === 'shutdown' || state === 'crashed' || state === 'missing'
        const vmState = ended && ALIVE.has(server.vmState) ? 'stopped' : server.vmState
        await serversDb(q).change(serverId, { powerState: POWER[state], vmState }, clock.now())
      })
    },
  })
}

/** States of servers whose guest has something in memory. */
const ALIVE: ReadonlySet<string> = new Set(['active', 'paused', 'suspended'])

const WANTED: Readonly<Record<string, WantedState>> = {
  active: 'running',
  stopped: 'shutdown',
  paused: 'paused',
  suspended: 'suspended',
  'soft-delete': 'shutdown',
}
/** By the power it had: a server that waits for a word may run or not. */
const WANTED_AFTER_RESIZE: Readonly<Record<number, WantedState>> = { 1: 'running', 4: 'shutdown' }
/** What a server's guest should be doing by its rows; null where an operation decides. */
const wantedOf = (server: Server): WantedState | null =>
  server.taskState !== null
    ? null
    : server.vmState === 'resized'
      ? (WANTED_AFTER_RESIZE[server.powerState] ?? null)
      : (WANTED[server.vmState] ?? null)

async function hostReport(
  parts: ConductorServing,
  told: Map<string, string>,
  ctx: Ctx,
  report: HostReport,
): Promise<{ nodeId: string; wanted: Record<string, WantedState>; forget: string[] }> {
  const { database, clock, ids, ratios } = parts
  const known = await database.read(ctx, 'node-of-host', q => hostsDb(q).nodeOf(report.host))
  const nodeId = known?.id ?? report.nodeId ?? ids.uuid()
  const { facts } = report
  await database.tx(ctx, 'host-report', async q => {
    await hostsDb(q).seen({ id: ids.uuid(), host: report.host, binary: 'nova-compute' }, clock.now())
    await hostsDb(q).saveNode(
      {
        id: nodeId,
        host: report.host,
        hypervisorHostname: report.node,
        hypervisorType: facts.hypervisorType,
        hypervisorVersion: facts.hypervisorVersion,
        hostIp: report.hostIp,
        vcpus: facts.vcpus,
        memoryMb: facts.memoryMb,
        localGb: facts.diskGb,
        freeDiskGb: facts.diskFreeGb,
        cpuInfo: facts.cpu as unknown as Record<string, unknown>,
        capabilities: report.capabilities,
        accelerator: facts.accelerator.kind,
        cpuRatio: ratios.cpu,
        ramRatio: ratios.ram,
        diskRatio: ratios.disk,
        reservedMemoryMb: ratios.reservedMemoryMb,
      },
      clock.now(),
    )
  })
  // Told once per process and whenever it changes; when Placement cannot be asked, the next report tells it again.
  const inventory = `${facts.vcpus}/${facts.memoryMb}/${facts.diskGb}`
  if (told.get(nodeId) !== inventory) {
    try {
      await parts.provide(ctx, {
        id: nodeId,
        hostname: report.node,
        vcpus: facts.vcpus,
        memoryMb: facts.memoryMb,
        diskGb: facts.diskGb,
        ratios,
      })
      told.set(nodeId, inventory)
    } catch (error) {
      parts.warn(`Placement does not know of ${report.host} yet: ${(error as Error).message}`)
    }
  }
  await parts.hostIsBack(ctx, report.host, Object.keys(report.guests))
  const here = await database.read(ctx, 'servers-on-host', q => serversDb(q).onHost(report.host))
  const wanted: Record<string, WantedState> = {}
  for (const server of here) {
    const state = wantedOf(server)
    if (state !== null) wanted[server.id] = state
  }
  for (const id of Object.keys(report.guests)) {
    if (here.some(server => server.id === id)) continue
    const elsewhere = await database.read(ctx, 'server-ever', q => serversDb(q).everById(id))
    // A guest whose server is gone is to go; one whose server we never knew is nobody's to end but an operator's.
    if (
      elsewhere !== undefined &&
      (elsewhere.deletedAt !== null || (elsewhere.host !== report.host && elsewhere.taskState === null))
    )
      wanted[id] = 'gone'
  }
  const { asides = [] } = report
  const forget =
    asides.length === 0
      ? []
      : await database.read(ctx, 'forgotten-asides', q => forgottenAsides(q, report.host, asides))
  return { nodeId, wanted, forget }
}
