// The way out of the cloud: pasta carries connections of the external namespace through ordinary sockets of this machine. No device,
// address or rule of the machine changes, and an ordinary user may do it.
import { setTimeout as pause } from 'node:timers/promises'
import { EXTERNAL, type Fabric } from '#host/linux/fabric.ts'
import { endProcesses, isAlive, processArgv, processMark, type ProcessMark } from '#host/linux/proc.ts'

/** The device that pasta makes in the external namespace. */
export const EGRESS_DEVICE = 'koto0'
/** Addresses of the piece of wire between; from the range for device tests, which nobody routes. */
const NEAR = '198.18.255.2'
const FAR = '198.18.255.1'
const START_MS = 5_000

export interface Egress {
  /** Starts it, or finds the one that runs. Throws with pasta's reason. */
  start(): Promise<void>
  stop(): Promise<void>
  running(): Promise<boolean>
}

/** `logFile`: where pasta says what it does. */
export function createEgress(fabric: Fabric, logFile: string): Egress {
  const netns = `/run/netns/${EXTERNAL}`
  let known: ProcessMark | null = null
  const find = async (): Promise<ProcessMark | null> => {
    if (known !== null && (await isAlive(known))) return known
    known = null
    for (const pid of await fabric.processes()) {
      const argv = await processArgv(pid)
      if (argv.includes(netns) && /(^|\/)pasta/.test(argv[0] ?? '')) known ??= await processMark(pid)
    }
    return known
  }
  const hasDevice = async (): Promise<boolean> =>
    (await fabric.execIn(EXTERNAL).run(['ip', '-o', 'link'])).stdout.includes(`: ${EGRESS_DEVICE}:`)
  return {
    async start() {
      if ((await find()) !== null) return
      const options = [
        '--pid',
        `${fabric.pidFolder}/pasta.pid`,
        '--config-net',
        '--netns-only',
        '--runas',
        '0',
        '--ns-ifname',
        EGRESS_DEVICE,
        '--netns',
        netns,
      ]
      const addresses = ['--address', NEAR, '--netmask', '30', '--gateway', FAR, '--ipv4-only']
      // The machine's loopback stays closed to guests: no gateway that stands for it, no forwarded ports in either direction.
      const closed = ['--no-map-gw', '-t', 'none', '-u', 'none', '-T', 'none', '-U', 'none']
      const pid = await fabric.bridgeExec.daemon(
        ['pasta', '--foreground', '--stderr', ...options, ...addresses, ...closed],
        { logFile },
      )
      const mark = await processMark(pid)
      const deadline = performance.now() + START_MS
      while (mark !== null && (await isAlive(mark)) && performance.now() < deadline) {
        if (await hasDevice()) {
          known = mark
          return
        }
        await pause(10)
      }
      if (mark !== null) await endProcesses([mark], 1_000)
      throw new Error(`pasta did not come up; see ${logFile}`)
    },
    async stop() {
      const mark = await find()
      if (mark !== null) await endProcesses([mark], 1_000)
      known = null
    },
    running: async () => (await find()) !== null,
  }
}
