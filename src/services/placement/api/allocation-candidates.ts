// Allocation candidates on the wire.
import { versionNumber, type VersionNumber } from '#kernel/contract/version.ts'
import { handlers, type Call } from '#kernel/http/handlers.ts'
import { parseQuery } from '#kernel/http/query.ts'
import type { Clock } from '#kernel/lib/clock.ts'
import { candidateRequest } from '#services/placement/api/candidate-request.ts'
import { dated } from '#services/placement/api/headers.ts'
import { allocationCandidates } from '#services/placement/contract/allocation-candidates.ts'
import type { AllocationCandidates } from '#services/placement/domain/candidates/candidates.ts'
import type { Candidate, CandidateRequest, Summary } from '#services/placement/domain/candidates/request.ts'

const KEYED = versionNumber('1.12')
const TRAITS = versionNumber('1.17')
const ALL_CLASSES = versionNumber('1.27')
const TREES = versionNumber('1.29')
const MAPPINGS = versionNumber('1.34')

function presentCandidate(candidate: Candidate, at: VersionNumber): object {
  const byProvider: Record<string, { resources: Record<string, number> }> = {}
  for (const take of candidate.takes)
    (byProvider[take.providerId] ??= { resources: {} }).resources[take.resourceClass] = take.amount
  if (at < KEYED)
    return {
      allocations: Object.entries(byProvider).map(([uuid, { resources }]) => ({
        resource_provider: { uuid },
        resources,
      })),
    }
  return {
    allocations: byProvider,
    ...(at < MAPPINGS ? {} : { mappings: Object.fromEntries(candidate.mappings) }),
  }
}

function presentSummary(summary: Summary, asked: ReadonlySet<string>, at: VersionNumber): object {
  const resources: Record<string, { capacity: number; used: number }> = {}
  for (const one of summary.stock)
    if (at >= ALL_CLASSES || asked.has(one.resourceClass))
      resources[one.resourceClass] = { capacity: one.capacity, used: one.used }
  return {
    resources,
    ...(at < TRAITS ? {} : { traits: summary.traits }),
    ...(at < TREES ? {} : { parent_provider_uuid: summary.place.parentId, root_provider_uuid: summary.place.rootId }),
  }
}

const classesIn = (request: CandidateRequest): ReadonlySet<string> =>
  new Set(request.groups.flatMap(group => [...group.resources.keys()]))

export const allocationCandidateHandlers = (tools: {
  readonly allocationCandidates: AllocationCandidates
  readonly clock: Clock
}) => {
  const list = async (call: Call): Promise<object> => {
    // As sent: of a parameter given twice the shape sees the last, and some mean the first.
    const request = candidateRequest(parseQuery(call.rawQuery), call.at)
    const found = await tools.allocationCandidates.list(call.ctx, request)
    const asked = classesIn(request)
    dated(call, tools.clock)
    return {
      allocation_requests: found.candidates.map(candidate => presentCandidate(candidate, call.at)),
      provider_summaries: Object.fromEntries(
        found.summaries.map(summary => [summary.place.id, presentSummary(summary, asked, call.at)]),
      ),
    }
  }
  return handlers(allocationCandidates, { one: list, numbered: list, numberedInTree: list, named: list })
}
