// Security groups and their rules: handlers and presenters.
import { handlers, type HandlerTable } from '#kernel/http/handlers.ts'
import { needs, presenter } from '#kernel/http/presenter.ts'
import {
  securityGroup,
  securityGroupRule,
  securityGroupRules,
  securityGroups,
} from '#services/neutron/contract/security-groups.ts'
import { noun, seconds } from '#services/neutron/api/noun.ts'
import type { SecurityGroup } from '#services/neutron/db/security-groups.ts'
import type { Looks } from '#services/neutron/domain/looks.ts'
import {
  groupTarget,
  type RuleOfGroup,
  type SecurityGroupRules,
  type SecurityGroups,
} from '#services/neutron/domain/security-groups.ts'

const presentRule = presenter<RuleOfGroup>()(securityGroupRule.view, {
  id: r => r.id,
  project_id: r => r.projectId,
  tenant_id: r => r.projectId,
  security_group_id: r => r.securityGroupId,
  ethertype: r => r.ethertype,
  direction: r => r.direction,
  protocol: r => r.protocol,
  port_range_min: r => r.portMin,
  port_range_max: r => r.portMax,
  remote_ip_prefix: r => r.remoteIpPrefix,
  normalized_cidr: r => r.normalizedCidr,
  remote_group_id: r => r.remoteGroupId,
  remote_address_group_id: r => r.remoteAddressGroupId,
  belongs_to_default_sg: r => r.belongsToDefault,
  description: r => r.description,
  created_at: r => seconds(r.createdAt),
  updated_at: r => seconds(r.updatedAt),
  revision_number: r => r.revision,
})

interface Loaded {
  readonly tags: ReadonlyMap<string, readonly string[]>
  readonly rules: ReadonlyMap<string, readonly Record<string, unknown>[]>
}
export const securityGroupHandlers = (domain: SecurityGroups, looks: Looks): HandlerTable => {
  const ids = (all: readonly SecurityGroup[]): string[] => all.map(one => one.id)
  const present = presenter<SecurityGroup, Loaded>()(
    securityGroup.view,
    {
      id: g => g.id,
      name: g => g.name,
      project_id: g => g.projectId,
      tenant_id: g => g.projectId,
      stateful: g => g.stateful,
      shared: g => g.shared,
      security_group_rules: needs(['rules'], (g, { rules }) => [...(rules.get(g.id) ?? [])]),
      description: g => g.description,
      created_at: g => seconds(g.createdAt),
      updated_at: g => seconds(g.updatedAt),
      revision_number: g => g.revision,
      tags: needs(['tags'], (g, { tags }) => [...(tags.get(g.id) ?? [])]),
    },
    {
      loaders: {
        tags: (ctx, all) => looks.tags(ctx, ids(all)),
        rules: async (ctx, all, view) => {
          const found = await domain.rulesOf(ctx, ids(all))
          const shown = new Map<string, Record<string, unknown>[]>()
          // Rules inside a group are seen by whoever sees the group.
          for (const [id, some] of found) shown.set(id, await presentRule.present(some, view, () => true))
          return shown
        },
      },
      target: groupTarget,
    },
  )
  const it = noun<SecurityGroup>({ of: securityGroup, present })
  return handlers(securityGroups, {
    list: call => it.list(call, domain.list),
    show: call => it.show(call, domain.show),
    create: call => it.create(call, domain.create),
    update: call => it.update(call, domain.update),
    remove: call => it.remove(call, domain.remove),
  })
}

export const securityGroupRuleHandlers = (domain: SecurityGroupRules): HandlerTable => {
  const it = noun<RuleOfGroup>({ of: securityGroupRule, present: presentRule })
  return handlers(securityGroupRules, {
    list: call => it.list(call, domain.list),
    show: call => it.show(call, domain.show),
    create: call => it.create(call, domain.create),
    remove: call => it.remove(call, domain.remove),
  })
}
