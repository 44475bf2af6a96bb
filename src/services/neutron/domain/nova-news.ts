// News for Nova through its public API: a wire is alive or dead, addresses changed. Sent together, tried again, never fatal.
import { post } from '#kernel/contract/route.ts'
import { client, RemoteFault, type Transport } from '#kernel/http/client.ts'
import type { ServiceIdentity } from '#kernel/http/service-identity.ts'
import type { Clock } from '#kernel/lib/clock.ts'
import type { Log } from '#kernel/lib/log.ts'
import type { NovaNews } from '#services/neutron/domain/tools.ts'

const routes = { events: post('/v2.1/os-server-external-events', { policy: 'authenticated', status: 200 }) }

const TOGETHER_MS = 2
const TRIES = 5
const FIRST_PAUSE_MS = 100
/** Nova takes no more in one request than its body may hold. */
const MOST = 100

export interface NewsDesk {
  tell(news: readonly NovaNews[]): void
  /** Resolves when nothing waits to be sent. */
  idle(): Promise<void>
  stop(): void
}

export function createNewsDesk(tools: {
  readonly nova: Transport
  readonly identity: ServiceIdentity
  readonly clock: Clock
  readonly log: Log
}): NewsDesk {
  const { clock, log } = tools
  const nova = client(routes, tools.nova)
  let waiting: NovaNews[] = []
  let cancel: (() => void) | null = null
  let sending: Promise<void> = Promise.resolve()
  let stopped = false

  async function send(some: readonly NovaNews[]): Promise<void> {
    const events = some.map(one => ({
      name: one.event,
      server_uuid: one.serverId,
      tag: one.portId,
      ...(one.event === 'network-changed' ? {} : { status: one.failed === true ? 'failed' : 'completed' }),
    }))
    for (let attempt = 1; !stopped; attempt += 1) {
      try {
        const ctx = await tools.identity.ctx('neutron-server')
        await nova.events(ctx, { body: { events } })
        return
      } catch (error) {
        // Nova does not know the server (any more): nobody waits for the news.
        if (error instanceof RemoteFault && error.status >= 400 && error.status < 500 && error.status !== 401) return
        if (attempt === TRIES) {
          log.warn(null, 'Nova could not be told', { events: events.length, why: (error as Error).message })
          return
        }
        await clock.sleep(FIRST_PAUSE_MS * 2 ** (attempt - 1))
      }
    }
  }
  const flush = (): void => {
    cancel = null
    const all = waiting
    waiting = []
    for (let start = 0; start < all.length; start += MOST) {
      const some = all.slice(start, start + MOST)
      // In order: dead after alive must not arrive before it.
      sending = sending.then(() => send(some)).catch(error => log.error(null, 'news for Nova', error))
    }
  }
  return {
    tell(news) {
      if (news.length === 0 || stopped) return
      waiting.push(...news)
      cancel ??= clock.after(TOGETHER_MS, flush)
    },
    async idle() {
      if (cancel !== null) {
        cancel()
        flush()
      }
      await sending
    },
    stop() {
      stopped = true
      cancel?.()
    },
  }
}
