// Questions to Neutron with the person's own token, before a server is made: do the networks, ports and groups exist and fit?
import { RemoteFault, type Transport } from '#kernel/http/client.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import { restTo } from '#services/nova/actors/neighbours/rest.ts'
import { faults } from '#services/nova/contract/faults.ts'
import type { RequestedNic } from '#services/nova/sagas/wires.ts'

interface Network {
  readonly id: string
  readonly subnets: readonly string[]
  readonly shared: boolean
  readonly tenant_id: string
  readonly 'router:external'?: boolean
  readonly port_security_enabled?: boolean
}
interface Port {
  readonly id: string
  readonly device_id: string
  readonly fixed_ips: readonly unknown[]
}

/** Throws 400 or 409 in upstream's words; asks nothing for `none`. */
export const networkChecks = (neutron: Transport) => {
  const rest = restTo(neutron)
  const list = async <T>(ctx: Ctx, kind: string, query: string): Promise<T[]> =>
    ((await rest.json<Record<string, T[]>>(ctx, 'GET', `/v2.0/${kind}`, `/v2.0/${kind}`, { query }))[
      kind.replaceAll('-', '_')
    ] ?? []) as T[]

  return async (
    ctx: Ctx,
    wanted: readonly RequestedNic[] | 'auto' | 'none',
    groups: readonly string[],
    count: number,
  ): Promise<void> => {
    if (wanted === 'none') return
    await checkGroups(ctx, groups)
    if (wanted === 'auto') {
      const networks = (await list<Network>(ctx, 'networks', 'admin_state_up=True')).filter(
        one => one['router:external'] !== true && one.subnets.length > 0,
      )
      const own = networks.filter(one => one.tenant_id === ctx.who?.projectId)
      const usable = own.length > 0 ? own : networks.filter(one => one.shared)
      if (usable.length > 1)
        throw faults.Conflict({ reason: 'Multiple possible networks found, use a Network ID to be more specific.' })
      return
    }
    const ids = [...new Set(wanted.flatMap(nic => nic.networkId ?? []))]
    if (ids.length > 0) {
      const found = await list<Network>(
        ctx,
        'networks',
        new URLSearchParams(ids.map((id): [string, string] => ['id', id])).toString(),
      )
      const missing = ids.filter(id => !found.some(one => one.id === id))
      if (missing.length > 0) throw faults.BadRequest({ reason: `Network ${missing.join(', ')} could not be found.` })
      for (const network of found) {
        if (network.subnets.length === 0)
          throw faults.BadRequest({ reason: `Network ${network.id} requires a subnet in order to boot instances on.` })
        if (network['router:external'] === true && !network.shared && ctx.who?.roles.includes('admin') !== true) {
          throw faults.Forbidden({
            reason: `It is not allowed to create an interface on external network ${network.id}`,
          })
        }
      }
    }
    for (const nic of wanted) {
      if (nic.fixedIp !== null && count > 1)
        throw faults.BadRequest({ reason: 'max_count cannot be greater than 1 if an fixed_ip is specified.' })
      if (nic.portId === null) continue
      if (count > 1)
        throw faults.BadRequest({
          reason:
            'Unable to launch multiple instances with a single configured port ID. Please launch your instance one by one with different ports.',
        })
      let port: Port
      try {
        port = (await rest.json<{ port: Port }>(ctx, 'GET', '/v2.0/ports/{id}', `/v2.0/ports/${nic.portId}`)).port
      } catch (error) {
        if (error instanceof RemoteFault && error.status === 404)
          throw faults.BadRequest({ reason: `Port id ${nic.portId} could not be found.` }, { cause: error })
        throw error
      }
      if (port.device_id !== '') throw faults.Conflict({ reason: `Port ${port.id} is still in use.` })
      if (port.fixed_ips.length === 0)
        throw faults.BadRequest({ reason: `Port ${port.id} requires a FixedIP in order to be used.` })
    }
  }

  async function checkGroups(ctx: Ctx, groups: readonly string[]): Promise<void> {
    const named = groups.filter(group => group !== 'default')
    if (named.length === 0) return
    const found = await list<{ id: string; name: string }>(ctx, 'security-groups', 'fields=id&fields=name')
    for (const group of named) {
      const matches = found.filter(one => one.id === group || one.name === group)
      if (matches.length === 0)
        throw faults.BadRequest({
          reason: `Security group ${group} not found for project ${ctx.who?.projectId ?? ''}.`,
        })
      if (matches.length > 1 && !matches.some(one => one.id === group)) {
        throw faults.Conflict({
          reason: `Multiple security groups found matching '${group}'. Use an ID to be more specific.`,
        })
      }
    }
  }
}
