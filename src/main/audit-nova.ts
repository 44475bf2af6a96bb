// Servers against guests, claims, wires and disks: the invariants that lie between Nova, its neighbours and the machine.
import type { Ctx } from '#kernel/lib/context.ts'
import type { Violation } from '#kernel/lib/violation.ts'
import type { Cloud } from '#main/create-cloud.ts'
import { auditMoves, openMoves } from '#main/audit-moves.ts'
import { restTo } from '#services/nova/actors/neighbours/rest.ts'
import { blockDevicesDb } from '#services/nova/db/block-devices.ts'
import { hostsDb } from '#services/nova/db/hosts.ts'
import { nicsDb } from '#services/nova/db/nics.ts'
import { serverGroupsDb } from '#services/nova/db/server-groups.ts'
import { serverFromRow, type Server } from '#services/nova/db/servers.ts'

const LIMIT_BUILD_MS = 600_000
const LIMIT_DELETE_MS = 300_000
const LEGAL: Readonly<Record<string, readonly number[]>> = {
  building: [0],
  active: [1, 3],
  stopped: [4, 6, 0],
  paused: [3],
  suspended: [4, 7],
  rescued: [1, 4],
  shelved: [4],
  shelved_offloaded: [4],
  resized: [0, 1, 4, 6],
  error: [0, 1, 3, 4, 6, 7],
}

export async function auditNova(cloud: Cloud): Promise<Violation[]> {
  const { nova, platform, machine } = cloud
  const q = nova.rooms.database.kysely
  const now = platform.clock.now()
  const found: Violation[] = []
  const add = (ledger: string, subject: string, says: string): void => void found.push({ ledger, subject, says })
  const servers = (await q.selectFrom('servers').selectAll().where('deleted_at', 'is', null).execute()).map(
    serverFromRow,
  )
  const byId = new Map(servers.map(server => [server.id, server]))
  const settled = (server: Server): boolean => server.taskState === null && server.vmState !== 'building'

  for (const server of servers) {
    const age = now - server.updatedAt
    if (server.taskState === null && LEGAL[server.vmState]?.includes(server.powerState) === false) {
      add('I-01', server.id, `vm_state ${server.vmState} with power_state ${server.powerState}`)
    }
    if (server.vmState === 'building' && age > LIMIT_BUILD_MS)
      add('I-02', server.id, 'it has been in BUILD for more than ten minutes')
    if (server.taskState === 'deleting' && age > LIMIT_DELETE_MS)
      add('I-02', server.id, 'it has been in DELETING for more than five minutes')
  }
  const faults = new Set(
    (await q.selectFrom('server_faults').select('server_id').distinct().execute()).map(row => row.server_id),
  )
  for (const server of servers)
    if (server.vmState === 'error' && !faults.has(server.id)) add('I-03', server.id, 'it is in ERROR without a fault')

  // The machine's guests: one for each server that runs, none for anything else.
  for (const host of machine.hosts) {
    const guests = await host.hypervisor.list()
    const here = new Map(guests.map(guest => [guest.serverId, guest]))
    for (const guest of guests) {
      const server = byId.get(guest.serverId)
      if (server === undefined) add('I-09', guest.serverId, `a guest on ${host.name} belongs to no server`)
      else if (server.host !== host.name && settled(server))
        add('I-09', guest.serverId, `its guest is on ${host.name}, its row says ${server.host ?? 'nowhere'}`)
    }
    for (const server of servers) {
      if (server.host !== host.name || !settled(server) || server.vmState === 'error') continue
      const state = here.get(server.id)?.state ?? 'missing'
      const wants =
        server.vmState === 'active' || (server.vmState === 'resized' && server.powerState === 1)
          ? 'running'
          : server.vmState === 'paused'
            ? 'paused'
            : server.vmState === 'stopped' || server.vmState === 'soft-delete'
              ? 'shutdown'
              : null
      if (wants !== null && state !== wants && !(wants === 'shutdown' && state === 'crashed'))
        add('I-09', server.id, `the server is ${server.vmState}, its guest is ${state}`)
    }
  }

  // Disks written out for images: each belongs to a story that is still under way.
  const underWay = new Set((await nova.engine.log.unfinished()).flatMap(row => imageOf(row.input)))
  for (const host of machine.hosts)
    for (const id of await host.files.captures.list())
      if (!underWay.has(id)) add('I-25', id, `a disk written out on ${host.name} belongs to no image in the making`)

  // Sums of claims, of projects, and Placement's allocations. A server that moves is counted twice: once by its move.
  const nodes = await hostsDb(q).nodes()
  const moving = await openMoves(q)
  const heldBy = (host: string) => [...moving.values()].flatMap(({ held }) => (held?.host === host ? [held.claim] : []))
  for (const node of nodes) {
    const mine = servers.filter(server => server.host === node.host && server.claim !== null)
    const held = heldBy(node.host)
    const claims = [...mine.flatMap(server => server.claim ?? []), ...held]
    const sum = (of: (claim: NonNullable<Server['claim']>) => number): number =>
      claims.reduce((total, claim) => total + of(claim), 0)
    const wants = [claims.length, sum(c => c.vcpus), sum(c => c.memoryMb), sum(c => c.diskGb)]
    const has = [node.servers, node.vcpusUsed, node.memoryMbUsed, node.localGbUsed]
    if (wants.some((value, index) => value !== has[index]))
      add('I-07', node.host, `its servers take ${wants.join('/')} (servers/vcpus/MB/GB), the sums say ${has.join('/')}`)
  }
  for (const usage of await q.selectFrom('project_usage').selectAll().execute()) {
    const mine = servers.filter(server => server.projectId === usage.project_id && server.softDeletedAt === null)
    const charged = [...moving.values()].filter(move => byId.get(move.serverId)?.projectId === usage.project_id)
    const cores =
      mine.reduce((total, server) => total + server.flavor.vcpus, 0) +
      charged.reduce((total, move) => total + move.charged.cores, 0)
    const ram =
      mine.reduce((total, server) => total + server.flavor.ramMb, 0) +
      charged.reduce((total, move) => total + move.charged.ramMb, 0)
    if (usage.instances !== mine.length || usage.cores !== cores || usage.ram_mb !== ram) {
      add(
        'I-08',
        usage.project_id,
        `quota says ${usage.instances}/${usage.cores}/${usage.ram_mb} (servers/cores/MB), the rows are ${mine.length}/${cores}/${ram}`,
      )
    }
  }
  const ctx: Ctx = await cloud.identityOf('nova').ctx('koto-audit')
  for (const node of nodes) {
    const allocations = await nova.rooms.placement.allocationsOf(ctx, node.id)
    for (const [consumer, resources] of Object.entries(allocations)) {
      const server = byId.get(consumer)
      const move = moving.get(consumer)
      if (move !== undefined) {
        if (move.held !== null && move.held.host !== node.host && move.source.host !== node.host)
          add(
            'I-06',
            consumer,
            `migration of ${move.serverId} holds resources of ${node.host}, which it does not touch`,
          )
        continue
      }
      if (server === undefined)
        add('I-06', consumer, `it holds ${JSON.stringify(resources)} of ${node.host} and is no server`)
      else if (settled(server) && server.host !== node.host)
        add('I-06', consumer, `it holds resources of ${node.host} and is on ${server.host ?? 'no host'}`)
      else if (
        settled(server) &&
        (resources['VCPU'] !== server.flavor.vcpus || resources['MEMORY_MB'] !== server.flavor.ramMb)
      ) {
        add(
          'I-06',
          consumer,
          `it holds ${JSON.stringify(resources)}, its flavor is ${server.flavor.vcpus} vcpus and ${server.flavor.ramMb} MB`,
        )
      }
    }
    for (const server of servers) {
      if (server.host === node.host && settled(server) && allocations[server.id] === undefined)
        add('I-06', server.id, `it is on ${node.host} and holds nothing in Placement`)
    }
  }

  // Wires and disks as the neighbours have them.
  const neutron = restTo(nova.rooms.neighbours.neutron)
  const { ports } = await neutron.json<{ ports: { id: string; device_id: string; device_owner: string }[] }>(
    ctx,
    'GET',
    '/v2.0/ports',
    '/v2.0/ports',
  )
  const computePorts = ports.filter(port => port.device_owner.startsWith('compute:'))
  const nics = await nicsDb(q).ofAll(servers.map(server => server.id))
  for (const port of computePorts) {
    const server = byId.get(port.device_id)
    if (server === undefined) add('I-12', port.id, `the port belongs to server ${port.device_id}, which does not exist`)
    else if (
      settled(server) &&
      server.vmState !== 'error' &&
      nics.get(server.id)?.some(nic => nic.portId === port.id) !== true
    )
      add('I-12', port.id, `server ${server.id} does not list it`)
  }
  for (const server of servers) {
    if (!settled(server)) continue
    for (const nic of nics.get(server.id) ?? []) {
      if (!computePorts.some(port => port.id === nic.portId && port.device_id === server.id))
        add('I-12', nic.portId, `server ${server.id} lists the port, Neutron does not give it to it`)
    }
  }
  if (cloud.parts.some(part => part.definition.name === 'cinder')) await auditVolumes()

  found.push(...(await auditMoves(cloud, byId)))
  for (const stuck of await nova.engine.log.stuck())
    add('sagas', stuck.subject, `${stuck.name} could not be undone: ${stuck.errors.at(-1)?.message ?? ''}`)
  for (const table of ['server_metadata', 'server_tags', 'block_devices', 'server_nics', 'server_images'] as const) {
    const orphans = await q
      .selectFrom(table)
      .select('server_id')
      .distinct()
      .where('server_id', 'not in', q.selectFrom('servers').select('id').where('deleted_at', 'is', null))
      .execute()
    for (const orphan of orphans) add('I-34', orphan.server_id, `rows in ${table} belong to no living server`)
  }
  const groups = await q.selectFrom('server_groups').selectAll().execute()
  const members = await serverGroupsDb(q).members(groups.map(group => group.id))
  for (const group of groups) {
    const hosts = (members.get(group.id) ?? []).flatMap(id => byId.get(id)?.host ?? [])
    const most = Math.max(0, ...hosts.map(host => hosts.filter(other => other === host).length))
    if (group.policy === 'anti-affinity' && most > (group.max_server_per_host ?? 1))
      add('I-35', group.id, `${most} members are on one host, ${group.max_server_per_host ?? 1} may be`)
    if (group.policy === 'affinity' && most < hosts.length)
      add('I-35', group.id, `members are on ${new Set(hosts).size} hosts, all were to be on one`)
  }
  return found

  /** Not asked where volumes are disabled. */
  async function auditVolumes(): Promise<void> {
    const cinder = restTo(nova.rooms.neighbours.cinder, 'volume 3.70')
    const { attachments } = await cinder.json<{
      attachments: { id: string; volume_id: string; instance: string | null; status: string }[]
    }>(ctx, 'GET', '/v3/attachments', '/v3/attachments', { query: 'all_tenants=1' })
    const devices = await blockDevicesDb(q).ofAll(servers.map(server => server.id))
    for (const attachment of attachments) {
      if (attachment.instance === null) continue
      const server = byId.get(attachment.instance)
      if (server === undefined)
        add('I-21', attachment.volume_id, `it is attached to server ${attachment.instance}, which does not exist`)
      else if (
        settled(server) &&
        devices.get(server.id)?.some(device => device.volumeId === attachment.volume_id) !== true
      )
        add('I-21', attachment.volume_id, `server ${server.id} does not list it`)
    }
    for (const server of servers) {
      if (!settled(server) || server.vmState === 'error') continue
      for (const device of devices.get(server.id) ?? []) {
        if (
          device.volumeId !== null &&
          !attachments.some(one => one.volume_id === device.volumeId && one.instance === server.id)
        )
          add('I-21', device.volumeId, `server ${server.id} lists the volume, Cinder does not attach it`)
      }
    }
  }
}

/** The image that a story is making, if that is what it does. */
const imageOf = (input: Readonly<Record<string, unknown>>): string[] => {
  const { image } = input as { image?: { id?: unknown } }
  return typeof image?.id === 'string' ? [image.id] : []
}
