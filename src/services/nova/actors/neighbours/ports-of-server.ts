// Ports, groups and subnets of a server, asked of Neutron.
import type { Transport } from '#kernel/http/client.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import { restTo } from '#services/nova/actors/neighbours/rest.ts'
import { faults } from '#services/nova/contract/faults.ts'
import type { SubnetFacts } from '#services/nova/domain/metadata.ts'

interface PortFacts {
  readonly id: string
  readonly status: string
  readonly security_groups: readonly string[]
}

export const portsOfServer = (neutron: Transport) => {
  const rest = restTo(neutron)
  const ports = async (ctx: Ctx, serverId: string): Promise<PortFacts[]> =>
    (
      await rest.json<{ ports: PortFacts[] }>(ctx, 'GET', '/v2.0/ports', '/v2.0/ports', {
        query: `device_id=${serverId}`,
      })
    ).ports
  const groups = async (ctx: Ctx, query: string) =>
    (
      await rest.json<{ security_groups: { id: string; name: string; description: string; tenant_id: string }[] }>(
        ctx,
        'GET',
        '/v2.0/security-groups',
        '/v2.0/security-groups',
        { query },
      )
    ).security_groups
  return {
    states: async (ctx: Ctx, serverId: string): Promise<Map<string, string>> =>
      new Map((await ports(ctx, serverId)).map(port => [port.id, port.status])),
    async subnets(ctx: Ctx, ids: readonly string[]): Promise<SubnetFacts[]> {
      const query = new URLSearchParams(ids.map((id): [string, string] => ['id', id])).toString()
      return (await rest.json<{ subnets: SubnetFacts[] }>(ctx, 'GET', '/v2.0/subnets', '/v2.0/subnets', { query }))
        .subnets
    },
    async groups(ctx: Ctx, serverId: string): Promise<unknown[]> {
      const ids = [...new Set((await ports(ctx, serverId)).flatMap(port => port.security_groups))]
      if (ids.length === 0) return []
      const found = await groups(ctx, new URLSearchParams(ids.map((id): [string, string] => ['id', id])).toString())
      return found.map(({ id, name, description, tenant_id }) => ({ id, name, description, tenant_id, rules: [] }))
    },
    /** Adds the group to, or takes it from, every port of the server. Throws 404 for a group that is not there. */
    async changeGroup(ctx: Ctx, serverId: string, name: string, add: boolean): Promise<void> {
      const all = await groups(ctx, '')
      const group = all.find(one => one.id === name) ?? all.find(one => one.name === name)
      if (group === undefined)
        throw faults.NotFound({ reason: `Security group ${name} not found for project ${ctx.who?.projectId ?? ''}.` })
      let touched = false
      for (const port of await ports(ctx, serverId)) {
        const has = port.security_groups.includes(group.id)
        if (has === add) continue
        touched = true
        const next = add ? [...port.security_groups, group.id] : port.security_groups.filter(id => id !== group.id)
        await rest.json(ctx, 'PUT', '/v2.0/ports/{id}', `/v2.0/ports/${port.id}`, {
          body: { port: { security_groups: next } },
        })
      }
      if (!add && !touched)
        throw faults.NotFound({ reason: `Security group ${name} not associated with the instance ${serverId}` })
    },
  }
}
