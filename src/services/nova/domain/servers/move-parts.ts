// What all verbs that move servers share: the hosts as they are, the request for places, the move's row, the beginning of the story.
import type { Kysely } from 'kysely'

import type { Bus } from '#kernel/bus/bus.ts'
import type { Clock } from '#kernel/lib/clock.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import type { Ids } from '#kernel/lib/ids.ts'
import type { Engine } from '#kernel/saga/engine.ts'
import { faults } from '#services/nova/contract/faults.ts'
import { actionsDb } from '#services/nova/db/actions.ts'
import { hostsDb, type ComputeNode } from '#services/nova/db/hosts.ts'
import { movesDb, type Move } from '#services/nova/db/moves.ts'
import { serversDb, type Server, type ServerChange } from '#services/nova/db/servers.ts'
import type { FlavorCopy, NovaTables } from '#services/nova/db/tables.ts'
import { isUp } from '#services/nova/domain/conductor/host-states.ts'
import { groupAround } from '#services/nova/domain/conductor/groups.ts'
import type { QuotaDefaults } from '#services/nova/domain/quotas.ts'
import type { CreateTools } from '#services/nova/domain/servers/create.ts'
import type { FindTools } from '#services/nova/domain/servers/find.ts'
import type { Destination, RequestSpec } from '#services/nova/rpc.ts'

export interface MoveTools extends FindTools {
  readonly engine: Engine<Kysely<NovaTables>>
  readonly bus: Bus
  readonly clock: Clock
  readonly ids: Ids
  readonly defaults: QuotaDefaults
  readonly downAfterMs: number
  readonly allowSameHost: 'auto' | 'yes' | 'no'
  /** With the person's own token. */
  readonly image: CreateTools['neighbours']['image']
  readonly log: { warn(ctx: Ctx | null, says: string): void }
}

export interface KnownHost {
  readonly node: ComputeNode
  readonly up: boolean
  readonly disabled: boolean
}

/** Compute hosts by name. */
export async function hostsOf(tools: MoveTools, ctx: Ctx): Promise<Map<string, KnownHost>> {
  return tools.database.read(ctx, 'compute-hosts', async q => {
    const services = (await hostsDb(q).services()).filter(one => one.binary === 'nova-compute')
    const nodes = await hostsDb(q).nodes()
    return new Map(
      nodes.flatMap(node => {
        const service = services.find(one => one.host === node.host)
        if (service === undefined) return []
        const up = isUp(service, tools.clock.now(), tools.downAfterMs)
        return [[node.host, { node, up, disabled: service.disabled }] as const]
      }),
    )
  })
}
export const destinationOf = (known: KnownHost, zone: string | null): Destination => ({
  host: known.node.host,
  node: known.node.hypervisorHostname,
  providerId: known.node.id,
  availabilityZone: zone ?? 'nova',
  weight: 0,
})

/** What the scheduler is asked. */
export async function specFor(
  q: Kysely<NovaTables>,
  server: Server,
  how: {
    readonly flavor: FlavorCopy
    readonly fromHypervisor: string | undefined
    readonly ignoreHosts: readonly string[]
    readonly host: string | null
  },
): Promise<RequestSpec> {
  const group = await groupAround(q, server.id)
  return {
    serverId: server.id,
    projectId: server.projectId,
    flavor: how.flavor,
    imageProperties: server.imageProperties,
    bootFromVolume: server.imageId === '',
    availabilityZone: server.pinnedAvailabilityZone,
    requestedHost: how.host,
    hints: {},
    ignoreHosts: how.ignoreHosts,
    ...(how.fromHypervisor === undefined ? {} : { fromHypervisor: how.fromHypervisor }),
    group: group === null ? null : { policy: group.policy, maxPerHost: group.maxPerHost, hosts: group.hosts },
  }
}

/** The server's column is won, the action written, the move's row made. Throws 409 when somebody else was first. */
export async function beginMove(
  tools: MoveTools,
  q: Kysely<NovaTables>,
  ctx: Ctx,
  server: Server,
  how: {
    readonly moveId: string
    readonly kind: Move['kind']
    readonly status: string
    readonly task: string
    readonly action: string
    readonly word: string
    readonly flavor: FlavorCopy
    readonly dest: Move['dest']
    readonly charged: Move['charged']
    readonly change?: ServerChange
  },
): Promise<void> {
  const now = tools.clock.now()
  const won = await serversDb(q).enter(
    server.id,
    { vmState: server.vmState, taskState: server.taskState },
    { taskState: how.task, progress: 0, ...how.change },
    now,
  )
  if (!won)
    throw faults.InstanceInvalidState({
      action: how.word,
      id: server.id,
      attr: 'task_state',
      state: 'changed meanwhile',
    })
  await beginAction(tools, q, ctx, server, how.action)
  await movesDb(q).add(
    {
      id: how.moveId,
      serverId: server.id,
      userId: ctx.who?.userId ?? null,
      projectId: ctx.who?.projectId ?? null,
      kind: how.kind,
      status: how.status,
      source: { host: server.host ?? '', node: server.node ?? server.host ?? '' },
      dest: how.dest,
      oldFlavor: server.flavor,
      newFlavor: how.flavor,
      oldVmState: server.vmState,
    },
    how.charged,
    now,
  )
}

/** A new action of this request, in the caller's transaction. */
export const beginAction = (
  tools: Pick<MoveTools, 'clock' | 'ids'>,
  q: Kysely<NovaTables>,
  ctx: Ctx,
  server: Server,
  action: string,
): Promise<void> =>
  actionsDb(q).begin({
    id: tools.ids.uuid(),
    serverId: server.id,
    action,
    requestId: ctx.requestId,
    userId: ctx.who?.userId ?? null,
    projectId: ctx.who?.projectId ?? null,
    message: null,
    startedAt: tools.clock.now(),
    updatedAt: tools.clock.now(),
  })
