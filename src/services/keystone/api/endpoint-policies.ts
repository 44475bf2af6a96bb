// Policies of endpoints, ended tokens, and what is left of certificates, over HTTP.
import { isoMicrosZ } from '#kernel/lib/clock.ts'
import { handlers, type HandlerTable } from '#kernel/http/handlers.ts'
import { collection, links, queryText, selfLink } from '#services/keystone/api/lists.ts'
import { showEndpoint } from '#services/keystone/api/show.ts'
import { endpointPolicies, revocations } from '#services/keystone/contract/endpoint-policies.ts'
import { faults } from '#services/keystone/contract/faults.ts'
import { rules } from '#services/keystone/contract/rules.ts'
import { fillFrontDoor } from '#services/keystone/domain/catalog-text.ts'
import { momentFrom } from '#services/keystone/domain/common.ts'
import type { EndpointPolicies } from '#services/keystone/domain/endpoint-policies.ts'
import type { RevocationEvents } from '#services/keystone/domain/revocation-events.ts'

export function endpointPolicyHandlers(verbs: EndpointPolicies, frontDoor: (base: string) => string): HandlerTable {
  return handlers(endpointPolicies, {
    endpointsOf: async call =>
      collection(call, 'endpoints', await verbs.endpointsOf(call.ctx, call.params.policy_id), row =>
        showEndpoint(
          { ...row, url: fillFrontDoor(row.url, frontDoor(call.base)) },
          selfLink(call, 'endpoints', row.id),
        ),
      ),
    policyOf: async call => {
      const policy = await verbs.policyOf(call.ctx, call.params.endpoint_id)
      return {
        policy: {
          ...policy.extra,
          id: policy.id,
          type: policy.type,
          blob: policy.blob,
          links: selfLink(call, 'policies', policy.id),
        },
      }
    },
    hasEndpoint: ({ ctx, params }) =>
      verbs.has(ctx, params.policy_id, { endpointId: params.endpoint_id }, rules.checkPolicyAssociationForEndpoint),
    addEndpoint: ({ ctx, params }) =>
      verbs.add(ctx, params.policy_id, { endpointId: params.endpoint_id }, rules.createPolicyAssociationForEndpoint),
    removeEndpoint: ({ ctx, params }) =>
      verbs.remove(ctx, params.policy_id, { endpointId: params.endpoint_id }, rules.deletePolicyAssociationForEndpoint),
    hasService: ({ ctx, params }) =>
      verbs.has(ctx, params.policy_id, { serviceId: params.service_id }, rules.checkPolicyAssociationForService),
    addService: ({ ctx, params }) =>
      verbs.add(ctx, params.policy_id, { serviceId: params.service_id }, rules.createPolicyAssociationForService),
    removeService: ({ ctx, params }) =>
      verbs.remove(ctx, params.policy_id, { serviceId: params.service_id }, rules.deletePolicyAssociationForService),
    hasRegion: ({ ctx, params }) =>
      verbs.has(
        ctx,
        params.policy_id,
        { serviceId: params.service_id, regionId: params.region_id },
        rules.checkPolicyAssociationForRegionAndService,
      ),
    addRegion: ({ ctx, params }) =>
      verbs.add(
        ctx,
        params.policy_id,
        { serviceId: params.service_id, regionId: params.region_id },
        rules.createPolicyAssociationForRegionAndService,
      ),
    removeRegion: ({ ctx, params }) =>
      verbs.remove(
        ctx,
        params.policy_id,
        { serviceId: params.service_id, regionId: params.region_id },
        rules.deletePolicyAssociationForRegionAndService,
      ),
  })
}

/** What each kind of revocation is called in an event. */
const EVENT_KEYS: Readonly<Record<string, string>> = {
  audit: 'audit_id',
  chain: 'audit_chain_id',
  user: 'user_id',
  project: 'project_id',
  trust: 'OS-TRUST:trust_id',
}
export function revocationHandlers(verbs: RevocationEvents): HandlerTable {
  return handlers(revocations, {
    events: async call => {
      const since = queryText(call.query, 'since')
      if (since !== undefined && since !== '' && Number.isNaN(Date.parse(since)))
        throw faults.ValidationError({ detail: `invalidate date format ${since}` })
      const after = since === undefined || since === '' ? null : momentFrom(since).ms
      const rows = await verbs.list(call.ctx, after)
      return {
        events: rows.map(row => ({ [EVENT_KEYS[row.kind] ?? row.kind]: row.id, issued_before: isoMicrosZ(row.until) })),
        links: links(call),
      }
    },
    authority: () => {
      throw faults.PkiGone()
    },
    certificates: () => {
      throw faults.PkiGone()
    },
  })
}
