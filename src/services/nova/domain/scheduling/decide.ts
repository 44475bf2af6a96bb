// The decision: filters, then weights. Pure; every host gets a verdict that is kept.
import type { Reason } from '#kernel/contract/verdict.ts'
import { filters } from '#services/nova/domain/scheduling/filters.ts'
import { weights } from '#services/nova/domain/scheduling/weighers.ts'
import type { Destination, HostState, HostVerdict, RequestSpec } from '#services/nova/rpc.ts'

/** All filters are asked of each host, so that a person sees every reason, not only the first. */
export function decide(
  spec: RequestSpec,
  hosts: readonly HostState[],
): { hosts: Destination[]; verdicts: HostVerdict[] } {
  const refusals = new Map<string, Reason[]>()
  const fit: HostState[] = []
  for (const host of hosts) {
    const because = filters.flatMap(filter => {
      const verdict = filter.passes(host, spec)
      return verdict.ok ? [] : [...verdict.because]
    })
    if (because.length === 0) fit.push(host)
    else refusals.set(host.host, because)
  }
  const weighed = weights(fit, spec)
  // Equal hosts take turns by how many servers they have, then by name: the same question gets the same answer.
  const sorted = [...fit].sort(
    (a, b) =>
      (weighed.get(b.host)?.sum ?? 0) - (weighed.get(a.host)?.sum ?? 0) ||
      a.servers - b.servers ||
      (a.host < b.host ? -1 : 1),
  )
  return {
    hosts: sorted.map(host => ({
      host: host.host,
      node: host.node,
      providerId: host.providerId,
      availabilityZone: host.availabilityZone,
      weight: weighed.get(host.host)?.sum ?? 0,
    })),
    verdicts: hosts.map(host => ({
      host: host.host,
      ok: !refusals.has(host.host),
      because: refusals.get(host.host) ?? [],
      weights: weighed.get(host.host)?.parts ?? {},
      weight: weighed.get(host.host)?.sum ?? null,
    })),
  }
}

/** The nearest change that would let the server in: the one host with the fewest reasons against it, in words. */
export function nearestChange(verdicts: readonly HostVerdict[]): string | null {
  const nearest = verdicts.filter(verdict => !verdict.ok).sort((a, b) => a.because.length - b.because.length)[0]
  if (nearest === undefined) return verdicts.length === 0 ? 'add a compute host: there is none' : null
  return `host ${nearest.host} would take it if: ${nearest.because.map(reason => reason.says).join('; ')}`
}
