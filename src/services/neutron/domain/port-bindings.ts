// Several bindings of one port: Nova asks for one on the host a server will move to, and puts it in force when the server is there.
// What is in force lies in the port itself, so that nothing else need know of the others.
import type { CreateOf, UpdateOf } from '#kernel/contract/resource.ts'
import type { Rule } from '#kernel/contract/rule.ts'
import { json } from '#kernel/db/codecs.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import { faults } from '#services/neutron/contract/faults.ts'
import { portBinding } from '#services/neutron/contract/port-bindings.ts'
import { rules } from '#services/neutron/contract/rules.ts'
import { portBindingsDb, type PortBinding } from '#services/neutron/db/port-bindings.ts'
import { networksDb } from '#services/neutron/db/networks.ts'
import { portsDb } from '#services/neutron/db/ports.ts'
import { revise, type Q } from '#services/neutron/db/standard.ts'
import { isCompute } from '#services/neutron/domain/owners.ts'
import { bindTo, UNBOUND } from '#services/neutron/domain/port-binding.ts'
import { portTarget, type PortOfNetwork } from '#services/neutron/domain/ports.ts'
import { followParent } from '#services/neutron/domain/trunk-binding.ts'
import type { DomainTools } from '#services/neutron/domain/tools.ts'

type Create = CreateOf<(typeof portBinding)['rows']>
type Update = UpdateOf<(typeof portBinding)['rows']>
/** Upstream's column is this long. */
const PROFILE_MAX = 4095

const checkProfile = (profile: Readonly<Record<string, unknown>>): string => {
  const text = json(profile)
  if (text.length > PROFILE_MAX) throw faults.InvalidInput({ error_message: 'binding:profile value too large' })
  return text
}

export const createPortBindings = (tools: DomainTools) => {
  const { database, access, clock, wiring } = tools

  /** @throws PortNotFound; BadRequest for a port of no server */
  async function portFor(q: Q, ctx: Ctx, id: string): Promise<PortOfNetwork> {
    const port = await portsDb.byId(q, id)
    const network = port === null ? null : await networksDb.byId(q, port.networkId)
    if (port === null || network === null) throw faults.PortNotFound({ port_id: id })
    const found = { ...port, network }
    if (!access.allows(ctx, rules.getPort, portTarget(found))) throw faults.PortNotFound({ port_id: id })
    return found
  }
  const checkOwner = (port: PortOfNetwork): void => {
    if (!isCompute(port.deviceOwner))
      throw faults.BadRequest({
        resource: 'port',
        msg: `Invalid port ${port.id}. Operation only valid on compute and shared filesystem ports`,
      })
  }
  async function found(q: Q, port: PortOfNetwork, host: string): Promise<PortBinding> {
    const binding = (await portBindingsDb.ofPort(q, port)).find(one => one.host === host)
    if (binding === undefined) throw faults.PortBindingNotFound({ port_id: port.id, host })
    return binding
  }
  const mustChange = (ctx: Ctx, rule: Rule, port: PortOfNetwork): void =>
    access.mustChange(ctx, { rule, show: rules.getPortBinding }, portTarget(port))
  /** @throws PortBindingError when nobody on that host could plug it */
  async function bound(q: Q, port: PortOfNetwork, host: string, vnicType: string) {
    const columns = await bindTo(q, host, vnicType)
    if (columns.vif_type === 'binding_failed') throw faults.PortBindingError({ port_id: port.id, host })
    return columns
  }

  return {
    async list(ctx: Ctx, portId: string): Promise<PortBinding[]> {
      return database.read(ctx, 'list-port-bindings', async q => {
        const port = await portFor(q, ctx, portId)
        checkOwner(port)
        return access.allows(ctx, rules.getPortBinding, portTarget(port)) ? portBindingsDb.ofPort(q, port) : []
      })
    },
    async show(ctx: Ctx, portId: string, host: string): Promise<PortBinding> {
      return database.read(ctx, 'show-port-binding', async q => {
        const port = await portFor(q, ctx, portId)
        checkOwner(port)
        access.mustSee(ctx, rules.getPortBinding, portTarget(port))
        return found(q, port, host)
      })
    },
    async create(ctx: Ctx, portId: string, body: Create): Promise<PortBinding> {
      return database.tx(ctx, 'create-port-binding', async q => {
        const port = await portFor(q, ctx, portId)
        access.mustCreate(ctx, portBinding, rules.createPortBinding, body, portTarget(port))
        checkOwner(port)
        const { host } = body
        const all = await portBindingsDb.ofPort(q, port)
        if (all.some(one => one.host === host)) throw faults.PortBindingAlreadyExists({ port_id: portId, host })
        const { vif_type, vif_details } = await bound(q, port, host, body.vnic_type)
        await portBindingsDb.put(q, {
          port_id: portId,
          host,
          vif_type,
          vif_details,
          vnic_type: body.vnic_type,
          profile: checkProfile(body.profile ?? {}),
        })
        return found(q, port, host)
      })
    },
    /** Of the one in force, or of another. */
    async update(ctx: Ctx, portId: string, host: string, body: Update): Promise<PortBinding> {
      const changed = await database.tx(ctx, 'update-port-binding', async q => {
        const port = await portFor(q, ctx, portId)
        mustChange(ctx, rules.createPortBinding, port)
        checkOwner(port)
        const before = await found(q, port, host)
        const wanted = body.host ?? host
        if (wanted !== host && (await portBindingsDb.ofPort(q, port)).some(one => one.host === wanted))
          throw faults.PortBindingAlreadyExists({ port_id: portId, host: wanted })
        const vnicType = body.vnic_type ?? before.vnicType
        const columns = await bound(q, port, wanted, vnicType)
        const profile = checkProfile((body.profile === undefined ? before.profile : body.profile) ?? {})
        if (before.status === 'ACTIVE') {
          const set = { ...columns, vnic_type: vnicType, profile, status: 'DOWN' }
          await revise(q, 'ports', portId, clock.now(), set)
          await followParent(q, tools, portId)
        } else {
          const { vif_type, vif_details } = columns
          await portBindingsDb.remove(q, portId, host)
          await portBindingsDb.put(q, {
            port_id: portId,
            host: wanted,
            vif_type,
            vif_details,
            vnic_type: vnicType,
            profile,
          })
        }
        return found(q, { ...((await portsDb.byId(q, portId)) ?? port), network: port.network }, wanted)
      })
      wiring.touch({ ports: [portId] })
      return changed
    },
    /** Puts it in force; what was in force stays, unplugged. @throws PortBindingAlreadyActive, PortBindingNotFound */
    async activate(ctx: Ctx, portId: string, host: string): Promise<PortBinding> {
      const active = await database.tx(ctx, 'activate-port-binding', async q => {
        const port = await portFor(q, ctx, portId)
        mustChange(ctx, rules.activate, port)
        checkOwner(port)
        if (host === port.hostId) throw faults.PortBindingAlreadyActive({ port_id: portId, host })
        const next = await found(q, port, host)
        const columns = await bound(q, port, host, next.vnicType)
        await portBindingsDb.remove(q, portId, host)
        if (port.hostId !== '')
          await portBindingsDb.put(q, {
            port_id: portId,
            host: port.hostId,
            vif_type: UNBOUND.vif_type,
            vif_details: UNBOUND.vif_details,
            vnic_type: port.vnicType,
            profile: json(port.profile),
          })
        const set = { ...columns, vnic_type: next.vnicType, profile: json(next.profile), status: 'DOWN' }
        await revise(q, 'ports', portId, clock.now(), set)
        await followParent(q, tools, portId)
        return found(q, { ...((await portsDb.byId(q, portId)) ?? port), network: port.network }, host)
      })
      wiring.touch({ ports: [portId] })
      return active
    },
    /** Of the one in force too: the port is bound nowhere then. */
    async remove(ctx: Ctx, portId: string, host: string): Promise<void> {
      await database.tx(ctx, 'delete-port-binding', async q => {
        const port = await portFor(q, ctx, portId)
        mustChange(ctx, rules.deletePortBinding, port)
        const binding = await found(q, port, host)
        if (binding.status === 'INACTIVE') await portBindingsDb.remove(q, portId, host)
        else {
          await revise(q, 'ports', portId, clock.now(), { ...UNBOUND, status: 'DOWN' })
          await followParent(q, tools, portId)
        }
      })
      wiring.touch({ ports: [portId] })
    },
  }
}
export type PortBindings = ReturnType<typeof createPortBindings>
