// How Nova's actors speak to a neighbour's public API with the service account: one small JSON caller, every call on the seam.
import { RemoteFault, wordsOf, type Transport } from '#kernel/http/client.ts'
import type { Ctx } from '#kernel/lib/context.ts'

/** `type` is the body's media type, JSON by default. */
interface RestGiven {
  readonly body?: unknown
  readonly query?: string
  readonly fine?: readonly number[]
  readonly type?: string
}
export interface Rest {
  /**
   * `path` is what is sent, `template` what the crossing is called. Resolves with the JSON (null when empty).
   * Throws RemoteFault on 4xx and 5xx; `fine` lists statuses that are as good as success, e.g. 404 of a delete.
   */
  json<T>(ctx: Ctx, method: string, template: string, path: string, given?: RestGiven): Promise<T>
}

export function restTo(transport: Transport, version?: string): Rest {
  return {
    async json<T>(ctx: Ctx, method: string, template: string, path: string, given: RestGiven = {}) {
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
                ...(given.body === undefined ? {} : { 'content-type': given.type ?? 'application/json' }),
                ...(version === undefined ? {} : { 'openstack-api-version': version }),
              },
              body: given.body === undefined ? null : JSON.stringify(given.body),
            },
            ctx.signal,
          ),
      )
      if (answer.status >= 400 && given.fine?.includes(answer.status) !== true) {
        throw new RemoteFault(transport.to, answer.status, wordsOf(answer))
      }
      if (answer.status >= 400 || typeof answer.body !== 'string' || answer.body === '') return null as T
      return JSON.parse(answer.body) as T
    },
  }
}
