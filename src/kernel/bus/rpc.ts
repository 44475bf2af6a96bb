// What an actor can be asked: pure data with phantom types, written beside the service that owns the actor.
import type { Ctx } from '#kernel/lib/context.ts'

/** Answered, once at most, within `timeoutMs`. */
export interface CallVerb<In, Out> {
  readonly kind: 'call'
  readonly timeoutMs: number
  readonly title?: (payload: never) => string
  readonly types?: (input: In) => Out
}
/** Not answered. Delivered at least once, so its handler is harmless to repeat. */
export interface CastVerb<In> {
  readonly kind: 'cast'
  readonly title?: (payload: never) => string
  readonly types?: (input: In) => void
}
export type AnyVerb = CallVerb<never, unknown> | CastVerb<never>
export type Verbs = Readonly<Record<string, AnyVerb>>

export interface Rpc<V extends Verbs> {
  /** The queue's name, e.g. `nova-compute` or `nova-compute.legs`. */
  readonly topic: string
  /** The component's name in crossings: the topic up to its first dot. */
  readonly actor: string
  readonly verbs: V
}

export interface CallOptions<In> {
  readonly timeoutMs: number
  /** What the crossing is called when the verb's own name says too little. */
  readonly title?: (payload: In) => string
}

/** A verb with an answer. `call<{ serverId: string }, { text: string }>({ timeoutMs: 10_000 })` */
export const call = <In, Out = void>(options: CallOptions<In>): CallVerb<In, Out> => ({ kind: 'call', ...options })

/** A verb without an answer. `cast<{ securityGroupId: string }>()` */
export const cast = <In>(options: { readonly title?: (payload: In) => string } = {}): CastVerb<In> => ({
  kind: 'cast',
  ...options,
})

/** Names an actor's verbs: `rpc('nova-compute', { reboot: call<…>({ timeoutMs: 120_000 }), refreshRules: cast<…>() })`. */
export const rpc = <V extends Verbs>(topic: string, verbs: V): Rpc<V> => ({
  topic,
  actor: topic.split('.')[0] ?? topic,
  verbs,
})

type InOf<V> = V extends { readonly types?: (input: infer In) => unknown } ? In : never
type OutOf<V> = V extends CallVerb<never, infer Out> ? Out : never

/** The receiving side: one method for each verb, none missing, none wrong. */
export type Implementation<V extends Verbs> = {
  readonly [K in keyof V]: V[K] extends { readonly kind: 'call' }
    ? (ctx: Ctx, payload: InOf<V[K]>) => Promise<OutOf<V[K]>>
    : (ctx: Ctx, payload: InOf<V[K]>) => Promise<void>
}

/** The asking side. A cast resolves when the bus has accepted it. */
export type Asking<V extends Verbs> = {
  readonly [K in keyof V]: V[K] extends { readonly kind: 'call' }
    ? (ctx: Ctx, payload: InOf<V[K]>, options?: { readonly timeoutMs?: number }) => Promise<OutOf<V[K]>>
    : (ctx: Ctx, payload: InOf<V[K]>) => Promise<void>
}

/** Asking everybody exists for casts only. */
export type AskingAll<V extends Verbs> = {
  readonly [K in keyof V as V[K] extends { readonly kind: 'cast' } ? K : never]: (
    ctx: Ctx,
    payload: InOf<V[K]>,
  ) => Promise<void>
}

export interface RpcClient<V extends Verbs> {
  /** The actor on this host. */
  on(host: string): Asking<V>
  /** One of them, in turn. */
  any(): Asking<V>
  /** Each of them that is there now; who is away misses it, its reconciler catches up. */
  all(): AskingAll<V>
}
