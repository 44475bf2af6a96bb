// Figures: latencies, the cloud's own CPU time with its children, and what the rest of the machine burnt meanwhile.
import { readFileSync } from 'node:fs'
import os from 'node:os'
import type { Clock } from '#kernel/lib/clock.ts'
import { cpuMsOf, familyOf } from '#host/node/process-table.ts'

/** One line of the benchmark. Times in ms. */
export interface Figures {
  readonly case: string
  readonly concurrency: number
  readonly requests: number
  readonly errors: number
  /** Entries in a list's answer; null for other cases. */
  readonly items: number | null
  readonly bytes: number | null
  readonly p50_ms: number
  readonly p95_ms: number
  readonly per_second: number | null
  /** CPU of the cloud, its children included, per request. */
  readonly cpu_ms: number | null
  /** Part of the machine that neither the cloud nor this generator used. */
  readonly others_percent: number | null
}

interface Burnt {
  readonly cloudMs: number
  readonly meMs: number
  readonly machineMs: number
  readonly at: number
}

/** The value below which the part `p` of them lies; NaN of none. Sorts a copy. */
export function quantile(values: readonly number[], p: number): number {
  if (values.length === 0) return NaN
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.ceil(p * sorted.length) - 1)] ?? NaN
}

export interface CpuMeter {
  now(): Burnt
  /** Between two looks: the cloud's CPU in ms and the part of the machine that others used. */
  between(before: Burnt, after: Burnt): { cloudMs: number; othersPercent: number }
}

/** Counts the CPU time of a process and of all that descend from it, also of those that ended meanwhile. */
export function cpuMeter(pid: number, clock: Clock): CpuMeter {
  return {
    now() {
      const stat = (readFileSync('/proc/stat', 'utf8').split('\n')[0] ?? '').trim().split(/\s+/).slice(1).map(Number)
      const busy = [0, 1, 2, 5, 6, 7].reduce((sum, index) => sum + (stat[index] ?? 0), 0) * 10
      const { user, system } = process.cpuUsage()
      const cloudMs = familyOf(pid).reduce((sum, one) => sum + (cpuMsOf(one) ?? 0), 0)
      return { cloudMs, meMs: (user + system) / 1000, machineMs: busy, at: clock.monotonic() }
    },
    between(before, after) {
      const cloudMs = after.cloudMs - before.cloudMs
      const others = after.machineMs - before.machineMs - cloudMs - (after.meMs - before.meMs)
      const all = (after.at - before.at) * os.cpus().length
      return { cloudMs, othersPercent: (100 * Math.max(0, others)) / all }
    },
  }
}

/** Runs `count` deeds, `width` at a time. The deed gets its number. */
export async function pool(count: number, width: number, deed: (index: number) => Promise<void>): Promise<void> {
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < count) await deed(next++)
  }
  await Promise.all(Array.from({ length: Math.min(width, count) }, worker))
}
