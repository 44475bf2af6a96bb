// What this machine lets us do with networks: one finding per thing needed, each with a sentence on what happens without it.
import { access, constants, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Clock } from '#kernel/lib/clock.ts'
import type { Exec } from '#host/node/exec.ts'
import { createFabric, type Fabric } from '#host/linux/fabric.ts'

export interface NetworkFinding {
  readonly name: string
  readonly ok: boolean
  /** Without it no real network can be made. */
  readonly needed: boolean
  /** One sentence: what was found, or what is missing and what is done instead. */
  readonly says: string
  /** What is missing alone, without a full stop; empty when nothing is. */
  readonly cause: string
  /** Debian's name of what would mend it. */
  readonly install?: string
}

export interface NetworkProbe {
  /** True: the linux mechanism can be used; `--network auto` takes it. */
  readonly usable: boolean
  readonly findings: readonly NetworkFinding[]
}

export interface ProbeOptions {
  readonly exec: Exec
  readonly clock: Clock
  readonly root: boolean
  /** Also makes a throw-away fabric and tries the kernel's parts in it: about a quarter of a second, for `koto doctor`. */
  readonly deep: boolean
}

const TOOLS: readonly { program: string; install: string; needed: boolean; without: string }[] = [
  {
    program: 'unshare',
    install: 'util-linux',
    needed: true,
    without: 'namespaces cannot be made',
  },
  {
    program: 'nsenter',
    install: 'util-linux',
    needed: true,
    without: 'namespaces cannot be entered',
  },
  {
    program: 'mount',
    install: 'mount',
    needed: true,
    without: 'the fabric cannot be furnished',
  },
  { program: 'ip', install: 'iproute2', needed: true, without: 'bridges cannot be made' },
  {
    program: 'nft',
    install: 'nftables',
    needed: true,
    without: 'security groups cannot be enforced',
  },
  {
    program: 'dnsmasq',
    install: 'dnsmasq-base',
    needed: true,
    without: 'guests get no address',
  },
  { program: 'pasta', install: 'passt', needed: false, without: 'guests do not reach the world outside the cloud' },
]

/** Never throws: what cannot be tried is a finding. */
export async function probeNetwork(options: ProbeOptions): Promise<NetworkProbe> {
  const findings: NetworkFinding[] = []
  const add = (finding: NetworkFinding): void => void findings.push(finding)
  for (const tool of TOOLS) {
    const path = await whereIs(tool.program)
    if (path !== null) add(found(tool.program, tool.needed, `${path} is there.`))
    else {
      const cause = `${tool.program} is not installed (package ${tool.install}): ${tool.without}`
      add({ ...lacking(tool.program, tool.needed, cause), install: tool.install })
    }
  }
  add(await tryNamespaces(options))
  add(await tryTun(options.root))
  const usable = (): boolean => findings.every(finding => finding.ok || !finding.needed)
  if (options.deep && usable()) for (const finding of await tryFabric(options)) add(finding)
  return { usable: usable(), findings }
}

const found = (name: string, needed: boolean, says: string): NetworkFinding => ({
  name,
  ok: true,
  needed,
  says,
  cause: '',
})
const lacking = (name: string, needed: boolean, cause: string): NetworkFinding => ({
  name,
  ok: false,
  needed,
  says: needed ? `${cause}; the network is simulated.` : `${cause}.`,
  cause,
})

/** Where a program is, on PATH or in the folders that an ordinary user's PATH lacks. */
export async function whereIs(program: string): Promise<string | null> {
  const folders = [
    ...(process.env['PATH'] ?? '').split(':'),
    '/usr/local/sbin',
    '/usr/sbin',
    '/sbin',
    '/usr/bin',
    '/bin',
  ]
  for (const folder of folders) {
    if (folder === '') continue
    const path = join(folder, program)
    if (await may(path, constants.X_OK)) return path
  }
  return null
}

async function tryNamespaces({ exec, root }: ProbeOptions): Promise<NetworkFinding> {
  const flags = root ? ['-n', '-m'] : ['-U', '-r', '-n', '-m']
  const name = root ? 'network namespaces' : 'user namespaces'
  const made = await exec
    .run(['unshare', ...flags, '--', 'true'], { anyCode: true, timeoutMs: 5_000 })
    .catch((error: unknown) => ({
      code: 1,
      stderr: error instanceof Error ? error.message : String(error),
    }))
  if (made.code !== 0) return lacking(name, true, await whyNoNamespaces(root, made.stderr))
  return found(name, true, root ? 'Network namespaces can be made.' : 'An ordinary user may make namespaces here.')
}

async function whyNoNamespaces(root: boolean, stderr: string): Promise<string> {
  const knob = (path: string): Promise<string> =>
    readFile(`/proc/sys/${path}`, 'utf8').then(
      text => text.trim(),
      () => '',
    )
  if (!root) {
    if ((await knob('kernel/apparmor_restrict_unprivileged_userns')) === '1') {
      return 'AppArmor keeps ordinary users from making namespaces (sysctl kernel.apparmor_restrict_unprivileged_userns=0 allows it, or start Koto as root)'
    }
    if ((await knob('kernel/unprivileged_userns_clone')) === '0') {
      return 'The kernel keeps ordinary users from making namespaces (sysctl kernel.unprivileged_userns_clone=1 allows it, or start Koto as root)'
    }
    if ((await knob('user/max_user_namespaces')) === '0') {
      return 'The kernel allows no user namespaces (sysctl user.max_user_namespaces is 0)'
    }
  }
  return `Namespaces cannot be made here (${stderr.trim().split('\n').at(-1) ?? 'no reason given'}; a container must be started with the right to)`
}

async function tryTun(root: boolean): Promise<NetworkFinding> {
  const name = '/dev/net/tun'
  if (!(await may(name, constants.F_OK))) {
    return lacking(name, true, '/dev/net/tun is not there (modprobe tun, or give the container that device)')
  }
  if (!root && !(await may(name, constants.R_OK | constants.W_OK))) {
    const cause = '/dev/net/tun may not be opened by this user (chmod 0666 /dev/net/tun is the usual setting)'
    return lacking(name, true, cause)
  }
  return found(name, true, 'Guests can have network devices.')
}

/** The kernel's parts, each tried where it will be used. */
async function tryFabric(options: ProbeOptions): Promise<NetworkFinding[]> {
  const stateDir = await mkdtemp(join(tmpdir(), 'koto-probe-'))
  const fabric = createFabric({ ...options, stateDir })
  try {
    await fabric.start()
    return await tryParts(fabric)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    return [lacking('fabric', true, `A trial network could not be made (${why})`)]
  } finally {
    await fabric.stop().catch(() => undefined)
    await rm(stateDir, { recursive: true, force: true })
  }
}

async function tryParts(fabric: Fabric): Promise<NetworkFinding[]> {
  const link = async (line: string): Promise<boolean> => (await fabric.link.run([line]))[0] === null
  const nft = async (rule: string, family: string): Promise<boolean> => {
    const hook = family === 'ip' ? 'type nat hook postrouting priority 100;' : 'type filter hook prerouting priority 0;'
    const script = `add table ${family} try\nadd chain ${family} try c { ${hook} }\nadd rule ${family} try c ${rule}\ndelete table ${family} try\n`
    return (await fabric.exec.run(['nft', '-f', '-'], { stdin: script, anyCode: true })).code === 0
  }
  const findings: NetworkFinding[] = []
  const say = (name: string, ok: boolean, needed: boolean, good: string, bad: string): void =>
    void findings.push(ok ? found(name, needed, good) : lacking(name, needed, bad))
  say(
    'bridge',
    await link('link add dev br0 type bridge'),
    true,
    'The kernel has bridges.',
    'The kernel has no bridges (modprobe bridge)',
  )
  say(
    'veth',
    await link('link add dev v0 type veth peer name v1'),
    true,
    'The kernel has veth pairs.',
    'The kernel has no veth pairs (modprobe veth)',
  )
  say(
    'tap',
    await fabric.link.createTap('tap0').then(
      () => true,
      () => false,
    ),
    true,
    'Taps can be made.',
    'Taps cannot be made',
  )
  say(
    'nft on bridges',
    await nft('ether type arp accept', 'bridge'),
    true,
    'Filters work on bridges.',
    'nftables does not work on bridges here',
  )
  say(
    'nat',
    await nft('snat to 192.0.2.1', 'ip'),
    true,
    'Addresses can be translated.',
    'nftables does not translate addresses here',
  )
  const netfilter =
    (await fabric.exec.run(['tee', '/proc/sys/net/bridge/bridge-nf-call-iptables'], { stdin: '1', anyCode: true }))
      .code === 0
  const tracked = netfilter || (await nft('ct state established accept', 'bridge'))
  say(
    'connection tracking on bridges',
    tracked,
    false,
    netfilter ? 'Connections are tracked through br_netfilter.' : 'Connections are tracked on bridges.',
    'Connections are not tracked on bridges: security groups remember each flow for five minutes instead',
  )
  const vxlan = await link('link add dev vx0 type vxlan id 1 dstport 4789 nolearning')
  say('vxlan', vxlan, false, 'Networks can span hosts.', 'The kernel has no VXLAN: networks stay on one host')
  const vlan = await link('link add link v0 name v0.5 type vlan id 5')
  say(
    'vlan',
    vlan,
    false,
    'Guests may have trunks, and networks VLANs.',
    'The kernel has no VLAN devices (modprobe 8021q): ports that are carried in trunks stay down',
  )
  const filtering = await link('link add dev br1 type bridge vlan_filtering 1')
  say(
    'vlan filtering',
    filtering,
    false,
    'Bridges tell VLANs apart.',
    'Bridges do not tell VLANs apart here (CONFIG_BRIDGE_VLAN_FILTERING): each network has a bridge of its own anyway',
  )
  const shaping =
    (await fabric.exec.run(['tc', 'qdisc', 'add', 'dev', 'v0', 'root', 'handle', '1:', 'htb'], { anyCode: true }))
      .code === 0
  const beside = shaping && (await link('link add dev ifb0k type ifb'))
  say(
    'traffic control',
    beside,
    false,
    'Bandwidth can be limited.',
    'Bandwidth cannot be limited (modprobe sch_htb cls_u32 act_mirred ifb): ports with such limits stay down',
  )
  return findings
}

const may = (path: string, mode: number): Promise<boolean> =>
  access(path, mode).then(
    () => true,
    () => false,
  )
