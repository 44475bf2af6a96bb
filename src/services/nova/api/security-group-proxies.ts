// Neutron's security groups in Nova's old words.
import { handlers, type HandlerTable } from '#kernel/http/handlers.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import { faults } from '#services/nova/contract/faults.ts'
import { securityGroupRules, securityGroups } from '#services/nova/contract/network-proxies.ts'
import { translated, type Group, type Networking, type Rule } from '#services/nova/domain/proxies.ts'
import { checkedRule, rangeOf } from '#services/nova/domain/security-group-rules.ts'

type Source = { readonly name: string; readonly tenant_id: string }
type Sources = ReadonlyMap<string, Source>
const UUID = /^[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}$/i

/** The ports of a rule as the old API shows them: a protocol without ports is all of them. */
const portsOf = (rule: Rule): [number | null, number | null] => {
  if (rule.protocol === null || rule.port_range_min !== null || rule.port_range_max !== null)
    return [rule.port_range_min, rule.port_range_max]
  return ['TCP', 'UDP'].includes(rule.protocol.toUpperCase()) ? [1, 65_535] : [-1, -1]
}
export const oldRule = (rule: Rule, sources: Sources): object | null => {
  const source = rule.remote_group_id === null ? undefined : sources.get(rule.remote_group_id)
  if (rule.remote_group_id !== null && source === undefined) return null // gone meanwhile
  const [from, to] = portsOf(rule)
  return {
    id: rule.id,
    parent_group_id: rule.security_group_id,
    ip_protocol: rule.protocol,
    from_port: from,
    to_port: to,
    group: source ?? {},
    ip_range: source === undefined ? { cidr: rangeOf(rule.remote_ip_prefix) } : {},
  }
}
/** Only what comes in: the old API knows no other direction. */
export const oldGroup = (group: Group, sources: Sources): { tenant_id: string; name: string } => ({
  ...{ id: group.id, name: group.name, description: group.description, tenant_id: group.tenant_id },
  ...{
    rules: group.security_group_rules
      .filter(rule => rule.direction === 'ingress')
      .flatMap(rule => oldRule(rule, sources) ?? []),
  },
})
export const byOwnerAndName = (
  a: { tenant_id: string; name: string },
  b: { tenant_id: string; name: string },
): number => {
  const [left, right] = [`${a.tenant_id}\0${a.name}`, `${b.tenant_id}\0${b.name}`]
  return left < right ? -1 : left > right ? 1 : 0
}
/** The groups that rules of these groups name: those at hand, and the others asked for at once. */
export async function sourcesOf(neutron: Networking, ctx: Ctx, groups: readonly Group[]): Promise<Sources> {
  const known = new Map<string, Source>(groups.map(({ id, name, tenant_id }) => [id, { name, tenant_id }]))
  const named = groups.flatMap(group => group.security_group_rules.flatMap(rule => rule.remote_group_id ?? []))
  const others = [...new Set(named)].filter(id => !known.has(id))
  for (const { id, name, tenant_id } of await neutron.groupsById(ctx, others)) known.set(id, { name, tenant_id })
  return known
}

/** Groups by their ids, as a server shows them: whole, in order. */
export async function groupsShown(neutron: Networking, ctx: Ctx, ids: readonly string[]): Promise<object[]> {
  const found = await neutron.groupsById(ctx, ids)
  const sources = await sourcesOf(neutron, ctx, found)
  return found.map(group => oldGroup(group, sources)).sort(byOwnerAndName)
}

export function securityGroupProxyHandlers(tools: {
  neutron: Networking
  maxLimit: number
  isAdmin: (ctx: Ctx) => boolean
}): HandlerTable[] {
  const { neutron } = tools
  const checkId = (id: string): string => {
    if (!UUID.test(id)) throw faults.BadRequest({ reason: 'Security group id should be uuid' })
    return id
  }
  const notFound = (says: string): Error => faults.NotFound({ reason: says })
  const wrong = (says: string): Error => faults.BadRequest({ reason: says })
  const full = (says: string): Error => faults.Forbidden({ reason: says })
  const find = (ctx: Ctx, id: string): Promise<Group> => translated(neutron.group(ctx, id), { 404: notFound })
  const body = async (ctx: Ctx, group: Group): Promise<object> => ({
    security_group: oldGroup(group, await sourcesOf(neutron, ctx, [group])),
  })
  return [
    handlers(securityGroups, {
      list: async call => {
        const everybody = call.query.all_tenants !== undefined && tools.isAdmin(call.ctx)
        const query: [string, string][] = everybody ? [] : [['tenant_id', call.ctx.who?.projectId ?? '']]
        const offset = call.query.offset?.at(-1) ?? 0
        const limit = Math.min(call.query.limit?.at(-1) || tools.maxLimit, tools.maxLimit)
        const shown = (await neutron.groups(call.ctx, query)).slice(offset, offset + limit)
        const sources = await sourcesOf(neutron, call.ctx, shown)
        return { security_groups: shown.map(group => oldGroup(group, sources)).sort(byOwnerAndName) }
      },
      show: async call => body(call.ctx, await find(call.ctx, checkId(call.params.id))),
      create: async call => {
        const { name, description } = call.body.security_group
        const made = await translated(neutron.makeGroup(call.ctx, { name, description }), { 400: wrong, 409: full })
        return body(call.ctx, made)
      },
      update: async call => {
        const { name, description } = call.body.security_group
        const { id } = await find(call.ctx, checkId(call.params.id))
        const after = await translated(neutron.changeGroup(call.ctx, id, { name, description }), {
          400: wrong,
          404: notFound,
          409: wrong,
        })
        return body(call.ctx, after)
      },
      remove: async call => {
        const { id } = await find(call.ctx, checkId(call.params.id))
        await translated(neutron.removeGroup(call.ctx, id), { 404: notFound, 409: wrong })
      },
    }),
    handlers(securityGroupRules, {
      create: async call => {
        const given = call.body.security_group_rule
        const groupId = given.group_id ?? null
        const parent = await find(call.ctx, given.parent_group_id)
        const source = groupId === null ? null : await find(call.ctx, groupId)
        const rule = checkedRule({
          groupId,
          cidr: given.cidr,
          protocol: given.ip_protocol,
          from: given.from_port,
          to: given.to_port,
        })
        const port = (key: string, number: number | null): object =>
          number === null || number === -1 ? {} : { [key]: number }
        const made = await translated(
          neutron.makeRule(call.ctx, {
            direction: 'ingress',
            ethertype: rule.cidr?.includes(':') === true ? 'IPv6' : 'IPv4',
            protocol: rule.protocol,
            security_group_id: parent.id,
            remote_group_id: rule.groupId,
            remote_ip_prefix: rule.cidr,
            ...port('port_range_min', rule.from),
            ...port('port_range_max', rule.to),
          }),
          {
            400: wrong,
            404: notFound,
            409: says =>
              /already exists/i.test(says) ? wrong(`This rule already exists in group ${parent.id}`) : full(says),
          },
        )
        const { id = '', name = '', tenant_id = '' } = source ?? {}
        return { security_group_rule: oldRule(made, new Map([[id, { name, tenant_id }]])) }
      },
      remove: async call => {
        await translated(neutron.removeRule(call.ctx, checkId(call.params.id)), { 404: notFound })
      },
    }),
  ]
}
