// What stands behind a route: one handler each, three to six lines, typed from the contract.
import type { PathParams, Route, Routes } from '#kernel/contract/route.ts'
import type { Rule } from '#kernel/contract/rule.ts'
import type { VersionNumber } from '#kernel/contract/version.ts'
import type { HttpAnswer } from '#kernel/http/call.ts'
import type { Presenter, View } from '#kernel/http/presenter.ts'
import type { Ctx, Who } from '#kernel/lib/context.ts'
import type { Target } from '#kernel/policy/check.ts'

/** What a handler is given. Only code in `api/` may look at `at`. */
export interface Call<P = Readonly<Record<string, string>>, B = unknown, Q = unknown> extends View {
  /** `ctx.who` is the bearer of the token; see `who` for routes that demand one. */
  readonly ctx: Ctx
  /** The bearer. Throws on public routes without a token. */
  readonly who: Who
  readonly params: P
  readonly body: B
  readonly query: Q
  readonly method: string
  readonly path: string
  /** The query string as sent, without `?`: for `next` links. */
  readonly rawQuery: string
  readonly headers: Readonly<Record<string, string | undefined>>
  /** The body of a `stream: 'in'` route. */
  readonly stream: AsyncIterable<Uint8Array>
  readonly at: VersionNumber
  /** Whether a switch of the route is on at this version. */
  has(name: string): boolean
  /** Sets a header of the answer. */
  header(name: string, value: string): void
  /** Sets another success status than the route's own. */
  status(code: number): void
  /** Adds small facts to this request's crossing, for the journey: never a secret. */
  note(facts: Readonly<Record<string, unknown>>): void
  /** May the caller do this to that? (Decisions that throw belong to the domain.) */
  allows(rule: Rule, target: Target): boolean
  show<E>(presenter: Presenter<E>, entity: E): Promise<Record<string, unknown>>
  list<E>(presenter: Presenter<E>, entities: readonly E[]): Promise<Record<string, unknown>[]>
}

/** An answer that is not JSON: `return answer(200, { 'content-type': 'application/octet-stream' }, stream)`. */
export class RawAnswer {
  readonly answer: HttpAnswer
  constructor(answer: HttpAnswer) {
    this.answer = answer
  }
}
export const answer = (status: number, headers: Record<string, string>, body: HttpAnswer['body'] = null): RawAnswer =>
  new RawAnswer({ status, headers, body })

type Reply = object | string | RawAnswer | null | undefined | void
export type HandlerOf<R> =
  R extends Route<infer P, infer B, infer Q, unknown>
    ? (call: Call<PathParams<P>, B, Q>) => Promise<Reply> | Reply
    : never
export type HandlersOf<T extends Routes> = { readonly [K in keyof T]: HandlerOf<T[K]> }
export type AnyHandler = (call: Call) => Promise<Reply> | Reply

/** Routes with their handlers. A missing or extra handler does not compile. */
export interface HandlerTable {
  readonly routes: Routes
  readonly handlers: Readonly<Record<string, AnyHandler>>
}
export const handlers = <T extends Routes>(routes: T, table: HandlersOf<T>): HandlerTable => ({
  routes,
  handlers: table as unknown as Readonly<Record<string, AnyHandler>>,
})
