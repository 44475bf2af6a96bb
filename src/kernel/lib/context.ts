// What every call carries: who asks, under which request, and the seam it must cross. Always the first argument.
import type { Actor, Cross } from '#kernel/crossing/crossing.ts'

/** The person or service behind a token, as Keystone said. Nothing here comes from the request's body. */
export interface Who {
  readonly userId: string
  readonly userName: string
  readonly userDomainId: string
  readonly userDomainName: string
  readonly projectId: string | null
  readonly projectName: string | null
  readonly projectDomainId: string | null
  readonly projectDomainName: string | null
  /** Set for a domain-scoped token. */
  readonly domainId: string | null
  /** True for a system-scoped token. */
  readonly system: boolean
  /** Role names, lower case, implied ones included. */
  readonly roles: readonly string[]
  /** The token itself, to be passed on to neighbours. */
  readonly token: string
  readonly expiresAt: number
  readonly auditIds: readonly string[]
  readonly methods: readonly string[]
  /** Set when the token came from an application credential. */
  readonly applicationCredentialId?: string
}

export interface Ctx {
  /** `req-<uuid>` of the client's own request; kept through all calls it causes. */
  readonly requestId: string
  /** Null on public routes and in our own background work. */
  readonly who: Who | null
  /** The component that holds this context. */
  readonly actor: Actor
  readonly cross: Cross
  /** What it is about, for the crossings, e.g. a server's id. */
  readonly subject?: string
  readonly signal?: AbortSignal
}

/** The same context about another subject or in another component's hands. */
export const ctxWith = (ctx: Ctx, change: Partial<Ctx>): Ctx => ({ ...ctx, ...change })
