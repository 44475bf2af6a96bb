// How much each of Cinder's components writes to the log, changed while it runs. Kept as long as the process lives, as upstream does.
import { wordTable } from '#kernel/lib/word-table.ts'
import type { Log } from '#kernel/lib/log.ts'

const RANKS: Readonly<Record<string, number>> = wordTable<number>({ DEBUG: 0, INFO: 1, WARNING: 2, ERROR: 3 })
/** Every logger of ours is below this name. */
const ROOT = 'cinder'

export interface LogLevels {
  /** Logger → level, of those whose name begins with the prefix. */
  of(binary: string, prefix: string): Readonly<Record<string, string>>
  set(binary: string, prefix: string, level: string): void
  /** A log that leaves out what lies below the level of that component. */
  filter(log: Log, binary: string): Log
}
export const isLogLevel = (word: string): boolean => RANKS[word.toUpperCase()] !== undefined

export function createLogLevels(): LogLevels {
  const set = new Map<string, Map<string, string>>()
  const levelsOf = (binary: string): ReadonlyMap<string, string> => set.get(binary) ?? new Map([[ROOT, 'INFO']])
  const rankOf = (binary: string): number => RANKS[levelsOf(binary).get(ROOT) ?? 'INFO'] ?? 1
  return {
    of: (binary, prefix) =>
      Object.fromEntries([...levelsOf(binary)].filter(([name]) => name.startsWith(prefix)).sort()),
    set(binary, prefix, level) {
      const levels = new Map(levelsOf(binary))
      for (const name of levels.keys()) if (name.startsWith(prefix)) levels.set(name, level.toUpperCase())
      if (prefix.startsWith(ROOT)) levels.set(prefix, level.toUpperCase())
      set.set(binary, levels)
    },
    filter: (log, binary) => ({
      info: (...says) => (rankOf(binary) <= 1 ? log.info(...says) : undefined),
      warn: (...says) => (rankOf(binary) <= 2 ? log.warn(...says) : undefined),
      error: (...says) => log.error(...says),
    }),
  }
}
