// Resizes and migrations over HTTP: translate, never decide.
import { handlers, type HandlerTable } from '#kernel/http/handlers.ts'
import { nextHref } from '#kernel/http/paging.ts'
import { presenter } from '#kernel/http/presenter.ts'
import { isoMicros } from '#kernel/lib/clock.ts'
import { randomPassword } from '#kernel/lib/random-text.ts'
import type { Ids } from '#kernel/lib/ids.ts'
import type { Enforcer } from '#kernel/policy/enforcer.ts'
import { faults } from '#services/nova/contract/faults.ts'
import {
  LIVE_UNDER_WAY,
  LiveMoveView,
  moveActions,
  moves,
  MoveView,
  serverMoves,
} from '#services/nova/contract/moves.ts'
import { rules } from '#services/nova/contract/rules.ts'
import type { Move, MoveFilters } from '#services/nova/db/moves.ts'
import type { LiveMoves } from '#services/nova/domain/servers/live-moves.ts'
import type { MovesDomain } from '#services/nova/domain/servers/moves.ts'
import type { View } from '#kernel/http/presenter.ts'

export interface MovesApi {
  readonly domain: MovesDomain
  readonly live: LiveMoves
  readonly policy: Enforcer
  readonly ids: Ids
  readonly maxLimit: number
}

const micros = (at: number | null): string | null => (at === null ? null : isoMicros(at))
const linksOf = (move: Move, view: View): { rel: string; href: string }[] | undefined => {
  if (move.kind !== 'live-migration' || !LIVE_UNDER_WAY.includes(move.status)) return undefined
  const path = `servers/${move.serverId}/migrations/${move.number}`
  return [
    { rel: 'self', href: `${view.base}/v2.1/${path}` },
    { rel: 'bookmark', href: `${view.base}/${path}` },
  ]
}
/** A time without a zone is UTC. */
const msOf = (times: readonly string[] | undefined): number | undefined => {
  const text = times?.at(-1)?.replace(' ', 'T')
  if (text === undefined) return undefined
  return Date.parse(/(Z|[+-]\d{2}:?\d{2})$/i.test(text) || !text.includes('T') ? text : `${text}Z`)
}

export function moveHandlers(api: MovesApi): HandlerTable[] {
  const { domain, live, policy } = api
  /** Hosts are shown to those who may see them; the others read null. */
  const seen = (names: string | null | undefined, hosts: boolean): string | null => (hosts ? (names ?? null) : null)
  const places = (move: Move, hosts: boolean) => ({
    source_compute: seen(move.source.host, hosts),
    source_node: seen(move.source.node, hosts),
    dest_compute: seen(move.dest?.host, hosts),
    dest_node: seen(move.dest?.node, hosts),
    dest_host: seen(move.destIp, hosts),
  })
  interface Shown {
    readonly move: Move
    readonly hosts: boolean
  }
  const listed = presenter<Shown>()(MoveView, {
    id: s => s.move.number,
    uuid: s => s.move.id,
    instance_uuid: s => s.move.serverId,
    created_at: s => isoMicros(s.move.createdAt),
    updated_at: s => micros(s.move.updatedAt),
    status: s => s.move.status,
    migration_type: s => s.move.kind,
    old_instance_type_id: s => s.move.oldFlavorNumber,
    new_instance_type_id: s => s.move.newFlavorNumber,
    source_compute: s => places(s.move, s.hosts).source_compute,
    source_node: s => places(s.move, s.hosts).source_node,
    dest_compute: s => places(s.move, s.hosts).dest_compute,
    dest_node: s => places(s.move, s.hosts).dest_node,
    dest_host: s => places(s.move, s.hosts).dest_host,
    links: (s, _loaded, view) => linksOf(s.move, view),
    user_id: s => s.move.userId,
    project_id: s => s.move.projectId,
  })
  const shown = presenter<Shown>()(LiveMoveView, {
    id: s => s.move.number,
    uuid: s => s.move.id,
    server_uuid: s => s.move.serverId,
    created_at: s => isoMicros(s.move.createdAt),
    updated_at: s => micros(s.move.updatedAt),
    status: s => s.move.status,
    source_compute: s => places(s.move, s.hosts).source_compute,
    source_node: s => places(s.move, s.hosts).source_node,
    dest_compute: s => places(s.move, s.hosts).dest_compute,
    dest_node: s => places(s.move, s.hosts).dest_node,
    dest_host: s => places(s.move, s.hosts).dest_host,
    memory_total_bytes: s => s.move.progress.memory_total,
    memory_processed_bytes: s => s.move.progress.memory_processed,
    memory_remaining_bytes: s => s.move.progress.memory_remaining,
    disk_total_bytes: s => s.move.progress.disk_total,
    disk_processed_bytes: s => s.move.progress.disk_processed,
    disk_remaining_bytes: s => s.move.progress.disk_remaining,
    user_id: s => s.move.userId,
    project_id: s => s.move.projectId,
  })

  return [
    handlers(moveActions, {
      resize: call => {
        const diskConfig = call.body['OS-DCF:diskConfig']
        const auto = diskConfig === undefined ? null : diskConfig === 'AUTO'
        return domain.resize(call.ctx, call.params.id, call.body.flavorRef, auto)
      },
      confirmResize: call => domain.confirmResize(call.ctx, call.params.id),
      revertResize: call => domain.revertResize(call.ctx, call.params.id),
      migrate: call => domain.migrate(call.ctx, call.params.id, call.body?.host ?? null),
      migrateLive: call =>
        live.migrateLive(call.ctx, call.params.id, {
          host: call.body.host,
          force: call.has('neverForced') ? false : call.has('takesForce') ? (call.body.force ?? false) : null,
          inBackground: call.has('inBackground'),
        }),
      evacuate: async call => {
        const { body } = call
        const shared = !call.has('tellsNoPassword') && body.onSharedStorage === true
        if (shared && body.adminPass !== undefined)
          throw faults.BadRequest({ reason: "admin password can't be changed on existing disk" })
        await live.evacuate(call.ctx, call.params.id, {
          host: body.host ?? null,
          force: call.has('neverForced') ? false : call.has('takesForce') ? (body.force ?? false) : null,
          leaveStopped: call.has('leaveStopped'),
        })
        if (call.has('tellsNoPassword')) return undefined
        return { adminPass: shared ? null : (body.adminPass ?? randomPassword(api.ids, 12)) }
      },
    }),
    handlers(moves, {
      list: async call => {
        const { ctx, query } = call
        const last = (values: readonly string[] | undefined): string | undefined => values?.at(-1)
        const text = (key: string, value: string | undefined) => (value === undefined ? {} : { [key]: value })
        const paged = call.has('paged')
        const since = paged ? msOf(query['changes-since']) : undefined
        const before = call.has('changedBefore') ? msOf(query['changes-before']) : undefined
        const filters: MoveFilters = {
          ...text('status', last(query.status)),
          ...text('host', last(query.host)),
          ...text('sourceHost', last(query.source_compute)),
          ...text('kind', last(query.migration_type)),
          ...text('serverId', last(query.instance_uuid)),
          ...(call.has('byOwner') ? text('userId', last(query.user_id)) : {}),
          // compat: at every version the project filter decides who may ask (it was let through before it was declared).
          ...text('projectId', last((query as Record<string, string[] | undefined>)['project_id'])),
          ...(since === undefined ? {} : { changedSince: since }),
          ...(before === undefined ? {} : { changedBefore: before }),
        }
        const limit = Math.min(query.limit?.at(-1) ?? api.maxLimit, api.maxLimit)
        const hidden = ['1', 'true', 'yes', 'on', 't', 'y'].includes((last(query.hidden) ?? '').toLowerCase())
        const paging = paged ? { marker: last(query.marker) ?? null, limit } : null
        const found = await live.list(ctx, filters, paging)
        const hosts = policy.allows(ctx.who, rules.migrationsIndexHost, { project_id: ctx.who?.projectId ?? '' })
        const rows = hidden ? [] : found.map(move => ({ move, hosts }))
        const end = paged && limit > 0 && rows.length === limit ? rows.at(-1) : undefined
        return {
          migrations: await call.list(listed, rows),
          ...(end === undefined ? {} : { migrations_links: [{ rel: 'next', href: nextHref(call, end.move.id) }] }),
        }
      },
    }),
    handlers(serverMoves, {
      list: async call => {
        const found = await live.listOf(call.ctx, call.params.server)
        const hosts = policy.allows(call.ctx.who, rules.serversMigrationsIndexHost, {
          project_id: call.ctx.who?.projectId ?? '',
        })
        const rows = found.map(move => ({ move, hosts }))
        return { migrations: await call.list(shown, rows) }
      },
      show: async call => {
        const move = await live.show(call.ctx, call.params.server, call.params.migration)
        return { migration: await call.show(shown, { move, hosts: true }) }
      },
      abort: call => live.abort(call.ctx, call.params.server, call.params.migration, call.has('alsoQueued')),
      forceComplete: call => live.forceComplete(call.ctx, call.params.server, call.params.migration),
    }),
  ]
}
