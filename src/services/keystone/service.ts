// The identity service: who somebody is, what he may do where, and where the other services are.
import type { Cross } from '#kernel/crossing/crossing.ts'
import type { Database } from '#kernel/db/database.ts'
import { DatabaseUnavailable } from '#kernel/db/errors.ts'
import type { Routes } from '#kernel/contract/route.ts'
import type { Handle } from '#kernel/http/call.ts'
import type { HandlerTable } from '#kernel/http/handlers.ts'
import { createPipeline } from '#kernel/http/pipeline.ts'
import type { ServiceDefinition } from '#kernel/http/service.ts'
import type { Clock } from '#kernel/lib/clock.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import type { Ids } from '#kernel/lib/ids.ts'
import type { Log } from '#kernel/lib/log.ts'
import type { Passwords, Seal } from '#kernel/lib/secrets.ts'
import type { Audit } from '#kernel/lib/violation.ts'
import { createEnforcer } from '#kernel/policy/enforcer.ts'
import { applicationCredentialHandlers } from '#services/keystone/api/application-credentials.ts'
import { authHandlers, tokenBody } from '#services/keystone/api/auth.ts'
import { endpointHandlers, regionHandlers, serviceHandlers } from '#services/keystone/api/catalog.ts'
import { consumerHandlers } from '#services/keystone/api/consumers.ts'
import { credentialHandlers, policyHandlers } from '#services/keystone/api/credentials.ts'
import { discoveryHandlers } from '#services/keystone/api/discovery.ts'
import { domainConfigHandlers } from '#services/keystone/api/domain-config.ts'
import { ec2TokenHandlers } from '#services/keystone/api/ec2-tokens.ts'
import { endpointFilterHandlers } from '#services/keystone/api/endpoint-filters.ts'
import { endpointPolicyHandlers, revocationHandlers } from '#services/keystone/api/endpoint-policies.ts'
import { federationHandlers } from '#services/keystone/api/federation.ts'
import { grantHandlers } from '#services/keystone/api/grants.ts'
import { groupHandlers } from '#services/keystone/api/groups.ts'
import { limitHandlers } from '#services/keystone/api/limits.ts'
import { domainHandlers, projectHandlers } from '#services/keystone/api/projects.ts'
import { oauthHandlers } from '#services/keystone/api/oauth1.ts'
import { roleHandlers } from '#services/keystone/api/roles.ts'
import { trustHandlers } from '#services/keystone/api/trusts.ts'
import { userHandlers } from '#services/keystone/api/users.ts'
import { v2Handlers } from '#services/keystone/api/v2.ts'
import { baseRules, rules } from '#services/keystone/contract/rules.ts'
import { surface } from '#services/keystone/contract/surface.ts'
import { createLedger } from '#services/keystone/db/ledger.ts'
import type { KeystoneTables } from '#services/keystone/db/tables.ts'
import { keystoneDialect } from '#services/keystone/dialect.ts'
import { createApplicationCredentials } from '#services/keystone/domain/application-credentials.ts'
import { createAudit } from '#services/keystone/domain/audit.ts'
import { createAuthentication } from '#services/keystone/domain/authentication.ts'
import { createBootstrap, type BootstrapWish } from '#services/keystone/domain/bootstrap.ts'
import { createCatalog } from '#services/keystone/domain/catalog-text.ts'
import { createEndpoints, createRegions, createServices } from '#services/keystone/domain/catalog.ts'
import { createConsumers } from '#services/keystone/domain/consumers.ts'
import { createCredentials } from '#services/keystone/domain/credentials.ts'
import { createDomainConfig } from '#services/keystone/domain/domain-config.ts'
import { createDomains } from '#services/keystone/domain/domains.ts'
import { createEc2Tokens } from '#services/keystone/domain/ec2-tokens.ts'
import { createEndpointFilters } from '#services/keystone/domain/endpoint-filters.ts'
import { createEndpointPolicies } from '#services/keystone/domain/endpoint-policies.ts'
import { createFederation } from '#services/keystone/domain/federation.ts'
import { createGrants } from '#services/keystone/domain/grants.ts'
import { createGroups } from '#services/keystone/domain/groups.ts'
import { createLimits, createRegisteredLimits } from '#services/keystone/domain/limits.ts'
import { createOauth1 } from '#services/keystone/domain/oauth1.ts'
import { createPasswordCheck } from '#services/keystone/domain/passwords.ts'
import { createPolicies } from '#services/keystone/domain/policies.ts'
import { createProjects } from '#services/keystone/domain/projects.ts'
import { createReach } from '#services/keystone/domain/reach.ts'
import { createRevocationEvents } from '#services/keystone/domain/revocation-events.ts'
import { createRoleAssignments } from '#services/keystone/domain/role-assignments.ts'
import { createRoles } from '#services/keystone/domain/roles.ts'
import { createTokens } from '#services/keystone/domain/tokens.ts'
import type { DomainTools, KeystoneSettings } from '#services/keystone/domain/tools.ts'
import { createTrusts } from '#services/keystone/domain/trusts.ts'
import { createUsers } from '#services/keystone/domain/users.ts'

const PREFIX = '/identity'
const HOUR_MS = 3_600_000

export const definition: ServiceDefinition = {
  name: 'keystone',
  actor: 'keystone',
  types: ['identity'],
  prefix: PREFIX,
  catalogPath: '',
  classicPort: 5000,
  versions: null,
  dialect: keystoneDialect,
  rules: Object.values(rules),
  baseRules,
  surface,
  headFromGet: true,
}

export interface KeystoneTools {
  readonly database: Database<KeystoneTables>
  readonly clock: Clock
  readonly ids: Ids
  readonly cross: Cross
  readonly log: Log
  readonly settings: KeystoneSettings
  readonly drivers: {
    readonly passwords: Passwords
    /** Seals tokens; its keys rotate. */
    readonly tokenSeal: Seal
    /** Seals stored credentials; its keys stay. */
    readonly credentialSeal: Seal
  }
  /** Rule name → check string, from an operator's file. */
  readonly policyOverrides?: Readonly<Record<string, string>>
  /** The front door's address for callers who came to a port of ours alone: `http://127.0.0.1:8080`. */
  readonly frontDoor?: string
}
export interface Keystone {
  readonly handle: Handle
  readonly routes: readonly Routes[]
  readonly audit: Audit
  /** First data, passwords and catalog; asked at each start. */
  bootstrap(wish: BootstrapWish): Promise<void>
  /** The next token key comes into use. */
  rotateKeys(): void
  start(): Promise<void>
  stop(): Promise<void>
}

/** `http://host:8080/identity` → `http://host:8080`. */
const frontDoorOf =
  (fallback: string | undefined) =>
  (base: string): string =>
    base.endsWith(PREFIX) ? base.slice(0, -PREFIX.length) : (fallback ?? base.replace(/^(https?:\/\/[^/]+).*$/, '$1'))

export function createKeystone(tools: KeystoneTools): Keystone {
  const { clock, ids, cross, log, settings } = tools
  const policy = createEnforcer(definition.rules, definition.baseRules, tools.policyOverrides)
  const ledger = createLedger(tools.database)
  const shared: DomainTools = {
    ledger,
    clock,
    ids,
    log,
    settings,
    policy,
    passwords: tools.drivers.passwords,
    tokenSeal: tools.drivers.tokenSeal,
    credentialSeal: tools.drivers.credentialSeal,
  }
  const own = (): Ctx => ({ requestId: `req-${ids.uuid()}`, who: null, actor: definition.actor, cross })
  const tokens = createTokens(shared)
  const check = createPasswordCheck(tools.drivers.passwords, clock)
  const oauth = createOauth1(shared, tokens)
  const authentication = createAuthentication(shared, tokens, check, oauth)
  const catalog = createCatalog(shared)
  const reach = createReach(shared)
  const frontDoor = frontDoorOf(tools.frontDoor)
  const bootstrap = createBootstrap(shared, tokens)

  const tables: HandlerTable[] = [
    discoveryHandlers(),
    authHandlers({ ...shared, tokens, authentication, catalog, reach, frontDoor }),
    v2Handlers({ ...shared, tokens, authentication, catalog, reach, frontDoor }),
    ec2TokenHandlers(createEc2Tokens(shared, tokens), tokenBody({ catalog, frontDoor })),
    ...oauthHandlers(oauth),
    userHandlers(createUsers(shared, tokens, authentication), settings),
    groupHandlers(createGroups(shared, tokens), settings),
    projectHandlers(createProjects(shared, tokens), settings),
    domainHandlers(createDomains(shared, tokens), settings),
    domainConfigHandlers(createDomainConfig(shared)),
    roleHandlers(createRoles(shared), settings),
    ...grantHandlers(createGrants(shared), createRoleAssignments(shared)),
    regionHandlers(createRegions(shared), settings),
    serviceHandlers(createServices(shared), settings),
    endpointHandlers(createEndpoints(shared), settings, frontDoor),
    endpointFilterHandlers(createEndpointFilters(shared), settings, frontDoor),
    ...applicationCredentialHandlers(createApplicationCredentials(shared, tokens), settings),
    ...credentialHandlers(createCredentials(shared, tokens), settings),
    policyHandlers(createPolicies(shared), settings),
    consumerHandlers(createConsumers(shared)),
    endpointPolicyHandlers(createEndpointPolicies(shared), frontDoor),
    revocationHandlers(createRevocationEvents(shared)),
    ...federationHandlers(createFederation(shared), settings),
    trustHandlers(createTrusts(shared, tokens)),
    ...limitHandlers(createRegisteredLimits(shared), createLimits(shared), settings),
  ]
  const handle = createPipeline(definition, tables, {
    authenticate: async (ctx, text) => (await tokens.validate(ctx, text))?.who ?? null,
    policy,
    cross,
    ids,
    report: (ctx, error) => log.error(ctx, 'a request failed', error),
    unavailable: error =>
      error instanceof DatabaseUnavailable ? 'The identity database is not available just now.' : null,
  })

  /** What is to be done from time to time, and how to stop it. */
  const timers = new Map<string, () => void>()
  const repeat = (name: string, everyMs: number, deed: () => Promise<void> | void): void => {
    const later = (): void => {
      const cancel = clock.after(everyMs, () => {
        void (async () => deed())()
          .catch((error: unknown) => log.error(null, `${name} failed`, error))
          .finally(again)
      })
      timers.set(name, cancel)
    }
    const again = (): void => {
      if (timers.has(name)) later()
    }
    later()
  }
  return {
    handle,
    routes: tables.map(table => table.routes),
    audit: createAudit(ledger, own, clock),
    bootstrap: wish => bootstrap(own(), wish),
    rotateKeys: () => tools.drivers.tokenSeal.rotate(),
    async start() {
      await tokens.start(own())
      repeat('purging what is over', HOUR_MS, () => tokens.purge(own()))
      const { fernetRotationSeconds } = settings
      if (fernetRotationSeconds > 0)
        repeat('rotating token keys', fernetRotationSeconds * 1000, () => tools.drivers.tokenSeal.rotate())
    },
    async stop() {
      for (const cancel of timers.values()) cancel()
      timers.clear()
    },
  }
}
