// Tags: words that people put on things, the same way for every noun that has them.
import { del, get, post, put } from '#kernel/contract/route.ts'
import type { Rule } from '#kernel/contract/rule.ts'
import { must, object } from '#kernel/contract/shape.ts'
import { list, text } from '#kernel/contract/shapes.ts'
import { faults } from '#services/neutron/contract/faults.ts'
import { qosRules } from '#services/neutron/contract/qos-rules.ts'
import { trunkRules } from '#services/neutron/contract/trunk-rules.ts'
import { moreRules } from '#services/neutron/contract/rules-more.ts'
import { rules } from '#services/neutron/contract/rules.ts'

export const TAG_MAX = 255
export const TAGS_MAX = 50
const tags = object({ tags: must(list(text({ max: TAG_MAX }), { max: 1000 })) })
const judged = 'domain' as const

export interface TagRules {
  readonly get: Rule
  readonly create: Rule
  readonly update: Rule
  readonly remove: Rule
}
/** Path of the noun → its name, and the rules for its tags. */
export const taggable = {
  networks: {
    noun: 'network',
    get: rules.getNetworkTags,
    create: rules.createNetworkTags,
    update: rules.updateNetworkTags,
    remove: rules.deleteNetworkTags,
  },
  subnets: {
    noun: 'subnet',
    get: rules.getSubnetTags,
    create: rules.createSubnetTags,
    update: rules.updateSubnetTags,
    remove: rules.deleteSubnetTags,
  },
  subnetpools: {
    noun: 'subnetpool',
    get: rules.getSubnetpoolTags,
    create: rules.createSubnetpoolTags,
    update: rules.updateSubnetpoolTags,
    remove: rules.deleteSubnetpoolTags,
  },
  ports: {
    noun: 'port',
    get: rules.getPortTags,
    create: rules.createPortTags,
    update: rules.updatePortTags,
    remove: rules.deletePortTags,
  },
  routers: {
    noun: 'router',
    get: rules.getRouterTags,
    create: rules.createRouterTags,
    update: rules.updateRouterTags,
    remove: rules.deleteRouterTags,
  },
  floatingips: {
    noun: 'floatingip',
    get: rules.getFloatingipTags,
    create: rules.createFloatingipTags,
    update: rules.updateFloatingipTags,
    remove: rules.deleteFloatingipTags,
  },
  'security-groups': {
    noun: 'security_group',
    get: rules.getSecurityGroupTags,
    create: rules.createSecurityGroupTags,
    update: rules.updateSecurityGroupTags,
    remove: rules.deleteSecurityGroupTags,
  },
  policies: {
    noun: 'policy',
    get: qosRules.getPolicyTags,
    create: qosRules.createPolicyTags,
    update: qosRules.updatePolicyTags,
    remove: qosRules.deletePolicyTags,
  },
  network_segment_ranges: {
    noun: 'network_segment_range',
    get: moreRules.getNetworkSegmentRangeTags,
    create: moreRules.createNetworkSegmentRangeTags,
    update: moreRules.updateNetworkSegmentRangeTags,
    remove: moreRules.deleteNetworkSegmentRangeTags,
  },
  trunks: {
    noun: 'trunk',
    get: trunkRules.getTrunkTags,
    create: trunkRules.createTrunkTags,
    update: trunkRules.updateTrunkTags,
    remove: trunkRules.deleteTrunkTags,
  },
} as const
export type Taggable = keyof typeof taggable

/** The routes of one noun's tags. compat: clients write both `security-groups` and `security_groups`. */
export const tagRoutes = (path: string, by: TagRules) =>
  ({
    list: get(`/v2.0/${path}/{id}/tags`, { policy: by.get, judged, reply: tags }),
    show: get(`/v2.0/${path}/{id}/tags/{tag}`, { policy: by.get, judged, status: 204, faults: [faults.TagNotFound] }),
    add: post(`/v2.0/${path}/{id}/tags`, { policy: by.create, judged, body: tags, reply: tags }),
    replace: put(`/v2.0/${path}/{id}/tags`, { policy: by.update, judged, body: tags, reply: tags }),
    put: put(`/v2.0/${path}/{id}/tags/{tag}`, {
      policy: by.update,
      judged,
      status: 201,
      faults: [faults.TagResourceNotFound],
    }),
    clear: del(`/v2.0/${path}/{id}/tags`, { policy: by.remove, judged }),
    remove: del(`/v2.0/${path}/{id}/tags/{tag}`, { policy: by.remove, judged, faults: [faults.TagNotFound] }),
  }) as const
