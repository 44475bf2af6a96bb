// What a saga is: steps from top to bottom, each undo under its deed, `at` says where a body runs. Only data and functions
// here; the engine runs it. The state's type grows step by step: reading what no earlier step wrote does not compile.
import type { RetryPolicy } from '#kernel/lib/retry.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import type { WireFault } from '#kernel/bus/wire.ts'

/** Tools by place: `{ conductor: ConductorTools; compute: ComputeTools }`. A body sees those of the place it runs at. */
export type Places = object

/** What a body gets besides state and tools. */
export interface StepRun {
  readonly sagaId: string
  /** Unique for saga, step and candidate, the same at each repeat: hand it to whoever must recognise a repeat. */
  readonly key: string
  /** 1 for the first try in this process. */
  readonly attempt: number
  /** Aborted when the saga is cancelled or the step's deadline has passed. A body that waits should listen. */
  readonly signal: AbortSignal
  /** The context of the request that began the saga, in the hands of this place's actor. */
  readonly ctx: Ctx
}

/** How a saga ended, for its `failed` hook. */
export interface Ending {
  /** The failures in order of time: each candidate's, and last the one that ended it. */
  readonly errors: readonly Error[]
  /** True when somebody cancelled it or overtook it (e.g. deleted its subject): then nothing is to be complained about. */
  readonly cancelled: boolean
  readonly run: StepRun
}

export type State = Readonly<Record<string, unknown>>
type Simple<T> = { [K in keyof T]: T[K] } & {}
type After<S, Out> = [Out] extends [void] ? S : Simple<S & Out>
type Maybe<S, Out> = [Out] extends [void] ? S : Simple<S & Partial<Out>>

/** A step's definition. Outputs are JSON and are added to the state. */
export interface StepDef<Tools extends Places, S, At extends keyof Tools, Out> {
  /** In whose process the body runs. */
  readonly at: At
  /** The subject's task state while it runs; swapped from the one before. Lost swap: the saga unwinds. */
  readonly taskState?: string | null
  /** Which host's actor, for a place on many hosts. Default: the candidate of the enclosing `forEachUntilOne`. */
  readonly onHost?: (s: S) => string
  /** One side effect, harmless to repeat; ids are made before. */
  readonly do: (s: S, t: Tools[At], run: StepRun) => Promise<Out>
  /** Takes the deed back, also a half-done one: what the step itself wrote may be missing. Harmless to repeat. */
  readonly undo?: (s: Maybe<S, Out>, t: Tools[At], run: StepRun) => Promise<unknown>
  /** For the deed with all its tries, and for its undo. Default 10 minutes. */
  readonly deadlineMs?: number
  readonly retry?: Partial<RetryPolicy> & { readonly again?: (error: unknown) => boolean }
}

export interface EachDef<S, As extends string, Item> {
  /** The key under which steps find the candidate. */
  readonly as: As
  /** The candidates, best first. Pure; JSON. */
  readonly over: (s: S) => readonly Item[]
  /** Which failures are worth another candidate. Others end the saga. */
  readonly retryOn: (error: Error) => boolean
  /** The host of a candidate. Default: the candidate itself if a text, else its `host`. */
  readonly hostOf?: (item: Item) => string
}

/** A step as the engine sees it, types gone. */
export interface StepNode {
  readonly type: 'step'
  readonly name: string
  readonly at: string
  readonly taskState?: string | null
  readonly onHost?: (s: State) => string
  readonly when?: (s: State) => boolean
  readonly do: (s: State, t: unknown, run: StepRun) => Promise<unknown>
  readonly undo?: (s: State, t: unknown, run: StepRun) => Promise<unknown>
  readonly deadlineMs?: number
  readonly retry?: Partial<RetryPolicy> & { readonly again?: (error: unknown) => boolean }
}
export interface EachNode {
  readonly type: 'each'
  readonly name: string
  readonly as: string
  readonly over: (s: State) => readonly unknown[]
  readonly retryOn: (error: Error) => boolean
  readonly hostOf?: (item: unknown) => string
  readonly nodes: readonly SagaNode[]
}
export type SagaNode = StepNode | EachNode

export interface SagaOptions<Tools extends Places, Input, Home extends keyof Tools> {
  /** What it is about, e.g. the server's id. One saga at a time for a name and a subject. */
  readonly subject: (input: Input) => string
  /** The subject's task state when the saga begins, as its creator wrote it. Default null. */
  readonly taskState?: string | null
  /** How long it may run altogether (anew after a restart) before it unwinds with fault `SagaTimeout`. Default: only steps have deadlines. */
  readonly deadlineMs?: number
  /** The place whose tools `failed` gets. Must be a local one. */
  readonly home?: Home
  /** Called once everything is undone; harmless to repeat. The state is the input and what outer steps wrote. */
  readonly failed?: (s: Simple<Input & State>, t: Tools[Home], ending: Ending) => Promise<unknown>
}

/** A saga's definition, which is also the builder of a longer one. */
export interface Saga<Tools extends Places, Input, S> {
  readonly name: string
  readonly nodes: readonly SagaNode[]
  readonly options: {
    readonly subject: (input: never) => string
    readonly taskState?: string | null
    readonly deadlineMs?: number
    readonly home?: string
    readonly failed?: (s: State, t: unknown, ending: Ending) => Promise<unknown>
  }
  readonly types?: (tools: Tools, input: Input) => S
  /** A step that is skipped when `when` says false: what it writes is optional from then on. */
  step<At extends keyof Tools & string, Out extends object | void>(
    name: string,
    def: StepDef<Tools, S, At, Out> & { readonly when: (s: S) => boolean },
  ): Saga<Tools, Input, Maybe<S, Out>>
  step<At extends keyof Tools & string, Out extends object | void>(
    name: string,
    def: StepDef<Tools, S, At, Out> & { readonly when?: never },
  ): Saga<Tools, Input, After<S, Out>>
  /** Tries the inner steps with each candidate until all succeed with one; a failed candidate's steps are undone first. */
  forEachUntilOne<As extends string, Item, S2>(
    name: string,
    def: EachDef<S, As, Item>,
    inner: (on: Saga<Tools, Input, Simple<S & Record<As, Item>>>) => Saga<Tools, Input, S2>,
  ): Saga<Tools, Input, S2>
}

export type AnySaga = Pick<Saga<never, never, unknown>, 'name' | 'nodes' | 'options'>

/** The wire form of failures kept in a saga's log. */
export type KeptError = WireFault

const build = (name: string, options: AnySaga['options'], nodes: readonly SagaNode[]): unknown => {
  const taken = new Set<string>()
  const walk = (list: readonly SagaNode[]): void => {
    for (const node of list) {
      if (taken.has(node.name)) throw new Error(`saga ${name}: two steps named ${node.name}`)
      if (!/^[a-z][a-z0-9-]*$/.test(node.name)) throw new Error(`saga ${name}: ${node.name} is no kebab-case name`)
      taken.add(node.name)
      if (node.type === 'each') walk(node.nodes)
    }
  }
  walk(nodes)
  return {
    name,
    nodes,
    options,
    step: (step: string, def: object) =>
      build(name, options, [...nodes, { type: 'step', name: step, ...def } as StepNode]),
    forEachUntilOne: (each: string, def: object, inner: (on: unknown) => { nodes: readonly SagaNode[] }) =>
      build(name, options, [
        ...nodes,
        { type: 'each', name: each, ...def, nodes: inner(build(name, options, [])).nodes } as unknown as EachNode,
      ]),
  }
}

/**
 * Begins a definition: `saga<Tools>()<Input>('boot-server', { subject: s => s.serverId }).step(…)`.
 * Step names are an interface: they stand in logs and are what an upgraded program resumes by.
 */
export const saga =
  <Tools extends Places>() =>
  <Input extends object, Home extends keyof Tools & string = keyof Tools & string>(
    name: string,
    options: SagaOptions<Tools, Input, Home>,
  ): Saga<Tools, Input, Input> =>
    build(name, options as unknown as AnySaga['options'], []) as Saga<Tools, Input, Input>
