// The cloud's own piece of kernel: one small process holds a network namespace (and a mount namespace, and a user namespace when
// we are not root) in which bridges, taps, routers and guests live. The machine's own interfaces and rules are never touched.
import { mkdir, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import type { Server } from 'node:net'
import { join, relative } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { Clock } from '#kernel/lib/clock.ts'
import type { Exec, RunOptions } from '#host/node/exec.ts'
import { createIpBatch, type IpBatch } from '#host/linux/ip-batch.ts'
import { listenIn, type ListenWhere } from '#host/linux/listen-in.ts'
import {
  allPids,
  endProcesses,
  isAlive,
  namespaceOf,
  pidsInMountNamespace,
  processArgv,
  processEnv,
  processMark,
  processName,
} from '#host/linux/proc.ts'
import type { ProcessMark } from '#host/linux/proc.ts'

/** One below the fabric's `/run/netns`: `fabric` has the bridges and taps, `external` the outside, and each router and network its own. */
export type NamespaceName = string

export interface FabricOptions {
  /** The cloud's state folder; the fabric keeps its files in `<stateDir>/network`. */
  readonly stateDir: string
  readonly exec: Exec
  readonly clock: Clock
  /** True when this process is the machine's root: then no user namespace is needed. */
  readonly root: boolean
}

export interface FabricLinks extends Pick<IpBatch, 'run' | 'links'> {
  /** Makes a persistent tap in the fabric; one that is there already is kept. `uid` may then open it (QEMU's, when we are root). */
  createTap(name: string, options?: { uid?: number }): Promise<void>
  /** Removes it; one that is not there is fine. */
  removeTap(name: string): Promise<void>
}

export interface Fabric {
  /** Adopts the holder that lives, or makes one. Harmless to repeat. Throws when the kernel does not allow it (see probe.ts). */
  start(): Promise<{ adopted: boolean }>
  /** Ends every process inside and the holder: all namespaces, devices and rules are gone with them. */
  stop(): Promise<void>
  /** Lets go of it without ending it: our own conversations end, guests run on. */
  close(): Promise<void>
  /** The holder's pid. Throws before `start`. */
  readonly pid: number
  alive(): Promise<boolean>
  /** Starts programs inside the fabric. Their `/run` is the fabric's own; all other paths are the machine's. */
  readonly exec: Exec
  /** The fabric's `/run` with the machine's own network: for a program that joins the two. */
  readonly bridgeExec: Exec
  /** The same inside another of its namespaces. */
  execIn(namespace: NamespaceName): Exec
  /** What to put before an argument vector so that it runs in that namespace. */
  enterArgv(namespace: NamespaceName): string[]
  /** A path inside the fabric (`/run/koto/x`) as this process can open it. */
  path(inside: string): string
  readonly link: FabricLinks
  namespaces(): Promise<string[]>
  addNamespaces(names: readonly string[]): Promise<void>
  removeNamespaces(names: readonly string[]): Promise<void>
  /** Listens there with a socket of this process; see {@link listenIn}. */
  listen(namespace: NamespaceName, where: ListenWhere): Promise<Server>
  /** Where a program that leaves the fabric's mount namespace must keep its pid file, so that it is counted among `processes`. */
  readonly pidFolder: string
  /** Pids that live inside, the holder excepted. */
  processes(): Promise<number[]>
}

/** In the holder's environment: whose it is, so that it is found even when its record is lost. */
const MARK = 'KOTO_FABRIC'
/** Inside the fabric: says that it is furnished, and whose it is. */
const READY = '/run/koto/ready'
export const EXTERNAL = 'external'
const TAP_NAME = /^[a-z][a-z0-9-]{1,14}$/
const NAMESPACE = /^[a-zA-Z0-9_-]{1,64}$/

export function createFabric(options: FabricOptions): Fabric {
  const { exec, clock, root } = options
  const folder = join(options.stateDir, 'network')
  const record = join(folder, 'holder.json')
  let holder: ProcessMark | null = null
  let batch: IpBatch | null = null

  const pid = (): number => {
    if (holder === null) throw new Error('the fabric has not been started')
    return holder.pid
  }
  const enter = (): string[] => [
    'nsenter',
    '-t',
    String(pid()),
    ...(root ? [] : ['-U', '--preserve-credentials']),
    '-m',
  ]
  const enterArgv = (namespace: NamespaceName): string[] => {
    if (!NAMESPACE.test(namespace)) throw new Error(`not a namespace name: ${JSON.stringify(namespace)}`)
    return [...enter(), `--net=/proc/${pid()}/root/run/netns/${namespace}`, '--']
  }
  const execIn = (namespace: NamespaceName): Exec => insideExec(exec, () => enterArgv(namespace))
  const inside = execIn('fabric')
  const ip = (): IpBatch => (batch ??= createIpBatch(inside))

  const ours = async (mark: ProcessMark | null): Promise<boolean> =>
    mark !== null && (await isAlive(mark)) && (await processEnv(mark.pid, MARK)) === folder

  const find = async (): Promise<ProcessMark | null> => {
    const kept = readRecord(await readFile(record, 'utf8').catch(() => ''))
    if (kept !== null && (await ours(kept))) return { pid: kept.pid, startTicks: kept.startTicks }
    // Killed between starting the holder and writing it down: it still says whose it is.
    for (const candidate of await allPids()) {
      if ((await processName(candidate)) !== 'sleep') continue
      const mark = await processMark(candidate)
      if (await ours(mark)) return mark
    }
    return kept === null ? null : revive(kept.mount)
  }

  /** The holder was killed, but guests and servers keep the namespaces alive: another holder is put beside them. */
  const revive = async (mount: string): Promise<ProcessMark | null> => {
    for (const member of await pidsInMountNamespace(mount)) {
      if ((await readFile(`/proc/${member}/root${READY}`, 'utf8').catch(() => '')) !== folder) continue
      const enterBeside = ['nsenter', '-t', String(member), ...(root ? [] : ['-U', '--preserve-credentials']), '-m']
      return hold([...enterBeside, `--net=/proc/${member}/root/run/netns/fabric`, '--', 'sleep', 'infinity'])
    }
    return null
  }

  const make = (): Promise<ProcessMark> => {
    const flags = root ? ['-n', '-m'] : ['-U', '-r', '-n', '-m']
    return hold(['unshare', ...flags, '--propagation', 'slave', '--', 'sleep', 'infinity'])
  }

  const hold = async (argv: readonly string[]): Promise<ProcessMark> => {
    const logFile = join(folder, 'holder.log')
    const started = await exec.daemon(argv, { logFile, env: { [MARK]: folder } })
    const deadline = clock.monotonic() + 5_000
    while ((await processName(started)) !== 'sleep') {
      if ((await processMark(started)) === null || clock.monotonic() > deadline) {
        const why = (await readFile(logFile, 'utf8').catch(() => '')).trim().split('\n').at(-1)
        throw new Error(`the network namespaces could not be made: ${why ?? 'no reason given'}`)
      }
      await pause(2)
    }
    const mark = await processMark(started)
    if (mark === null) throw new Error('the process that holds the network namespaces ended at once')
    return mark
  }

  /** Everything inside that must be there before use. Repeats harmlessly, so a holder that was adopted half made is completed. */
  const furnish = async (): Promise<void> => {
    if (await exists(`/proc/${pid()}/root${READY}`)) return
    // The first steps run before the fabric's own namespace has its name.
    const bare = insideExec(exec, () => [...enter(), '-n', '--'])
    const staging = join(folder, 'run')
    await mkdir(staging, { recursive: true, mode: 0o700 })
    await bare.run(['mount', '-n', '-t', 'tmpfs', '-o', 'mode=0755', 'koto', staging])
    // Folders below /run that programs inside still need to see: users' runtime folders, and our state when it is there.
    const keep = ['/run/user', ...(options.stateDir.startsWith('/run/') ? [options.stateDir] : [])]
    const kept: string[] = []
    for (const path of keep) if (await exists(path)) kept.push(path)
    const places = kept.map(path => join(staging, relative('/run', path)))
    await bare.run(['mkdir', '-p', join(staging, 'netns'), join(staging, 'koto'), ...places])
    for (const [index, path] of kept.entries()) await bare.run(['mount', '-n', '--rbind', path, places[index] ?? ''])
    await bare.run(['mount', '-n', '--move', staging, '/run'])
    // Named, so that it lasts as long as any process inside and can be entered like the others.
    await bare.run(['ip', 'netns', 'attach', 'fabric', String(pid())])
    // Bridges here carry guests' frames; the fabric itself must have no address on them.
    const off = ['all', 'default'].map(which => `/proc/sys/net/ipv6/conf/${which}/disable_ipv6`)
    if (await exists('/proc/sys/net/ipv6/conf/all/disable_ipv6')) await inside.run(['tee', ...off], { stdin: '1' })
    await inside.run(['ip', 'link', 'set', 'lo', 'up'])
    await addNamespaces([EXTERNAL])
    await writeFile(`/proc/${pid()}/root${READY}`, folder)
  }

  const namespaces = async (): Promise<string[]> => (await readdir(`/proc/${pid()}/root/run/netns`)).sort()

  const addNamespaces = async (names: readonly string[]): Promise<void> => {
    const there = new Set(await namespaces())
    const missing = names.filter(name => !there.has(name))
    const results = await ip().run(missing.map(name => `netns add ${name}`))
    const wrong = results.find(result => result !== null)
    if (wrong !== undefined) throw new Error(`the namespace could not be made: ${wrong}`)
    await Promise.all(missing.map(name => execIn(name).run(['ip', 'link', 'set', 'lo', 'up'])))
  }

  const end = async (pids: readonly number[]): Promise<void> => {
    await endProcesses(
      (await Promise.all(pids.map(processMark))).filter(mark => mark !== null),
      3_000,
    )
  }

  const processes = async (): Promise<number[]> => {
    const mine = await namespaceOf(pid(), 'mnt')
    const pids = mine === null ? [] : await pidsInMountNamespace(mine)
    // A program that shuts itself into a mount namespace of its own is known by its pid file, which its command line names.
    for (const file of (await readdir(folder)).filter(name => name.endsWith('.pid'))) {
      const path = join(folder, file)
      const other = Number(await readFile(path, 'utf8').catch(() => ''))
      if (!pids.includes(other) && (await processArgv(other)).includes(path)) pids.push(other)
    }
    return pids.filter(other => other !== holder?.pid)
  }

  const alive = async (): Promise<boolean> => holder !== null && (await isAlive(holder))

  return {
    async start() {
      if (await alive()) return { adopted: true }
      await mkdir(folder, { recursive: true, mode: 0o700 })
      const found = await find()
      holder = found ?? (await make())
      const mount = await namespaceOf(holder.pid, 'mnt')
      await writeFile(`${record}.new`, JSON.stringify({ ...holder, mount, root }), { mode: 0o600 })
      await rename(`${record}.new`, record)
      await furnish()
      return { adopted: found !== null }
    },
    async stop() {
      if (!(await alive())) holder = await find()
      if (holder === null) return
      await batch?.close()
      batch = null
      if (await alive()) {
        await end(await processes())
        await end([holder.pid])
      }
      holder = null
      await rm(record, { force: true })
    },
    async close() {
      await batch?.close()
      batch = null
    },
    get pid() {
      return pid()
    },
    alive,
    exec: inside,
    bridgeExec: insideExec(exec, () => [...enter(), '--']),
    execIn,
    enterArgv,
    path: insidePath => `/proc/${pid()}/root${insidePath}`,
    link: {
      run: commands => ip().run(commands),
      links: () => ip().links(),
      async createTap(name, tapOptions = {}) {
        if (!TAP_NAME.test(name)) throw new Error(`not a device name: ${JSON.stringify(name)}`)
        const user = tapOptions.uid === undefined ? '' : ` user ${tapOptions.uid}`
        const [said] = await ip().run([`tuntap add dev ${name} mode tap${user}`])
        if (said === null || said === undefined) return
        if (!(await ip().links()).some(link => link.name === name))
          throw new Error(`the tap ${name} could not be made: ${said}`)
      },
      async removeTap(name) {
        if (!TAP_NAME.test(name)) throw new Error(`not a device name: ${JSON.stringify(name)}`)
        const [said] = await ip().run([`link del dev ${name}`])
        if (said === null || said === undefined) return
        if ((await ip().links()).some(link => link.name === name))
          throw new Error(`the tap ${name} could not be removed: ${said}`)
      },
    },
    namespaces,
    addNamespaces,
    async removeNamespaces(names) {
      const there = new Set(await namespaces())
      const results = await ip().run(names.filter(name => there.has(name)).map(name => `netns del ${name}`))
      const wrong = results.find(result => result !== null)
      if (wrong !== undefined) throw new Error(`the namespace could not be removed: ${wrong}`)
    },
    listen: (namespace, where) => listenIn(enterArgv(namespace), where),
    pidFolder: folder,
    processes,
  }
}

/**
 * An Exec behind a prefix that is asked for at each call. A working folder is set inside, since entering resets it. An ordinary user's
 * PATH often lacks the folders where `ip`, `nft` and `dnsmasq` are.
 */
function insideExec(exec: Exec, prefix: () => readonly string[]): Exec {
  const whole = (argv: readonly string[], cwd?: string): string[] => [
    ...prefix(),
    ...(cwd === undefined ? [] : ['env', '-C', cwd]),
    ...argv,
  ]
  const rest = <T extends { cwd?: string; env?: Record<string, string> }>({ cwd: _cwd, ...others }: T) => ({
    ...others,
    env: { PATH: `${process.env['PATH'] ?? '/usr/bin:/bin'}:/usr/local/sbin:/usr/sbin:/sbin`, ...others.env },
  })
  return {
    run: (argv, options: RunOptions = {}) => exec.run(whole(argv, options.cwd), rest(options)),
    daemon: (argv, options) => exec.daemon(whole(argv, options.cwd), rest(options)),
    talk: (argv, options = {}) => exec.talk(whole(argv), rest(options)),
  }
}

function readRecord(text: string): (ProcessMark & { mount: string }) | null {
  try {
    const value = JSON.parse(text) as Record<string, unknown>
    const { pid, startTicks, mount } = value
    if (typeof pid === 'number' && typeof startTicks === 'string' && typeof mount === 'string')
      return { pid, startTicks, mount }
  } catch {
    // A torn file is the same as none.
  }
  return null
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  )
