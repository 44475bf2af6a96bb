// Servers from create to ACTIVE to gone: one after the other, then in bursts.
import type { Clock } from '#kernel/lib/clock.ts'
import type { ApiSession } from '#host/node/api-session.ts'
import { makeServer, untilNone, type DataSet, type Named } from '#main/cli/bench/data-set.ts'
import { pool, quantile, type CpuMeter } from '#main/cli/bench/measure.ts'

/** One server at a time; times are medians in ms. */
export interface SingleBoots {
  readonly kind: 'single'
  readonly times: number
  readonly accepted_ms: number
  readonly active_ms: number
  readonly active_min_ms: number
  readonly active_max_ms: number
  readonly deleted_ms: number
}

export interface BurstBoots {
  readonly kind: 'burst'
  readonly servers: number
  readonly states: Readonly<Record<string, number>>
  readonly accepted_s: number
  readonly active_s: number
  readonly per_second: number
  readonly cpu_ms: number
  readonly deleted_s: number
  readonly delete_cpu_ms: number
  readonly others_percent: number
}

const LOOK_MS = 50
const AT_ONCE = 8

export async function singleBoots(api: ApiSession, set: DataSet, clock: Clock, times: number): Promise<SingleBoots> {
  const accepted: number[] = []
  const active: number[] = []
  const deleted: number[] = []
  for (let i = 0; i < times; i++) {
    const from = clock.monotonic()
    const id = await makeServer(api, set, `bench-single-${i}`)
    accepted.push(clock.monotonic() - from)
    for (;;) {
      const { server } = await api.get<{ server: Named & { fault?: unknown } }>('compute', `/servers/${id}`)
      if (server.status === 'ACTIVE') break
      if (server.status === 'ERROR')
        throw new Error(`a server of the benchmark is in ERROR: ${JSON.stringify(server.fault)}`)
      await clock.sleep(LOOK_MS)
    }
    const up = clock.monotonic()
    active.push(up - from)
    await api.call('DELETE', 'compute', `/servers/${id}`)
    while ((await api.call('GET', 'compute', `/servers/${id}`, undefined, { accept: [200, 404] })).status !== 404)
      await clock.sleep(LOOK_MS)
    deleted.push(clock.monotonic() - up)
  }
  return {
    kind: 'single',
    times,
    accepted_ms: quantile(accepted, 0.5),
    active_ms: quantile(active, 0.5),
    active_min_ms: Math.min(...active),
    active_max_ms: Math.max(...active),
    deleted_ms: quantile(deleted, 0.5),
  }
}

export async function burstBoots(
  api: ApiSession,
  set: DataSet,
  clock: Clock,
  meter: CpuMeter,
  count: number,
): Promise<BurstBoots> {
  const name = `bench-burst-${count}`
  const ids: string[] = []
  const before = meter.now()
  const from = clock.monotonic()
  await pool(count, AT_ONCE, async i => void ids.push(await makeServer(api, set, `${name}-${i}`)))
  const accepted = clock.monotonic()
  await untilNone(api, clock, `name=${name}-&status=BUILD`)
  const active = clock.monotonic()
  const created = meter.between(before, meter.now())
  const { servers } = await api.get<{ servers: Named[] }>('compute', `/servers/detail?name=${name}-&limit=1000`)
  const states: Record<string, number> = {}
  for (const { status } of servers) states[status] = (states[status] ?? 0) + 1
  const again = meter.now()
  const start = clock.monotonic()
  await pool(count, AT_ONCE, async i => void (await api.call('DELETE', 'compute', `/servers/${ids[i]}`)))
  await untilNone(api, clock, `name=${name}-`)
  const gone = clock.monotonic()
  const removed = meter.between(again, meter.now())
  const activeS = (active - from) / 1000
  return {
    kind: 'burst',
    servers: count,
    states,
    accepted_s: (accepted - from) / 1000,
    active_s: activeS,
    per_second: count / activeS,
    cpu_ms: created.cloudMs / count,
    deleted_s: (gone - start) / 1000,
    delete_cpu_ms: removed.cloudMs / count,
    others_percent: created.othersPercent,
  }
}
