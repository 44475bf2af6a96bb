// The cases: what a busy console and its scripts ask all day, at one and at eight requests at a time.
import type { Agent } from 'node:http'
import type { Clock } from '#kernel/lib/clock.ts'
import { exchange, loginBody, type ApiLogin, type ApiSession, type Reply } from '#host/node/api-session.ts'
import { http } from '#host/node/plain-http.ts'
import { pool, quantile, type CpuMeter, type Figures } from '#main/cli/bench/measure.ts'
import type { Named } from '#main/cli/bench/data-set.ts'

export interface BenchWish {
  readonly login: ApiLogin
  readonly requests: number
  readonly warm: number
  readonly concurrency: readonly number[]
  /** Only cases whose name contains one of these; all when empty. */
  readonly only: readonly string[]
}

interface Case {
  readonly name: string
  readonly ok: number
  /** The key of a list, whose length is reported. */
  readonly key?: string
  readonly ask: () => Promise<Reply>
}

/** Runs every case at every width, yielding a line each. */
export async function* runCases(
  api: ApiSession,
  wish: BenchWish,
  clock: Clock,
  meter: CpuMeter,
): AsyncGenerator<Figures> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 64 })
  const wanted = (name: string): boolean => wish.only.length === 0 || wish.only.some(word => name.includes(word))
  try {
    for (const one of await cases(api, wish, agent)) {
      if (!wanted(one.name)) continue
      for (const width of wish.concurrency) yield await runCase(one, width, wish, clock, meter)
    }
    const pair = 'POST+DELETE /v2.0/networks'
    if (wanted(pair)) for (const width of wish.concurrency) yield* runPair(pair, api, width, wish, clock, meter)
  } finally {
    agent.destroy()
  }
}

async function cases(api: ApiSession, wish: BenchWish, agent: Agent): Promise<Case[]> {
  const tokens = `${wish.login.authUrl}/auth/tokens`
  const { servers } = await api.get<{ servers: Named[] }>('compute', '/servers?name=bench-seed&limit=100')
  let turn = 0
  const anyServer = (): string => servers[turn++ % Math.max(1, servers.length)]?.id ?? 'none'
  const list = (name: string, key: string, ask: () => Promise<Reply>): Case => ({ name, ok: 200, key, ask })
  return [
    { name: 'POST /v3/auth/tokens', ok: 201, ask: () => exchange(agent, 'POST', tokens, {}, loginBody(wish.login)) },
    {
      name: 'GET /v3/auth/tokens',
      ok: 200,
      ask: () => exchange(agent, 'GET', tokens, { 'x-auth-token': api.token, 'x-subject-token': api.token }),
    },
    list('GET /v2.1/servers/detail', 'servers', () => api.call('GET', 'compute', '/servers/detail')),
    { name: 'GET /v2.1/servers/{id}', ok: 200, ask: () => api.call('GET', 'compute', `/servers/${anyServer()}`) },
    list('GET /v2.0/networks', 'networks', () => api.call('GET', 'network', '/networks')),
    list('GET /v2.0/ports', 'ports', () => api.call('GET', 'network', '/ports')),
    list('GET /v2/images', 'images', () => api.call('GET', 'image', '/images')),
    list('GET /v3/{p}/volumes/detail', 'volumes', () => api.call('GET', 'volumev3', '/volumes/detail')),
    list('GET /v2.1/flavors/detail', 'flavors', () => api.call('GET', 'compute', '/flavors/detail')),
  ]
}

async function runCase(one: Case, width: number, wish: BenchWish, clock: Clock, meter: CpuMeter): Promise<Figures> {
  let took: number[] = []
  let errors = 0
  let sample: Reply | null = null
  const ask = async (): Promise<void> => {
    const from = clock.monotonic()
    try {
      const reply = await one.ask()
      took.push(clock.monotonic() - from)
      if (reply.status !== one.ok) errors += 1
      else sample ??= reply
    } catch {
      errors += 1
    }
  }
  await pool(wish.warm, width, ask)
  took = []
  errors = 0
  const before = meter.now()
  await pool(wish.requests, width, ask)
  const after = meter.now()
  const { cloudMs, othersPercent } = meter.between(before, after)
  const reply = sample as Reply | null
  return {
    case: one.name,
    concurrency: width,
    requests: wish.requests,
    errors,
    items:
      one.key === undefined || reply === null
        ? null
        : (reply.json<Record<string, unknown[]>>()[one.key]?.length ?? null),
    bytes: reply?.bytes ?? null,
    p50_ms: quantile(took, 0.5),
    p95_ms: quantile(took, 0.95),
    per_second: (1000 * (wish.requests - errors)) / (after.at - before.at),
    cpu_ms: cloudMs / wish.requests,
    others_percent: othersPercent,
  }
}

/** A network made and removed, as one, and each half by itself. */
async function* runPair(
  name: string,
  api: ApiSession,
  width: number,
  wish: BenchWish,
  clock: Clock,
  meter: CpuMeter,
): AsyncGenerator<Figures> {
  let [both, made, removed]: number[][] = [[], [], []]
  let errors = 0
  const once = async (index: number): Promise<void> => {
    const from = clock.monotonic()
    try {
      const reply = await api.call('POST', 'network', '/networks', { network: { name: `bench-pair-${index}` } })
      const half = clock.monotonic()
      await api.call('DELETE', 'network', `/networks/${reply.json<{ network: Named }>().network.id}`)
      const end = clock.monotonic()
      made?.push(half - from)
      removed?.push(end - half)
      both?.push(end - from)
    } catch {
      errors += 1
    }
  }
  await pool(Math.min(wish.warm, 4), width, once)
  ;[both, made, removed] = [[], [], []]
  errors = 0
  const before = meter.now()
  await pool(wish.requests, width, once)
  const after = meter.now()
  const { cloudMs, othersPercent } = meter.between(before, after)
  const line = (which: string, took: readonly number[], whole: boolean): Figures => ({
    case: which,
    concurrency: width,
    requests: wish.requests,
    errors,
    items: null,
    bytes: null,
    p50_ms: quantile(took, 0.5),
    p95_ms: quantile(took, 0.95),
    per_second: whole ? (1000 * (wish.requests - errors)) / (after.at - before.at) : null,
    cpu_ms: whole ? cloudMs / wish.requests : null,
    others_percent: whole ? othersPercent : null,
  })
  yield line(name, both ?? [], true)
  yield line(`${name}: its POST`, made ?? [], false)
  yield line(`${name}: its DELETE`, removed ?? [], false)
}
