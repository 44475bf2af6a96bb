// How Cinder speaks to a neighbour's public API: one small JSON caller, every call on the seam.
import { RemoteFault, wordsOf, type Transport } from '#kernel/http/client.ts'
import type { HttpAnswer } from '#kernel/http/call.ts'
import type { Ctx } from '#kernel/lib/context.ts'

export interface Given {
  readonly body?: unknown
  /** Instead of a body: sent as they are. */
  readonly bytes?: AsyncIterable<Uint8Array>
  readonly query?: string
  /** Statuses that are as good as success: then the answer is null. */
  readonly fine?: readonly number[]
}
export interface Rest {
  /** `path` is what is sent, `template` what the crossing is called. Throws RemoteFault on 4xx and 5xx. */
  json<T>(ctx: Ctx, method: string, template: string, path: string, given?: Given): Promise<T>
  raw(ctx: Ctx, method: string, template: string, path: string, given?: Given): Promise<HttpAnswer>
}

/** `version`: the microversion header's value, e.g. `compute 2.90`. */
export function restTo(transport: Transport, version?: string): Rest {
  const raw: Rest['raw'] = async (ctx, method, template, path, given = {}) => {
    const answer = await ctx.cross(
      {
        kind: 'rest',
        side: 'send',
        from: ctx.actor,
        to: transport.to,
        name: `${method} ${template}`,
        requestId: ctx.requestId,
        ...(ctx.subject === undefined ? {} : { subject: ctx.subject }),
      },
      () =>
        transport.send(
          ctx.actor,
          {
            method,
            path,
            query: given.query ?? '',
            headers: {
              'x-auth-token': ctx.who?.token ?? '',
              'x-openstack-request-id': ctx.requestId,
              accept: 'application/json',
              ...(given.body === undefined ? {} : { 'content-type': 'application/json' }),
              ...(given.bytes === undefined ? {} : { 'content-type': 'application/octet-stream' }),
              ...(version === undefined ? {} : { 'openstack-api-version': version }),
            },
            body: given.bytes ?? (given.body === undefined ? null : JSON.stringify(given.body)),
          },
          ctx.signal,
        ),
    )
    if (answer.status >= 400 && given.fine?.includes(answer.status) !== true)
      throw new RemoteFault(transport.to, answer.status, wordsOf(answer))
    return answer
  }
  return {
    raw,
    async json<T>(ctx: Ctx, method: string, template: string, path: string, given: Given = {}) {
      const answer = await raw(ctx, method, template, path, given)
      if (answer.status >= 400 || typeof answer.body !== 'string' || answer.body === '') return null as T
      return JSON.parse(answer.body) as T
    },
  }
}
