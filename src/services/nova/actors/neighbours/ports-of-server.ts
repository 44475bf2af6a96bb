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
  const MOST = 150
  /** The same question in portions, so that no address grows too long. */
  const inPortions = async <T>(
    ids: readonly string[],
    ask: (some: readonly string[]) => Promise<T[]>,
  ): Promise<T[]> => {
    const found: T[] = []
    for (let from = 0; from < ids.length; from += MOST) found.push(...(await ask(ids.slice(from, from + MOST))))
    return found
  }
  const queryOf = (key: string, ids: readonly string[], fields: readonly string[]): string =>
    new URLSearchParams([
      ...ids.map((id): [string, string] => [key, id]),
      ...fields.map((field): [string, string] => ['fields', field]),
    ]).toString()

  return {
    /** Names of the groups on the wires of each of these servers; who has no wire is not among them. */
    async namesOfGroups(ctx: Ctx, serverIds: readonly string[]): Promise<Map<string, string[]>> {
      const wires = await inPortions(
        serverIds,
        async some =>
          (
            await rest.json<{ ports: { device_id: string; security_groups: readonly string[] }[] }>(
              ...([ctx, 'GET', '/v2.0/ports', '/v2.0/ports'] as const),
              { query: queryOf('device_id', some, ['device_id', 'security_groups']) },
            )
          ).ports,
      )
      const ids = [...new Set(wires.flatMap(port => port.security_groups))]
      const named = await inPortions(ids, some => groups(ctx, queryOf('id', some, ['id', 'name'])))
      const names = new Map(named.map(group => [group.id, group.name]))
      const found = new Map<string, string[]>()
      for (const { device_id: server, security_groups: of } of wires) {
        const mine = new Set([...(found.get(server) ?? []), ...of.flatMap(id => names.get(id) ?? [])])
        found.set(server, [...mine])
      }
      return found
    },
    states: async (ctx: Ctx, serverId: string): Promise<Map<string, string>> =>
      new Map((await ports(ctx, serverId)).map(port => [port.id, port.status])),
    async subnets(ctx: Ctx, ids: readonly string[]): Promise<SubnetFacts[]> {
      const query = new URLSearchParams(ids.map((id): [string, string] => ['id', id])).toString()
      return (await rest.json<{ subnets: SubnetFacts[] }>(ctx, 'GET', '/v2.0/subnets', '/v2.0/subnets', { query }))
        .subnets
    },
    groupIds: async (ctx: Ctx, serverId: string): Promise<string[]> => [
      ...new Set((await ports(ctx, serverId)).flatMap(port => port.security_groups)),
    ],
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
