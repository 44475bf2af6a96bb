// The networking service: networks, subnets, ports, routers, floating IPs, security groups; and what keeps hosts as they should be.
import type { Routes } from '#kernel/contract/route.ts'
import type { Cross } from '#kernel/crossing/crossing.ts'
import type { Database } from '#kernel/db/database.ts'
import { DatabaseUnavailable } from '#kernel/db/errors.ts'
import type { Handle } from '#kernel/http/call.ts'
import type { HandlerTable } from '#kernel/http/handlers.ts'
import { createPipeline, type Authenticate } from '#kernel/http/pipeline.ts'
import type { ServiceDefinition } from '#kernel/http/service.ts'
import type { Clock } from '#kernel/lib/clock.ts'
import type { Ids } from '#kernel/lib/ids.ts'
import type { Log } from '#kernel/lib/log.ts'
import { createEnforcer } from '#kernel/policy/enforcer.ts'
import { agentHandlers } from '#services/neutron/api/agents.ts'
import { discoveryHandlers, extensionHandlers } from '#services/neutron/api/discovery.ts'
import { lookHandlers } from '#services/neutron/api/looks.ts'
import { networkHandlers } from '#services/neutron/api/networks.ts'
import { portHandlers } from '#services/neutron/api/ports.ts'
import { quotaHandlers } from '#services/neutron/api/quotas.ts'
import { floatingIpHandlers, routerHandlers } from '#services/neutron/api/routers.ts'
import { securityGroupHandlers, securityGroupRuleHandlers } from '#services/neutron/api/security-groups.ts'
import { subnetHandlers } from '#services/neutron/api/subnets.ts'
import { tagHandlers } from '#services/neutron/api/tags.ts'
import type { NeutronSettings } from '#services/neutron/config.ts'
import { unbuiltRules } from '#services/neutron/contract/rules-unbuilt.ts'
import { baseRules, rules } from '#services/neutron/contract/rules.ts'
import { surface } from '#services/neutron/contract/surface.ts'
import type { NeutronTables } from '#services/neutron/db/tables.ts'
import { neutronDialect } from '#services/neutron/dialect.ts'
import { createAccess } from '#services/neutron/domain/access.ts'
import { createAgents } from '#services/neutron/domain/agents.ts'
import { createFloatingIps } from '#services/neutron/domain/floating-ips.ts'
import { createLooks } from '#services/neutron/domain/looks.ts'
import { createNetworks } from '#services/neutron/domain/networks.ts'
import { createPorts } from '#services/neutron/domain/ports.ts'
import { createQuotas } from '#services/neutron/domain/quotas.ts'
import { createRouters } from '#services/neutron/domain/routers.ts'
import { createSecurityGroupRules, createSecurityGroups } from '#services/neutron/domain/security-groups.ts'
import { createSubnets } from '#services/neutron/domain/subnets.ts'
import { createTags } from '#services/neutron/domain/tags.ts'
import type { DomainTools } from '#services/neutron/domain/tools.ts'
import { createUsage } from '#services/neutron/domain/usage.ts'

export const definition: ServiceDefinition = {
  name: 'neutron',
  actor: 'neutron-server',
  types: ['network'],
  prefix: '/networking',
  catalogPath: '',
  classicPort: 9696,
  versions: null,
  dialect: neutronDialect,
  rules: Object.values(rules),
  baseRules: { ...unbuiltRules, ...baseRules },
  surface,
  // compat: older clients end paths with the format they want.
  normalizePath: path => path.replace(/\.json$/, ''),
}

export interface NeutronTools {
  readonly database: Database<NeutronTables>
  readonly clock: Clock
  readonly ids: Ids
  readonly cross: Cross
  readonly log: Log
  readonly authenticate: Authenticate
  readonly settings: NeutronSettings
  /** Rule name → check string, from an operator's file. */
  readonly policyOverrides?: Readonly<Record<string, string>>
}
export interface Neutron {
  readonly handle: Handle
  readonly routes: readonly Routes[]
}

const tablesOf = (tools: DomainTools): HandlerTable[] => {
  const looks = createLooks(tools)
  return [
    discoveryHandlers(),
    extensionHandlers(),
    networkHandlers(createNetworks(tools), looks),
    subnetHandlers(createSubnets(tools), looks),
    portHandlers(createPorts(tools), looks),
    securityGroupHandlers(createSecurityGroups(tools), looks),
    securityGroupRuleHandlers(createSecurityGroupRules(tools)),
    routerHandlers(createRouters(tools), looks),
    floatingIpHandlers(createFloatingIps(tools), looks),
    agentHandlers(createAgents(tools)),
    quotaHandlers(createQuotas(tools)),
    lookHandlers(createUsage(tools), tools.access),
    ...tagHandlers(createTags(tools)),
  ]
}

export function createNeutron(tools: NeutronTools): Neutron {
  const { database, clock, ids, cross, log, settings } = tools
  const policy = createEnforcer(definition.rules, definition.baseRules, tools.policyOverrides)
  const shared: DomainTools = {
    database,
    clock,
    ids,
    log,
    settings,
    access: createAccess(policy),
    wiring: { touch: () => undefined },
    nova: { tell: () => undefined },
  }
  const tables = tablesOf(shared)
  const handle = createPipeline(definition, tables, {
    authenticate: tools.authenticate,
    policy,
    cross,
    ids,
    report: (ctx, error) => log.error(ctx, 'a request failed', error),
    unavailable: error =>
      error instanceof DatabaseUnavailable ? `The database cannot serve now (${error.reason}).` : null,
  })
  return { handle, routes: tables.map(table => table.routes) }
}
