// What a running cloud answers to `koto` in another shell: status, journeys, reasons, audit, routes, and its end.
import { readFileSync } from 'node:fs'

import { EXTERNAL } from '#host/linux/fabric.ts'
import { actorAt } from '#kernel/bus/bus.ts'
import { journey as rowsOf } from '#kernel/crossing/story.ts'
import { NEWEST, versionText } from '#kernel/contract/version.ts'
import type { Reason } from '#kernel/contract/verdict.ts'
import { audits } from '#main/audit.ts'
import type {
  CloudControl,
  ComponentStatus,
  GuestStatus,
  HostStatus,
  RouteRow,
  StartOptions,
  StatusReport,
  Violation,
  WhyReport,
} from '#main/control/control.ts'
import type { Cloud } from '#main/create-cloud.ts'
import { version } from '#main/cli/version.ts'
import { actionsDb } from '#services/nova/db/actions.ts'
import { hostsDb } from '#services/nova/db/hosts.ts'
import { nicsDb } from '#services/nova/db/nics.ts'
import { serversDb } from '#services/nova/db/servers.ts'
import { statusOf } from '#services/nova/contract/states.ts'
import { isUp } from '#services/nova/domain/conductor/host-states.ts'
import type { HostVerdict } from '#services/nova/rpc.ts'
import { nearestChange } from '#services/nova/domain/scheduling/decide.ts'
import { novaConfig } from '#services/nova/config.ts'

const megabytes = (pid: number): number | null => {
  try {
    const kb = /^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1]
    return kb === undefined ? null : Math.round(Number(kb) / 102.4) / 10
  } catch {
    return null
  }
}

/** What a host's report calls it, in the words of `koto status`. */
const accelerators: Readonly<Record<string, string>> = { kvm: 'kvm', tcg: 'emulation' }

export function controlOf(
  cloud: Cloud,
  options: StartOptions,
  stop: (how: { keepGuests: boolean; remove: boolean }) => Promise<void>,
): CloudControl {
  const { platform, machine } = cloud
  const database = cloud.nova.rooms.database
  const startedAt = platform.clock.monotonic()
  const downAfterMs = options.config.of(novaConfig).serviceDownTimeS * 1000

  const serverOf = async (idOrName: string) => {
    const db = serversDb(database.kysely)
    return (await db.everById(idOrName)) ?? (await db.byName(idOrName))[0] ?? (await everByName(idOrName))
  }
  const everByName = async (name: string) => {
    const row = await database.kysely
      .selectFrom('servers')
      .select('id')
      .where('name', '=', name)
      .orderBy('created_at', 'desc')
      .executeTakeFirst()
    return row === undefined ? undefined : serversDb(database.kysely).everById(row.id)
  }

  const hosts = async (): Promise<HostStatus[]> => {
    const services = new Map(
      (await hostsDb(database.kysely).services())
        .filter(one => one.binary === 'nova-compute')
        .map(one => [one.host, one]),
    )
    return (await hostsDb(database.kysely).nodes()).map(node => {
      const service = services.get(node.host)
      return {
        name: node.host,
        state: service !== undefined && isUp(service, platform.clock.now(), downAfterMs) ? 'up' : 'down',
        enabled: service?.disabled !== true,
        hypervisor: node.accelerator === 'simulated' ? 'simulated' : `qemu (${accelerators[node.accelerator] ?? '?'})`,
        vcpus: node.vcpus,
        vcpus_used: node.vcpusUsed,
        memory_mb: node.memoryMb,
        memory_mb_used: node.memoryMbUsed,
        disk_gb: node.localGb,
        disk_gb_used: node.localGbUsed,
        guests: node.servers,
      }
    })
  }
  const guests = async (): Promise<GuestStatus[]> => {
    const rows = await database.kysely
      .selectFrom('servers')
      .select('id')
      .where('deleted_at', 'is', null)
      .orderBy('created_at')
      .limit(1000)
      .execute()
    const servers = await serversDb(database.kysely).byIds(rows.map(row => row.id))
    const nics = await nicsDb(database.kysely).ofAll(servers.map(server => server.id))
    const pids = new Map<string, number>()
    for (const host of machine.hosts.slice(0, 1))
      for (const found of await host.hypervisor.list()) if (found.pid !== undefined) pids.set(found.serverId, found.pid)
    return servers.map(server => {
      const pid = pids.get(server.id) ?? null
      return {
        id: server.id,
        name: server.name,
        project: server.projectId,
        host: server.host,
        status: statusOf(server),
        task: server.taskState,
        addresses: (nics.get(server.id) ?? []).flatMap(nic =>
          nic.addresses.flatMap(address => [address.address, ...address.floating]),
        ),
        pid,
        memory_mb: pid === null ? null : megabytes(pid),
      }
    })
  }
  const components = (): ComponentStatus[] => {
    const queues = platform.bus.state().queues
    const api = cloud.parts.map((part): ComponentStatus => ({
      name: part.definition.actor,
      state: 'up',
      memory_mb: null,
      queue: null,
      note: null,
    }))
    const actors = queues.map((queue): ComponentStatus => ({
      name: actorAt(queue.topic, queue.host),
      state: queue.consumers > 0 ? 'up' : 'down',
      memory_mb: null,
      queue: queue.waiting,
      note: null,
    }))
    return [...api, ...actors.filter(actor => !actor.name.includes('.'))]
  }

  const why = async (id: string): Promise<WhyReport | null> => {
    const refusal = cloud.refusals.find(id)
    if (refusal !== undefined) {
      return {
        id,
        kind: 'request',
        says: `${refusal.who ?? 'somebody'} was answered ${refusal.status}: ${refusal.says}`,
        because: refusal.because,
        nearest: nearestOf(refusal.because),
      }
    }
    const server = await serverOf(id)
    if (server === undefined) return null
    const fault = (await actionsDb(database.kysely).faultsOf([server.id])).get(server.id)
    const row = await database.kysely
      .selectFrom('scheduling_verdicts')
      .selectAll()
      .where('server_id', '=', server.id)
      .orderBy('created_at', 'desc')
      .executeTakeFirst()
    const verdicts = row === undefined ? [] : (JSON.parse(row.verdicts) as HostVerdict[])
    const because: Reason[] = verdicts.map(verdict => ({
      who: verdict.host,
      says: verdict.ok ? `would do, weight ${(verdict.weight ?? 0).toFixed(2)}` : 'refused',
      because: verdict.because,
    }))
    const failed = fault !== undefined && statusOf(server) === 'ERROR'
    return {
      id: server.id,
      kind: 'server',
      says: failed
        ? `server ${server.name} is in ERROR: ${fault.message}`
        : `server ${server.name} is ${statusOf(server)}${server.host === null ? '' : ` on ${server.host}`}`,
      because: [
        ...(failed && fault.details !== '' && because.length === 0
          ? [{ who: 'nova', says: fault.details.split('\n')[0] ?? '' }]
          : []),
        ...because,
      ],
      nearest: failed && verdicts.every(verdict => !verdict.ok) ? nearestChange(verdicts) : null,
    }
  }

  return {
    async status(): Promise<StatusReport> {
      return {
        state: options.state.path,
        pid: process.pid,
        version: version(),
        ready: true,
        uptime_s: Math.round((platform.clock.monotonic() - startedAt) / 1000),
        auth_url: `${cloud.door}/identity/v3`,
        horizon: `${cloud.door}/`,
        memory_mb: megabytes(process.pid) ?? Math.round(process.memoryUsage.rss() / 1048576),
        components: components(),
        hosts: await hosts(),
        guests: await guests(),
        notices: machine.notices,
      }
    },
    async journey(server, order) {
      const found = await serverOf(server)
      if (found === undefined) return null
      return rowsOf(await platform.recorder.moments(found.id), order)
    },
    why,
    audit: (): Promise<readonly Violation[]> => audits(cloud),
    routes: () => routesOf(cloud),
    config: () => options.config.effective(),
    async enterArgv() {
      return machine.fabric === null ? [] : machine.fabric.enterArgv(EXTERNAL)
    },
    async cleanPlan() {
      const plan: string[] = []
      for (const host of machine.hosts)
        for (const guest of await host.hypervisor.list())
          plan.push(`guest ${guest.serverId}${guest.pid === undefined ? '' : ` (process ${guest.pid})`}`)
      if (machine.fabric !== null) {
        plan.push(`network namespace holder (process ${machine.fabric.pid})`)
        for (const namespace of await machine.fabric.namespaces()) plan.push(`network namespace ${namespace}`)
      }
      plan.push(`control plane (process ${process.pid})`, `state folder ${options.state.path}`)
      return plan
    },
    down: how => stop({ keepGuests: how.keepGuests, remove: how.remove === true }),
  }
}

const nearestOf = (because: readonly Reason[]): string | null => {
  const first = because[0]
  return first?.wants === undefined ? null : `wanted: ${JSON.stringify(first.wants)}`
}

function routesOf(cloud: Cloud): RouteRow[] {
  const rows: RouteRow[] = []
  for (const part of cloud.parts) {
    const built = new Set<string>()
    for (const routes of part.routes) {
      for (const route of Object.values(routes)) {
        const path = `${route.path}${route.action === null ? '' : ` ${route.action}`}`
        built.add(`${route.method} ${path.replace(/\{[^}]+\}/g, '{}')}`)
        rows.push({
          service: part.definition.name,
          method: route.method,
          path,
          since: route.since === 0 ? null : versionText(route.since),
          until: route.until === NEWEST ? null : versionText(route.until),
          built: true,
          rule: typeof route.policy === 'string' ? route.policy : route.policy.name,
        })
      }
    }
    for (const row of part.definition.surface) {
      const [method = '', path = '', action] = row.split(' ')
      const key = `${method} ${path.replace(/\{[^}]+\}/g, '{}')}${action === undefined ? '' : ` ${action}`}`
      if (!built.has(key))
        rows.push({
          service: part.definition.name,
          method,
          path: action === undefined ? path : `${path} ${action}`,
          since: null,
          until: null,
          built: false,
          rule: '',
        })
    }
  }
  return rows
}
