// From token to person: every service asks Keystone through its public API, as keystonemiddleware does.
import { Fault } from '#kernel/contract/fault.ts'
import type { Transport } from '#kernel/http/client.ts'
import type { Authenticate } from '#kernel/http/pipeline.ts'
import type { Who } from '#kernel/lib/context.ts'

interface TokenBody {
  readonly token: {
    readonly user: { id: string; name: string; domain: { id: string; name: string } }
    readonly project?: { id: string; name: string; domain: { id: string; name: string } }
    readonly domain?: { id: string; name: string }
    readonly system?: { all: boolean }
    readonly roles?: readonly { name: string }[]
    readonly expires_at: string
    readonly audit_ids: readonly string[]
    readonly methods: readonly string[]
    readonly application_credential?: { id: string }
  }
}

/** What `GET /v3/auth/tokens` says, as a Who. */
export function whoOf(body: TokenBody, token: string): Who {
  const { token: t } = body
  return {
    userId: t.user.id,
    userName: t.user.name,
    userDomainId: t.user.domain.id,
    userDomainName: t.user.domain.name,
    projectId: t.project?.id ?? null,
    projectName: t.project?.name ?? null,
    projectDomainId: t.project?.domain.id ?? null,
    projectDomainName: t.project?.domain.name ?? null,
    domainId: t.domain?.id ?? null,
    system: t.system?.all === true,
    roles: (t.roles ?? []).map(role => role.name.toLowerCase()),
    token,
    expiresAt: Date.parse(t.expires_at),
    auditIds: t.audit_ids,
    methods: t.methods,
    ...(t.application_credential === undefined ? {} : { applicationCredentialId: t.application_credential.id }),
  }
}

/** Asks Keystone each time: it keeps what it has checked, and a revoked token is refused at once. */
export const authenticateBy =
  (keystone: Transport): Authenticate =>
  async (ctx, token) => {
    if (token.length > 4096 || /[^\x21-\x7e]/.test(token)) return null
    const payload: { status?: number; roles?: readonly string[]; audit?: string } = {}
    const answer = await ctx.cross(
      {
        kind: 'rest',
        side: 'send',
        from: ctx.actor,
        to: keystone.to,
        name: 'GET /v3/auth/tokens',
        requestId: ctx.requestId,
        payload,
      },
      async () => {
        const got = await keystone.send(ctx.actor, {
          method: 'GET',
          path: '/v3/auth/tokens',
          query: 'nocatalog',
          headers: { 'x-auth-token': token, 'x-subject-token': token, 'x-openstack-request-id': ctx.requestId },
          body: null,
        })
        payload.status = got.status
        if (got.status === 200 && typeof got.body === 'string') {
          const who = whoOf(JSON.parse(got.body) as TokenBody, token)
          payload.roles = who.roles
          if (who.auditIds[0] !== undefined) payload.audit = who.auditIds[0]
          return { got, who }
        }
        return { got, who: null }
      },
    )
    if (answer.who !== null) return answer.who
    if (answer.got.status >= 500)
      throw new Fault('ServiceUnavailable', 503, 'Identity cannot be asked just now.', {
        headers: { 'retry-after': '1' },
      })
    return null
  }
