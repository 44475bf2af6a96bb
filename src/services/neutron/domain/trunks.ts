// Trunks: the verbs.
import type { CreateOf, UpdateOf } from '#kernel/contract/resource.ts'
import { flag } from '#kernel/db/codecs.ts'
import { isDuplicate } from '#kernel/db/errors.ts'
import type { Rule } from '#kernel/contract/rule.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import type { Target } from '#kernel/policy/enforcer.ts'
import { faults } from '#services/neutron/contract/faults.ts'
import { trunkFaults } from '#services/neutron/contract/trunk-faults.ts'
import { trunkRules } from '#services/neutron/contract/trunk-rules.ts'
import { trunk } from '#services/neutron/contract/trunks.ts'
import type { Listing } from '#services/neutron/db/listing.ts'
import { portsDb } from '#services/neutron/db/ports.ts'
import { deleteTags, newStandard, revise, type Q } from '#services/neutron/db/standard.ts'
import { ownTrunks, toTrunk, trunksDb, type Subport, type Trunk } from '#services/neutron/db/trunks.ts'
import { constrain } from '#services/neutron/domain/revision.ts'
import { checkFree, checkSubports, resolveSubports, seenPort, type Wanted } from '#services/neutron/domain/subports.ts'
import { bindSubports, releaseSubports } from '#services/neutron/domain/trunk-binding.ts'
import type { DomainTools } from '#services/neutron/domain/tools.ts'

type Create = CreateOf<(typeof trunk)['rows']>
type Update = UpdateOf<(typeof trunk)['rows']>
export const trunkTarget = (it: Trunk): Target => ({ project_id: it.projectId, tenant_id: it.projectId })

const invalidInput = (says: string): never => {
  throw faults.InvalidInput({ error_message: says })
}
const badRequest = (says: string): never => {
  throw faults.HTTPBadRequest({ reason: `Invalid input for sub_ports. Reason: ${says}.` })
}

export const createTrunks = (tools: DomainTools) => {
  const { database, access, clock, ids, wiring } = tools

  async function seen(q: Q, ctx: Ctx, id: string): Promise<Trunk> {
    const found = await trunksDb.byId(q, id)
    if (found === null || (found.projectId !== ctx.who?.projectId && !access.seesAll(ctx, trunkRules.getTrunk)))
      throw trunkFaults.TrunkNotFound({ trunk_id: id })
    return found
  }
  async function insertSubports(q: Q, trunkId: string, wanted: readonly Wanted[]): Promise<void> {
    for (const one of wanted)
      try {
        await q
          .insertInto('subports')
          .values({
            port_id: one.portId,
            trunk_id: trunkId,
            segmentation_type: one.type,
            segmentation_id: one.number,
          })
          .execute()
      } catch (error) {
        if (!isDuplicate(error)) throw error
        throw trunkFaults.DuplicateSubPort({
          segmentation_type: one.type,
          segmentation_id: one.number,
          trunk_id: trunkId,
        })
      }
  }
  async function insert(q: Q, ctx: Ctx, body: Create, id: string): Promise<{ made: Trunk; ports: string[] }> {
    const projectId = access.projectOf(ctx, body)
    access.mustCreate(ctx, trunk, trunkRules.createTrunk, body, { project_id: projectId, tenant_id: projectId })
    const asked = checkSubports(body.sub_ports, badRequest)
    const parent = await seenPort(q, ctx, tools, body.port_id)
    await checkFree(q, parent.id)
    const wanted = await resolveSubports(q, ctx, tools, parent, asked)
    const row = {
      ...newStandard(id, projectId, body, clock.now()),
      port_id: parent.id,
      admin_state_up: flag(body.admin_state_up),
      status: 'DOWN',
    }
    await q.insertInto('trunks').values(row).execute()
    await insertSubports(q, id, wanted)
    const made = toTrunk(row)
    return { made, ports: await bindSubports(q, tools, made) }
  }
  /** Adds or takes subports. @throws TrunkDisabled, TrunkInErrorState */
  async function change(
    ctx: Ctx,
    id: string,
    rule: Rule,
    body: Readonly<Record<string, unknown>> | undefined,
    deed: (q: Q, it: Trunk) => Promise<string[]>,
  ): Promise<Trunk> {
    const { changed, ports } = await database.tx(ctx, 'change-subports', async q => {
      const it = await seen(q, ctx, id)
      access.mustChange(ctx, { rule, show: trunkRules.getTrunk }, trunkTarget(it))
      if (body?.['sub_ports'] === undefined)
        throw faults.HTTPBadRequest({ reason: "Unable to find 'sub_ports' in request body" })
      if (!it.adminStateUp) throw trunkFaults.TrunkDisabled({ trunk_id: id })
      if (it.status === 'ERROR') throw trunkFaults.TrunkInErrorState({ trunk_id: id })
      const concerned = await deed(q, it)
      await revise(q, 'trunks', id, clock.now(), { status: 'DOWN' })
      return { changed: (await trunksDb.byId(q, id)) ?? it, ports: concerned }
    })
    wiring.touch({ ports })
    return changed
  }

  return {
    async create(ctx: Ctx, bodies: readonly Create[]): Promise<Trunk[]> {
      const named = bodies.map(body => ({ body, id: ids.uuid() }))
      const all = await database.tx(ctx, 'create-trunk', async q => {
        const made: { made: Trunk; ports: string[] }[] = []
        for (const { body, id } of named) made.push(await insert(q, ctx, body, id))
        return made
      })
      wiring.touch({ ports: all.flatMap(one => one.ports) })
      return all.map(one => one.made)
    },
    async list(ctx: Ctx, listing: Listing): Promise<Trunk[]> {
      const found = await database.read(ctx, 'list-trunks', q =>
        trunksDb.list(
          q,
          listing,
          access.seesAll(ctx, trunkRules.getTrunk) ? [] : [ownTrunks(access.who(ctx).projectId ?? '')],
          async id => {
            await seen(q, ctx, id)
            const row = await trunksDb.row(q, id)
            if (row === undefined) throw trunkFaults.TrunkNotFound({ trunk_id: id })
            return row
          },
        ),
      )
      return access.visible(ctx, trunkRules.getTrunk, found, trunkTarget)
    },
    async show(ctx: Ctx, id: string): Promise<Trunk> {
      const found = await database.read(ctx, 'show-trunk', q => seen(q, ctx, id))
      access.mustSee(ctx, trunkRules.getTrunk, trunkTarget(found))
      return found
    },
    async update(ctx: Ctx, id: string, body: Update, revision: number | null): Promise<Trunk> {
      const changed = await database.tx(ctx, 'update-trunk', async q => {
        const it = await seen(q, ctx, id)
        access.mustChange(ctx, { rule: trunkRules.updateTrunk, show: trunkRules.getTrunk }, trunkTarget(it), {
          of: trunk,
          body,
        })
        constrain(it.revision, revision)
        await revise(q, 'trunks', id, clock.now(), {
          ...(body.name === undefined ? {} : { name: body.name }),
          ...(body.description === undefined ? {} : { description: body.description }),
          ...(body.admin_state_up === undefined ? {} : { admin_state_up: flag(body.admin_state_up) }),
        })
        return (await trunksDb.byId(q, id)) ?? it
      })
      return changed
    },
    async remove(ctx: Ctx, id: string, revision: number | null): Promise<void> {
      const ports = await database.tx(ctx, 'delete-trunk', async q => {
        const it = await seen(q, ctx, id)
        access.mustChange(ctx, { rule: trunkRules.deleteTrunk, show: trunkRules.getTrunk }, trunkTarget(it))
        constrain(it.revision, revision)
        if (!it.adminStateUp) throw trunkFaults.TrunkDisabled({ trunk_id: id })
        const parent = await portsDb.byId(q, it.portId)
        if (parent !== null && parent.hostId !== '') throw trunkFaults.TrunkInUse({ trunk_id: id })
        const places = (await trunksDb.subports(q, [id])).map(place => place.portId)
        await releaseSubports(q, tools, places)
        await deleteTags(q, [id])
        await q.deleteFrom('subports').where('trunk_id', '=', id).execute()
        await q.deleteFrom('trunks').where('id', '=', id).execute()
        return [it.portId, ...places]
      })
      wiring.touch({ ports })
    },
    addSubports: (ctx: Ctx, id: string, body: Readonly<Record<string, unknown>> | undefined): Promise<Trunk> =>
      change(ctx, id, trunkRules.addSubports, body, async (q, it) => {
        const asked = checkSubports(body?.['sub_ports'], invalidInput)
        const parent = await portsDb.byId(q, it.portId)
        if (parent === null) throw faults.PortNotFound({ port_id: it.portId })
        await insertSubports(q, id, await resolveSubports(q, ctx, tools, parent, asked))
        return bindSubports(q, tools, it)
      }),
    removeSubports: (ctx: Ctx, id: string, body: Readonly<Record<string, unknown>> | undefined): Promise<Trunk> =>
      change(ctx, id, trunkRules.removeSubports, body, async (q, it) => {
        const asked = checkSubports(body?.['sub_ports'], invalidInput).map(one => one.port_id)
        const has = new Set((await trunksDb.subports(q, [id])).map(place => place.portId))
        const missing = asked.find(portId => !has.has(portId))
        if (missing !== undefined) throw trunkFaults.SubPortNotFound({ trunk_id: id, port_id: missing })
        if (asked.length > 0) await q.deleteFrom('subports').where('port_id', 'in', asked).execute()
        await releaseSubports(q, tools, asked)
        return [it.portId, ...asked]
      }),
    async subports(ctx: Ctx, id: string): Promise<readonly Subport[]> {
      return database.read(ctx, 'list-subports', async q => {
        const it = await seen(q, ctx, id)
        access.mustSee(ctx, trunkRules.getSubports, trunkTarget(it))
        return trunksDb.subports(q, [id])
      })
    },
    /** Subports of many trunks: trunk → subports. */
    async subportsOf(ctx: Ctx, trunkIds: readonly string[]): Promise<ReadonlyMap<string, readonly Subport[]>> {
      const found = new Map<string, Subport[]>()
      for (const one of await database.read(ctx, 'subports-of-trunks', q => trunksDb.subports(q, trunkIds)))
        found.set(one.trunkId, [...(found.get(one.trunkId) ?? []), one])
      return found
    },
  }
}
export type Trunks = ReturnType<typeof createTrunks>
