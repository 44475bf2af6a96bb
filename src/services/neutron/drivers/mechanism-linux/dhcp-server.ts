// The dnsmasq processes: one per network that wants DHCP. They outlive us and are known again by their own command lines.
import { chmod, chown, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import type { Fabric } from '#host/linux/fabric.ts'
import { endProcesses, isAlive, processArgv, processMark, type ProcessMark } from '#host/linux/proc.ts'
import { dhcpFolder, type DhcpPlan } from '#services/neutron/drivers/mechanism-linux/dhcp-plan.ts'
import { dhcpNamespace } from '#services/neutron/drivers/mechanism-linux/names.ts'

export interface DhcpServers {
  /** Makes the servers what the plans say; gives per network the reason when it failed. `full` looks at the processes themselves first. */
  converge(plans: readonly DhcpPlan[], full: boolean): Promise<ReadonlyMap<string, string>>
  /** Servers that live, by network. */
  running(): Promise<ReadonlyMap<string, number>>
  /** What a network's server was told and what it gave, as rows of its own files. */
  files(networkId: string): Promise<{ hosts: string; leases: string }>
}

interface Running {
  mark: ProcessMark
  argv: string
  hosts: string
  options: string
}

const START_MS = 3_000
const NOBODY = 65_534

/** `logFile`: where dnsmasq complains. `root`: it then gives up its rights, and its lease file belongs to nobody. */
export function createDhcpServers(fabric: Fabric, logFile: string, root: boolean): DhcpServers {
  const known = new Map<string, Running>()
  const file = (networkId: string, name: string): string => fabric.path(`${dhcpFolder(networkId)}/${name}`)

  /** Finds the servers of an earlier process, and ends those that are one too many. */
  const adopt = async (): Promise<void> => {
    known.clear()
    for (const pid of await fabric.processes()) {
      const argv = await processArgv(pid)
      const networkId = /^--dhcp-hostsfile=\/run\/koto\/dhcp\/([^/]+)\/hosts$/.exec(
        argv.find(word => word.startsWith('--dhcp-hostsfile=')) ?? '',
      )?.[1]
      const mark = await processMark(pid)
      if (argv[0]?.endsWith('dnsmasq') !== true || networkId === undefined || mark === null) continue
      if (known.has(networkId)) {
        await endProcesses([mark], 1_000)
        continue
      }
      const [hosts, options] = await Promise.all(
        ['hosts', 'options'].map(name => readFile(file(networkId, name), 'utf8').catch(() => '')),
      )
      known.set(networkId, { mark, argv: argv.join('\0'), hosts: hosts ?? '', options: options ?? '' })
    }
  }

  const write = async (plan: DhcpPlan, name: 'hosts' | 'options'): Promise<void> => {
    // Replaced whole: a server that reads at this moment sees the old or the new file.
    await writeFile(`${file(plan.networkId, name)}.new`, plan[name])
    await chmod(`${file(plan.networkId, name)}.new`, 0o644)
    await rename(`${file(plan.networkId, name)}.new`, file(plan.networkId, name))
  }

  const start = async (plan: DhcpPlan): Promise<void> => {
    const folder = fabric.path(dhcpFolder(plan.networkId))
    await mkdir(folder, { recursive: true, mode: 0o755 })
    await Promise.all([write(plan, 'hosts'), write(plan, 'options')])
    const leases = await readFile(file(plan.networkId, 'leases'), 'utf8').catch(() => '')
    await writeFile(file(plan.networkId, 'leases'), keepLeases(leases, plan.leasable))
    if (root) for (const path of [folder, file(plan.networkId, 'leases')]) await chown(path, NOBODY, NOBODY)
    const pid = await fabric.execIn(dhcpNamespace(plan.networkId)).daemon(plan.argv, { logFile })
    const mark = await processMark(pid)
    const deadline = performance.now() + START_MS
    while (mark !== null && (await isAlive(mark))) {
      if (await answers(pid)) {
        known.set(plan.networkId, { mark, argv: plan.argv.join('\0'), hosts: plan.hosts, options: plan.options })
        return
      }
      if (performance.now() > deadline) break
      await pause(3)
    }
    if (mark !== null) await endProcesses([mark], 1_000)
    const said = await readFile(logFile, 'utf8').catch(() => '')
    throw new Error(`dnsmasq did not start: ${said.trim().split('\n').at(-1) ?? 'it said nothing'}`)
  }

  const stop = async (networkId: string, forget: boolean): Promise<void> => {
    const running = known.get(networkId)
    if (running !== undefined) await endProcesses([running.mark], 1_000)
    known.delete(networkId)
    if (forget) await rm(fabric.path(dhcpFolder(networkId)), { recursive: true, force: true })
  }

  const convergeOne = async (plan: DhcpPlan): Promise<void> => {
    const running = known.get(plan.networkId)
    if (running === undefined || !(await isAlive(running.mark)) || running.argv !== plan.argv.join('\0')) {
      await stop(plan.networkId, false)
      return start(plan)
    }
    if (running.hosts === plan.hosts && running.options === plan.options) return
    // dnsmasq keeps a lease until it ends, and would refuse its address to the next port: such a lease is taken away by a restart.
    const leases = await readFile(file(plan.networkId, 'leases'), 'utf8').catch(() => '')
    if (running.hosts !== plan.hosts && keepLeases(leases, plan.leasable) !== leases) {
      await stop(plan.networkId, false)
      return start(plan)
    }
    await Promise.all([write(plan, 'hosts'), write(plan, 'options')])
    process.kill(running.mark.pid, 'SIGHUP')
    known.set(plan.networkId, { ...running, hosts: plan.hosts, options: plan.options })
  }

  return {
    async converge(plans, full) {
      const failed = new Map<string, string>()
      if (full) await adopt()
      const wanted = new Set(plans.map(plan => plan.networkId))
      await Promise.all(
        [...known.keys()].filter(networkId => !wanted.has(networkId)).map(networkId => stop(networkId, true)),
      )
      await inTurns(plans, async plan => {
        await convergeOne(plan).catch((error: unknown) =>
          failed.set(plan.networkId, error instanceof Error ? error.message : String(error)),
        )
      })
      return failed
    },
    async running() {
      await adopt()
      return new Map([...known].map(([networkId, running]) => [networkId, running.mark.pid]))
    },
    async files(networkId) {
      const [hosts, leases] = await Promise.all(
        ['hosts', 'leases'].map(name => readFile(file(networkId, name), 'utf8').catch(() => '')),
      )
      return { hosts: hosts ?? '', leases: leases ?? '' }
    },
  }
}

/** Lease rows that are still some port's; rows of other kinds (`duid …`) stay. */
function keepLeases(leases: string, leasable: ReadonlySet<string>): string {
  return leases
    .split('\n')
    .filter(row => {
      const [, mac = '', address = ''] = row.split(' ')
      // IPv6 rows name an association, not a MAC; their address alone decides.
      if (address.includes(':')) return [...leasable].some(pair => pair.endsWith(` ${address}`))
      return !/^\d+ ([0-9a-f]{2}:){5}/.test(row) || leasable.has(`${mac} ${address}`)
    })
    .join('\n')
}

/** True once it holds DHCP's port, of either family. */
async function answers(pid: number): Promise<boolean> {
  for (const [table, port] of [
    ['udp', '0043'],
    ['udp6', '0223'],
  ]) {
    const text = await readFile(`/proc/${pid}/net/${table}`, 'utf8').catch(() => '')
    if (text.split('\n').some(row => row.trim().split(/\s+/)[1]?.endsWith(`:${port}`))) return true
  }
  return false
}

/** Four at a time: starting programs is what takes the time, and there may be hundreds of networks after a restart. */
export async function inTurns<T>(items: readonly T[], deed: (item: T) => Promise<void>): Promise<void> {
  const left = [...items]
  await Promise.all(
    Array.from({ length: Math.min(4, left.length) }, async () => {
      for (let item = left.shift(); item !== undefined; item = left.shift()) await deed(item)
    }),
  )
}
