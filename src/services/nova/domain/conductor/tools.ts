// nova-conductor's hands for the sagas: the one of Nova's actors that has a database.
import { Fault } from '#kernel/contract/fault.ts'
import type { Database } from '#kernel/db/database.ts'
import type { Bus } from '#kernel/bus/bus.ts'
import { json } from '#kernel/db/codecs.ts'
import type { Clock } from '#kernel/lib/clock.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import type { Ids } from '#kernel/lib/ids.ts'
import { time } from '#kernel/db/codecs.ts'
import { actionsDb } from '#services/nova/db/actions.ts'
import { blockDevicesDb } from '#services/nova/db/block-devices.ts'
import { hostsDb } from '#services/nova/db/hosts.ts'
import { nicsDb } from '#services/nova/db/nics.ts'
import { serversDb, type Server } from '#services/nova/db/servers.ts'
import type { Claim, NovaTables } from '#services/nova/db/tables.ts'
import { demandGroupPolicy, groupAround, groupTurns } from '#services/nova/domain/conductor/groups.ts'
import { faultWords } from '#services/nova/domain/conductor/faults.ts'
import { toAttach } from '#services/nova/domain/conductor/server-to-build.ts'
import { POWER } from '#services/nova/domain/conductor/power-numbers.ts'
import { serverImageTools, type ServerImageParts } from '#services/nova/domain/conductor/server-images.ts'
import { nearestChange } from '#services/nova/domain/scheduling/decide.ts'
import { countServer, setAside, takeBack } from '#services/nova/domain/conductor/set-aside.ts'
import { diskGbOf } from '#services/nova/domain/scheduling/filters.ts'
import { schedulerRpc, type Destination, type HostVerdict, type RequestSpec } from '#services/nova/rpc.ts'
import { endMovesOf } from '#services/nova/domain/conductor/moves.ts'
import type { ConductorMoves } from '#services/nova/sagas/move-tools.ts'
import type { VolumeTools, WireTools } from '#services/nova/sagas/image-tools.ts'
import type { CinderTools, ConductorTools, NeutronTools } from '#services/nova/sagas/tools.ts'

export interface ConductorParts {
  readonly database: Database<NovaTables>
  readonly bus: Bus
  readonly clock: Clock
  readonly ids: Ids
  readonly placement: {
    claim(ctx: Ctx, spec: RequestSpec, destination: Destination): Promise<void>
    release(ctx: Ctx, serverId: string): Promise<void>
  }
  readonly neutron: (ctx: Ctx) => NeutronTools
  readonly cinder: (ctx: Ctx) => CinderTools
  readonly moves: (ctx: Ctx) => ConductorMoves
  readonly images: Omit<ServerImageParts, 'database' | 'clock' | 'ids' | 'unplace'>
  readonly wires: (ctx: Ctx) => WireTools
  readonly volumes: (ctx: Ctx) => VolumeTools
}

export const claimOf = (spec: RequestSpec): Claim => ({
  vcpus: spec.flavor.vcpus,
  memoryMb: spec.flavor.ramMb,
  diskGb: diskGbOf(spec),
})

const TERMINATE = 'compute_terminate_instance'
/** Somebody was promised that it goes: no other operation's end takes that back. */
const isDying = (server: Server): boolean => server.taskState === 'deleting'

/** Takes the server off its host: the sums go down with the row, in one transaction. */
async function unplace(q: Parameters<typeof serversDb>[0], server: Server): Promise<void> {
  if (server.host !== null && server.claim !== null) await hostsDb(q).count(server.host, server.claim, -1)
}

/** The server is on no host and takes nothing of one. */
async function leaveHost(q: Parameters<typeof serversDb>[0], server: Server, now: number): Promise<void> {
  if (server.host === null) return
  await unplace(q, server)
  await serversDb(q).change(
    server.id,
    { host: null, node: null, launchedOn: null, availabilityZone: server.pinnedAvailabilityZone },
    now,
  )
  await q.updateTable('servers').set({ claim: null }).where('id', '=', server.id).execute()
}

/** Tools for one try of one step, in its context. */
export const conductorTools = (parts: ConductorParts): ((ctx: Ctx) => ConductorTools) => {
  const groups = groupTurns()
  const images = serverImageTools({
    ...parts,
    ...parts.images,
    unplace: (q, server) => leaveHost(q, server, parts.clock.now()),
  })
  return ctx => {
    const { database, bus, clock, ids } = parts
    const now = (): number => clock.now()
    return {
      neutron: parts.neutron(ctx),
      serverImages: images(ctx),
      wires: parts.wires(ctx),
      volumes: parts.volumes(ctx),
      cinder: parts.cinder(ctx),
      moves: parts.moves(ctx),
      placement: {
        claim: (spec, destination) => parts.placement.claim(ctx, spec, destination),
        release: serverId => parts.placement.release(ctx, serverId),
      },
      scheduler: {
        async select(spec) {
          const { hosts, verdicts } = await groups.choose(
            spec,
            () => database.read(ctx, 'group-of-server', q => groupAround(q, spec.serverId)),
            now => bus.client(schedulerRpc).any().select_destinations(ctx, { spec: now }),
          )
          await database.tx(ctx, 'keep-verdicts', async q => {
            await q
              .insertInto('scheduling_verdicts')
              .values({
                id: ids.uuid(),
                server_id: spec.serverId,
                request_id: ctx.requestId,
                created_at: time(now()),
                verdicts: json(verdicts),
              })
              .execute()
          })
          if (hosts.length === 0) throw noValidHost(verdicts)
          return hosts
        },
      },
      servers: {
        async placeOn(serverId, destination) {
          await database.tx(ctx, 'place-server', async q => {
            const server = await serversDb(q).byId(serverId)
            if (server === undefined || server.host === destination.host) return
            await demandGroupPolicy(q, serverId, destination.host)
            await unplace(q, server)
            const claim: Claim = {
              vcpus: server.flavor.vcpus,
              memoryMb: server.flavor.ramMb,
              diskGb:
                (server.imageId === '' ? 0 : server.flavor.diskGb) +
                server.flavor.ephemeralGb +
                Math.ceil(server.flavor.swapMb / 1024),
            }
            await serversDb(q).change(
              serverId,
              {
                host: destination.host,
                node: destination.node,
                launchedOn: destination.host,
                availabilityZone: destination.availabilityZone,
              },
              now(),
            )
            await q
              .updateTable('servers')
              .set({ claim: json(claim) })
              .where('id', '=', serverId)
              .execute()
            await hostsDb(q).count(destination.host, claim, 1)
          })
          groups.arrived(serverId)
        },
        async clearHost(serverId) {
          await database.tx(ctx, 'clear-host', async q => {
            const server = await serversDb(q).byId(serverId)
            if (server !== undefined) await leaveHost(q, server, now())
          })
        },
        async becameActive(serverId) {
          await stated(parts, ctx, 'server-active', 'ACTIVE', null, async q => {
            const server = await serversDb(q).byId(serverId)
            if (server === undefined) return
            await serversDb(q).enter(
              serverId,
              { vmState: ['building'], taskState: null },
              {
                vmState: 'active',
                taskState: null,
                powerState: 1,
                launchedAt: server.launchedAt ?? now(),
                progress: 0,
              },
              now(),
            )
            await actionsDb(q).event(
              {
                id: ids.uuid(),
                serverId,
                requestId: ctx.requestId,
                event: 'compute__do_build_and_run_instance',
                host: server.host,
                result: 'Success',
                details: null,
              },
              now(),
            )
          })
        },
        async failed(serverId, ending) {
          groups.arrived(serverId)
          if (ending.cancelled) return
          const words = faultWords(ending.errors)
          await stated(parts, ctx, 'server-failed', 'ERROR', null, async q => {
            const server = await serversDb(q).byId(serverId)
            if (server === undefined || server.vmState !== 'building' || isDying(server)) return
            await serversDb(q).change(serverId, { vmState: 'error', taskState: null, powerState: 0 }, now())
            await actionsDb(q).addFault(ids.uuid(), {
              serverId,
              code: words.code,
              message: words.message,
              details: words.details,
              createdAt: now(),
            })
            await actionsDb(q).event(
              {
                id: ids.uuid(),
                serverId,
                requestId: ctx.requestId,
                event: 'conductor_build_instances',
                host: server.host,
                result: 'Error',
                details: words.message,
              },
              now(),
            )
          })
        },
        async settle(serverId, change) {
          await database.tx(ctx, 'settle-server', async q => {
            const server = await serversDb(q).byId(serverId)
            if (server === undefined) return
            await serversDb(q).change(
              serverId,
              {
                ...(isDying(server) ? {} : { taskState: null }),
                ...(change.vmState === undefined ? {} : { vmState: change.vmState }),
                ...(change.power === undefined ? {} : { powerState: POWER[change.power] }),
              },
              now(),
            )
          })
        },
        async operationFailed(serverId, event, ending, broken) {
          const words = faultWords(ending.errors)
          await database.tx(ctx, 'operation-failed', async q => {
            const server = await serversDb(q).byId(serverId)
            if (server === undefined || (isDying(server) && event !== TERMINATE)) return
            await serversDb(q).change(
              serverId,
              { taskState: null, ...(broken && !ending.cancelled ? { vmState: 'error' } : {}) },
              now(),
            )
            if (ending.cancelled) return
            await actionsDb(q).addFault(ids.uuid(), {
              serverId,
              code: words.code,
              message: words.message,
              details: words.details,
              createdAt: now(),
            })
            await actionsDb(q).event(
              {
                id: ids.uuid(),
                serverId,
                requestId: ctx.requestId,
                event,
                host: null,
                result: 'Error',
                details: words.message,
              },
              now(),
            )
          })
        },
        setAside: (serverId, power) => database.tx(ctx, 'set-aside', q => setAside(q, serverId, POWER[power], now())),
        takeBack: (serverId, vmState) => database.tx(ctx, 'take-back', q => takeBack(q, serverId, vmState, now())),
        async deleted(serverId) {
          await database.tx(ctx, 'server-deleted', async q => {
            const server = await serversDb(q).byId(serverId)
            if (server === undefined) return
            await unplace(q, server)
            await endMovesOf(q, serverId, now())
            await countServer(q, server, -1)
            await actionsDb(q).event(
              {
                id: ids.uuid(),
                serverId,
                requestId: ctx.requestId,
                event: TERMINATE,
                host: server.host,
                result: 'Success',
                details: null,
              },
              now(),
            )
            await serversDb(q).change(
              serverId,
              { vmState: 'deleted', taskState: null, powerState: 0, deletedAt: now(), terminatedAt: now() },
              now(),
            )
            await q.updateTable('servers').set({ claim: null }).where('id', '=', serverId).execute()
            await nicsDb(q).replace(serverId, [])
            await blockDevicesDb(q).forgetAll(serverId)
            for (const table of [
              'server_metadata',
              'server_tags',
              'server_files',
              'server_group_members',
              'console_tokens',
              'server_images',
            ] as const) {
              await q.deleteFrom(table).where('server_id', '=', serverId).execute()
            }
          })
        },
        nicsOf: serverId => database.read(ctx, 'nics-of-server', q => nicsDb(q).of(serverId)),
        disksOf: serverId =>
          database.read(ctx, 'disks-of-server', async q =>
            (await blockDevicesDb(q).of(serverId)).filter(one => one.destinationType === 'volume').map(toAttach),
          ),
        saveNics: (serverId, nics) => database.tx(ctx, 'save-nics', q => nicsDb(q).replace(serverId, nics)),
        saveDisk: (_serverId, disk) =>
          database.tx(ctx, 'save-disk', async q => {
            await blockDevicesDb(q).connected(disk.blockDeviceId, { ...disk, device: disk.disk.device })
          }),
        forgetDisk: (serverId, volumeId) =>
          database.tx(ctx, 'forget-disk', q => blockDevicesDb(q).forget(serverId, volumeId)),
        forgetNic: (serverId, portId) => database.tx(ctx, 'forget-nic', q => nicsDb(q).forget(serverId, portId)),
        event: (serverId, requestId, event, host, error) =>
          database.tx(ctx, 'action-event', async q => {
            if (error !== null) {
              const words = faultWords([error])
              await actionsDb(q).addFault(ids.uuid(), {
                serverId,
                code: words.code,
                message: words.message,
                details: words.details,
                createdAt: now(),
              })
            }
            await actionsDb(q).event(
              {
                id: ids.uuid(),
                serverId,
                requestId,
                event,
                host,
                result: error === null ? 'Success' : 'Error',
                details: error?.message ?? null,
              },
              now(),
            )
          }),
      },
    }
  }
}

/** A transaction whose crossing says which status it leaves, so that a journey can show it. */
function stated(
  parts: ConductorParts,
  ctx: Ctx,
  name: string,
  status: string,
  task: string | null,
  deed: (q: Parameters<typeof serversDb>[0]) => Promise<void>,
): Promise<void> {
  return ctx.cross(
    {
      kind: 'db',
      side: 'send',
      from: ctx.actor,
      to: 'nova-db',
      name,
      requestId: ctx.requestId,
      payload: { status, task },
      ...(ctx.subject === undefined ? {} : { subject: ctx.subject }),
    },
    () => parts.database.tx({ ...ctx, cross: (_crossing, next) => next() }, name, deed),
  )
}

/** Nova's words, with every host's reasons under them. */
function noValidHost(verdicts: readonly HostVerdict[]): Fault {
  const nearest = nearestChange(verdicts)
  return new Fault('NoValidHost', 500, 'No valid host was found. There are not enough hosts available.', {
    because: [
      ...verdicts.map(verdict => ({
        who: verdict.host,
        says: verdict.ok ? 'would do' : 'refused',
        because: verdict.because,
      })),
      ...(nearest === null ? [] : [{ who: 'nearest', says: nearest }]),
    ],
  })
}
