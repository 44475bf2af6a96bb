// Live migration, its abort and its end by force, and evacuation from a dead host.
import { Fault } from '#kernel/contract/fault.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import { faults } from '#services/nova/contract/faults.ts'
import { LIVE_UNDER_WAY } from '#services/nova/contract/moves.ts'
import { rules } from '#services/nova/contract/rules.ts'
import { movesDb, type Move, type MoveFilters } from '#services/nova/db/moves.ts'
import type { Server } from '#services/nova/db/servers.ts'
import { demandState, findServer } from '#services/nova/domain/servers/find.ts'
import {
  beginAction,
  beginMove,
  destinationOf,
  hostsOf,
  specFor,
  type MoveTools,
} from '#services/nova/domain/servers/move-parts.ts'
import { demand } from '#services/nova/domain/caller.ts'
import { computeRpc, schedulerRpc, type Destination, type RequestSpec } from '#services/nova/rpc.ts'
import { evacuateServer } from '#services/nova/sagas/evacuate-server.ts'
import { liveMigrate } from '#services/nova/sagas/live-migrate.ts'

const NONE = { cores: 0, ramMb: 0 }

export const createLiveMoves = (tools: MoveTools) => {
  const { database, engine, clock, ids, bus } = tools
  const about = (ctx: Ctx, id: string): Ctx => ({ ...ctx, subject: id })

  /** Before 2.34 the answer waits for the checks and tells (400) what is wrong. */
  async function checkNow(
    ctx: Ctx,
    spec: RequestSpec,
    from: string,
    chosen: readonly Destination[] | null,
  ): Promise<readonly Destination[]> {
    const hosts =
      chosen ?? (await bus.client(schedulerRpc).any().select_destinations(about(ctx, spec.serverId), { spec })).hosts
    if (hosts.length === 0) throw faults.NoValidHost({ reason: 'There are not enough hosts available.' })
    const can = async (host: string): Promise<boolean> =>
      (await bus.client(computeRpc).on(host).can_take_live(ctx, {})).can
    if (!(await can(from)))
      throw faults.MigrationPreCheckError({ reason: 'the hypervisor cannot move servers while they run' })
    const able: Destination[] = []
    for (const host of hosts) if (await can(host.host).catch(() => false)) able.push(host)
    if (able.length === 0)
      throw faults.MigrationPreCheckError({ reason: 'the hypervisor cannot move servers while they run' })
    return able
  }

  const ofServer = async (ctx: Ctx, server: Server, number: string): Promise<Move | undefined> =>
    /^\d{1,15}$/.test(number)
      ? database.read(ctx, 'find-migration', q => movesDb(q).byNumber(server.id, Number(number)))
      : undefined

  return {
    /** 202. `force`: null where the version does not know it. Throws 400, 403, 404, 409. */
    async migrateLive(
      ctx: Ctx,
      id: string,
      how: { readonly host: string | null; readonly force: boolean | null; readonly inBackground: boolean },
    ): Promise<void> {
      const { host } = how
      const rule = host === null ? rules.migrateServerMigrateLive : rules.migrateServerMigrateLiveHost
      const server = await findServer(tools, ctx, id, rule)
      if (how.force === true && host === null)
        throw faults.BadRequest({ reason: "Can't force to a non-provided destination" })
      demandState(tools, ctx, server, 'live_migrate', 'os-migrateLive')
      const from = server.host
      if (from === null) throw faults.InstanceNotReady({ id })
      const hosts = await hostsOf(tools, ctx)
      const wanted = host === null ? undefined : hosts.get(host)
      if (host !== null && wanted === undefined) throw faults.NoSuchComputeHost({ host })
      const here = hosts.get(from)
      // Before 2.30 a host that was named was not judged by the scheduler; nor is it when an administrator insists.
      const forced = wanted !== undefined && how.force !== false
      const problem =
        here?.up !== true
          ? faults.ComputeServiceUnavailable({ host: from })
          : !forced || wanted === undefined
            ? null
            : host === from
              ? faults.UnableToMigrateToSelf({ id, host: from })
              : !wanted.up
                ? faults.ComputeServiceUnavailable({ host: host ?? '' })
                : wanted.node.hypervisorType !== here.node.hypervisorType
                  ? faults.InvalidHypervisorType()
                  : null
      if (problem !== null && !how.inBackground) throw problem
      const chosen = forced && wanted !== undefined ? [destinationOf(wanted, server.availabilityZone)] : null
      const spec = await database.read(ctx, 'request-for-places', q =>
        specFor(q, server, {
          flavor: server.flavor,
          fromHypervisor: here?.node.hypervisorType,
          ignoreHosts: [from],
          host: forced ? null : host,
        }),
      )
      const checked = how.inBackground ? chosen : await checkNow(ctx, spec, from, chosen)
      const moveId = ids.uuid()
      const saga = await database.tx(about(ctx, id), 'live-migrate-server', async q => {
        await beginMove(tools, q, ctx, server, {
          moveId,
          kind: 'live-migration',
          status: 'queued',
          task: 'migrating',
          action: 'live-migration',
          word: 'os-migrateLive',
          flavor: server.flavor,
          dest: null,
          charged: NONE,
        })
        const input = {
          serverId: server.id,
          moveId,
          spec,
          from,
          chosen: problem === null ? checked : [],
          paused: server.vmState === 'paused',
        }
        return engine.prepare(q, liveMigrate, input, about(ctx, id))
      })
      engine.go(saga)
    },

    /** What was wrong with a migration's request but may only be told in the background is told by its action. */
    async abort(ctx: Ctx, id: string, number: string, alsoQueued: boolean): Promise<void> {
      const server = await findServer(tools, ctx, id, rules.serversMigrationsDelete)
      demandState(tools, ctx, server, 'abort_live_migration', 'abort live migration')
      const move = await ofServer(ctx, server, number)
      if (move === undefined) throw faults.MigrationNotFoundForInstance({ migration: number, id })
      const stoppable = alsoQueued ? ['running', 'queued', 'preparing'] : ['running']
      const refuse = (state: string): Fault =>
        faults.InvalidMigrationState({ migration: number, id, state, method: 'abort live migration' })
      if (!stoppable.includes(move.status)) throw refuse(move.status)
      await database.tx(about(ctx, id), 'abort-live-migration', async q => {
        if (!(await movesDb(q).enter(move.id, stoppable, 'cancelled', clock.now()))) throw refuse('post-migrating')
        await beginAction(tools, q, ctx, server, 'live_migration_cancel')
      })
      void engine
        .cancel(server.id, liveMigrate.name)
        .catch((error: unknown) =>
          tools.log.warn(ctx, `the abort of migration ${move.id} goes on later: ${(error as Error).message}`),
        )
    },

    async forceComplete(ctx: Ctx, id: string, number: string): Promise<void> {
      const server = await findServer(tools, ctx, id, rules.serversMigrationsForceComplete)
      demandState(tools, ctx, server, 'force_complete', 'force_complete')
      const move = await ofServer(ctx, server, number)
      if (move === undefined) throw faults.BadRequest({ reason: `Migration ${number} not found for instance ${id}` })
      if (move.status !== 'running')
        throw faults.InvalidMigrationState({ migration: number, id, state: move.status, method: 'force complete' })
      await database.tx(about(ctx, id), 'force-complete', q =>
        beginAction(tools, q, ctx, server, 'live_migration_force_complete'),
      )
      await bus.client(computeRpc).on(move.source.host).hurry(about(ctx, id), { serverId: server.id })
    },

    /** Live migrations of a server that are under way. */
    async listOf(ctx: Ctx, id: string): Promise<Move[]> {
      const server = await findServer(tools, ctx, id, rules.serversMigrationsIndex)
      const all = await database.read(ctx, 'migrations-of-server', q => movesDb(q).of(server.id))
      return all.filter(move => move.kind === 'live-migration' && isUnderWay(move.status))
    },
    async show(ctx: Ctx, id: string, number: string): Promise<Move> {
      const server = await findServer(tools, ctx, id, rules.serversMigrationsShow)
      const move = await ofServer(ctx, server, number)
      if (move === undefined)
        throw faults.NotFound({ reason: `In-progress live migration ${number} is not found for server ${id}.` })
      if (move.kind !== 'live-migration')
        throw faults.NotFound({ reason: `Migration ${number} for server ${id} is not live-migration.` })
      if (!isUnderWay(move.status))
        throw faults.NotFound({ reason: `Live migration ${number} for server ${id} is not in progress.` })
      return move
    },
    /** All moves of all servers, or of one project's. Throws 400 for an unknown marker and times in the wrong order, 403 for others' moves. */
    async list(
      ctx: Ctx,
      filters: MoveFilters,
      paging: { readonly marker: string | null; readonly limit: number } | null,
    ): Promise<Move[]> {
      if (filters.projectId === undefined || filters.projectId !== ctx.who?.projectId)
        demand(tools.policy, ctx, rules.migrationsIndexAllProjects, { project_id: ctx.who?.projectId ?? '' })
      const { changedSince, changedBefore } = filters
      if (changedSince !== undefined && changedBefore !== undefined && changedBefore < changedSince)
        throw faults.BadRequest({ reason: 'The value of changes-since must be less than or equal to changes-before.' })
      const found = await database.read(ctx, 'list-migrations', q => movesDb(q).list(filters, paging))
      if (found === undefined) throw faults.BadRequest({ reason: `Marker ${paging?.marker ?? ''} could not be found.` })
      return found
    },

    /** Makes the server anew elsewhere. Throws 400 while its host lives, 404 for an unknown host, 409. */
    async evacuate(
      ctx: Ctx,
      id: string,
      how: { readonly host: string | null; readonly force: boolean | null; readonly leaveStopped: boolean },
    ): Promise<void> {
      const { host } = how
      const server = await findServer(tools, ctx, id, rules.evacuate)
      if (how.force === true && host === null)
        throw faults.BadRequest({ reason: "Can't force to a non-provided destination" })
      const hosts = await hostsOf(tools, ctx)
      const wanted = host === null ? undefined : hosts.get(host)
      if (host !== null && wanted === undefined) throw faults.NotFound({ reason: `Compute host ${host} not found.` })
      if (host !== null && server.host === host)
        throw faults.BadRequest({ reason: "The target host can't be the same one." })
      demandState(tools, ctx, server, 'evacuate', 'evacuate')
      const from = server.host
      const here = from === null ? undefined : hosts.get(from)
      if (from === null) throw faults.InstanceNotReady({ id })
      if (here?.up === true) throw faults.ComputeServiceInUse({ host: from })
      const forced = wanted !== undefined && how.force !== false
      const moveId = ids.uuid()
      const saga = await database.tx(about(ctx, id), 'evacuate-server', async q => {
        await beginMove(tools, q, ctx, server, {
          moveId,
          kind: 'evacuation',
          status: 'accepted',
          task: 'rebuilding',
          action: 'evacuate',
          word: 'evacuate',
          flavor: server.flavor,
          dest: wanted === undefined ? null : { host: wanted.node.host, node: wanted.node.hypervisorHostname },
          charged: NONE,
        })
        const spec = await specFor(q, server, {
          flavor: server.flavor,
          fromHypervisor: undefined,
          ignoreHosts: [from],
          host: forced ? null : host,
        })
        const input = {
          serverId: server.id,
          moveId,
          spec,
          from,
          chosen: forced && wanted !== undefined ? [destinationOf(wanted, server.availabilityZone)] : null,
          stopped: how.leaveStopped || server.vmState === 'stopped',
        }
        return engine.prepare(q, evacuateServer, input, about(ctx, id))
      })
      engine.go(saga)
    },
  }
}
const isUnderWay = (status: string): boolean => LIVE_UNDER_WAY.includes(status)
export type LiveMoves = ReturnType<typeof createLiveMoves>
