// Which policy file is for which endpoint: chosen by endpoint, by service, or by service and region. Ended tokens and the answers
// of the days of certificates stand here too.
import { del, get, put } from '#kernel/contract/route.ts'
import { faults } from '#services/keystone/contract/faults.ts'
import { rules } from '#services/keystone/contract/rules.ts'
import { anyQuery } from '#services/keystone/contract/shapes.ts'

const ROOT = '/v3/policies/{policy_id}/OS-ENDPOINT-POLICY'
const missing = [faults.PolicyNotFound, faults.PolicyAssociationNotFound]

export const endpointPolicies = {
  endpointsOf: get(`${ROOT}/endpoints`, { policy: rules.listEndpointsForPolicy, faults: [faults.PolicyNotFound] }),
  policyOf: get('/v3/endpoints/{endpoint_id}/OS-ENDPOINT-POLICY/policy', {
    policy: rules.getPolicyForEndpoint,
    faults: [faults.EndpointNotFound, faults.NoPolicyForEndpoint],
  }),
  hasEndpoint: get(`${ROOT}/endpoints/{endpoint_id}`, {
    policy: rules.checkPolicyAssociationForEndpoint,
    status: 204,
    faults: [...missing, faults.EndpointNotFound],
  }),
  addEndpoint: put(`${ROOT}/endpoints/{endpoint_id}`, {
    policy: rules.createPolicyAssociationForEndpoint,
    status: 204,
    faults: [faults.PolicyNotFound, faults.EndpointNotFound],
  }),
  removeEndpoint: del(`${ROOT}/endpoints/{endpoint_id}`, {
    policy: rules.deletePolicyAssociationForEndpoint,
    faults: [...missing, faults.EndpointNotFound],
  }),
  hasService: get(`${ROOT}/services/{service_id}`, {
    policy: rules.checkPolicyAssociationForService,
    status: 204,
    faults: [...missing, faults.ServiceNotFound],
  }),
  addService: put(`${ROOT}/services/{service_id}`, {
    policy: rules.createPolicyAssociationForService,
    status: 204,
    faults: [faults.PolicyNotFound, faults.ServiceNotFound],
  }),
  removeService: del(`${ROOT}/services/{service_id}`, {
    policy: rules.deletePolicyAssociationForService,
    faults: [...missing, faults.ServiceNotFound],
  }),
  hasRegion: get(`${ROOT}/services/{service_id}/regions/{region_id}`, {
    policy: rules.checkPolicyAssociationForRegionAndService,
    status: 204,
    faults: [...missing, faults.ServiceNotFound, faults.RegionNotFound],
  }),
  addRegion: put(`${ROOT}/services/{service_id}/regions/{region_id}`, {
    policy: rules.createPolicyAssociationForRegionAndService,
    status: 204,
    faults: [faults.PolicyNotFound, faults.ServiceNotFound, faults.RegionNotFound],
  }),
  removeRegion: del(`${ROOT}/services/{service_id}/regions/{region_id}`, {
    policy: rules.deletePolicyAssociationForRegionAndService,
    faults: [...missing, faults.ServiceNotFound, faults.RegionNotFound],
  }),
}

export const revocations = {
  events: get('/v3/OS-REVOKE/events', {
    policy: rules.listRevokeEvents,
    query: anyQuery,
    faults: [faults.ValidationError],
  }),
  authority: get('/v3/OS-SIMPLE-CERT/ca', { policy: 'public', faults: [faults.PkiGone] }),
  certificates: get('/v3/OS-SIMPLE-CERT/certificates', { policy: 'public', faults: [faults.PkiGone] }),
}
