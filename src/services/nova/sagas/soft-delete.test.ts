// The stock tests on the stories of servers that go softly and come back: real rows, a simulated guest.
import { openSqlite } from '#host/node/sqlite.ts'
import { createBus } from '#kernel/bus/bus.ts'
import { memoryTransport } from '#kernel/bus/memory-transport.ts'
import { crossings, type Hook } from '#kernel/crossing/crossing.ts'
import { migrate } from '#kernel/db/migrations.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import { randomIds } from '#kernel/lib/ids.ts'
import { virtualClock } from '#kernel/lib/virtual-clock.ts'
import { sagaLogDb } from '#kernel/saga/db-log.ts'
import { createEngine, local, remote, type Engine } from '#kernel/saga/engine.ts'
import { atPlace, serveLegs } from '#kernel/saga/legs.ts'
import type { Saga } from '#kernel/saga/saga.ts'
import {
  diesAfterEveryCrossing,
  runsTwiceWithoutHarm,
  undoTwiceIsHarmless,
  unwindsFromEveryStep,
  type MakeWorld,
} from '#kernel/saga/saga.suite.ts'
import { migrations } from '#services/nova/db/migrations.ts'
import { serversDb, type Server } from '#services/nova/db/servers.ts'
import type { NovaTables } from '#services/nova/db/tables.ts'
import { serverToBuild } from '#services/nova/domain/conductor/server-to-build.ts'
import { conductorTools, type ConductorParts } from '#services/nova/domain/conductor/tools.ts'
import { countUsage } from '#services/nova/domain/quotas.ts'
import { createSimulatedHypervisor } from '#services/nova/drivers/hypervisor-simulated/hypervisor-simulated.ts'
import type { GuestSpec } from '#services/nova/drivers/hypervisor.ts'
import { restoreServer, softDelete, type SoftDelete } from '#services/nova/sagas/soft-delete.ts'
import type { ComputeTools, ConductorTools, Tools } from '#services/nova/sagas/tools.ts'
import { SERVER } from '#services/nova/test-nova.ts'
import type { Kysely } from 'kysely'

const ID = '00000000-0000-4000-8000-000000000001'
const HOST = 'h1'
const GUEST: GuestSpec = {
  ...{ serverId: ID, name: 'one', hostname: 'one', vcpus: 1, memoryMb: 128, disks: [], nics: [] },
  rootDisk: { from: 'image', base: '/nowhere', baseFormat: 'qcow2', sizeGb: 1 },
}

const worldOf =
  <Input extends SoftDelete, S>(
    input: Input,
    of: { readonly server: Partial<Server>; readonly runs: boolean },
  ): MakeWorld<Saga<Tools, Input, S>> =>
  async (saga, hooks) => {
    const clock = virtualClock()
    const ids = randomIds()
    const database = openSqlite<NovaTables>({ file: ':memory:', name: 'nova', clock })
    await migrate(database, migrations, clock)
    const q = database.kysely
    const now = clock.now()
    await serversDb(q).add({
      ...{ ...SERVER, id: ID, serial: 1, createdAt: now, updatedAt: now, reservationId: 'r', host: HOST, claim: null },
      ...of.server,
    })
    await countUsage(q, 'p1', { instances: 1, cores: 1, ramMb: 512 })
    const hypervisor = createSimulatedHypervisor({ clock })
    await hypervisor.spawn(GUEST)
    if (!of.runs) await hypervisor.powerOff(ID)
    let engine: Engine<Kysely<NovaTables>>
    const process = async (own: readonly Hook[]): Promise<Ctx> => {
      const cross = crossings(own)
      const bus = createBus({ transport: memoryTransport(clock), cross, ids })
      engine = createEngine<Kysely<NovaTables>>({
        log: sagaLogDb(database as never) as never,
        ...{ bus, clock, ids, cross, actor: 'nova-conductor', db: 'nova-db' },
      })
      const nothing = () => ({})
      const parts = { database, bus, clock, ids, neutron: nothing, cinder: nothing, moves: nothing } as unknown
      const conductor = conductorTools({
        ...(parts as ConductorParts),
        ...({ wires: nothing, volumes: nothing, images: {} } as unknown as Partial<ConductorParts>),
      })
      engine.register(saga, {
        places: {
          conductor: local<ConductorTools>('nova-conductor', run => conductor(run.ctx)),
          compute: remote('nova-compute'),
        } as never,
      })
      await engine.start()
      const compute = {
        conductor: { serverToBuild: (id: string) => serverToBuild(q, id) },
        hypervisor: {
          power: async (_server: unknown, verb: string) => {
            if (verb === 'stop') await hypervisor.powerOff(ID)
            else await hypervisor.powerOn(GUEST)
            return hypervisor.state(ID)
          },
        },
      } as unknown as ComputeTools
      await serveLegs({
        ...{ bus, clock, actor: 'nova-compute', host: HOST },
        sagas: [atPlace(saga, 'compute', () => compute)],
      })
      return { requestId: 'req-1', who: null, actor: 'nova-api', cross }
    }
    const ctx = await process(hooks)
    return {
      begin: () => clock.during(engine.run(saga, input, ctx)),
      async snapshot() {
        const server = await serversDb(q).byId(ID)
        const usage = await q.selectFrom('project_usage').selectAll().execute()
        return {
          vmState: server?.vmState,
          /** Counted unless it waits. */
          fair: usage.reduce((sum, row) => sum + row.instances, 0) === (server?.softDeletedAt === null ? 1 : 0),
          guest: await hypervisor.state(ID),
        }
      },
      async reborn() {
        await process([])
        await clock.during(engine.adopt({ force: true }))
        await clock.during(engine.idle())
      },
      close: () => database.close(),
    }
  }

const going = worldOf<SoftDelete & { vmState: string }, never>(
  { serverId: ID, host: HOST, vmState: 'active' },
  { server: { vmState: 'active', taskState: 'soft-deleting' }, runs: true },
)
runsTwiceWithoutHarm(softDelete as never, going as never)
unwindsFromEveryStep(softDelete as never, going as never)
undoTwiceIsHarmless(softDelete as never, going as never)
diesAfterEveryCrossing(softDelete as never, going as never)

const coming = worldOf<SoftDelete, never>(
  { serverId: ID, host: HOST },
  { server: { vmState: 'soft-delete', taskState: 'restoring' }, runs: false },
)
runsTwiceWithoutHarm(restoreServer as never, coming as never)
unwindsFromEveryStep(restoreServer as never, coming as never)
undoTwiceIsHarmless(restoreServer as never, coming as never)
diesAfterEveryCrossing(restoreServer as never, coming as never)
