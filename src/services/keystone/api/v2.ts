// Identity v2.0 over HTTP: what v3 says, in the older words.
import { isoMicrosZ } from '#kernel/lib/clock.ts'
import { handlers, type HandlerTable } from '#kernel/http/handlers.ts'
import type { AuthHandlerTools } from '#services/keystone/api/auth.ts'
import { faults } from '#services/keystone/contract/faults.ts'
import { v2 } from '#services/keystone/contract/v2.ts'
import type { AuthRequest } from '#services/keystone/domain/authentication.ts'

const DOMAIN = { id: 'default' }
interface CatalogEntry {
  readonly type: string
  readonly name: string
  readonly endpoints: readonly {
    readonly id: string
    readonly interface: string
    readonly region: string
    readonly url: string
  }[]
}
/** One entry per region, with the address of each interface under its own name. */
const olderEndpoints = (entry: CatalogEntry): object[] => {
  const regions = new Map<string, Record<string, string>>()
  for (const { id, interface: word, region, url } of entry.endpoints) {
    const known = regions.get(region) ?? { id, region }
    regions.set(region, { ...known, [`${word}URL`]: url })
  }
  return [...regions.values()]
}

export function v2Handlers(tools: AuthHandlerTools): HandlerTable {
  const { authentication, catalog, reach } = tools
  return handlers(v2, {
    version: call => ({
      version: {
        id: 'v2.0',
        status: 'deprecated',
        updated: '2016-08-04T00:00:00Z',
        links: [{ rel: 'self', href: `${call.base}/v2.0/` }],
        'media-types': [{ base: 'application/json', type: 'application/vnd.openstack.identity-v2.0+json' }],
      },
    }),
    logIn: async call => {
      const { passwordCredentials, token: given, tenantId, tenantName } = call.body.auth
      const user = { id: passwordCredentials?.userId, name: passwordCredentials?.username }
      if (given === undefined && user.id === undefined && user.name === undefined)
        throw faults.Expecting({ attribute: 'passwordCredentials or token', target: 'auth' })
      const identity: AuthRequest['identity'] =
        given !== undefined
          ? { methods: ['token'], token: given }
          : {
              methods: ['password'],
              password: {
                user: {
                  ...(user.id === undefined ? { name: user.name ?? '', domain: DOMAIN } : { id: user.id }),
                  password: passwordCredentials?.password ?? '',
                },
              },
            }
      const scope: Pick<AuthRequest, 'scope'> =
        tenantId !== undefined && tenantId !== ''
          ? { scope: { project: { id: tenantId } } }
          : tenantName !== undefined && tenantName !== ''
            ? { scope: { project: { name: tenantName, domain: DOMAIN } } }
            : {}
      const token = await authentication.authenticate(call.ctx, { identity, ...scope })
      // invariant: who lives in another domain has no name that v2.0 could say
      if (token.who.userDomainId !== DOMAIN.id) throw faults.Unauthorized()
      const { who } = token
      const place = { frontDoor: tools.frontDoor(call.base), userId: who.userId, projectId: who.projectId }
      const entries =
        who.projectId === null ? [] : (JSON.parse(await catalog.json(call.ctx, place)) as readonly CatalogEntry[])
      return {
        access: {
          token: {
            id: token.text,
            issued_at: isoMicrosZ(token.payload.issuedAt),
            expires: new Date(token.payload.expiresAt).toISOString().replace(/\.\d+Z$/, 'Z'),
            audit_ids: token.payload.auditIds,
            ...(who.projectId === null
              ? {}
              : { tenant: { id: who.projectId, name: who.projectName, enabled: true, description: null } }),
          },
          user: {
            id: who.userId,
            name: who.userName,
            username: who.userName,
            roles: token.roles.map(role => ({ name: role.name })),
            roles_links: [],
          },
          serviceCatalog: entries.map(entry => ({
            type: entry.type,
            name: entry.name,
            endpoints: olderEndpoints(entry),
            endpoints_links: [],
          })),
          metadata: { is_admin: 0, roles: token.roles.map(role => role.id) },
        },
      }
    },
    tenants: async call => {
      if (call.ctx.who === null) throw faults.Unauthorized()
      const rows = await reach.projects(call.ctx, call.ctx.who.userId)
      return {
        tenants: rows
          .filter(row => row.domainId === DOMAIN.id)
          .map(row => ({ id: row.id, name: row.name, enabled: row.enabled, description: row.description })),
        tenants_links: [],
      }
    },
  })
}
