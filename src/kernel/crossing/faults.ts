// Hooks that break things on purpose: kill, delay, fail and slow motion at chosen crossings. The core knows nothing of them;
// they are in the list of hooks only when a test, or the variable KOTO_FAULT, puts them there.
import { ProcessDeath } from '#kernel/crossing/death.ts'
import { Fault } from '#kernel/contract/fault.ts'
import { stepsOf } from '#kernel/crossing/story.ts'
import type { Clock } from '#kernel/lib/clock.ts'
import type { Crossing, Hook } from '#kernel/crossing/crossing.ts'

/** Where something happens: before the deed of a crossing or after it, on its way back. */
export interface Place {
  readonly when: 'before' | 'after'
  /** Asked once per crossing, in order; may count. */
  readonly matches: (crossing: Crossing) => boolean
}

const BOOT = /^POST (\/\w+)?\/v2(\.1)?(\/\{?[^/]+\}?)?\/servers$/

/**
 * The crossing at which step n of the book's boot happens, of requests that make servers (steps 1 and 2: of any token).
 * `when`: default as the book has it: a question before, an answer after.
 */
export function atStep(step: number, when?: 'before' | 'after', occurrence = 1): Place {
  if (!Number.isInteger(step) || step < 1 || step > 28) throw new Error(`the book has steps 1 to 28, not ${step}`)
  const boots = new Set<string>()
  const opened = new Set<string>()
  const opener = INSIDE.get(step)
  let count = 0
  const isEnd = ENDS.has(step)
  return {
    when: when ?? (isEnd ? 'after' : 'before'),
    matches(crossing) {
      if (crossing.kind === 'rest' && crossing.side === 'take' && BOOT.test(crossing.name))
        boots.add(crossing.requestId)
      if (opener !== undefined && stepsOf(crossing, 'begin').includes(opener)) opened.add(crossing.requestId)
      if (!stepsOf(crossing, isEnd && crossing.kind !== 'skip' ? 'end' : 'begin').includes(step)) return false
      if (opener !== undefined) {
        if (!opened.has(crossing.requestId)) return false
      } else if (step > 2 && !boots.has(crossing.requestId) && !resumed(crossing)) return false
      count += 1
      return count === occurrence
    },
  }
}
const ENDS = new Set([2, 5, 7, 11, 17, 18, 21, 24, 27])
/** Glance, Neutron and Cinder ask Keystone for many reasons: the book means while nova-compute waits for them. */
const INSIDE = new Map([
  [20, 19],
  [23, 22],
  [26, 25],
])
/** After a restart the POST has not been seen by this process; steps from the scheduler on speak for themselves. */
const resumed = (crossing: Crossing): boolean => crossing.kind !== 'rest' || crossing.from.startsWith('nova-compute')

/** The n-th crossing that is counted, from 1. `only`: which count, default all. */
export function atCrossing(
  n: number,
  when: 'before' | 'after' = 'before',
  only: (crossing: Crossing) => boolean = () => true,
): Place {
  let count = 0
  return { when, matches: crossing => only(crossing) && (count += 1) === n }
}

/** Every crossing of that name (`*` stands for any text), at most `times` times. */
export function atName(pattern: string, when: 'before' | 'after' = 'before', times = Number.POSITIVE_INFINITY): Place {
  const parts = pattern.split('*')
  const fits = (name: string): boolean => {
    if (parts.length === 1) return name === pattern
    const [first = '', ...rest] = parts
    const last = rest.pop() ?? ''
    if (!name.startsWith(first) || !name.endsWith(last) || name.length < first.length + last.length) return false
    let from = first.length
    for (const part of rest) {
      const found = name.indexOf(part, from)
      if (found === -1) return false
      from = found + part.length
    }
    return from <= name.length - last.length
  }
  let count = 0
  return { when, matches: crossing => fits(crossing.name) && (count += 1) <= times }
}

const around = (place: Place, deed: (crossing: Crossing) => Promise<void>): Hook => {
  return async (crossing, next) => {
    const here = place.matches(crossing)
    if (here && place.when === 'before') await deed(crossing)
    const result = await next()
    if (here && place.when === 'after') await deed(crossing)
    return result
  }
}

/** Waits there. */
export const delay = (clock: Clock, place: Place, ms: number): Hook => around(place, () => clock.sleep(ms))

/** Fails there: before, nothing has happened; after, it has, and the answer is lost. */
export const fail = (place: Place, error: () => Error): Hook => around(place, () => Promise.reject(error()))

/** Every crossing takes that much longer: the states become visible to people. */
export const slow = (clock: Clock, ms: number): Hook =>
  around({ when: 'before', matches: c => c.side === 'send' }, () => clock.sleep(ms))

export interface Dying {
  readonly hook: Hook
  /** Where it died, or null while it lives. */
  readonly died: () => string | null
}

/**
 * Dies there. `die` ends the process (in production `process.kill(process.pid, 'SIGKILL')`); where it returns, or is not given, the death is
 * played: a {@link ProcessDeath} is thrown there and from every crossing after it, so that the dead one does nothing more.
 */
export function dieAt(place: Place, die?: (where: string) => void): Dying {
  let where: string | null = null
  const dead = (): never => {
    throw new ProcessDeath(where ?? 'an unknown place')
  }
  const now = (crossing: Crossing): void => {
    where = `${crossing.kind} ${crossing.side} ${crossing.from} → ${crossing.to} ${crossing.name} (${place.when})`
    die?.(where)
    dead()
  }
  return {
    died: () => where,
    async hook(crossing, next) {
      if (where !== null) dead()
      const here = place.matches(crossing)
      if (here && place.when === 'before') now(crossing)
      let result: unknown
      try {
        result = await next()
      } catch (error) {
        if (where !== null) dead()
        throw error
      }
      if (where !== null) dead() // somebody else's crossing died meanwhile
      if (here) now(crossing)
      return result
    },
  }
}

export interface FaultParts {
  readonly clock: Clock
  /** Ends the process at once, as kill -9 does. */
  readonly die: (where: string) => void
}

/**
 * Reads `KOTO_FAULT`: a list, separated by commas, of `kill@WHERE`, `delay:MS@WHERE`, `fail[:STATUS]@WHERE` and `slow:MS`, where WHERE is
 * `step:N`, `crossing:N` or `name:PATTERN`, each with an optional `:before` or `:after`. E.g. `kill@step:14`, `delay:2000@name:POST /v2.0/ports:after`.
 * Throws a sentence on anything else.
 */
export function faultHooks(text: string, parts: FaultParts): readonly Hook[] {
  return text
    .split(',')
    .map(part => part.trim())
    .filter(part => part !== '')
    .map(part => {
      const motion = /^slow:(\d+)$/.exec(part)
      if (motion !== null) return slow(parts.clock, Number(motion[1]))
      const match = /^(kill|delay:(\d+)|fail(?::(\d{3}))?)@(step|crossing|name):(.+?)(?::(before|after))?$/.exec(part)
      if (match === null) throw new Error(`KOTO_FAULT: ${part} is not understood; an example: kill@step:14`)
      const [, deed = '', ms, status, by, what = '', when] = match
      const edge = when as 'before' | 'after' | undefined
      if (by !== 'name' && !/^\d+$/.test(what)) throw new Error(`KOTO_FAULT: ${what} in ${part} is no number`)
      const place =
        by === 'step'
          ? atStep(Number(what), edge)
          : by === 'crossing'
            ? atCrossing(Number(what), edge)
            : atName(what, edge)
      if (deed === 'kill') return dieAt(place, parts.die).hook
      if (ms !== undefined) return delay(parts.clock, place, Number(ms))
      return fail(
        place,
        () => new Fault('InjectedFault', Number(status ?? 500), `broken on purpose by KOTO_FAULT (${part})`),
      )
    })
}
