// OAuth 1 over HTTP: forms go out as OAuth has them, the rest is JSON.
import { isoMicrosZ } from '#kernel/lib/clock.ts'
import { answer, handlers, type Call, type HandlerTable, type RawAnswer } from '#kernel/http/handlers.ts'
import { collection, selfLink } from '#services/keystone/api/lists.ts'
import { oauth } from '#services/keystone/contract/oauth1.ts'
import type { AccessToken } from '#services/keystone/db/oauth1.ts'
import type { SignedRequest } from '#services/keystone/domain/oauth-signature.ts'
import type { Oauth1, Told } from '#services/keystone/domain/oauth1.ts'

const signed = (call: Pick<Call, 'method' | 'base' | 'path' | 'rawQuery' | 'headers'>): SignedRequest => ({
  method: call.method,
  url: `${call.base}${call.path}`,
  query: call.rawQuery,
  authorization: call.headers['authorization'] ?? '',
})
const form = (told: Told): RawAnswer =>
  answer(
    201,
    { 'content-type': 'application/x-www-form-urlencoded' },
    `oauth_token=${told.id}&oauth_token_secret=${told.secret}&oauth_expires_at=${isoMicrosZ(told.expiresAt)}`,
  )

export function oauthHandlers(verbs: Oauth1): HandlerTable[] {
  const wire = (call: Pick<Call, 'base'>, it: AccessToken): object => {
    const links = selfLink(call, `users/${it.userId}/OS-OAUTH1/access_tokens`, it.id) as { self: string }
    return {
      id: it.id,
      consumer_id: it.consumerId,
      project_id: it.projectId,
      authorizing_user_id: it.userId,
      expires_at: it.expiresAt === null ? null : isoMicrosZ(it.expiresAt),
      links: { ...links, roles: `${links.self}/roles` },
    }
  }
  const role = (call: Pick<Call, 'base'>, it: { readonly id: string; readonly name: string }): object => ({
    id: it.id,
    name: it.name,
    links: selfLink(call, 'roles', it.id),
  })
  return [
    handlers(oauth, {
      requestToken: async call =>
        form(await verbs.requestToken(call.ctx, signed(call), call.headers['requested-project-id'])),
      authorize: async call => ({
        token: { oauth_verifier: await verbs.authorize(call.ctx, call.params.request_token_id, call.body.roles) },
      }),
      accessToken: async call => form(await verbs.accessToken(call.ctx, signed(call))),
      list: async call =>
        collection(call, 'access_tokens', await verbs.list(call.ctx, call.params.user_id), row => wire(call, row)),
      show: async call => ({
        access_token: wire(call, await verbs.show(call.ctx, call.params.user_id, call.params.access_token_id)),
      }),
      remove: call => verbs.remove(call.ctx, call.params.user_id, call.params.access_token_id),
      roles: async call =>
        collection(
          call,
          'roles',
          await verbs.roles(call.ctx, call.params.user_id, call.params.access_token_id, null),
          row => role(call, row),
        ),
      role: async call => {
        const { user_id, access_token_id, role_id } = call.params
        const [found] = await verbs.roles(call.ctx, user_id, access_token_id, role_id)
        return { role: found === undefined ? {} : role(call, found) }
      },
    }),
  ]
}
