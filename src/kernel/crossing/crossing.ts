// The one seam: whatever leaves a component for another passes here. Trace, journey, slow motion, breakpoints and faults
// are hooks on it, and nothing else may know about them.

/** A component by its OpenStack name, e.g. `nova-api`, `nova-compute@node-1`, `client`. */
export type Actor = string

/**
 * `rest` an API call · `call` and `cast` over the bus · `db` a named session of a database · `driver` a hypervisor, network or
 * storage verb · `decide` a pure decision worth showing · `skip` something that did not happen and why · `sleep` a wait.
 */
export type CrossingKind = 'rest' | 'call' | 'cast' | 'db' | 'driver' | 'decide' | 'skip' | 'sleep'

/** `send`: seen where it leaves. `take`: seen where it arrives. A `rest` or bus crossing is seen on both sides. */
export type CrossingSide = 'send' | 'take'

export interface Crossing {
  readonly kind: CrossingKind
  readonly side: CrossingSide
  readonly from: Actor
  readonly to: Actor
  /** `GET /v2/images/{id}`, `select_destinations`, `create-server`, … */
  readonly name: string
  /** The id that all crossings of one client request share. */
  readonly requestId: string
  /** The thing it is about, e.g. a server's id, where known. */
  readonly subject?: string
  /** Small facts worth showing. Secrets never; big bodies never. */
  readonly payload?: Readonly<Record<string, unknown>>
}

/** Watch, delay, pause, lose or fail: call `next` once to let it happen. */
export type Hook = (crossing: Crossing, next: () => Promise<unknown>) => Promise<unknown>

/** Lets a deed happen through all hooks. */
export type Cross = <T>(crossing: Crossing, deed: () => Promise<T>) => Promise<T>

/** Chains hooks, the first outermost. With no hook the deed is called directly. */
export function crossings(hooks: readonly Hook[]): Cross {
  if (hooks.length === 0) return (_crossing, deed) => deed()
  return <T>(crossing: Crossing, deed: () => Promise<T>): Promise<T> => {
    const step = (index: number): Promise<unknown> => {
      const hook = hooks[index]
      return hook === undefined ? deed() : hook(crossing, () => step(index + 1))
    }
    return step(0) as Promise<T>
  }
}
