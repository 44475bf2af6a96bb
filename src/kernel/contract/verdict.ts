// Deciders (policy, scheduler filters, quota, state tables, security groups) are pure and answer with reasons.

/** One reason: who decided, what it says, what it found and what it wanted, and what lies under it. */
export interface Reason {
  readonly who: string
  readonly says: string
  readonly has?: unknown
  readonly wants?: unknown
  readonly because?: readonly Reason[]
}
export type Verdict = { readonly ok: true } | { readonly ok: false; readonly because: readonly Reason[] }

export const yes: Verdict = Object.freeze({ ok: true })
export const no = (...because: readonly Reason[]): Verdict => ({ ok: false, because })
