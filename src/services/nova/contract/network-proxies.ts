// Neutron's networks, floating addresses and security groups in Nova's old words, until 2.35; what is done with them to one
// server, until 2.43. Later versions are to ask Neutron itself.
import { action, del, get, post, put } from '#kernel/contract/route.ts'
import { may, must, object } from '#kernel/contract/shape.ts'
import { any, intLike, ip, nullable, raw, repeated, text, uuid } from '#kernel/contract/shapes.ts'
import { faults } from '#services/nova/contract/faults.ts'
import { rules } from '#services/nova/contract/rules.ts'

const until = '2.35'
const missing = [faults.NotFound, faults.BadRequest]

export const networks = {
  list: get('/v2.1/os-networks', { policy: rules.networksList, until }),
  show: get('/v2.1/os-networks/{id}', { policy: rules.networksShow, until, faults: missing }),
}
export const tenantNetworks = {
  list: get('/v2.1/os-tenant-networks', { policy: rules.tenantNetworksList, until }),
  show: get('/v2.1/os-tenant-networks/{id}', { policy: rules.tenantNetworksShow, until, faults: missing }),
}

export const floatingIps = {
  pools: get('/v2.1/os-floating-ip-pools', { policy: rules.floatingIpPools, until }),
  list: get('/v2.1/os-floating-ips', { policy: rules.floatingIpsList, until }),
  show: get('/v2.1/os-floating-ips/{id}', { policy: rules.floatingIpsShow, until, faults: missing }),
  create: post('/v2.1/os-floating-ips', {
    policy: rules.floatingIpsCreate,
    until,
    body: nullable(object({ pool: may(nullable(text())) }, { extra: true })),
    bodyOptional: true,
    status: 200,
    faults: [...missing, faults.Forbidden],
  }),
  remove: del('/v2.1/os-floating-ips/{id}', { policy: rules.floatingIpsDelete, until, status: 202, faults: missing }),
}

const act = '/v2.1/servers/{id}/action'
const untilServers = '2.43'
const faultsOfServer = [...missing, faults.InstanceNotFound, faults.InstanceIsLocked]
export const serverAddressActions = {
  addFixed: action(act, 'addFixedIp', {
    policy: rules.multinicAdd,
    until: untilServers,
    body: object({
      networkId: must(raw<string>({ type: ['string', 'number'], minLength: 1, maxLength: 36 }, String)),
    }),
    faults: faultsOfServer,
  }),
  removeFixed: action(act, 'removeFixedIp', {
    policy: rules.multinicRemove,
    until: untilServers,
    body: object({ address: must(ip) }),
    faults: faultsOfServer,
  }),
  addFloating: action(act, 'addFloatingIp', {
    policy: rules.floatingIpsAdd,
    until: untilServers,
    body: object({ address: must(ip), fixed_address: may(ip) }),
    faults: faultsOfServer,
  }),
  removeFloating: action(act, 'removeFloatingIp', {
    policy: rules.floatingIpsRemove,
    until: untilServers,
    body: object({ address: must(ip) }),
    faults: [...faultsOfServer, faults.Conflict],
  }),
  inject: action(act, 'injectNetworkInfo', {
    policy: rules.adminActionsInjectNetworkInfo,
    body: nullable(any),
    bodyOptional: true,
    faults: faultsOfServer,
  }),
}

const naming = object(
  {
    security_group: must(
      object({ name: must(text({ max: 255 })), description: must(text({ max: 255 })) }, { extra: true }),
    ),
  },
  { extra: true },
)
const groups = '/v2.1/os-security-groups'
const group = '/v2.1/os-security-groups/{id}'
export const securityGroups = {
  list: get(groups, {
    policy: rules.securityGroupsGet,
    until,
    query: object(
      {
        limit: may(repeated(intLike({ min: 0 }))),
        offset: may(repeated(intLike({ min: 0 }))),
        all_tenants: may(repeated(text())),
      },
      { extra: true },
    ),
  }),
  show: get(group, { policy: rules.securityGroupsShow, until, faults: missing }),
  create: post(groups, {
    policy: rules.securityGroupsCreate,
    until,
    body: naming,
    status: 200,
    faults: [faults.BadRequest, faults.Forbidden],
  }),
  update: put(group, { policy: rules.securityGroupsUpdate, until, body: naming, faults: missing }),
  remove: del(group, { policy: rules.securityGroupsDelete, until, status: 202, faults: missing }),
}
export const securityGroupRules = {
  create: post('/v2.1/os-security-group-rules', {
    policy: rules.securityGroupsRuleCreate,
    until,
    body: object(
      {
        security_group_rule: must(
          object(
            {
              group_id: may(nullable(uuid)),
              parent_group_id: must(uuid),
              to_port: may(any),
              from_port: may(any),
              ip_protocol: may(any),
              cidr: may(any),
            },
            { extra: true },
          ),
        ),
      },
      { extra: true },
    ),
    status: 200,
    faults: [...missing, faults.Forbidden],
  }),
  remove: del('/v2.1/os-security-group-rules/{id}', {
    policy: rules.securityGroupsRuleDelete,
    until,
    status: 202,
    faults: missing,
  }),
}
