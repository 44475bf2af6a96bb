// What a service is, said once in its service.ts.
import type { AnyRoute } from '#kernel/contract/route.ts'
import type { Rule } from '#kernel/contract/rule.ts'
import type { SurfaceRow } from '#kernel/contract/surface.ts'
import type { VersionList } from '#kernel/contract/version.ts'
import type { HttpCall } from '#kernel/http/call.ts'
import type { Dialect } from '#kernel/http/dialect.ts'
import type { Ctx } from '#kernel/lib/context.ts'

export interface ServiceDefinition {
  /** `nova`: the folder's name. */
  readonly name: string
  /** The component that answers: `nova-api`, `neutron-server`, `keystone`, … */
  readonly actor: string
  /** Catalog types, the first being the one of `OpenStack-API-Version`. */
  readonly types: readonly string[]
  /** Where the front door mounts it: `/compute`. */
  readonly prefix: string
  /** What is appended to the prefix in the catalog: `/v2.1`. */
  readonly catalogPath: string
  readonly classicPort: number | null
  readonly versions: VersionList | null
  /** How `Vary` spells the version header; default `OpenStack-API-Version`. */
  readonly varyName?: string
  /** An older header beside `OpenStack-API-Version`, e.g. `x-openstack-nova-api-version` (its value lacks the type). */
  readonly legacyVersionHeader?: string
  readonly dialect: Dialect
  readonly rules: readonly Rule[]
  /** Named checks that rules use (`admin_api`, …). */
  readonly baseRules: Readonly<Record<string, string>>
  /** Upstream's whole surface: what is not built answers `dialect.notBuilt`. */
  readonly surface: readonly SurfaceRow[]
  /** More names for the request id in answers, e.g. `x-compute-request-id`. */
  readonly requestIdHeaders?: readonly string[]
  /** Folds other spellings of a path into ours (project id in the path, `.json`). */
  readonly normalizePath?: (path: string) => string
  /** `/v2.1/servers/` is not `/v2.1/servers`; only documents, `/v2.1/`, may end in a slash. */
  readonly strictSlashes?: boolean
  /** Throws a Fault for a request that is refused whatever it asks, e.g. one whose URL names another project. */
  readonly admit?: (call: HttpCall, ctx: Ctx) => void
  /** Throws a Fault for media types that a route does not take (`content-type`) or give (`accept`); asked before the policy. */
  readonly media?: (call: HttpCall, route: AnyRoute) => void
  /** GET routes answer HEAD as well. */
  readonly headFromGet?: boolean
  /** Largest JSON body in bytes; default 114,688 (oslo's sizelimit). */
  readonly bodyLimit?: number
}
