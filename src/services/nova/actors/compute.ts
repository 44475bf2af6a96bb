// nova-compute on one host: runs its legs of the sagas, answers about its guests, reports what it has and what it finds.
// No database: what it needs to know it asks of the conductor.
import { Fault } from '#kernel/contract/fault.ts'
import type { Bus, Served } from '#kernel/bus/bus.ts'
import type { ServiceIdentity } from '#kernel/http/service-identity.ts'
import type { Clock } from '#kernel/lib/clock.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import type { Ids } from '#kernel/lib/ids.ts'
import type { Log } from '#kernel/lib/log.ts'
import { serveLegs } from '#kernel/saga/legs.ts'
import type { Cross } from '#kernel/crossing/crossing.ts'
import type { GlanceNeighbour } from '#services/nova/actors/neighbours/glance.ts'
import { computeLegs } from '#services/nova/actors/compute-legs.ts'
import { captureTools } from '#services/nova/actors/image-tools.ts'
import { computeMoves } from '#services/nova/actors/move-tools.ts'
import type { GlanceImages } from '#services/nova/actors/neighbours/glance-images.ts'
import { connected, guestSpec, standingOn, type ImageProps } from '#services/nova/actors/guest-spec.ts'
import type { Captures } from '#services/nova/drivers/captures.ts'
import { HypervisorFault, type GuestSpec, type GuestState, type Hypervisor } from '#services/nova/drivers/hypervisor.ts'
import {
  computeRpc,
  conductorRpc,
  type ConnectedDisk,
  type NicRecord,
  type ServerToBuild,
  type WantedState,
} from '#services/nova/rpc.ts'
import type { VolumeTools, WireTools } from '#services/nova/sagas/image-tools.ts'
import type { CachedImage, CinderTools, ComputeTools, NeutronTools } from '#services/nova/sagas/tools.ts'

/** What the host keeps of images, and the config drives it makes. */
export interface HostFiles {
  /** The image on this host, its bytes checked. `download` is called only when it is not there. */
  ensureImage(
    image: { id: string; diskFormat: string; size: number | null; hashAlgorithm: string | null; hash: string | null },
    download: () => Promise<AsyncIterable<Uint8Array>>,
    signal: AbortSignal,
  ): Promise<{ path: string; format: 'raw' | 'qcow2'; virtualSize: number }>
  /** An ISO named `config-2` with these files. */
  makeConfigDrive(serverId: string, files: Readonly<Record<string, string>>): Promise<string>
  /** Harmless when there is none. */
  removeConfigDrive(serverId: string): Promise<void>
  readonly captures: Captures
}

export interface ComputeParts {
  readonly host: string
  readonly node: string
  readonly hostIp: string
  readonly bus: Bus
  readonly clock: Clock
  readonly ids: Ids
  readonly log: Log
  readonly cross: Cross
  readonly hypervisor: Hypervisor
  readonly files: HostFiles
  /** Every guest here is given a config drive, asked for or not. */
  readonly driveForAll: boolean
  readonly identity: ServiceIdentity
  readonly glance: GlanceNeighbour
  readonly glanceImages: GlanceImages
  readonly wires: (ctx: Ctx) => WireTools
  readonly volumes: (ctx: Ctx, person: Ctx) => VolumeTools
  readonly neutron: (ctx: Ctx) => NeutronTools
  readonly cinder: (ctx: Ctx, person: Ctx) => CinderTools
  /** How often it reports. */
  readonly reportMs: number
  readonly shutdownGraceMs: number
}

export interface Compute {
  /** Adopts guests, reports, serves. */
  start(): Promise<void>
  /** One report and what follows from it. Also runs by itself every `reportMs`. */
  report(): Promise<void>
  /** All that run, at once; the rows keep saying that they should run. Reports no more. */
  shutDownGuests(graceMs: number): Promise<void>
  stop(): Promise<void>
}

/** A driver's own error as a fault that crosses the bus with its words. */
function asFault(error: unknown): never {
  if (error instanceof HypervisorFault)
    throw new Fault(`Hypervisor:${error.code}`, 500, error.message, { cause: error })
  throw error
}

export function createCompute(parts: ComputeParts): Compute {
  const { bus, hypervisor, host, clock } = parts
  const actor = `nova-compute@${host}`
  const conductor = bus.client(conductorRpc)
  const driver = <T>(
    ctx: Ctx,
    name: string,
    serverId: string,
    payload: Record<string, unknown>,
    deed: () => Promise<T>,
  ): Promise<T> =>
    ctx
      .cross(
        {
          kind: 'driver',
          side: 'send',
          from: actor,
          to: `hypervisor@${host}`,
          name,
          requestId: ctx.requestId,
          subject: serverId,
          payload,
        },
        deed,
      )
      .catch(asFault)

  const ensureImage = async (
    ctx: Ctx,
    id: string,
    signal: AbortSignal,
  ): Promise<{ path: string; format: 'raw' | 'qcow2'; virtualSize: number; props: ImageProps }> => {
    const image = await parts.glance.image(ctx, id)
    const at = await parts.files.ensureImage(
      {
        id,
        diskFormat: image.disk_format ?? 'raw',
        size: image.size,
        hashAlgorithm: image.os_hash_algo,
        hash: image.os_hash_value,
      },
      () => parts.glance.bytes(ctx, id),
      signal,
    )
    return { ...at, props: image }
  }

  /** With the kernel and ramdisk that it, or the server, names. */
  const cached = async (
    service: Ctx,
    imageId: string,
    signal: AbortSignal,
    server: { kernelId: string; ramdiskId: string } = { kernelId: '', ramdiskId: '' },
  ): Promise<CachedImage & { properties: Record<string, string> }> => {
    const root = await ensureImage(service, imageId, signal)
    const beside = async (id: string | null): Promise<string | null> =>
      id === '' || id === null ? null : (await ensureImage(service, id, signal)).path
    return {
      path: root.path,
      format: root.format,
      virtualSize: root.virtualSize,
      kernel: await beside(root.props.kernel_id ?? server.kernelId),
      ramdisk: await beside(root.props.ramdisk_id ?? server.ramdiskId),
      cmdline: root.props.os_command_line ?? null,
      properties: Object.fromEntries(
        Object.entries(root.props).flatMap(([key, value]) => (typeof value === 'string' ? [[key, value]] : [])),
      ),
    }
  }

  const tools = (ctx: Ctx): ComputeTools => {
    /** The neighbours are asked with nova's own account, fetched when first needed. */
    const asService = (): Promise<Ctx> => parts.identity.ctx(actor, ctx)
    const asking = conductor.any()
    return {
      host,
      conductor: {
        serverToBuild: async serverId => (await asking.server_to_build(ctx, { serverId })).server,
        saveNics: async (serverId, nics) => void (await asking.save_nics(ctx, { serverId, nics: [...nics] })),
        saveDisks: async (serverId, disks) => void (await asking.save_disks(ctx, { serverId, disks: [...disks] })),
      },
      images: {
        ensure: async (server, signal): Promise<CachedImage> =>
          cached(await asService(), server.imageId, signal, server),
      },
      captures: captureTools(imageParts, ctx, asService),
      wires: later(asService, parts.wires),
      volumes: later(asService, service => parts.volumes(service, ctx)),
      neutron: later(asService, parts.neutron),
      cinder: later(asService, service => parts.cinder(service, ctx)),
      moves: computeMoves({
        hypervisor,
        shutdownGraceMs: parts.shutdownGraceMs,
        driver: (name, serverId, payload, deed) => driver(ctx, name, serverId, payload, deed),
        serverToBuild: async serverId => (await asking.server_to_build(ctx, { serverId })).server,
        specOf: (server, nics, disks, signal) => specWith(ctx, server, nics, disks, signal),
        progress: async (moveId, progress) => asking.move_progress(ctx, { moveId, progress }),
      }),
      hypervisor: {
        async spawn(server, image, nics, disks, signal) {
          const iso = await configDrive(ctx, server, nics)
          const spec = guestSpec(server, image, nics, disks, iso)
          const payload = {
            vcpus: spec.vcpus,
            memory_mb: spec.memoryMb,
            nics: spec.nics.length,
            disks: spec.disks.length + 1,
            direct_kernel: spec.kernel !== undefined,
          }
          await driver(ctx, 'spawn', server.serverId, payload, () => hypervisor.spawn(spec, { signal }))
        },
        destroy: serverId => driver(ctx, 'destroy', serverId, {}, () => destroy(serverId)),
        async power(server, verb, signal) {
          const id = server.serverId
          await driver(ctx, verb, id, {}, async () => {
            switch (verb) {
              case 'stop':
                return hypervisor.powerOff(id, { graceMs: parts.shutdownGraceMs, signal })
              case 'pause':
                return hypervisor.pause(id)
              case 'unpause':
                return hypervisor.unpause(id)
              case 'suspend':
                return hypervisor.suspend(id, { signal })
              case 'resume':
                return hypervisor.resume(id, { signal })
              case 'start':
                return hypervisor.powerOn(await specOf(ctx, server, signal), { signal })
              case 'reboot-soft':
                return hypervisor.reboot(await specOf(ctx, server, signal), 'soft', {
                  signal,
                  graceMs: parts.shutdownGraceMs,
                })
              case 'reboot-hard':
                return hypervisor.reboot(await specOf(ctx, server, signal), 'hard', { signal })
            }
          })
          return hypervisor.state(id)
        },
        attachDisk: (serverId, disk) =>
          driver(ctx, 'attach-disk', serverId, { volume: disk.volumeId, device: disk.disk.device }, () =>
            hypervisor.attachDisk(serverId, disk.disk),
          ),
        detachDisk: (serverId, volumeId) =>
          driver(ctx, 'detach-disk', serverId, { volume: volumeId }, () => hypervisor.detachDisk(serverId, volumeId)),
        attachNic: (serverId, nic) =>
          driver(ctx, 'attach-nic', serverId, { port: nic.portId }, () => hypervisor.attachNic(serverId, nicOf(nic))),
        detachNic: (serverId, portId) =>
          driver(ctx, 'detach-nic', serverId, { port: portId }, () => hypervisor.detachNic(serverId, portId)),
      },
    }
  }
  const nicOf = (nic: NicRecord): { portId: string; mac: string; tap: string; mtu: number } => ({
    portId: nic.portId,
    mac: nic.mac,
    tap: nic.tap,
    mtu: nic.mtu,
  })
  const configDrive = async (
    ctx: Ctx,
    { serverId, configDrive: wanted }: { serverId: string; configDrive: boolean },
    nics: readonly NicRecord[],
  ): Promise<string | undefined> => {
    if (!wanted && !parts.driveForAll) return undefined
    const { files } = await conductor.any().config_drive_files(ctx, { serverId, nics: [...nics] })
    return parts.files.makeConfigDrive(serverId, files)
  }
  const destroy = async (serverId: string): Promise<void> => {
    await hypervisor.destroy(serverId)
    await parts.files.removeConfigDrive(serverId)
  }
  const connectedOf = (server: ServerToBuild): ConnectedDisk[] =>
    server.volumes.flatMap(volume => (volume.connectionInfo === null ? [] : [connected(volume)]))
  /** What the guest's disk stands on, which Glance may have forgotten long since; where there is none yet, the image. */
  const standing = async (ctx: Ctx, server: ServerToBuild, signal: AbortSignal): Promise<CachedImage | null> => {
    if (server.imageId === '') return null
    const before = await hypervisor.recorded(server.serverId)
    return before?.rootDisk.from === 'image'
      ? standingOn(before, before.rootDisk)
      : tools(ctx).images.ensure(server, signal)
  }
  const specWith = async (
    ctx: Ctx,
    server: ServerToBuild,
    nics: readonly NicRecord[],
    disks: readonly ConnectedDisk[],
    signal: AbortSignal,
  ): Promise<GuestSpec> =>
    guestSpec(server, await standing(ctx, server, signal), nics, disks, await configDrive(ctx, server, nics))
  /** The guest as it should be by the rows, for starting it again. */
  const specOf = (ctx: Ctx, server: ServerToBuild, signal: AbortSignal): Promise<GuestSpec> =>
    specWith(ctx, server, server.nics, connectedOf(server), signal)
  const imageParts = {
    hypervisor,
    captures: parts.files.captures,
    glance: parts.glanceImages,
    graceMs: parts.shutdownGraceMs,
    driver,
    specWith: async (ctx: Ctx, server: ServerToBuild, image: CachedImage | null): Promise<GuestSpec> =>
      guestSpec(server, image, server.nics, connectedOf(server), await configDrive(ctx, server, server.nics)),
    specOf,
    cached: async (ctx: Ctx, id: string, signal: AbortSignal) =>
      cached(await parts.identity.ctx(actor, ctx), id, signal),
  }

  const served: Served[] = []
  let nodeId: string | null = null
  let stopTimer = (): void => undefined
  let stopEvents = (): void => undefined
  let stopped = false
  let reporting: Promise<void> = Promise.resolve()

  const ownCtx = (): Ctx => ({ requestId: `req-${parts.ids.uuid()}`, who: null, actor, cross: parts.cross })

  const report = async (): Promise<void> => {
    const ctx = ownCtx()
    const found = await hypervisor.list()
    const guests: Record<string, GuestState> = {}
    for (const guest of found) guests[guest.serverId] = guest.state
    const answer = await conductor.any().host_report(ctx, {
      host,
      node: parts.node,
      nodeId,
      hostIp: parts.hostIp,
      facts: await hypervisor.facts(),
      capabilities: { ...hypervisor.capabilities },
      guests,
      asides: await hypervisor.asides(),
    })
    nodeId = answer.nodeId
    for (const serverId of answer.forget) await hypervisor.dropAside(serverId)
    for (const [serverId, wanted] of Object.entries(answer.wanted)) {
      if (stopped || (guests[serverId] ?? 'missing') === wanted) continue
      await compare(ctx, serverId, wanted).catch((error: unknown) =>
        parts.log.warn(ctx, `server ${serverId} could not be brought to ${wanted}: ${(error as Error).message}`),
      )
    }
    for (const [serverId, state] of Object.entries(guests)) if (state === 'running') known.add(serverId)
  }
  /** Guests seen running since this process began: one of them that is shut down was shut down by itself. */
  const known = new Set<string>()
  const compare = async (ctx: Ctx, serverId: string, wanted: WantedState): Promise<void> => {
    if (wanted === 'gone') return destroy(serverId)
    const state = await hypervisor.state(serverId) // what was listed may be old by now
    const ended = state === 'shutdown' || state === 'missing' || state === 'crashed'
    const mend = async (verb: 'start' | 'stop', says: string): Promise<void> => {
      const about: Ctx = { ...ownCtx(), subject: serverId }
      const { begun } = await conductor.any().mend_guest(about, { serverId, host, verb })
      if (begun) parts.log.info(about, `server ${serverId} ${says}`)
    }
    if (wanted === 'running' && ended && !known.has(serverId)) {
      await mend('start', 'should run and does not: starting it') // e.g. after the machine restarted
      known.add(serverId)
    } else if (wanted === 'shutdown' && (state === 'running' || state === 'paused')) {
      await mend('stop', 'should not run and does: stopping it')
    } else if (wanted !== 'shutdown' && ended) {
      await conductor.any().guest_changed(ctx, { serverId, host, state, detail: 'found stopped' })
    }
  }

  /** No more reports, and nothing that guests do is taken for their own doing. */
  const rest = async (): Promise<void> => {
    stopped = true
    stopTimer()
    stopEvents()
    await reporting
  }

  const turn = (): void => {
    stopTimer = clock.after(parts.reportMs, () => {
      reporting = report()
        .catch((error: unknown) =>
          parts.log.warn(null, `nova-compute@${host} could not report: ${(error as Error).message}`),
        )
        .then(() => {
          if (!stopped) turn()
        })
    })
  }

  return {
    report,
    async start() {
      const adopted = await hypervisor.adopt()
      for (const guest of adopted) if (guest.state === 'running') known.add(guest.serverId)
      stopEvents = hypervisor.onEvent(event => {
        const ctx: Ctx = { ...ownCtx(), subject: event.serverId }
        const state: GuestState | null =
          event.kind === 'stopped'
            ? event.why === 'guest'
              ? 'shutdown'
              : 'crashed'
            : event.kind === 'paused'
              ? 'paused'
              : event.kind === 'resumed'
                ? 'running'
                : null
        if (state === null) return
        void conductor
          .any()
          .guest_changed(ctx, { serverId: event.serverId, host, state, detail: 'detail' in event ? event.detail : '' })
          .catch((error: unknown) =>
            parts.log.warn(ctx, `the change of ${event.serverId} could not be reported: ${(error as Error).message}`),
          )
      })
      served.push(
        await serveLegs({
          bus,
          clock,
          actor: 'nova-compute',
          host,
          sagas: computeLegs(tools),
          onLost: (order, error) =>
            parts.log.warn(null, `a leg of ${order.saga} could not report home: ${error.message}`),
        }),
      )
      served.push(
        await bus.serve(computeRpc, host, {
          console_log: async (_ctx, { serverId, lines }) => ({
            text: await (
              lines === null ? hypervisor.consoleLog(serverId) : hypervisor.consoleLog(serverId, lines)
            ).catch(asFault),
          }),
          vnc_socket: async (_ctx, { serverId }) => ({ path: await hypervisor.vnc(serverId).catch(asFault) }),
          serial_socket: async (_ctx, { serverId }) => ({ path: await hypervisor.serial(serverId).catch(asFault) }),
          diagnostics: async (_ctx, { serverId }) => ({
            diagnostics: await hypervisor.diagnostics(serverId).catch(asFault),
          }),
          resize_disk: async (_ctx, { serverId, volumeId, sizeBytes }) => {
            await hypervisor.resizeDisk(serverId, volumeId, sizeBytes).catch(asFault)
            return { resized: true }
          },
          snapshot_disk: async (_ctx, { serverId, volumeId, overlay }) => {
            await hypervisor.snapshotDisk(serverId, volumeId, { path: overlay }).catch(asFault)
            return { done: true }
          },
          commit_disk: async (_ctx, { serverId, volumeId, base }) => {
            await hypervisor.commitDisk(serverId, volumeId, { path: base }).catch(asFault)
            return { done: true }
          },
          interrupt: async (_ctx, { serverId }) => {
            await hypervisor.interrupt(serverId).catch(asFault)
            return { done: true }
          },
          set_password: async (_ctx, given) => {
            await hypervisor.setPassword(given.serverId, given).catch(asFault)
            return { done: true }
          },
          cache_image: async (ctx, { imageId }) => {
            await ensureImage(await parts.identity.ctx(actor, ctx), imageId, new AbortController().signal)
            return { cached: true }
          },
          hurry: async (_ctx, { serverId }) => {
            await hypervisor.hurry(serverId).catch(asFault)
            return { done: true }
          },
          can_take_live: async () => ({ can: hypervisor.capabilities.liveMigration }),
          uptime: async () => ({ text: (await hypervisor.facts()).uptime ?? null }),
          inventory: async () => ({ guests: [...(await hypervisor.list())] }),
        }),
      )
      await report()
      turn()
    },
    async shutDownGuests(graceMs) {
      await rest()
      const ends = (await hypervisor.list()).map(async ({ serverId, state }) => {
        if (state !== 'running' && state !== 'paused') return
        // Who is paused hears no button.
        await hypervisor.powerOff(serverId, { graceMs: state === 'running' ? graceMs : 0 })
      })
      for (const end of await Promise.allSettled(ends))
        if (end.status === 'rejected')
          parts.log.warn(null, `a guest on ${host} was not shut down: ${String(end.reason)}`)
    },
    async stop() {
      await rest()
      for (const one of served.splice(0)) await one.close()
      await hypervisor.close()
    },
  }
}

/** Tools whose context needs a token that is fetched at the first use: every verb waits for it. */
function later<T extends object>(ctx: () => Promise<Ctx>, make: (ctx: Ctx) => T): T {
  let made: Promise<T> | undefined
  return new Proxy({} as T, {
    get:
      (_target, verb) =>
      async (...args: unknown[]) => {
        made ??= ctx().then(make)
        const tools = (await made) as Record<PropertyKey, (...given: unknown[]) => unknown>
        return tools[verb]?.(...args)
      },
  })
}
