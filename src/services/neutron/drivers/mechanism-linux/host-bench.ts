// For tests: a fabric of their own, the driver on it, guests to plug in, and no trace afterwards.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { systemClock } from '#kernel/lib/clock.ts'
import { createExec, type Exec } from '#host/node/exec.ts'
import { createFabric, type Fabric } from '#host/linux/fabric.ts'
import { probeNetwork } from '#host/linux/probe.ts'
import type { Mechanism, MetadataRequest, PortState } from '#services/neutron/drivers/mechanism.ts'
import { plugGuest, type FakeGuest } from '#services/neutron/drivers/mechanism-linux/guest-bench.ts'
import type { Replies } from '#services/neutron/drivers/firewall.ts'
import { createLinuxMechanism } from '#services/neutron/drivers/mechanism-linux/mechanism-linux.ts'

export interface HostBench {
  readonly stateDir: string
  readonly fabric: Fabric
  readonly mechanism: Mechanism
  /** Requests for metadata so far, oldest first. */
  readonly asked: readonly MetadataRequest[]
  /** Plugs a guest in with its first address and the subnet's first address as gateway; `false`: with nothing, to ask DHCP. */
  plug(port: PortState, addressed?: boolean): Promise<FakeGuest>
  /** Runs a program in the external namespace; gives its exit code and output. */
  outside(argv: readonly string[], stdin?: string): Promise<{ code: number; stdout: string; stderr: string }>
  end(): Promise<void>
}

const root = process.getuid?.() === 0

/** Why tests with packets cannot run on this machine, or false. For `describe`'s `skip`. */
export async function cannotRun(): Promise<string | false> {
  const probe = await probeNetwork({ exec: createExec(), clock: systemClock(), root, deep: false })
  return probe.usable
    ? false
    : `no real network here: ${probe.findings
        .filter(one => one.needed && !one.ok)
        .map(one => one.says)
        .join(' ')}`
}

export async function createHostBench(
  options: { replies?: Replies; stateDir?: string; egress?: boolean; exec?: Exec; tunnelIp?: string } = {},
): Promise<HostBench> {
  const stateDir = options.stateDir ?? (await mkdtemp(join(tmpdir(), 'koto-net-')))
  const fabric = createFabric({ stateDir, exec: options.exec ?? createExec(), clock: systemClock(), root })
  await fabric.start()
  const asked: MetadataRequest[] = []
  const mechanism = await createLinuxMechanism({
    fabric,
    stateDir,
    clock: systemClock(),
    root,
    egress: options.egress === true,
    ...(options.tunnelIp === undefined ? {} : { tunnelIp: options.tunnelIp }),
    ...(options.replies === undefined ? {} : { replies: options.replies }),
    onMetadata: request => {
      asked.push(request)
      return Promise.resolve({ status: 200, body: `hello ${request.sourceIp}` })
    },
  })
  return {
    stateDir,
    fabric,
    mechanism,
    asked,
    plug(port, addressed = true) {
      const address = port.fixedIps[0]?.ip ?? ''
      const gateway = address.replace(/\d+$/, '1')
      return addressed ? plugGuest(fabric, port, `${address}/24`, gateway) : plugGuest(fabric, port)
    },
    outside: (argv, stdin) =>
      fabric
        .execIn('external')
        .run(argv, { anyCode: true, timeoutMs: 20_000, ...(stdin === undefined ? {} : { stdin }) }),
    async end() {
      await mechanism.close()
      await fabric.stop()
      await rm(stateDir, { recursive: true, force: true })
    },
  }
}

/** Asks again until it is so, for up to ten seconds; false when it never was. */
export async function eventually(question: () => Promise<boolean>): Promise<boolean> {
  const deadline = performance.now() + 10_000
  while (performance.now() < deadline) {
    if (await question()) return true
    await pause(50)
  }
  return false
}
