// nova-conductor's hands for servers that move: the rows of moves and servers, the sums of hosts and projects, and the neighbours.
import type { Kysely } from 'kysely'

import { Fault } from '#kernel/contract/fault.ts'
import { json } from '#kernel/db/codecs.ts'
import type { Database } from '#kernel/db/database.ts'
import type { Clock } from '#kernel/lib/clock.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import type { Ids } from '#kernel/lib/ids.ts'
import type { PlacementMoves, VolumeMoves, WireMoves } from '#services/nova/actors/neighbours/moving.ts'
import { actionsDb } from '#services/nova/db/actions.ts'
import { blockDevicesDb } from '#services/nova/db/block-devices.ts'
import { hostsDb } from '#services/nova/db/hosts.ts'
import { movesDb, OVER, type Move } from '#services/nova/db/moves.ts'
import { nicsDb } from '#services/nova/db/nics.ts'
import { serversDb, type Server, type ServerChange } from '#services/nova/db/servers.ts'
import type { Claim, FlavorCopy, NovaTables } from '#services/nova/db/tables.ts'
import { faultWords } from '#services/nova/domain/conductor/faults.ts'
import { demandGroupPolicy } from '#services/nova/domain/conductor/groups.ts'
import { toAttach } from '#services/nova/domain/conductor/server-to-build.ts'
import { countUsage } from '#services/nova/domain/quotas.ts'
import type { ConnectedDisk, VolumeToAttach } from '#services/nova/rpc.ts'
import type { ConductorMoves, LandServerInput } from '#services/nova/sagas/move-tools.ts'

export interface ConductorMoveParts {
  readonly database: Database<NovaTables>
  readonly clock: Clock
  readonly ids: Ids
  readonly placement: PlacementMoves
  readonly wires: (ctx: Ctx) => WireMoves
  readonly volumes: (ctx: Ctx) => VolumeMoves
  readonly disconnect: (ctx: Ctx, attachmentId: string) => Promise<void>
  readonly complete: (ctx: Ctx, attachmentId: string) => Promise<void>
  /** The service's own account. */
  readonly asService: (ctx: Ctx) => Promise<Ctx>
  /** Begins the story that follows a hand-over: its row in the transaction, then its run. */
  readonly land: {
    prepare(q: Kysely<NovaTables>, input: LandServerInput, ctx: Ctx): Promise<string>
    go(saga: string): void
  }
}
type Q = Kysely<NovaTables>

/** What a host counts for a server of this flavor. */
export const claimFor = (server: Pick<Server, 'imageId'>, flavor: FlavorCopy): Claim => ({
  vcpus: flavor.vcpus,
  memoryMb: flavor.ramMb,
  diskGb: (server.imageId === '' ? 0 : flavor.diskGb) + flavor.ephemeralGb + Math.ceil(flavor.swapMb / 1024),
})
const NOTHING = { cores: 0, ramMb: 0 }

/** The flavor of the row and what the move is charged with change together; the project's sum follows. */
async function resize(q: Q, server: Server, move: Move, flavor: FlavorCopy, now: number): Promise<void> {
  await countUsage(q, server.projectId, {
    instances: 0,
    cores: flavor.vcpus - server.flavor.vcpus - move.charged.cores,
    ramMb: flavor.ramMb - server.flavor.ramMb - move.charged.ramMb,
  })
  await movesDb(q).charge(move.id, NOTHING, now)
  await q
    .updateTable('servers')
    .set({ flavor: json(flavor) })
    .where('id', '=', server.id)
    .execute()
}

/** What a move holds and is charged with ends with it. */
export async function endMove(q: Q, move: Move, status: string, now: number): Promise<void> {
  await movesDb(q).hold(move, null, now)
  const server = await serversDb(q).everById(move.serverId)
  if (server !== undefined && (move.charged.cores !== 0 || move.charged.ramMb !== 0)) {
    await countUsage(q, server.projectId, { instances: 0, cores: -move.charged.cores, ramMb: -move.charged.ramMb })
    await movesDb(q).charge(move.id, NOTHING, now)
  }
  await movesDb(q).setStatus(move.id, status, now)
}
/** All of a server's moves, when the server itself ends. */
export async function endMovesOf(q: Q, serverId: string, now: number): Promise<void> {
  for (const move of await movesDb(q).of(serverId)) {
    if (OVER.has(move.status) && move.held === null) continue
    const confirmed = move.status === 'finished' || move.status === 'confirming'
    await endMove(q, move, confirmed ? 'confirmed' : OVER.has(move.status) ? move.status : 'cancelled', now)
  }
}

/** The server's row says that it is at the destination; what the source counted for it is held by the move from now on. */
async function settleThere(q: Q, server: Server, move: Move, flavor: FlavorCopy, change: ServerChange, now: number) {
  const { dest } = move
  if (dest === null) throw new Fault('MigrationError', 500, `Migration ${move.id} has no destination.`)
  const zone = await q
    .selectFrom('aggregates as a')
    .innerJoin('aggregate_hosts as h', 'h.aggregate_id', 'a.id')
    .select('a.metadata')
    .where('h.host', '=', dest.host)
    .execute()
  const zones = zone.flatMap(row => (JSON.parse(row.metadata) as Record<string, string>)['availability_zone'] ?? [])
  const claim = claimFor(server, flavor)
  // Both hosts go on counting what they counted: only who it is counted for changes hands.
  await q
    .updateTable('servers')
    .set({ claim: json(claim) })
    .where('id', '=', server.id)
    .execute()
  await q
    .updateTable('server_moves')
    .set({
      held_host: server.host,
      held_claim: server.claim === null ? null : json(server.claim),
    })
    .where('id', '=', move.id)
    .execute()
  await serversDb(q).change(
    server.id,
    { host: dest.host, node: dest.node, availabilityZone: zones[0] ?? 'nova', ...change },
    now,
  )
}

async function saveDisks(q: Q, disks: readonly ConnectedDisk[] | null): Promise<void> {
  for (const disk of disks ?? [])
    await blockDevicesDb(q).connected(disk.blockDeviceId, { ...disk, device: disk.disk.device })
}

/** Tools for one try of one step, in its context. */
export const conductorMoves =
  (parts: ConductorMoveParts) =>
  (ctx: Ctx): ConductorMoves => {
    const { database, clock, ids } = parts
    const now = (): number => clock.now()
    const both = async (q: Q, moveId: string): Promise<{ move: Move; server: Server | undefined }> => {
      const move = await movesDb(q).byId(moveId)
      if (move === undefined) throw new Fault('MigrationNotFound', 404, `Migration ${moveId} could not be found.`)
      return { move, server: await serversDb(q).byId(move.serverId) }
    }
    const change = (
      name: string,
      moveId: string,
      deed: (q: Q, move: Move, server: Server) => Promise<void>,
    ): Promise<void> =>
      database.tx(ctx, name, async q => {
        const { move, server } = await both(q, moveId)
        if (server !== undefined) await deed(q, move, server)
      })
    const nicsOf = (serverId: string) => database.read(ctx, 'nics-of-server', q => nicsDb(q).of(serverId))
    const volumesOf = (serverId: string): Promise<VolumeToAttach[]> =>
      database.read(ctx, 'disks-of-server', async q =>
        (await blockDevicesDb(q).of(serverId))
          .filter(one => one.destinationType === 'volume' && one.volumeId !== null)
          .map(toAttach),
      )
    const wires = async (): Promise<WireMoves> => parts.wires(await parts.asService(ctx))
    const volumes = async (): Promise<VolumeMoves> => parts.volumes(await parts.asService(ctx))

    return {
      holdClaim: async (moveId, serverId) =>
        parts.placement.handOver(await parts.asService(ctx), serverId, moveId, 'MIGRATION'),
      giveClaimBack: async (moveId, serverId) =>
        parts.placement.handOver(await parts.asService(ctx), moveId, serverId, 'INSTANCE'),
      reserve: (moveId, destination) =>
        change('reserve-destination', moveId, async (q, move, server) => {
          await demandGroupPolicy(q, server.id, destination.host)
          const claim = claimFor(server, move.newFlavor ?? server.flavor)
          await movesDb(q).hold(move, { host: destination.host, claim }, now())
          // compat: upstream tells the address of the destination for all but live migrations.
          const node = move.kind === 'live-migration' ? undefined : await hostsDb(q).nodeOf(destination.host)
          const { host, node: name } = destination
          await movesDb(q).goTo(moveId, { host, node: name, ip: node?.hostIp ?? null }, now())
        }),
      unreserve: moveId =>
        change('unreserve-destination', moveId, async (q, move, server) => {
          // Once the server is there, what is held is the other place's.
          if (server.host === move.dest?.host && server.host !== move.source.host) return
          if (move.status === 'finished') return
          // Where it was to go stays known: a delete looks there, too.
          await movesDb(q).hold(move, null, now())
        }),
      status: (moveId, from, to) => database.tx(ctx, `migration-${to}`, q => movesDb(q).enter(moveId, from, to, now())),

      bindWires: async (serverId, host) => (await wires()).bind(await nicsOf(serverId), host),
      readyWires: async (serverId, host) => (await wires()).ready(await nicsOf(serverId), host),
      switchWires: async (serverId, host) => (await wires()).activate(await nicsOf(serverId), host),
      dropWires: async (serverId, host) => (await wires()).drop(await nicsOf(serverId), host),

      connectVolumes: async (serverId, host) =>
        (await volumes()).connect(serverId, await volumesOf(serverId), host, { reuse: true }),
      async releaseVolumes(serverId) {
        for (const { attachmentId } of await volumesOf(serverId))
          if (attachmentId !== null) await parts.disconnect(await parts.asService(ctx), attachmentId)
      },
      async restoreVolumes(serverId, host) {
        const disks = await (await volumes()).connect(serverId, await volumesOf(serverId), host, { reuse: false })
        await database.tx(ctx, 'save-disks', q => saveDisks(q, disks))
        for (const { attachmentId } of disks) await parts.complete(await parts.asService(ctx), attachmentId)
      },
      dropOtherAttachments: async serverId => (await volumes()).dropOthers(serverId, await volumesOf(serverId)),

      resized: (moveId, disks) =>
        change('server-resized', moveId, async (q, move, server) => {
          if (move.status === 'finished') return
          if (server.taskState !== 'resize_finish')
            throw new Fault('UnexpectedTaskState', 409, `Instance ${server.id} is ${server.taskState ?? 'settled'}.`)
          const flavor = move.newFlavor ?? server.flavor
          const running = move.oldVmState === 'active'
          await settleThere(
            q,
            server,
            move,
            flavor,
            { vmState: 'resized', taskState: null, powerState: running ? 1 : 4, launchedAt: now(), progress: 0 },
            now(),
          )
          await resize(q, server, move, flavor, now())
          await saveDisks(q, disks)
          await movesDb(q).setStatus(moveId, 'finished', now())
          for (const [event, host] of [
            ['compute_finish_resize', move.dest?.host ?? null],
            ['cold_migrate', null],
            ['conductor_migrate_server', null],
          ] as const)
            await write(q, server.id, event, host, null)
        }),
      confirmed: moveId =>
        change('resize-confirmed', moveId, async (q, move, server) => {
          if (move.status === 'confirmed') return
          await endMove(q, move, 'confirmed', now())
          // What it is by now, not what it was: it may have stopped meanwhile.
          const vmState = server.powerState === 4 ? 'stopped' : 'active'
          await serversDb(q).enter(server.id, { vmState: 'resized' }, { vmState, taskState: null }, now())
        }),
      reverted: moveId =>
        change('resize-reverted', moveId, async (q, move, server) => {
          if (move.status === 'reverted' || move.held === null) return
          const there = { host: server.host ?? '', claim: server.claim ?? move.held.claim }
          const { claim } = move.held
          await q
            .updateTable('servers')
            .set({ claim: json(claim) })
            .where('id', '=', server.id)
            .execute()
          await serversDb(q).change(server.id, { host: move.source.host, node: move.source.node }, now())
          await resize(q, server, move, move.oldFlavor ?? server.flavor, now())
          await endMove(q, { ...move, held: there, charged: NOTHING }, 'reverted', now())
        }),
      failed: (moveId, event, ending) =>
        change('move-failed', moveId, async (q, move, server) => {
          const dying = server.taskState === 'deleting'
          if (!OVER.has(move.status) || move.held !== null)
            await endMove(q, move, ending.cancelled || move.status === 'cancelled' ? 'cancelled' : 'error', now())
          if (dying) return
          await serversDb(q).change(server.id, { taskState: null, progress: 0 }, now())
          if (ending.cancelled || move.status === 'cancelled') return
          const words = faultWords(ending.errors)
          await actionsDb(q).addFault(ids.uuid(), { serverId: server.id, ...words, createdAt: now() })
          await write(q, server.id, event, null, words.message)
        }),
      async handedOver(moveId, disks, tidyUp) {
        let saga: string | null = null
        await change('hand-over-server', moveId, async (q, move, server) => {
          if (move.status === 'post-migrating') return
          if (!(await movesDb(q).enter(moveId, 'running', 'post-migrating', now())))
            throw new Fault('MigrationAborted', 409, `Migration ${moveId} was aborted.`)
          await settleThere(q, server, move, server.flavor, {}, now())
          await saveDisks(q, disks)
          saga = await parts.land.prepare(q, tidyUp, ctx)
        })
        if (saga !== null) parts.land.go(saga)
      },
      landed: moveId =>
        change('server-landed', moveId, async (q, move, server) => {
          if (move.status === 'completed') return
          await endMove(q, move, 'completed', now())
          await serversDb(q).enter(server.id, { taskState: 'migrating' }, { taskState: null, progress: 0 }, now())
        }),
      evacuated: (moveId, disks, stopped) =>
        change('server-evacuated', moveId, async (q, move, server) => {
          if (move.status === 'done' || move.status === 'completed') return
          await settleThere(
            q,
            server,
            move,
            server.flavor,
            {
              vmState: stopped ? 'stopped' : 'active',
              taskState: null,
              powerState: stopped ? 4 : 1,
              launchedAt: now(),
            },
            now(),
          )
          await saveDisks(q, disks)
          await movesDb(q).setStatus(moveId, 'done', now())
        }),
    }

    async function write(q: Q, serverId: string, event: string, host: string | null, problem: string | null) {
      await actionsDb(q).event(
        {
          id: ids.uuid(),
          serverId,
          requestId: ctx.requestId,
          event,
          host,
          result: problem === null ? 'Success' : 'Error',
          details: problem,
        },
        now(),
      )
    }
  }
