// The bus inside one process: bounded queues, a microtask between sender and receiver, deadlines by the clock.
import { Fault } from '#kernel/contract/fault.ts'
import type { Address, Listening, Transport } from '#kernel/bus/transport.ts'
import type { Clock } from '#kernel/lib/clock.ts'

interface Item {
  readonly text: string
  /** Undefined for a cast. */
  readonly answer?: (text: string) => void
  /** True once the caller no longer waits: then it is not handled at all. */
  readonly late: () => boolean
}

interface Consumer {
  readonly topic: string
  readonly host: string | null
  readonly take: (text: string) => Promise<string>
  readonly atOnce: number
  running: number
  closed: boolean
  idle: (() => void)[]
}

interface Queue extends Address {
  readonly items: Item[]
}

export interface MemoryTransportOptions {
  /** How many texts one queue keeps. Default 10,000. */
  readonly limit?: number
  /** How long closing waits for handlers that run. Default 5 s. */
  readonly patienceMs?: number
}

export function memoryTransport(clock: Clock, options: MemoryTransportOptions = {}): Transport {
  const limit = options.limit ?? 10_000
  const patienceMs = options.patienceMs ?? 5000
  const queues = new Map<string, Queue>()
  const consumers = new Map<string, Consumer[]>()
  const turns = new Map<string, number>()
  let closed = false

  const nameOf = (at: Address): string => (at.host === null ? at.topic : `${at.topic}@${at.host}`)
  const queueOf = (at: Address): Queue => {
    const name = nameOf(at)
    let queue = queues.get(name)
    if (queue === undefined) queues.set(name, (queue = { topic: at.topic, host: at.host, items: [] }))
    return queue
  }
  const takersOf = (at: Address): Consumer[] => {
    const all = consumers.get(at.topic) ?? []
    return at.host === null ? all : all.filter(consumer => consumer.host === at.host)
  }
  const free = (at: Address): Consumer | undefined => {
    const takers = takersOf(at)
    const turn = turns.get(nameOf(at)) ?? 0
    for (let i = 0; i < takers.length; i += 1) {
      const taker = takers[(turn + i) % takers.length]
      if (taker === undefined || taker.running >= taker.atOnce) continue
      turns.set(nameOf(at), (turn + i + 1) % takers.length)
      return taker
    }
    return undefined
  }
  const hand = (item: Item, taker: Consumer): void => {
    taker.running += 1
    queueMicrotask(() => {
      const done = (answer: string): void => {
        taker.running -= 1
        item.answer?.(answer)
        if (taker.running === 0) for (const tell of taker.idle.splice(0)) tell()
        drain({ topic: taker.topic, host: taker.host })
        if (taker.host !== null) drain({ topic: taker.topic, host: null })
      }
      if (item.late()) done('')
      else taker.take(item.text).then(done, () => done(''))
    })
  }
  const idle = (consumer: Consumer): Promise<void> =>
    new Promise(resolve => {
      if (consumer.running === 0) return resolve()
      const cancel = clock.after(patienceMs, resolve)
      consumer.idle.push(() => {
        cancel()
        resolve()
      })
    })
  const drain = (at: Address): void => {
    const queue = queues.get(nameOf(at))
    if (queue === undefined || closed) return
    while (queue.items.length > 0) {
      const taker = free(at)
      if (taker === undefined) return
      const item = queue.items.shift()
      if (item !== undefined) hand(item, taker)
    }
  }
  const put = (at: Address, item: Item): void => {
    const queue = queueOf(at)
    if (closed) throw new Fault('BusClosed', 503, 'the bus is closed')
    if (queue.items.length >= limit)
      throw new Fault('QueueFull', 503, `queue ${nameOf(at)} holds ${limit} messages already`)
    queue.items.push(item)
    drain(at)
  }

  return {
    async listen(at, take, listenOptions = {}) {
      const consumer: Consumer = {
        topic: at.topic,
        host: at.host,
        take,
        atOnce: listenOptions.atOnce ?? Number.POSITIVE_INFINITY,
        running: 0,
        closed: false,
        idle: [],
      }
      const there = consumers.get(at.topic) ?? []
      consumers.set(at.topic, [...there, consumer])
      queueOf(at)
      drain(at)
      drain({ topic: at.topic, host: null })
      const listening: Listening = {
        async close() {
          consumer.closed = true
          consumers.set(
            at.topic,
            (consumers.get(at.topic) ?? []).filter(other => other !== consumer),
          )
          await idle(consumer)
        },
      }
      return listening
    },
    call(to, text, timeoutMs) {
      if (takersOf(to).length === 0)
        return Promise.reject(new Fault('NoSuchConsumer', 503, `nobody serves ${nameOf(to)}`))
      return new Promise((resolve, reject) => {
        let over = false
        const cancel = clock.after(timeoutMs, () => {
          over = true
          reject(new Fault('RpcTimeout', 504, `no reply from ${nameOf(to)} within ${timeoutMs / 1000} s`))
        })
        const answer = (reply: string): void => {
          if (over) return
          over = true
          cancel()
          queueMicrotask(() => resolve(reply))
        }
        try {
          put(to, { text, answer, late: () => over })
        } catch (error) {
          over = true
          cancel()
          reject(error as Error)
        }
      })
    },
    async cast(to, text) {
      put(to, { text, late: () => false })
    },
    async castAll(topic, text) {
      for (const consumer of consumers.get(topic) ?? []) hand({ text, late: () => false }, consumer)
    },
    queues: () =>
      [...queues.values()].map(queue => {
        const takers = takersOf(queue)
        return {
          topic: queue.topic,
          host: queue.host,
          waiting: queue.items.length,
          running: takers.reduce((sum, taker) => sum + taker.running, 0),
          consumers: takers.length,
        }
      }),
    async close() {
      closed = true
      const all = [...consumers.values()].flat()
      consumers.clear()
      await Promise.all(all.map(idle))
    },
  }
}
