// A service's own account: a token of its service user, fetched through Keystone's public API and renewed before it ends.
// Used for work that goes on after the person's request, and for what only services may do.
import { Fault } from '#kernel/contract/fault.ts'
import type { Cross } from '#kernel/crossing/crossing.ts'
import { whoOf } from '#kernel/http/authenticate.ts'
import type { Transport } from '#kernel/http/client.ts'
import type { Clock } from '#kernel/lib/clock.ts'
import type { Ctx, Who } from '#kernel/lib/context.ts'
import type { Ids } from '#kernel/lib/ids.ts'

export interface ServiceIdentity {
  /** A context with the service's own token. `from` gives request id and subject where there is one. */
  ctx(actor: string, from?: Pick<Ctx, 'requestId' | 'subject' | 'signal'> & { readonly cross?: Cross }): Promise<Ctx>
}
export interface ServiceAccount {
  readonly user: string
  readonly password: string
  /** Project of the service users; default `service` in domain Default. */
  readonly project?: string
}

const RENEW_BEFORE_MS = 300_000

/** Throws a Fault (503) from `ctx` when Keystone cannot be asked or refuses the account. */
export function createServiceIdentity(
  keystone: Transport,
  account: ServiceAccount,
  tools: { clock: Clock; ids: Ids; cross: Cross },
): ServiceIdentity {
  let held: Who | null = null
  let asking: Promise<Who> | null = null
  const ask = async (actor: string, requestId: string): Promise<Who> => {
    const answer = await keystone.send(actor, {
      method: 'POST',
      path: '/v3/auth/tokens',
      query: '',
      headers: { 'content-type': 'application/json', 'x-openstack-request-id': requestId },
      body: JSON.stringify({
        auth: {
          identity: {
            methods: ['password'],
            password: { user: { name: account.user, domain: { id: 'default' }, password: account.password } },
          },
          scope: { project: { name: account.project ?? 'service', domain: { id: 'default' } } },
        },
      }),
    })
    const token = answer.headers['x-subject-token']
    if (answer.status !== 201 || token === undefined || typeof answer.body !== 'string') {
      throw new Fault(
        'ServiceUnavailable',
        503,
        `Identity refused the service account ${account.user} (${answer.status}).`,
      )
    }
    return whoOf(JSON.parse(answer.body) as Parameters<typeof whoOf>[0], token)
  }
  return {
    async ctx(actor, from) {
      const requestId = from?.requestId ?? `req-${tools.ids.uuid()}`
      if (held === null || held.expiresAt - tools.clock.now() < RENEW_BEFORE_MS) {
        asking ??= ask(actor, requestId).finally(() => (asking = null))
        held = await asking
      }
      return {
        requestId,
        who: held,
        actor,
        cross: from?.cross ?? tools.cross,
        ...(from?.subject === undefined ? {} : { subject: from.subject }),
        ...(from?.signal === undefined ? {} : { signal: from.signal }),
      }
    },
  }
}
