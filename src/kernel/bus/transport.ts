// What carries the bus: texts between named queues. In memory here; a broker keeps the same promises (bus.suite.ts).

/** A queue of one host's actor, or (host null) the one that all actors of the topic share. */
export interface Address {
  readonly topic: string
  readonly host: string | null
}

export interface QueueState extends Address {
  /** Accepted and not yet taken. */
  readonly waiting: number
  readonly running: number
  readonly consumers: number
}

/** Takes a text, answers with a text (`''` for a cast). Never throws: a failure is inside the text. */
export type Take = (text: string) => Promise<string>

export interface ListenOptions {
  /** How many texts are handled together; default no limit. */
  readonly atOnce?: number
}

export interface Listening {
  /** Takes nothing more; resolves when what was taken is finished, or does not finish for a while. */
  close(): Promise<void>
}

export interface Transport {
  /** Takes from the host's own queue, from the topic's shared one, and what goes to all. `host` null: only the shared one and all. */
  listen(at: Address, take: Take, options?: ListenOptions): Promise<Listening>
  /** At most once. Throws faults `NoSuchConsumer` (nobody there, at once), `RpcTimeout`, `QueueFull`. */
  call(to: Address, text: string, timeoutMs: number): Promise<string>
  /** Resolves when accepted; kept while nobody is there. Throws fault `QueueFull`. */
  cast(to: Address, text: string): Promise<void>
  /** To each that listens to the topic now. */
  castAll(topic: string, text: string): Promise<void>
  queues(): readonly QueueState[]
  /** Takes and accepts nothing more; waits as {@link Listening} does. */
  close(): Promise<void>
}
