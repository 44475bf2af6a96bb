// Simulated guests that move: put aside and made anew, or sent while they run.
import type { Clock } from '#kernel/lib/clock.ts'
import type { GuestLocks } from '#services/nova/drivers/guest-locks.ts'
import { bootText } from '#services/nova/drivers/hypervisor-simulated/boot-text.ts'
import type { Shelf } from '#services/nova/drivers/hypervisor-simulated/shelf.ts'
import { HypervisorFault, type GuestSpec, type Hypervisor } from '#services/nova/drivers/hypervisor.ts'

export interface SimulatedMoving {
  readonly clock: Clock
  readonly shelf: Shelf
  readonly locks: GuestLocks
  /** How long the memory of a running guest is on its way, in ms. */
  readonly sendMs: number
  /** Refuses what `spawn` refuses, then makes it run. */
  readonly startNow: (spec: GuestSpec, signal: AbortSignal | undefined) => Promise<void>
}
type Moves = Pick<
  Hypervisor,
  'setAside' | 'moveIn' | 'bringBack' | 'dropAside' | 'asides' | 'receive' | 'send' | 'hurry' | 'takeOver'
>
const DRIVER = 'simulated'
const MIB = 2 ** 20
const GIB = 2 ** 30
/** Progress is told so often while a guest is on its way. */
const SLICES = 10

const mustKnow = (driver: string): void => {
  if (driver !== DRIVER)
    throw new HypervisorFault('unsupported', `A simulated host cannot take over a guest from ${driver}`)
}

export function simulatedMoves({ clock, shelf, locks, sendMs, startNow }: SimulatedMoving): Moves {
  /** Those being sent that are to come to an end. */
  const hurried = new Map<string, AbortController>()
  const missing = (serverId: string): HypervisorFault =>
    new HypervisorFault('not-found', `Instance ${serverId} could not be found on this host`)
  return {
    setAside: (serverId, { signal } = {}) =>
      locks.run(serverId, signal, async () => {
        const guest = await shelf.get(serverId)
        if (guest !== undefined) await shelf.aside.take({ ...guest, state: 'shutdown' })
        else if ((await shelf.aside.get(serverId)) === undefined) throw missing(serverId)
        return { driver: DRIVER, folder: null, slots: {} }
      }),
    moveIn: (spec, baggage, { signal, start }) =>
      locks.run(spec.serverId, signal, async either => {
        mustKnow(baggage.driver)
        if ((await shelf.get(spec.serverId))?.state === 'running') return
        if (start) await startNow(spec, either)
        else await shelf.put({ spec, state: 'shutdown', startedAt: clock.now(), console: bootText(spec) })
      }),
    bringBack: serverId =>
      locks.run(serverId, undefined, async () => {
        const guest = await shelf.aside.get(serverId)
        if (guest !== undefined) await shelf.aside.giveBack(guest)
      }),
    dropAside: serverId => shelf.aside.remove(serverId),
    asides: () => shelf.aside.ids(),
    receive: (spec, { signal } = {}) =>
      locks.run(spec.serverId, signal, async () => {
        const there = await shelf.get(spec.serverId)
        if (there === undefined)
          await shelf.put({ spec, state: 'paused', startedAt: clock.now(), console: bootText(spec), incoming: true })
        return { driver: DRIVER, address: null }
      }),
    async send(serverId, to, { signal, onProgress } = {}) {
      mustKnow(to.driver)
      const guest = await shelf.get(serverId)
      if (guest === undefined) throw missing(serverId)
      if (guest.state !== 'running' && guest.state !== 'paused')
        throw new HypervisorFault('wrong-state', `Instance ${serverId} is ${guest.state}`)
      const hurry = new AbortController()
      hurried.set(serverId, hurry)
      const { rootDisk, memoryMb } = guest.spec
      const memoryTotal = memoryMb * MIB
      const diskTotal = rootDisk.from === 'image' ? rootDisk.sizeGb * GIB : 0
      try {
        for (let slice = 0; slice <= SLICES; slice++) {
          const part = slice / SLICES
          onProgress?.({ memoryTotal, memoryDone: memoryTotal * part, diskTotal, diskDone: diskTotal * part })
          signal?.throwIfAborted()
          if (slice === SLICES || sendMs === 0 || hurry.signal.aborted) continue
          const either = signal === undefined ? hurry.signal : AbortSignal.any([signal, hurry.signal])
          await clock.sleep(sendMs / SLICES, either).catch((error: unknown) => {
            if (!hurry.signal.aborted) throw error
          })
        }
      } finally {
        hurried.delete(serverId)
      }
    },
    async hurry(serverId) {
      hurried.get(serverId)?.abort(new Error('to be completed'))
    },
    takeOver: (serverId, state) =>
      locks.run(serverId, undefined, async () => {
        const guest = await shelf.get(serverId)
        if (guest === undefined) throw missing(serverId)
        const { incoming, ...rest } = guest
        if (incoming === true) await shelf.put({ ...rest, state })
      }),
  }
}
