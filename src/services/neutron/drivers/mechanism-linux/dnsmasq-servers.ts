// The dnsmasq processes: one per network that wants DHCP, one per router that advertises itself. They outlive us and are known again
// by their own command lines.
import { chmod, chown, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import type { Clock } from '#kernel/lib/clock.ts'
import type { Fabric } from '#host/linux/fabric.ts'
import { serverFolder, type DnsmasqPlan } from '#services/neutron/drivers/dnsmasq-plan.ts'
import { endProcesses, isAlive, processArgv, processMark, type ProcessMark } from '#host/linux/proc.ts'

export interface DnsmasqServers {
  /** Makes the servers what the plans say; gives per key the reason when it failed. `full` looks at the processes themselves first. */
  converge(plans: readonly DnsmasqPlan[], full: boolean): Promise<ReadonlyMap<string, string>>
  /** Pids of the servers that live, by key; looks at the processes themselves. */
  running(): Promise<ReadonlyMap<string, number>>
  /** What a server was told and what it gave, as rows of its own files. */
  files(key: string): Promise<{ hosts: string; leases: string }>
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
export function createDnsmasqServers(fabric: Fabric, clock: Clock, logFile: string, root: boolean): DnsmasqServers {
  const known = new Map<string, Running>()
  /** A start failed: it may be running all the same. */
  let doubt = false
  const file = (key: string, name: string): string => fabric.path(`${serverFolder(key)}/${name}`)

  /** Servers by their command lines, oldest first. */
  const scan = async (): Promise<{ key: string; mark: ProcessMark; argv: string }[]> => {
    const found: { key: string; mark: ProcessMark; argv: string }[] = []
    for (const pid of await fabric.processes()) {
      const argv = await processArgv(pid)
      const key = argv
        .map(word => /^--dhcp-leasefile=\/run\/koto\/((?:dhcp|ra)\/[^/]+)\/leases$/.exec(word)?.[1])
        .find(Boolean)
      const mark = await processMark(pid)
      if (argv[0]?.endsWith('dnsmasq') === true && key !== undefined && mark !== null)
        found.push({ key, mark, argv: argv.join('\0') })
    }
    return found.sort((a, b) => Number(a.mark.startTicks) - Number(b.mark.startTicks))
  }

  /** Takes over the servers of an earlier process, and ends those that are one too many. */
  const adopt = async (): Promise<void> => {
    known.clear()
    for (const { key, mark, argv } of await scan()) {
      if (known.has(key)) {
        await endProcesses([mark], 1_000)
        continue
      }
      const [hosts = '', options = ''] = await Promise.all(
        ['hosts', 'options'].map(name => readFile(file(key, name), 'utf8').catch(() => '')),
      )
      known.set(key, { mark, argv, hosts, options })
    }
  }

  const write = async (plan: DnsmasqPlan, name: 'hosts' | 'options'): Promise<void> => {
    // Replaced whole: a server that reads at this moment sees the old or the new file.
    await writeFile(`${file(plan.key, name)}.new`, plan[name])
    await chmod(`${file(plan.key, name)}.new`, 0o644)
    await rename(`${file(plan.key, name)}.new`, file(plan.key, name))
  }

  const start = async (plan: DnsmasqPlan): Promise<void> => {
    const folder = fabric.path(serverFolder(plan.key))
    await mkdir(folder, { recursive: true, mode: 0o755 })
    await Promise.all([write(plan, 'hosts'), write(plan, 'options')])
    const leases = await readFile(file(plan.key, 'leases'), 'utf8').catch(() => '')
    await writeFile(file(plan.key, 'leases'), keepLeases(leases, plan.leasable))
    if (root) for (const path of [folder, file(plan.key, 'leases')]) await chown(path, NOBODY, NOBODY)
    const pid = await fabric.execIn(plan.namespace).daemon(plan.argv, { logFile })
    const mark = await processMark(pid)
    const deadline = clock.monotonic() + START_MS
    while (mark !== null && (await isAlive(mark))) {
      if (await answers(pid)) {
        known.set(plan.key, { mark, argv: plan.argv.join('\0'), hosts: plan.hosts, options: plan.options })
        return
      }
      if (clock.monotonic() > deadline) break
      await pause(3)
    }
    if (mark !== null) await endProcesses([mark], 1_000)
    const said = await readFile(logFile, 'utf8').catch(() => '')
    throw new Error(`dnsmasq did not start: ${said.trim().split('\n').at(-1) ?? 'it said nothing'}`)
  }

  const stop = async (key: string, forget: boolean): Promise<void> => {
    const running = known.get(key)
    if (running !== undefined) await endProcesses([running.mark], 1_000)
    known.delete(key)
    if (forget) await rm(fabric.path(serverFolder(key)), { recursive: true, force: true })
  }

  const convergeOne = async (plan: DnsmasqPlan): Promise<void> => {
    const running = known.get(plan.key)
    if (running === undefined || !(await isAlive(running.mark)) || running.argv !== plan.argv.join('\0')) {
      await stop(plan.key, false)
      return start(plan)
    }
    if (running.hosts === plan.hosts && running.options === plan.options) return
    // dnsmasq keeps a lease until it ends, and would refuse its address to the next port: such a lease is taken away by a restart.
    const leases = await readFile(file(plan.key, 'leases'), 'utf8').catch(() => '')
    if (running.hosts !== plan.hosts && keepLeases(leases, plan.leasable) !== leases) {
      await stop(plan.key, false)
      return start(plan)
    }
    await Promise.all([write(plan, 'hosts'), write(plan, 'options')])
    process.kill(running.mark.pid, 'SIGHUP')
    known.set(plan.key, { ...running, hosts: plan.hosts, options: plan.options })
  }

  return {
    async converge(plans, full) {
      const failed = new Map<string, string>()
      if (full || doubt) await adopt()
      doubt = false
      const wanted = new Set(plans.map(plan => plan.key))
      await Promise.all([...known.keys()].filter(key => !wanted.has(key)).map(key => stop(key, true)))
      await inTurns(plans, async plan => {
        await convergeOne(plan).catch((error: unknown) => {
          doubt = true
          failed.set(plan.key, error instanceof Error ? error.message : String(error))
        })
      })
      return failed
    },
    running: async () => new Map((await scan()).map(({ key, mark }) => [key, mark.pid])),
    async files(key) {
      const [hosts, leases] = await Promise.all(
        ['hosts', 'leases'].map(name => readFile(file(key, name), 'utf8').catch(() => '')),
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

/** True once it holds DHCP's port of either family, or hears router solicitations. */
async function answers(pid: number): Promise<boolean> {
  for (const [table, port] of [
    ['udp', '0043'],
    ['udp6', '0223'],
    // Router advertisements: a raw socket for ICMPv6.
    ['raw6', '003A'],
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
