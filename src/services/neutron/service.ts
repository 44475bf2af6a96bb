// The networking service: networks, subnets, ports, routers, floating IPs, security groups; and what keeps hosts as they should be.
import type { Routes } from '#kernel/contract/route.ts'
import type { Cross } from '#kernel/crossing/crossing.ts'
import type { Database } from '#kernel/db/database.ts'
import { DatabaseUnavailable } from '#kernel/db/errors.ts'
import type { Handle } from '#kernel/http/call.ts'
import type { Transport } from '#kernel/http/client.ts'
import type { HandlerTable } from '#kernel/http/handlers.ts'
import { createPipeline, type Authenticate, type PipelineTools } from '#kernel/http/pipeline.ts'
import type { ServiceDefinition } from '#kernel/http/service.ts'
import type { ServiceIdentity } from '#kernel/http/service-identity.ts'
import type { Clock } from '#kernel/lib/clock.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import type { Ids } from '#kernel/lib/ids.ts'
import type { Log } from '#kernel/lib/log.ts'
import type { Audit } from '#kernel/lib/violation.ts'
import type { Bus, Served } from '#kernel/bus/bus.ts'
import { createEnforcer } from '#kernel/policy/enforcer.ts'
import { agentHandlers } from '#services/neutron/api/agents.ts'
import { discoveryHandlers, extensionHandlers } from '#services/neutron/api/discovery.ts'
import { lookHandlers } from '#services/neutron/api/looks.ts'
import { networkHandlers, networkPresenter } from '#services/neutron/api/networks.ts'
import { portBindingHandlers } from '#services/neutron/api/port-bindings.ts'
import { conntrackHelperHandlers, portForwardingHandlers } from '#services/neutron/api/port-forwardings.ts'
import { portHandlers } from '#services/neutron/api/ports.ts'
import { qosHandlers } from '#services/neutron/api/qos.ts'
import { quotaHandlers } from '#services/neutron/api/quotas.ts'
import {
  externalGatewayHandlers,
  floatingIpHandlers,
  routerHandlers,
  routerPresenter,
} from '#services/neutron/api/routers.ts'
import { scheduleHandlers } from '#services/neutron/api/schedules.ts'
import { securityGroupHandlers, securityGroupRuleHandlers } from '#services/neutron/api/security-groups.ts'
import { addressGroupHandlers, addressScopeHandlers, rbacPolicyHandlers } from '#services/neutron/api/sharing.ts'
import { subnetPoolHandlers } from '#services/neutron/api/subnet-pools.ts'
import { subnetHandlers } from '#services/neutron/api/subnets.ts'
import { trunkHandlers } from '#services/neutron/api/trunks.ts'
import { tagHandlers } from '#services/neutron/api/tags.ts'
import {
  autoTopologyHandlers,
  defaultGroupHandlers,
  meteringHandlers,
  segmentHandlers,
  serviceFlavorHandlers,
} from '#services/neutron/api/written-down.ts'
import type { NeutronSettings } from '#services/neutron/config.ts'
import { moreRules } from '#services/neutron/contract/rules-more.ts'
import { unbuiltRules } from '#services/neutron/contract/rules-unbuilt.ts'
import { qosRules } from '#services/neutron/contract/qos-rules.ts'
import { trunkRules } from '#services/neutron/contract/trunk-rules.ts'
import { baseRules, rules } from '#services/neutron/contract/rules.ts'
import { surface } from '#services/neutron/contract/surface.ts'
import type { NeutronTables } from '#services/neutron/db/tables.ts'
import { neutronDialect } from '#services/neutron/dialect.ts'
import { createAccess } from '#services/neutron/domain/access.ts'
import { createAudit } from '#services/neutron/domain/audit.ts'
import { createAddressGroups } from '#services/neutron/domain/address-groups.ts'
import { createAddressScopes } from '#services/neutron/domain/address-scopes.ts'
import { createAgents } from '#services/neutron/domain/agents.ts'
import { createAutoTopologies } from '#services/neutron/domain/auto-topology.ts'
import { createConntrackHelpers } from '#services/neutron/domain/conntrack-helpers.ts'
import { createDefaultRules, createStatefulnesses } from '#services/neutron/domain/default-rules.ts'
import { createExternalGateways } from '#services/neutron/domain/external-gateways.ts'
import { createFloatingIps } from '#services/neutron/domain/floating-ips.ts'
import { createLooks } from '#services/neutron/domain/looks.ts'
import { createMetadata } from '#services/neutron/domain/metadata.ts'
import { createMetering } from '#services/neutron/domain/metering.ts'
import { createNetworks } from '#services/neutron/domain/networks.ts'
import { createNewsDesk } from '#services/neutron/domain/nova-news.ts'
import { pluginServer } from '#services/neutron/domain/plugin-server.ts'
import { createPortBindings } from '#services/neutron/domain/port-bindings.ts'
import { createPortForwardings } from '#services/neutron/domain/port-forwardings.ts'
import { createPorts } from '#services/neutron/domain/ports.ts'
import { createQos } from '#services/neutron/domain/qos.ts'
import { createQuotas } from '#services/neutron/domain/quotas.ts'
import { createRbacPolicies } from '#services/neutron/domain/rbac-policies.ts'
import { createRouters } from '#services/neutron/domain/routers.ts'
import { createSchedules } from '#services/neutron/domain/schedules.ts'
import { createSecurityGroupRules, createSecurityGroups } from '#services/neutron/domain/security-groups.ts'
import { createSegmentRanges, createSegments } from '#services/neutron/domain/segments.ts'
import { createServiceFlavors } from '#services/neutron/domain/service-flavors.ts'
import { createSubnetPools } from '#services/neutron/domain/subnet-pools.ts'
import { createSubnets } from '#services/neutron/domain/subnets.ts'
import { createTrunks } from '#services/neutron/domain/trunks.ts'
import { createTags } from '#services/neutron/domain/tags.ts'
import type { DomainTools } from '#services/neutron/domain/tools.ts'
import { createUsage } from '#services/neutron/domain/usage.ts'
import { createWiring } from '#services/neutron/domain/wiring.ts'
import { serverRpc } from '#services/neutron/rpc.ts'

export const definition: ServiceDefinition = {
  name: 'neutron',
  actor: 'neutron-server',
  types: ['network'],
  prefix: '/networking',
  catalogPath: '',
  classicPort: 9696,
  versions: null,
  dialect: neutronDialect,
  rules: [rules, moreRules, qosRules, trunkRules].flatMap(table => Object.values(table)),
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
  readonly bus: Bus
  readonly authenticate: Authenticate
  readonly settings: NeutronSettings
  readonly neighbours: {
    /** Nova's API, for news of wires. Without it nobody is told. */
    readonly nova?: Transport
    /** Where Nova answers guests' requests for metadata. */
    readonly novaMetadata?: Transport
  }
  /** Neutron's own account; needed to tell Nova. */
  readonly identity?: ServiceIdentity
  /** Instead of the option, when main makes the secret. */
  readonly metadataSecret?: string
  /** For `koto why`, and for what counts as "not just now". */
  readonly pipeline?: Partial<Pick<PipelineTools, 'refused' | 'unavailable'>>
  /** Rule name → check string, from an operator's file. */
  readonly policyOverrides?: Readonly<Record<string, string>>
}
export interface Neutron {
  readonly handle: Handle
  readonly routes: readonly Routes[]
  readonly audit: Audit
  /** Reads what is wanted and serves agents. Agents that say hello are told everything. */
  start(): Promise<void>
  stop(): Promise<void>
  /** Resolves when hosts have been told all there is to tell, and Nova too. */
  settled(): Promise<void>
}

const tablesOf = (tools: DomainTools): HandlerTable[] => {
  const looks = createLooks(tools)
  const agents = createAgents(tools)
  const networks = createNetworks(tools)
  const subnets = createSubnets(tools)
  const routers = createRouters(tools)
  const gateways = createExternalGateways(tools)
  const presentRouter = routerPresenter(routers, gateways, looks)
  return [
    discoveryHandlers(),
    extensionHandlers(),
    networkHandlers(networks, looks),
    subnetHandlers(subnets, looks),
    subnetPoolHandlers(createSubnetPools(tools), looks),
    rbacPolicyHandlers(createRbacPolicies(tools)),
    addressScopeHandlers(createAddressScopes(tools)),
    addressGroupHandlers(createAddressGroups(tools)),
    portHandlers(createPorts(tools), looks),
    portBindingHandlers(createPortBindings(tools)),
    securityGroupHandlers(createSecurityGroups(tools), looks),
    securityGroupRuleHandlers(createSecurityGroupRules(tools)),
    routerHandlers(routers, presentRouter),
    externalGatewayHandlers(gateways, presentRouter),
    floatingIpHandlers(createFloatingIps(tools), looks),
    portForwardingHandlers(createPortForwardings(tools)),
    conntrackHelperHandlers(createConntrackHelpers(tools)),
    ...meteringHandlers(createMetering(tools)),
    ...serviceFlavorHandlers(createServiceFlavors(tools)),
    ...defaultGroupHandlers(createDefaultRules(tools), createStatefulnesses(tools)),
    ...segmentHandlers(createSegments(tools), createSegmentRanges(tools), looks),
    autoTopologyHandlers(createAutoTopologies(tools, { networks, subnets, routers })),
    agentHandlers(agents),
    scheduleHandlers(createSchedules(tools, agents), {
      network: networkPresenter(looks),
      router: presentRouter,
    }),
    quotaHandlers(createQuotas(tools)),
    lookHandlers(createUsage(tools), tools.access),
    trunkHandlers(createTrunks(tools), looks),
    ...qosHandlers(createQos(tools), looks),
    ...tagHandlers(createTags(tools)),
  ]
}

export function createNeutron(tools: NeutronTools): Neutron {
  const { database, clock, ids, cross, log, settings, bus, neighbours, identity } = tools
  const policy = createEnforcer(definition.rules, definition.baseRules, tools.policyOverrides)
  const ctx = (): Ctx => ({ requestId: `req-${ids.uuid()}`, who: null, actor: definition.actor, cross })
  const desk =
    neighbours.nova === undefined || identity === undefined
      ? null
      : createNewsDesk({ nova: neighbours.nova, identity, clock, log })
  const base = { database, clock, ids, log, nova: desk ?? { tell: () => undefined } }
  const wiring = createWiring({ ...base, bus, ctx })
  const shared: DomainTools = { ...base, settings, access: createAccess(policy), wiring }
  const tables = tablesOf(shared)
  const handle = createPipeline(definition, tables, {
    authenticate: tools.authenticate,
    policy,
    cross,
    ids,
    report: (of, error) => log.error(of, 'a request failed', error),
    unavailable: error =>
      error instanceof DatabaseUnavailable ? `The database cannot serve now (${error.reason}).` : null,
  })
  const metadata = createMetadata({
    database,
    log,
    nova: neighbours.novaMetadata ?? null,
    secret: tools.metadataSecret ?? settings.metadataSecret,
  })
  let served: Served | null = null
  return {
    handle,
    routes: tables.map(table => table.routes),
    audit: createAudit({ database, bus, ctx }, wiring, () => wiring.node()),
    async start() {
      await wiring.start()
      served = await bus.serve(
        serverRpc,
        null,
        pluginServer(shared, { agents: createAgents(shared), wiring, metadata }),
      )
    },
    async stop() {
      await served?.close()
      await wiring.stop()
      desk?.stop()
    },
    async settled() {
      await wiring.settled()
      await desk?.idle()
    },
  }
}
