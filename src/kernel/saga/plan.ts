// What comes next, as a pure function of the definition and the log. The engine asks it again after every event, so going on
// after a crash is the same as going on.
import { Fault } from '#kernel/contract/fault.ts'
import { decodeError } from '#kernel/bus/wire.ts'
import type { SagaRow, StepRow } from '#kernel/saga/log.ts'
import type { AnySaga, EachNode, SagaNode, State, StepNode } from '#kernel/saga/saga.ts'

export type Rows = ReadonlyMap<string, StepRow>

export interface StepAt {
  readonly key: string
  readonly node: StepNode
  readonly state: State
  /** Undefined when neither the step nor an enclosing candidate names one. */
  readonly host: string | undefined
}

export type Decision =
  /** Write this line and ask again. */
  | {
      readonly next: 'note'
      readonly key: string
      readonly state: StepRow['state']
      readonly output: Readonly<Record<string, unknown>> | null
    }
  /** `more`: the step after it may run at the same place and host. */
  | ({ readonly next: 'do'; readonly more: boolean } & StepAt)
  | ({ readonly next: 'undo' } & StepAt)
  /** No candidate is left. `key` is where the failure belongs. */
  | { readonly next: 'exhausted'; readonly key: string; readonly error: Error }
  /** All is undone: the failed hook. */
  | { readonly next: 'hook'; readonly state: State }
  | { readonly next: 'done'; readonly state: State }
  | { readonly next: 'failed' }

/** The line of the failed hook. */
export const HOOK = '!failed'

const hostOfCandidate = (node: EachNode, item: unknown): string | undefined => {
  if (node.hostOf !== undefined) return node.hostOf(item)
  if (typeof item === 'string') return item
  const host = typeof item === 'object' && item !== null ? (item as { host?: unknown }).host : undefined
  return typeof host === 'string' ? host : undefined
}

const hostOf = (node: StepNode, state: State, candidate: string | undefined): string | undefined =>
  node.onHost === undefined ? candidate : node.onHost(state)

/** Finds a node by its key, with the `each` nodes around it, outermost first, and their candidates' keys. */
export function locate(
  saga: AnySaga,
  key: string,
): { node: SagaNode; around: { each: EachNode; key: string }[] } | undefined {
  let nodes = saga.nodes
  const around: { each: EachNode; key: string }[] = []
  let prefix = ''
  const parts = key.split('/')
  for (const [i, part] of parts.entries()) {
    const [name = ''] = part.split('#')
    const node = nodes.find(candidate => candidate.name === name)
    if (node === undefined) return undefined
    if (i === parts.length - 1) return { node, around }
    if (node.type !== 'each') return undefined
    around.push({ each: node, key: prefix + part })
    prefix += `${part}/`
    nodes = node.nodes
  }
  return undefined
}

const inOrder = (rows: Rows): StepRow[] => [...rows.values()].sort((a, b) => a.seq - b.seq)

const insideUndone = (rows: Rows, key: string): boolean => {
  for (let slash = key.indexOf('/'); slash !== -1; slash = key.indexOf('/', slash + 1))
    if (rows.get(key.slice(0, slash))?.state === 'undone') return true
  return false
}

/** What a step's undo sees: everything written up to it, without what candidates wrote that are undone. */
export function stateUpTo(
  saga: AnySaga,
  input: State,
  rows: Rows,
  seq: number,
): { state: State; host: string | undefined } {
  let state: State = { ...input }
  let host: string | undefined
  for (const row of inOrder(rows)) {
    if (row.seq > seq) break
    if (row.output === null || row.state === 'undone' || row.state === 'skipped' || insideUndone(rows, row.key))
      continue
    const found = locate(saga, row.key)
    if (found === undefined) continue
    if (found.node.type === 'step') state = { ...state, ...row.output }
    else if (row.key.slice(row.key.lastIndexOf('/') + 1).includes('#')) {
      const item = row.output['item']
      state = { ...state, [found.node.as]: item }
      host = hostOfCandidate(found.node, item) ?? host
    }
  }
  return { state, host }
}

/** The next undo among the lines whose key begins with `prefix`, latest first; undefined when nothing is left to undo. */
function nextUndo(saga: AnySaga, input: State, rows: Rows, prefix: string): Decision | undefined {
  for (const row of inOrder(rows).reverse()) {
    if (!row.key.startsWith(prefix) || row.state === 'undone' || row.state === 'skipped') continue
    const found = locate(saga, row.key)
    if (found === undefined && row.key !== HOOK)
      throw new Fault('NoSuchStep', 500, `${saga.name} has no step ${row.key} any more: it cannot be undone`)
    if (found?.node.type !== 'step' || found.node.undo === undefined) continue
    const { state, host } = stateUpTo(saga, input, rows, row.seq)
    return { next: 'undo', key: row.key, node: found.node, state, host: hostOf(found.node, state, host) }
  }
  return undefined
}

type Walked = { readonly decision: Decision } | { readonly state: State }

function walk(
  saga: AnySaga,
  input: State,
  rows: Rows,
  nodes: readonly SagaNode[],
  prefix: string,
  before: State,
  host: string | undefined,
): Walked {
  let state = before
  for (const [i, node] of nodes.entries()) {
    const key = prefix + node.name
    const row = rows.get(key)
    if (node.type === 'step') {
      if (row?.state === 'skipped') continue
      if (row?.state === 'done') {
        state = { ...state, ...row.output }
        continue
      }
      if (row === undefined && node.when !== undefined && !node.when(state))
        return { decision: { next: 'note', key, state: 'skipped', output: null } }
      const following = nodes[i + 1]
      const more = following?.type === 'step' && following.at === node.at
      return { decision: { next: 'do', key, node, state, host: hostOf(node, state, host), more } }
    }
    if (row === undefined)
      return { decision: { next: 'note', key, state: 'done', output: { items: node.over(state) } } }
    const items = (row.output?.['items'] ?? []) as readonly unknown[]
    let chosen: State | undefined
    let last: StepRow | undefined
    for (let n = 0; chosen === undefined; n += 1) {
      const mark = rows.get(`${key}#${n}`)
      if (mark?.state === 'undone') {
        last = mark
        continue
      }
      if (mark === undefined) {
        if (n < items.length)
          return { decision: { next: 'note', key: `${key}#${n}`, state: 'started', output: { item: items[n] } } }
        const error =
          last?.error == null
            ? new Fault('NoCandidates', 500, `${node.name}: there is nothing to try`)
            : decodeError(last.error)
        return { decision: { next: 'exhausted', key, error } }
      }
      if (mark.state === 'failed')
        return {
          decision: nextUndo(saga, input, rows, `${key}#${n}/`) ?? {
            next: 'note',
            key: mark.key,
            state: 'undone',
            output: mark.output,
          },
        }
      const item = mark.output?.['item']
      const inner = walk(
        saga,
        input,
        rows,
        node.nodes,
        `${key}#${n}/`,
        { ...state, [node.as]: item },
        hostOfCandidate(node, item) ?? host,
      )
      if ('decision' in inner) return inner
      chosen = inner.state
    }
    state = chosen
  }
  return { state }
}

/** What to do next. */
export function decide(saga: AnySaga, row: Pick<SagaRow, 'state' | 'input'>, rows: Rows): Decision {
  if (row.state === 'unwinding' || row.state === 'stuck') {
    const undo = nextUndo(saga, row.input, rows, '')
    if (undo !== undefined) return undo
    if (saga.options.failed !== undefined && rows.get(HOOK)?.state !== 'done') {
      const { state } = stateUpTo(saga, row.input, rows, Number.POSITIVE_INFINITY)
      return { next: 'hook', state }
    }
    return { next: 'failed' }
  }
  const walked = walk(saga, row.input, rows, saga.nodes, '', row.input, undefined)
  return 'decision' in walked ? walked.decision : { next: 'done', state: walked.state }
}

/** Which candidate a failure at `key` ends; undefined when it ends the saga. */
export function candidateToDrop(saga: AnySaga, key: string, error: Error): string | undefined {
  for (const { each, key: candidate } of (locate(saga, key)?.around ?? []).toReversed())
    if (each.retryOn(error)) return candidate
  return undefined
}

/** All step keys of a definition, as they stand in logs without candidates: for stock tests and `steps.lock`. */
export function stepNames(saga: Pick<AnySaga, 'nodes'>): string[] {
  const names = (nodes: readonly SagaNode[], prefix: string): string[] =>
    nodes.flatMap(node => (node.type === 'step' ? [prefix + node.name] : names(node.nodes, `${prefix}${node.name}/`)))
  return names(saga.nodes, '')
}
