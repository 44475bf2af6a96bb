// Which policy file is for which endpoint: the endpoint's own, else its region's (or the nearest region above), else its service's.
import { upsert } from '#kernel/db/helpers.ts'
import type { Rule } from '#kernel/contract/rule.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import { faults } from '#services/keystone/contract/faults.ts'
import { rules } from '#services/keystone/contract/rules.ts'
import {
  findEndpoint,
  findRegion,
  findService,
  listEndpoints,
  listRegions,
  type EndpointEntity,
} from '#services/keystone/db/catalog.ts'
import { findPolicy, type PolicyEntity } from '#services/keystone/db/credentials.ts'
import type { Query } from '#services/keystone/db/ledger.ts'
import { enforce, type DomainTools } from '#services/keystone/domain/tools.ts'

/** One of: an endpoint; a service; a service in a region. */
export interface PolicyTarget {
  readonly endpointId?: string
  readonly serviceId?: string
  readonly regionId?: string
}
export interface EndpointPolicies {
  add(ctx: Ctx, policyId: string, target: PolicyTarget, rule: Rule): Promise<void>
  /** Throws 404 when the policy is not for that. */
  has(ctx: Ctx, policyId: string, target: PolicyTarget, rule: Rule): Promise<void>
  remove(ctx: Ctx, policyId: string, target: PolicyTarget, rule: Rule): Promise<void>
  endpointsOf(ctx: Ctx, policyId: string): Promise<EndpointEntity[]>
  policyOf(ctx: Ctx, endpointId: string): Promise<PolicyEntity>
}

const keyOf = ({ endpointId, serviceId, regionId }: PolicyTarget): string =>
  endpointId !== undefined
    ? `endpoint ${endpointId}`
    : regionId !== undefined
      ? `region ${serviceId ?? ''} ${regionId}`
      : `service ${serviceId ?? ''}`

const everything = { filters: [] }

export function createEndpointPolicies(tools: DomainTools): EndpointPolicies {
  const { ledger } = tools
  const demand = async (q: Query, policyId: string, target: PolicyTarget): Promise<void> => {
    if ((await findPolicy(q, policyId)) === null) throw faults.PolicyNotFound({ id: policyId })
    const { endpointId, serviceId, regionId } = target
    if (endpointId !== undefined && (await findEndpoint(q, endpointId)) === null)
      throw faults.EndpointNotFound({ id: endpointId })
    if (serviceId !== undefined && (await findService(q, serviceId)) === null)
      throw faults.ServiceNotFound({ id: serviceId })
    if (regionId !== undefined && (await findRegion(q, regionId)) === null)
      throw faults.RegionNotFound({ id: regionId })
  }
  const policyFor = async (q: Query, target: PolicyTarget): Promise<string | null> => {
    const row = await q
      .selectFrom('policy_associations')
      .select('policy_id')
      .where('target', '=', keyOf(target))
      .executeTakeFirst()
    return row?.policy_id ?? null
  }
  return {
    async add(ctx, policyId, target, rule) {
      enforce(tools, ctx, rule, {})
      await ledger.note(ctx, 'associate-policy', async q => {
        await demand(q, policyId, target)
        await upsert(
          q,
          'policy_associations',
          {
            target: keyOf(target),
            policy_id: policyId,
            endpoint_id: target.endpointId ?? null,
            service_id: target.serviceId ?? null,
            region_id: target.regionId ?? null,
          },
          ['target'],
        )
      })
    },
    async has(ctx, policyId, target, rule) {
      enforce(tools, ctx, rule, {})
      await ledger.read(ctx, 'policy-association', async q => {
        await demand(q, policyId, target)
        if ((await policyFor(q, target)) !== policyId) throw faults.PolicyAssociationNotFound()
      })
    },
    async remove(ctx, policyId, target, rule) {
      enforce(tools, ctx, rule, {})
      await ledger.note(ctx, 'disassociate-policy', async q => {
        await demand(q, policyId, target)
        await q
          .deleteFrom('policy_associations')
          .where('target', '=', keyOf(target))
          .where('policy_id', '=', policyId)
          .execute()
      })
    },
    async endpointsOf(ctx, policyId) {
      enforce(tools, ctx, rules.listEndpointsForPolicy, {})
      return ledger.read(ctx, 'endpoints-of-policy', async q => {
        if ((await findPolicy(q, policyId)) === null) throw faults.PolicyNotFound({ id: policyId })
        const rows = await q.selectFrom('policy_associations').selectAll().where('policy_id', '=', policyId).execute()
        const endpoints = await listEndpoints(q, everything)
        const parents = new Map((await listRegions(q, everything)).map(region => [region.id, region.parentId]))
        /** Whether the region is that one, or lies below it. */
        const within = (region: string | null, above: string): boolean => {
          for (let at = region, steps = 0; at !== null && steps < 100; at = parents.get(at) ?? null, steps++)
            if (at === above) return true
          return false
        }
        return endpoints.filter(endpoint =>
          rows.some(row =>
            row.endpoint_id !== null
              ? row.endpoint_id === endpoint.id
              : row.service_id === endpoint.serviceId &&
                (row.region_id === null || within(endpoint.regionId, row.region_id)),
          ),
        )
      })
    },
    async policyOf(ctx, endpointId) {
      enforce(tools, ctx, rules.getPolicyForEndpoint, {})
      return ledger.read(ctx, 'policy-of-endpoint', async q => {
        const endpoint = await findEndpoint(q, endpointId)
        if (endpoint === null) throw faults.EndpointNotFound({ id: endpointId })
        const { serviceId } = endpoint
        let found = await policyFor(q, { endpointId })
        for (let region = endpoint.regionId, steps = 0; found === null && region !== null && steps < 100; steps++) {
          found = await policyFor(q, { serviceId, regionId: region })
          region = (await findRegion(q, region))?.parentId ?? null
        }
        found ??= await policyFor(q, { serviceId })
        const policy = found === null ? null : await findPolicy(q, found)
        if (policy === null) throw faults.NoPolicyForEndpoint({ id: endpointId })
        return policy
      })
    },
  }
}
