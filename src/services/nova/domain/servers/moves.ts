// Resize, cold migration, and their two ends: what a request can get wrong is found first, then the row, the quota and the story begin as one.
import type { Kysely } from 'kysely'

import { RemoteFault } from '#kernel/http/client.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import { faults } from '#services/nova/contract/faults.ts'
import { rules } from '#services/nova/contract/rules.ts'
import { movesDb, type Move } from '#services/nova/db/moves.ts'
import { serversDb, type Server } from '#services/nova/db/servers.ts'
import type { FlavorCopy, NovaTables } from '#services/nova/db/tables.ts'
import { countUsage, limitsOf, usageOf, type QuotaDefaults } from '#services/nova/domain/quotas.ts'
import { checkFlavor, diskConfigOf, flavorOf } from '#services/nova/domain/servers/create.ts'
import { demandState, findServer } from '#services/nova/domain/servers/find.ts'
import { beginAction, beginMove, hostsOf, specFor, type MoveTools } from '#services/nova/domain/servers/move-parts.ts'
import { resizeServer } from '#services/nova/sagas/resize-server.ts'
import { confirmResize, revertResize } from '#services/nova/sagas/settle-resize.ts'

/** What the project is charged with beside the smaller of two flavors. */
const growth = (from: FlavorCopy, to: FlavorCopy): Move['charged'] => ({
  cores: Math.max(0, to.vcpus - from.vcpus),
  ramMb: Math.max(0, to.ramMb - from.ramMb),
})

/** Refuses (403) what does not fit, then counts it. */
async function charge(
  q: Kysely<NovaTables>,
  projectId: string,
  more: Move['charged'],
  defaults: QuotaDefaults,
): Promise<void> {
  const limits = await limitsOf(q, projectId, defaults)
  const used = await usageOf(q, projectId)
  const wanted = { cores: more.cores, ram: more.ramMb }
  const over = (['cores', 'ram'] as const).filter(
    name => wanted[name] > 0 && limits[name] >= 0 && used[name] + wanted[name] > limits[name],
  )
  if (over.length > 0)
    throw faults.OverQuota({
      overs: over.join(', '),
      requested: over.map(name => wanted[name]).join(', '),
      used: over.map(name => used[name]).join(', '),
      allowed: over.map(name => limits[name]).join(', '),
    })
  await countUsage(q, projectId, { instances: 0, cores: more.cores, ramMb: more.ramMb })
}

export const createMovesDomain = (tools: MoveTools) => {
  const { database, engine, clock, ids } = tools
  const about = (ctx: Ctx, id: string): Ctx => ({ ...ctx, subject: id })

  /** Refuses (400) a flavor that the server cannot become. */
  async function checkResize(ctx: Ctx, server: Server, flavor: FlavorCopy, diskConfig: boolean | null): Promise<void> {
    const fromVolume = server.imageId === ''
    if (flavor.id === server.flavor.id) throw faults.CannotResizeToSameFlavor()
    if (flavor.diskGb === 0 && server.flavor.diskGb !== 0 && !fromVolume)
      throw faults.CannotResizeDisk({ reason: 'Resize to zero disk flavor is not allowed.' })
    if ((!fromVolume && flavor.diskGb < server.flavor.diskGb) || flavor.ephemeralGb < server.flavor.ephemeralGb)
      throw faults.CannotResizeDisk({ reason: 'Unable to resize disk down.' })
    diskConfigOf(diskConfig, { ...server.imageProperties, id: server.imageId } as never)
    if (fromVolume) return
    // The image may be gone, or no longer shown: then what it asked for is not known any more.
    const image = await tools.image(ctx, server.imageId).catch((error: unknown) => {
      if (error instanceof RemoteFault && (error.status === 404 || error.status === 403)) return null
      throw error
    })
    if (image !== null) checkFlavor(flavor, image, false, null)
  }

  async function begin(
    ctx: Ctx,
    server: Server,
    how: {
      readonly kind: 'resize' | 'migration'
      readonly word: string
      readonly flavor: FlavorCopy
      readonly host: string | null
      readonly diskConfig: boolean | null
    },
  ): Promise<void> {
    const { host } = server
    if (host === null) throw faults.InstanceNotReady({ id: server.id })
    const hosts = await hostsOf(tools, ctx)
    const here = hosts.get(host)
    if (here?.up !== true) throw faults.ServiceUnavailable()
    const kin = [...hosts.values()].filter(
      one => one.up && !one.disabled && one.node.hypervisorType === here.node.hypervisorType,
    )
    const mayStay =
      how.kind === 'resize' &&
      (tools.allowSameHost === 'yes' || (tools.allowSameHost === 'auto' && kin.every(one => one.node.host === host)))
    const moveId = ids.uuid()
    const saga = await database.tx(about(ctx, server.id), `${how.word}-server`, async q => {
      const charged = growth(server.flavor, how.flavor)
      await beginMove(tools, q, ctx, server, {
        moveId,
        kind: how.kind,
        status: 'pre-migrating',
        task: 'resize_prep',
        action: how.word,
        word: how.word,
        flavor: how.flavor,
        dest: null,
        charged,
        change: { autoDiskConfig: how.diskConfig ?? false },
      })
      await charge(q, server.projectId, charged, tools.defaults)
      const spec = await specFor(q, server, {
        flavor: how.flavor,
        fromHypervisor: here.node.hypervisorType,
        ignoreHosts: mayStay ? [] : [host],
        host: how.host,
      })
      const running = server.vmState === 'active'
      const input = { serverId: server.id, moveId, spec, flavor: how.flavor, from: host, running }
      return engine.prepare(q, resizeServer, input, about(ctx, server.id))
    })
    engine.go(saga)
  }

  /** The resize that waits for a word. Throws 400 when there is none. */
  const waiting = async (ctx: Ctx, id: string): Promise<Move> => {
    const move = await database.read(ctx, 'finished-migration', q => movesDb(q).withStatus(id, 'finished'))
    if (move === undefined) throw faults.NotResized()
    return move
  }

  async function confirm(ctx: Ctx, server: Server, move: Move): Promise<void> {
    const source = (await hostsOf(tools, ctx)).get(move.source.host)
    if (source?.up !== true) throw faults.ServiceUnavailable()
    const saga = await database.tx(about(ctx, server.id), 'confirm-resize', async q => {
      if (!(await movesDb(q).enter(move.id, 'finished', 'confirming', clock.now()))) throw faults.NotResized()
      await beginAction(tools, q, ctx, server, 'confirmResize')
      const input = { serverId: server.id, moveId: move.id, from: move.source.host }
      return engine.prepare(q, confirmResize, input, about(ctx, server.id))
    })
    engine.go(saga)
  }

  return {
    /** 202. Throws 400 for a flavor that cannot be, 403 over quota, 404, 409. */
    async resize(ctx: Ctx, id: string, flavorRef: string, diskConfig: boolean | null): Promise<void> {
      const server = await findServer(tools, ctx, id, rules.serversResize)
      demandState(tools, ctx, server, 'resize', 'resize')
      if (server.host === null) throw faults.InstanceNotReady({ id })
      const flavor = await flavorOf(tools, ctx, flavorRef, server.projectId)
      await checkResize(ctx, server, flavor, diskConfig)
      await begin(ctx, server, { kind: 'resize', word: 'resize', flavor, host: null, diskConfig })
    },

    /** Cold migration; `host` null leaves the choice to the scheduler. */
    async migrate(ctx: Ctx, id: string, host: string | null): Promise<void> {
      const rule = host === null ? rules.migrateServerMigrate : rules.migrateServerMigrateHost
      const server = await findServer(tools, ctx, id, rule)
      demandState(tools, ctx, server, 'resize', 'migrate')
      if (host !== null) {
        if (host === server.host) throw faults.CannotMigrateToSameHost()
        if (!(await hostsOf(tools, ctx)).has(host)) throw faults.NoSuchComputeHost({ host })
      }
      await begin(ctx, server, { kind: 'migration', word: 'migrate', flavor: server.flavor, host, diskConfig: null })
    },

    async confirmResize(ctx: Ctx, id: string): Promise<void> {
      const server = await findServer(tools, ctx, id, rules.serversConfirmResize)
      demandState(tools, ctx, server, 'confirm_resize', 'confirmResize')
      await confirm(ctx, server, await waiting(ctx, server.id))
    },

    async revertResize(ctx: Ctx, id: string): Promise<void> {
      const server = await findServer(tools, ctx, id, rules.serversRevertResize)
      demandState(tools, ctx, server, 'revert_resize', 'revertResize')
      const move = await waiting(ctx, server.id)
      const saga = await database.tx(about(ctx, id), 'revert-resize', async q => {
        const now = clock.now()
        if (!(await movesDb(q).enter(move.id, 'finished', 'reverting', now))) throw faults.NotResized()
        const won = await serversDb(q).enter(
          server.id,
          { vmState: 'resized', taskState: null },
          { taskState: 'resize_reverting' },
          now,
        )
        if (!won)
          throw faults.InstanceInvalidState({
            action: 'revertResize',
            id,
            attr: 'task_state',
            state: 'changed meanwhile',
          })
        // What was given back when it became smaller may be somebody else's by now.
        const back = growth(server.flavor, move.oldFlavor ?? server.flavor)
        await charge(q, server.projectId, back, tools.defaults)
        await movesDb(q).charge(move.id, back, now)
        await beginAction(tools, q, ctx, server, 'revertResize')
        const input = {
          serverId: server.id,
          moveId: move.id,
          from: move.source.host,
          to: move.dest?.host ?? server.host ?? '',
          running: move.oldVmState === 'active',
        }
        return engine.prepare(q, revertResize, input, about(ctx, id))
      })
      engine.go(saga)
    },

    /** Confirms what has waited for longer than the window. */
    async confirmOld(ctx: Ctx, windowMs: number): Promise<{ seen: number; corrected: number }> {
      const old = await database.read(ctx, 'unconfirmed', q => movesDb(q).unconfirmedSince(clock.now() - windowMs))
      let corrected = 0
      for (const move of old) {
        const server = await database.read(ctx, 'find-server', q => serversDb(q).byId(move.serverId))
        if (server === undefined || server.vmState !== 'resized' || server.taskState !== null) continue
        try {
          await confirm({ ...ctx, requestId: `req-${ids.uuid()}` }, server, move)
          corrected++
        } catch (error) {
          tools.log.warn(ctx, `the resize of ${server.id} was not confirmed: ${(error as Error).message}`)
        }
      }
      return { seen: old.length, corrected }
    },
  }
}
export type MovesDomain = ReturnType<typeof createMovesDomain>
