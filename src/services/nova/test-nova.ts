// For tests: a compute service on a database in memory, its neighbours reduced to ports that answer what the test says.
import { createHash } from 'node:crypto'

import { openSqlite } from '#host/node/sqlite.ts'
import { sshKeys } from '#host/node/ssh-key.ts'
import { createBus } from '#kernel/bus/bus.ts'
import { memoryTransport } from '#kernel/bus/memory-transport.ts'
import { mergeConfig } from '#kernel/config/config.ts'
import { crossings, type Crossing } from '#kernel/crossing/crossing.ts'
import type { Database } from '#kernel/db/database.ts'
import { migrate } from '#kernel/db/migrations.ts'
import type { Outgoing, Transport } from '#kernel/http/client.ts'
import { testAuthenticate, testCaller, testWho, type TestAnswer } from '#kernel/http/test-caller.ts'
import { systemClock, type Clock } from '#kernel/lib/clock.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import { randomIds, type Ids } from '#kernel/lib/ids.ts'
import { novaConfig } from '#services/nova/config.ts'
import { hostsDb } from '#services/nova/db/hosts.ts'
import { migrations } from '#services/nova/db/migrations.ts'
import { serversDb, type Server } from '#services/nova/db/servers.ts'
import type { NovaTables } from '#services/nova/db/tables.ts'
import { countUsage } from '#services/nova/domain/quotas.ts'
import { createNova, type HostParts, type Nova } from '#services/nova/service.ts'

/** What a neighbour answers; undefined is 404. */
export type Canned = (
  method: string,
  path: string,
  request: Outgoing,
) => { status?: number; json?: unknown } | undefined
export interface TestNovaOptions {
  /** Options by their outside names, e.g. `{ quota_key_pairs: '1' }`. */
  readonly settings?: Readonly<Record<string, string>>
  readonly neighbours?: Partial<Record<'keystone' | 'glance' | 'neutron' | 'cinder' | 'placement', Canned>>
  readonly policyOverrides?: Readonly<Record<string, string>>
  readonly hosts?: readonly HostParts[]
}
export interface TestNova {
  readonly nova: Nova
  readonly database: Database<NovaTables>
  readonly clock: Clock & { move(ms: number): void }
  readonly ids: Ids
  readonly crossed: Crossing[]
  /** What was asked of neighbours: `keystone GET /v3/projects/x`. */
  readonly asked: string[]
  /** Errors that were reported: must stay empty. */
  readonly errors: unknown[]
  /** As `testCaller` says; without a token it is `member@p1`. `as: null` sends none. */
  call(
    method: string,
    path: string,
    given?: { as?: string | null; body?: unknown; at?: string; headers?: Record<string, string> },
  ): Promise<TestAnswer & { readonly json: Record<string, never> }>
  ctx(token?: string): Ctx
  /** A compute host that has just reported, 8 CPUs, 16 GB, 100 GB. */
  addHost(host: string, change?: { serviceId?: string; nodeId?: string }): Promise<{ service: string; node: string }>
  /** A server's row, counted where servers are counted. */
  addServer(change?: Partial<Server>): Promise<Server>
  close(): Promise<void>
}

export async function testNova(options: TestNovaOptions = {}): Promise<TestNova> {
  const system = systemClock()
  let ahead = 0
  const clock = { ...system, now: () => system.now() + ahead, move: (ms: number) => void (ahead += ms) }
  const ids = randomIds()
  const crossed: Crossing[] = []
  const asked: string[] = []
  const errors: unknown[] = []
  const cross = crossings([
    (crossing, next) => {
      crossed.push(crossing)
      return next()
    },
  ])
  const database = openSqlite<NovaTables>({ file: ':memory:', name: 'nova', clock })
  await migrate(database, migrations, clock)
  const bus = createBus({ transport: memoryTransport(clock), cross, ids })
  const neighbour = (to: keyof NonNullable<TestNovaOptions['neighbours']>): Transport => ({
    to,
    async send(_from, request) {
      asked.push(`${to} ${request.method} ${request.path}`)
      const answer = options.neighbours?.[to]?.(request.method, request.path, request)
      return {
        status: answer === undefined ? 404 : (answer.status ?? 200),
        headers: { 'content-type': 'application/json' },
        body: answer?.json === undefined ? null : JSON.stringify(answer.json),
      }
    },
  })
  const values = Object.entries(options.settings ?? {}).map(([name, value]) => [`nova.${name}`, value] as const)
  const hex = (name: string, of: string | Uint8Array): string => createHash(name).update(of).digest('hex')
  const nova = createNova({
    database,
    bus,
    clock,
    ids,
    cross,
    log: { info: () => undefined, warn: () => undefined, error: (_ctx, _says, error) => void errors.push(error) },
    authenticate: testAuthenticate,
    identity: {
      ctx: async (actor, from) => ({
        requestId: from?.requestId ?? `req-${ids.uuid()}`,
        who: testWho('admin,service@service'),
        actor,
        cross,
      }),
    },
    settings: mergeConfig([novaConfig], [{ name: 'test', values }]).of(novaConfig),
    neighbours: {
      glance: neighbour('glance'),
      neutron: neighbour('neutron'),
      cinder: neighbour('cinder'),
      placement: neighbour('placement'),
      ...(options.neighbours?.keystone === undefined ? {} : { keystone: neighbour('keystone') }),
    },
    hosts: options.hosts ?? [],
    sha224: text => hex('sha224', text),
    sha256: text => hex('sha256', text),
    md5: bytes => hex('md5', bytes),
    sshKeys: sshKeys(),
    ...(options.policyOverrides === undefined ? {} : { policyOverrides: options.policyOverrides }),
  })
  const caller = testCaller(nova.handle, 'compute')
  const ctx = (token = 'member@p1'): Ctx => ({
    requestId: `req-${ids.uuid()}`,
    who: testWho(token),
    actor: 'nova-api',
    cross,
  })

  return {
    nova,
    database,
    clock,
    ids,
    crossed,
    asked,
    errors,
    async call(method, path, { as = 'member@p1', ...given } = {}) {
      const answer = await caller(method, path, { ...given, ...(as === null ? {} : { token: as }) })
      return answer as TestAnswer & { json: Record<string, never> }
    },
    ctx,
    async addHost(host, change = {}) {
      const service = change.serviceId ?? ids.uuid()
      const node = change.nodeId ?? ids.uuid()
      await database.tx(ctx(), 'add-host', async q => {
        const db = hostsDb(q)
        await db.seen({ id: service, host, binary: 'nova-compute' }, clock.now())
        await db.saveNode({ id: node, host, ...NODE, hypervisorHostname: host }, clock.now())
      })
      return { service, node }
    },
    async addServer(change = {}) {
      return database.tx(ctx(), 'add-server', async q => {
        const db = serversDb(q)
        const now = clock.now()
        const server: Server = {
          ...SERVER,
          id: ids.uuid(),
          serial: await db.nextSerial(),
          createdAt: now,
          updatedAt: now,
          launchedAt: now,
          reservationId: 'r-abcdefgh',
          ...change,
        }
        await db.add(server)
        if (server.deletedAt === null) {
          const { vcpus: cores, ramMb } = server.flavor
          await countUsage(q, server.projectId, { instances: 1, cores, ramMb })
          if (server.host !== null && server.claim !== null) await hostsDb(q).count(server.host, server.claim, 1)
        }
        return server
      })
    },
    close: () => database.close(),
  }
}

const NODE = {
  hypervisorType: 'QEMU',
  hypervisorVersion: 7_002_022,
  hostIp: '127.0.0.1',
  vcpus: 8,
  memoryMb: 16_384,
  localGb: 100,
  freeDiskGb: 80,
  cpuInfo: {
    arch: 'x86_64',
    model: 'host',
    vendor: 'Koto',
    topology: { cores: 8, sockets: 1, threads: 1 },
    features: [],
  },
  capabilities: {},
  accelerator: 'emulation',
  cpuRatio: 16,
  ramRatio: 1,
  diskRatio: 1,
  reservedMemoryMb: 512,
}
/** A server's row in its plainest form. */
export const SERVER: Omit<Server, 'id' | 'serial' | 'createdAt' | 'updatedAt' | 'reservationId'> = {
  projectId: 'p1',
  userId: 'user-of-member@p1',
  name: 'one',
  hostname: 'one',
  description: null,
  vmState: 'active',
  taskState: null,
  powerState: 1,
  host: null,
  node: null,
  launchedOn: null,
  availabilityZone: 'nova',
  pinnedAvailabilityZone: null,
  requestedHost: null,
  imageId: '',
  kernelId: '',
  ramdiskId: '',
  imageProperties: {},
  flavor: { id: '1', name: 'm1.tiny', vcpus: 1, ramMb: 512, diskGb: 1, ephemeralGb: 0, swapMb: 0, extraSpecs: {} },
  keyName: null,
  publicKey: null,
  userData: null,
  configDrive: '',
  accessIpV4: null,
  accessIpV6: null,
  lockedBy: null,
  lockedReason: null,
  launchIndex: 0,
  rootDeviceName: '/dev/vda',
  securityGroups: [],
  requestedNetworks: 'none',
  schedulerHints: {},
  trustedCerts: null,
  claim: { vcpus: 1, memoryMb: 512, diskGb: 1 },
  progress: 0,
  launchedAt: null,
  terminatedAt: null,
  deletedAt: null,
  autoDiskConfig: false,
  password: null,
  softDeletedAt: null,
}
