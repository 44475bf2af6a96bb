// What somebody wants allocated, and in which ways it could be.
import type { Place, Stock } from '#services/placement/db/stock.ts'
import type { Qualities } from '#services/placement/domain/provider-search.ts'

/** A group of resources. The one without a suffix may be spread over a tree and what is shared with it; others stay on one provider. */
export interface Group extends Qualities {
  readonly suffix: string
}
export interface CandidateRequest {
  readonly groups: readonly Group[]
  /** `isolate`: no two suffixed groups on one provider. */
  readonly isolated: boolean
  readonly limit: number | null
  /** What the root of the tree must be and must not be. */
  readonly rootRequired: readonly string[]
  readonly rootForbidden: readonly string[]
  /** Suffixes whose providers must all lie below one of them. */
  readonly sameSubtrees: readonly (readonly string[])[]
  /** Whether several providers of one tree may serve a request (1.29). */
  readonly nested: boolean
}

/** So much of a class from a provider. */
export interface Take {
  readonly providerId: string
  readonly resourceClass: string
  readonly amount: number
}
export interface Candidate {
  readonly takes: readonly Take[]
  /** Suffix → the providers that serve that group. */
  readonly mappings: ReadonlyMap<string, readonly string[]>
}
/** A provider of a tree that some candidate takes from. */
export interface Summary {
  readonly place: Place
  readonly stock: readonly Stock[]
  readonly traits: readonly string[]
}
export interface Candidates {
  readonly candidates: readonly Candidate[]
  readonly summaries: readonly Summary[]
}
