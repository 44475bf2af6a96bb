// The lens: reads the 28 steps of the book's boot out of recorded moments. No component carries a number; only this table does.
import type { Crossing, CrossingKind, CrossingSide } from '#kernel/crossing/crossing.ts'
import type { Moment } from '#kernel/crossing/recorder.ts'

type Edge = 'begin' | 'end'

interface Match {
  readonly step: number
  readonly edge: Edge
  readonly kind: CrossingKind
  readonly side: CrossingSide
  readonly from: readonly string[] | null
  readonly to: readonly string[]
  readonly name: RegExp
}

const KEYSTONE = ['keystone']
const GLANCE = ['glance', 'glance-api']
const NEUTRON = ['neutron', 'neutron-server', 'neutron-api']
const CINDER = ['cinder', 'cinder-api']
const HYPERVISOR = ['hypervisor']
const COMPUTE = ['nova-compute']
const CONDUCTOR = ['nova-conductor']
const SCHEDULER = ['nova-scheduler']
const NOVA_DB = ['nova-db']

const CHECK = /^GET (\/\w+)?\/v3\/auth\/tokens$/
const PORTS = /^(POST|PUT) (\/\w+)?\/v2\.0\/ports(\/[^/]+)?$/
const IMAGE = /^GET (\/\w+)?\/v2\/images\/[^/]+$/
const ATTACHMENTS = /^(POST|PUT) (\/\w+)?\/v3\/(\{?[^/]+\}?\/)?attachments(\/[^/]+)?$/
const LEG = /^(boot-server:(?!undo-).*|build_and_run_instance)$/

const both = (
  begin: number,
  end: number,
  kind: CrossingKind,
  from: readonly string[] | null,
  to: readonly string[],
  name: RegExp,
  side: CrossingSide = 'send',
): Match[] => [
  { step: begin, edge: 'begin', kind, side, from, to, name },
  { step: end, edge: 'end', kind, side, from, to, name },
]
const one = (
  step: number,
  kind: CrossingKind,
  side: CrossingSide,
  from: readonly string[] | null,
  to: readonly string[],
  name: RegExp,
): Match => ({ step, edge: 'begin', kind, side, from, to, name })

const TABLE: readonly Match[] = [
  ...both(1, 2, 'rest', null, KEYSTONE, /^POST (\/\w+)?\/v3\/auth\/tokens$/, 'take'),
  one(3, 'rest', 'take', null, ['nova-api'], /^POST (\/\w+)?\/v2(\.1)?(\/\{?[^/]+\}?)?\/servers$/),
  ...both(4, 5, 'rest', ['nova-api'], KEYSTONE, CHECK),
  ...both(6, 7, 'db', ['nova-api'], NOVA_DB, /^create-server$/),
  ...both(8, 11, 'call', ['nova-api', 'nova-conductor'], SCHEDULER, /^select_destinations$/),
  one(9, 'call', 'take', null, SCHEDULER, /^select_destinations$/),
  { ...one(10, 'decide', 'send', SCHEDULER, [], /^filter-and-weigh$/) },
  one(12, 'cast', 'send', null, COMPUTE, LEG),
  one(13, 'cast', 'take', null, COMPUTE, LEG),
  ...both(14, 18, 'call', COMPUTE, CONDUCTOR, /^server_to_build$/),
  one(15, 'call', 'take', null, CONDUCTOR, /^server_to_build$/),
  ...both(16, 17, 'db', CONDUCTOR, NOVA_DB, /^server-to-build$/),
  ...both(19, 21, 'rest', COMPUTE, GLANCE, IMAGE),
  one(20, 'rest', 'send', GLANCE, KEYSTONE, CHECK),
  ...both(22, 24, 'rest', COMPUTE, NEUTRON, PORTS),
  one(23, 'rest', 'send', NEUTRON, KEYSTONE, CHECK),
  ...both(25, 27, 'rest', COMPUTE, CINDER, ATTACHMENTS),
  one(26, 'rest', 'send', CINDER, KEYSTONE, CHECK),
  one(28, 'driver', 'send', COMPUTE, HYPERVISOR, /^spawn$/),
]

/** Things that did not happen and why, and the steps they stand for. */
const SKIPS: Readonly<Record<string, readonly number[]>> = {
  'no-image': [19, 20, 21],
  'skip:boot-server.fetch-image': [19, 20, 21],
  'no-network': [22, 23, 24],
  'skip:boot-server.allocate-network': [22, 23, 24],
  'no-volume': [25, 26, 27],
  'skip:boot-server.attach-volumes': [25, 26, 27],
}
/** A token that was not asked about because the answer was kept: the steps by who would have asked. */
const CACHED_CHECK: Readonly<Record<string, readonly number[]>> = {
  'nova-api': [4, 5],
  glance: [20],
  'glance-api': [20],
  'neutron-server': [23],
  'cinder-api': [26],
}

/** `nova-compute` of `nova-compute@node-1`. */
export const componentOf = (actor: string): string => actor.split('@')[0] ?? actor

/** Which steps the beginning or the end of a crossing would be in the book; empty when none. Looks at nothing but the crossing. */
export function stepsOf(
  crossing: Pick<Crossing, 'kind' | 'side' | 'from' | 'to' | 'name'>,
  edge: Edge,
): readonly number[] {
  if (crossing.kind === 'skip') {
    if (edge === 'end') return []
    return (crossing.name === 'token-cached' ? CACHED_CHECK[componentOf(crossing.from)] : SKIPS[crossing.name]) ?? []
  }
  const from = componentOf(crossing.from)
  const to = componentOf(crossing.to)
  for (const match of TABLE) {
    if (match.edge !== edge || match.kind !== crossing.kind) continue
    if (match.side !== crossing.side && match.kind !== 'decide' && match.kind !== 'driver') continue
    if (match.from !== null && !match.from.includes(from)) continue
    if (match.to.length > 0 && !match.to.includes(to)) continue
    if (match.name.test(crossing.name)) return [match.step]
  }
  return []
}

/** A line of the journey: `koto journey --json`. */
export interface JourneyRow {
  readonly step: number | null
  /** Since the POST was received; negative before. */
  readonly at_ms: number
  readonly ms: number
  readonly from: string
  readonly to: string
  readonly kind: CrossingKind
  readonly name: string
  readonly request_id: string
  readonly task: string | null
  readonly status: string | null
  readonly detail: Readonly<Record<string, unknown>>
}

/** `today`: all lines in order of time. `book`: the first of each numbered step, in the book's order. */
export type JourneyOrder = 'book' | 'today'

interface Event {
  readonly moment: Moment
  readonly edge: Edge
  readonly at: number
  readonly turn: number
  readonly steps: readonly number[]
}

const thousandth = (ms: number): number => Math.round(ms * 1000) / 1000

/** Closings may come again (a second port): the last one before a later step counts. */
const CLOSING = new Set([21, 24, 27])
const ONCE = new Set([1, 2, 3, 4, 5, 6, 7])
/** Belong inside a question that is open: the same crossing before or after it means something else. */
const INSIDE = new Set([2, 5, 7, 9, 16, 20, 23, 26])
/** What the book's status table says where a crossing does not say it itself. */
const STATES: readonly { readonly name: RegExp; readonly task: string | null; readonly status: string }[] = [
  { name: /^create-server$/, task: 'scheduling', status: 'BUILD' },
  { name: /^saga:boot-server done$/, task: null, status: 'ACTIVE' },
  { name: /^saga:boot-server failed$/, task: null, status: 'ERROR' },
]

/**
 * The story of one subject's boot. A moment is one line; where its end is a step of the book (an answer taken), that is a line of its own,
 * from the one who answered. A reschedule's second attempt carries its numbers again; first occurrences ascend in time.
 */
export function journey(moments: readonly Moment[], order: JourneyOrder = 'today'): JourneyRow[] {
  const post = moments.find(moment => stepsOf(moment, 'begin').includes(3))
  // Of all tokens and operations, those of the request that made it.
  const token = post === undefined ? undefined : tokenBefore(moments, post)
  const told =
    post === undefined ? moments : moments.filter(m => m.request === post.request || m.request === token?.request)
  const rows = numbered(eventsOf(told), post?.at ?? told[0]?.at ?? 0)
  if (order === 'today') return rows
  const first = new Map<number, JourneyRow>()
  for (const row of rows) if (row.step !== null && !first.has(row.step)) first.set(row.step, row)
  return [...first.values()].sort((a, b) => (a.step ?? 0) - (b.step ?? 0))
}

/** The request that issued the token which the POST came with: the one joined by audit id, the latest if there are more. */
const tokenBefore = (moments: readonly Moment[], post: Moment): Moment | undefined =>
  moments.findLast(m => m.request !== post.request && m.at <= post.at && stepsOf(m, 'begin').includes(1))

function eventsOf(moments: readonly Moment[]): Event[] {
  const events: Event[] = []
  for (const moment of moments) {
    events.push({ moment, edge: 'begin', at: moment.at, turn: moment.begun, steps: stepsOf(moment, 'begin') })
    if (moment.ms === null || moment.ended === null) continue
    const steps = moment.outcome === 'ok' ? stepsOf(moment, 'end') : []
    events.push({ moment, edge: 'end', at: moment.at + moment.ms, turn: moment.ended, steps })
  }
  return events.sort((a, b) => a.at - b.at || a.turn - b.turn)
}

function numbered(events: readonly Event[], zero: number): JourneyRow[] {
  const rows: (JourneyRow | null)[] = []
  const done = new Set<number>()
  let high = 0
  let host = ''
  let task: string | null = null
  let status: string | null = null
  /** Where the last closing of each kind stands, so that a later one may replace it. */
  const closings = new Map<number, number>()

  const accept = (step: number, event: Event): boolean => {
    if (step === 12) {
      if (host === event.moment.to) return false // sent again to the same host: no new attempt
      host = event.moment.to
      for (const before of done) if (before >= 12) done.delete(before)
      closings.clear()
      high = 12
      return true
    }
    if (step >= 13 && host === '') return false
    if (INSIDE.has(step) && high !== step - 1) return false
    if (CLOSING.has(step)) return high <= step && high > step - 3
    if (ONCE.has(step)) return !done.has(step) && high < step
    if (step >= 8 && step <= 11) {
      if (step === 8 && host === '' && high <= 11) return true
      return high < step && high >= 8
    }
    return !done.has(step) && high < step
  }

  for (const event of events) {
    const { moment, edge } = event
    if (edge === 'end' && moment.kind === 'db' && moment.outcome === 'ok') {
      const said = { ...STATES.find(state => state.name.test(moment.name)), ...moment.detail }
      const { task: newTask, status: newStatus } = said
      if (newTask === null || typeof newTask === 'string') task = newTask
      if (newStatus === null || typeof newStatus === 'string') status = newStatus
    }
    const row = (step: number | null): JourneyRow => ({
      step,
      at_ms: thousandth(event.at - zero),
      ms: edge === 'begin' ? thousandth(moment.ms ?? 0) : 0,
      from: edge === 'begin' ? moment.from : moment.to,
      to: edge === 'begin' ? moment.to : moment.from,
      kind: moment.kind,
      name: moment.name,
      request_id: moment.request,
      task,
      status,
      detail: {
        side: moment.side,
        ...(edge === 'end' ? { answer: true } : {}),
        ...moment.detail,
        ...(moment.error === undefined ? {} : { error: moment.error }),
        ...(moment.outcome === 'open' ? { open: true } : {}),
      },
    })
    const taken = event.steps.filter(step => {
      if (!accept(step, event)) return false
      done.add(step)
      high = Math.max(step === 8 ? 8 : high, step)
      return true
    })
    if (taken.length === 0) {
      if (edge === 'begin') rows.push(row(null))
      continue
    }
    for (const step of taken) {
      const before = CLOSING.has(step) ? closings.get(step) : undefined
      if (before !== undefined) rows[before] = null
      if (CLOSING.has(step)) closings.set(step, rows.length)
      rows.push(row(step))
    }
  }
  return rows.filter(row => row !== null)
}

/** The book's steps in our words, for the story printer: index 0 is step 1. */
export const STEP_TITLES: readonly string[] = [
  'the client sends its credentials to Keystone',
  'Keystone checks them and answers with a token',
  'the client asks nova-api for a server',
  'nova-api asks Keystone about the token',
  'Keystone answers with roles and permissions',
  'nova-api opens a session with the database',
  'the database has the first record of the server',
  'the scheduler is called for a host',
  'nova-scheduler takes the call from the queue',
  'nova-scheduler filters and weighs the hosts',
  'nova-scheduler answers with the chosen host',
  'the chosen host is told to build the server',
  'nova-compute takes the message from the queue',
  'nova-compute calls nova-conductor about the server',
  'nova-conductor takes the call from the queue',
  'nova-conductor opens a session with the database',
  'the database answers with the server',
  'nova-compute takes the answer',
  'nova-compute asks Glance for the image',
  'Glance asks Keystone about the token',
  'nova-compute has the image',
  'nova-compute asks Neutron for network and address',
  'Neutron asks Keystone about the token',
  'nova-compute has the network',
  'nova-compute asks Cinder to attach volumes',
  'Cinder asks Keystone about the token',
  'nova-compute has the block storage',
  'nova-compute has the hypervisor start the guest',
]
