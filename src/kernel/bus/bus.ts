// The bus as components see it: typed verbs, contexts that travel, and both sides of every message on the seam.
import { decodeError, encodeError, type Message, type Reply } from '#kernel/bus/wire.ts'
import { ProcessDeath } from '#kernel/crossing/death.ts'
import { Fault } from '#kernel/contract/fault.ts'
import type { Address, ListenOptions, QueueState, Transport } from '#kernel/bus/transport.ts'
import type { AnyVerb, Asking, AskingAll, Implementation, Rpc, RpcClient, Verbs } from '#kernel/bus/rpc.ts'
import type { Cross, Crossing } from '#kernel/crossing/crossing.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import type { Ids } from '#kernel/lib/ids.ts'

export interface Served {
  /** Takes nothing more; resolves when what was taken is finished. */
  close(): Promise<void>
}

/** A message that nobody could handle: unreadable, of an unknown verb, or a cast whose handler failed. */
export interface DeadLetter {
  readonly at: string
  readonly verb: string
  readonly requestId: string
  readonly error: Error
}

export interface BusState {
  readonly queues: readonly QueueState[]
  readonly deadLetters: number
}

export interface Bus {
  /**
   * Serves all verbs of `def` on `host` (null: a nameless worker that only `any()` and `all()` reach). Its actor is `nova-compute@host`,
   * or the plain component name for a nameless worker. `atOnce` limits how many messages it handles together.
   */
  serve<V extends Verbs>(
    def: Rpc<V>,
    host: string | null,
    implementation: Implementation<V>,
    options?: ListenOptions,
  ): Promise<Served>
  /**
   * Asks. A call throws what the other side threw, or `NoSuchConsumer`, `RpcTimeout`, `QueueFull` (503/504); a cast only `QueueFull`.
   */
  client<V extends Verbs>(def: Rpc<V>): RpcClient<V>
  /** Queue depths and the count of dead letters, for `koto status`. */
  state(): BusState
  close(): Promise<void>
}

export interface BusParts {
  readonly transport: Transport
  readonly cross: Cross
  readonly ids: Ids
  /** Told of each dead letter; the count is kept anyway. */
  readonly onDeadLetter?: (letter: DeadLetter) => void
}

/** `nova-compute@node-1`, or `nova-scheduler` where no host is named. */
export const actorAt = (actor: string, host: string | null): string => (host === null ? actor : `${actor}@${host}`)

const messageOf = (value: unknown): Message => {
  const { id, verb, from, requestId } = (value ?? {}) as Partial<Record<keyof Message, unknown>>
  if ([id, verb, from, requestId].some(part => typeof part !== 'string')) throw new Error('this is no message')
  return value as Message
}

/** Puts typed verbs and the seam on a transport. */
export function createBus(parts: BusParts): Bus {
  const { transport, cross, ids } = parts
  let deadLetters = 0

  const bury = (letter: DeadLetter): void => {
    deadLetters += 1
    parts.onDeadLetter?.(letter)
  }
  const crossing = (verb: AnyVerb, name: string, side: 'send' | 'take', to: string, message: Message): Crossing => ({
    kind: verb.kind,
    side,
    from: message.from,
    to,
    name: verb.title === undefined ? name : verb.title(message.payload as never),
    requestId: message.requestId,
    ...(message.subject === undefined ? {} : { subject: message.subject }),
    payload: { message: message.id },
  })
  const envelope = (ctx: Ctx, verb: string, payload: unknown): Message => ({
    id: ids.hex(),
    verb,
    from: ctx.actor,
    requestId: ctx.requestId,
    ...(ctx.subject === undefined ? {} : { subject: ctx.subject }),
    who: ctx.who,
    payload,
  })

  const taker = <V extends Verbs>(def: Rpc<V>, host: string | null, implementation: Implementation<V>) => {
    const actor = actorAt(def.actor, host)
    const at = actorAt(def.topic, host)
    return async (text: string): Promise<string> => {
      let message: Message
      try {
        message = messageOf(JSON.parse(text))
      } catch (error) {
        bury({ at, verb: '?', requestId: '?', error: error as Error })
        return JSON.stringify({
          fault: { code: 'BadMessage', status: 500, message: 'the message cannot be read' },
        } satisfies Reply)
      }
      const verb = Object.hasOwn(def.verbs, message.verb) ? def.verbs[message.verb] : undefined
      if (verb === undefined) {
        const error = new Fault('NoSuchVerb', 500, `${at} knows no ${message.verb}`)
        bury({ at, verb: message.verb, requestId: message.requestId, error })
        return JSON.stringify({ fault: encodeError(error) } satisfies Reply)
      }
      const ctx: Ctx = {
        requestId: message.requestId,
        who: message.who,
        actor,
        cross,
        ...(message.subject === undefined ? {} : { subject: message.subject }),
      }
      const method = implementation[message.verb] as (ctx: Ctx, payload: unknown) => Promise<unknown>
      try {
        const result = await cross(crossing(verb, message.verb, 'take', actor, message), () =>
          method(ctx, message.payload),
        )
        return verb.kind === 'cast' ? '' : JSON.stringify({ ok: result ?? null } satisfies Reply)
      } catch (error) {
        if (verb.kind === 'call') return JSON.stringify({ fault: encodeError(error) } satisfies Reply)
        if (!(error instanceof ProcessDeath))
          bury({ at, verb: message.verb, requestId: message.requestId, error: error as Error })
        return ''
      }
    }
  }

  const asking = (def: Rpc<Verbs>, host: string | null, all: boolean): Readonly<Record<string, unknown>> => {
    const to: Address = { topic: def.topic, host }
    const methods: Record<
      string,
      (ctx: Ctx, payload: unknown, options?: { readonly timeoutMs?: number }) => Promise<unknown>
    > = {}
    for (const [name, verb] of Object.entries(def.verbs)) {
      if (all && verb.kind !== 'cast') continue
      methods[name] = (ctx, payload, options) => {
        const message = envelope(ctx, name, payload)
        const text = JSON.stringify(message)
        return ctx.cross(crossing(verb, name, 'send', actorAt(def.actor, host), message), async () => {
          if (verb.kind === 'cast') return all ? transport.castAll(def.topic, text) : transport.cast(to, text)
          const reply = JSON.parse(await transport.call(to, text, options?.timeoutMs ?? verb.timeoutMs)) as Reply
          if ('fault' in reply) throw decodeError(reply.fault)
          return reply.ok
        })
      }
    }
    return methods
  }

  return {
    serve: (def, host, implementation, options) =>
      transport.listen({ topic: def.topic, host }, taker(def, host, implementation), options),
    client: <V extends Verbs>(def: Rpc<V>): RpcClient<V> => ({
      on: host => asking(def, host, false) as Asking<V>,
      any: () => asking(def, null, false) as Asking<V>,
      all: () => asking(def, null, true) as AskingAll<V>,
    }),
    state: () => ({ queues: transport.queues(), deadLetters }),
    close: () => transport.close(),
  }
}
