// Tokens and what their bearer may reach.
import { get, post, del } from '#kernel/contract/route.ts'
import { may, must, object } from '#kernel/contract/shape.ts'
import { any, bool, list, nullable, raw, text } from '#kernel/contract/shapes.ts'
import { faults } from '#services/keystone/contract/faults.ts'
import { rules } from '#services/keystone/contract/rules.ts'

const open = { extra: true } as const
const InDomain = object({ id: may(text()), name: may(text()) }, open)
const User = object({ id: may(text()), name: may(text()), password: may(text()), domain: may(InDomain) }, open)
const Scope = object(
  {
    project: may(object({ id: may(text()), name: may(text()), domain: may(InDomain) }, open)),
    domain: may(InDomain),
    system: may(object({ all: may(bool) }, open)),
    unscoped: may(any),
    'OS-TRUST:trust': may(object({ id: may(text()) }, open)),
  },
  open,
)
export const Auth = object(
  {
    auth: must(
      object(
        {
          identity: must(
            object(
              {
                methods: must(list(text(), { max: 16 })),
                password: may(object({ user: may(User) }, open)),
                token: may(object({ id: may(text()) }, open)),
                oauth1: may(object({}, open)),
                application_credential: may(
                  object({ id: may(text()), name: may(text()), secret: may(text()), user: may(User) }, open),
                ),
              },
              open,
            ),
          ),
          scope: may(
            raw<string | (typeof Scope extends { type?: infer T } ? NonNullable<T> : never)>({
              anyOf: [{ type: 'string' }, Scope.schema(0)],
            }),
          ),
        },
        open,
      ),
    ),
  },
  open,
)

const Named = object({ id: must(text()), name: must(text()) })
const NamedIn = object({ id: must(text()), name: must(text()), domain: must(Named) })
export const TokenReply = object({
  token: must(
    object({
      methods: must(list(text())),
      user: must(
        object({
          id: must(text()),
          name: must(text()),
          domain: must(Named),
          password_expires_at: must(nullable(text())),
        }),
      ),
      audit_ids: must(list(text())),
      expires_at: must(text()),
      issued_at: must(text()),
      roles: may(list(Named)),
      project: may(NamedIn),
      is_domain: may(bool),
      domain: may(Named),
      system: may(object({ all: must(bool) })),
      catalog: may(list(object({}, open))),
      'OS-TRUST:trust': may(object({}, open)),
      application_credential: may(object({}, open)),
    }),
  ),
})

const Validate = object({ allow_expired: may(text()), nocatalog: may(any) }, open)

export const auth = {
  issue: post('/v3/auth/tokens', {
    policy: 'public',
    body: Auth,
    query: object({ nocatalog: may(any) }, open),
    reply: TokenReply,
    faults: [faults.Unauthorized, faults.Expecting, faults.UnsupportedMethod, faults.ForbiddenAction],
  }),
  // Asked again in the handler, which knows whose token it is about.
  validate: get('/v3/auth/tokens', {
    policy: 'authenticated',
    query: Validate,
    reply: TokenReply,
    faults: [faults.TokenNotFound, faults.ForbiddenAction],
  }),
  revoke: del('/v3/auth/tokens', { policy: rules.revokeToken, faults: [faults.TokenNotFound, faults.ForbiddenAction] }),
  catalog: get('/v3/auth/catalog', { policy: rules.getAuthCatalog, faults: [faults.Forbidden] }),
  projects: get('/v3/auth/projects', { policy: rules.getAuthProjects }),
  domains: get('/v3/auth/domains', { policy: rules.getAuthDomains }),
  system: get('/v3/auth/system', { policy: rules.getAuthSystem }),
  federatedProjects: get('/v3/OS-FEDERATION/projects', { policy: rules.getAuthProjects }),
  federatedDomains: get('/v3/OS-FEDERATION/domains', { policy: rules.getAuthDomains }),
  revokedList: get('/v3/auth/tokens/OS-PKI/revoked', { policy: 'public', faults: [faults.Gone] }),
}

export const discovery = {
  root: get('/', { policy: 'public', status: 300 }),
  v3: get('/v3', { policy: 'public' }),
}
