// nova-scheduler: answers one question, where a server may go. No database: hosts' states are asked of the conductor.
import type { Bus, Served } from '#kernel/bus/bus.ts'
import {
  conductorRpc,
  schedulerRpc,
  type Destination,
  type HostState,
  type HostVerdict,
  type RequestSpec,
} from '#services/nova/rpc.ts'

export type Decide = (
  spec: RequestSpec,
  hosts: readonly HostState[],
) => { hosts: Destination[]; verdicts: HostVerdict[] }

/** Serves `select_destinations`. `decide` is the pure decision of domain/scheduling. */
export function serveScheduler(bus: Bus, decide: Decide): Promise<Served> {
  const conductor = bus.client(conductorRpc)
  return bus.serve(schedulerRpc, null, {
    select_destinations: async (ctx, { spec }) => {
      const { hosts } = await conductor.any().host_states(ctx, { hosts: null })
      const payload: Record<string, unknown> = {}
      return ctx.cross(
        {
          kind: 'decide',
          side: 'send',
          from: ctx.actor,
          to: ctx.actor,
          name: 'filter-and-weigh',
          requestId: ctx.requestId,
          subject: spec.serverId,
          payload,
        },
        async () => {
          const decision = decide(spec, hosts)
          payload['hosts'] = decision.verdicts.map(verdict => ({
            host: verdict.host,
            ok: verdict.ok,
            weight: verdict.weight,
          }))
          return decision
        },
      )
    },
  })
}
