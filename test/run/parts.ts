// Which test files belong to which part, and how a part runs.
import { globSync } from 'node:fs'

export type PartName = 'static' | 'unit' | 'cloud' | 'host' | 'web' | 'conformance'

export interface Part {
  readonly name: PartName
  readonly says: string
  readonly globs: readonly string[]
  readonly not?: readonly string[]
  /** Files that share one process; 1 gives each its own. */
  readonly filesPerProcess: number
  /** Processes at a time; 0 means one per processor. */
  readonly atOnce: number
  /** For one test. */
  readonly testMs: number
}

/** In the order in which they run: what fails soonest comes first. */
export const PARTS: readonly Part[] = [
  { name: 'static', says: 'types, lint, format', globs: [], filesPerProcess: 1, atOnce: 1, testMs: 600_000 },
  {
    name: 'unit',
    says: 'rules, parsers, queries, layers',
    globs: ['src/**/*.test.ts', 'test/*.test.ts', 'test/{kernel,derived,run}/**/*.test.ts'],
    not: ['**/*.host.test.ts'],
    filesPerProcess: 24,
    atOnce: 0,
    testMs: 60_000,
  },
  {
    name: 'cloud',
    says: 'the whole cloud in one process, simulated drivers',
    globs: ['test/{cloud,faults}/**/*.test.ts'],
    filesPerProcess: 1,
    atOnce: 0,
    testMs: 600_000,
  },
  {
    name: 'web',
    says: 'the console in a browser, against the real server',
    globs: ['web/test/**/*.test.{ts,tsx,js,mjs}'],
    filesPerProcess: 1,
    atOnce: 1,
    testMs: 180_000,
  },
  {
    name: 'host',
    says: 'real QEMU, bridges and namespaces',
    globs: ['src/**/*.host.test.ts', 'test/host/**/*.test.ts'],
    filesPerProcess: 1,
    atOnce: 1,
    testMs: 600_000,
  },
  {
    name: 'conformance',
    says: 'real clients against a real cloud',
    globs: ['test/compat/**/*.test.ts'],
    filesPerProcess: 1,
    atOnce: 1,
    testMs: 900_000,
  },
]

/** The part's files under `root`, in a stable order; `words` keep those whose path contains one of them. */
export function filesOf(part: Part, root: string, words: readonly string[]): string[] {
  const skip = new Set((part.not ?? []).flatMap(glob => globSync(glob, { cwd: root, exclude: outside })))
  return part.globs
    .flatMap(glob => globSync(glob, { cwd: root, exclude: outside }))
    .filter(file => !skip.has(file) && (words.length === 0 || words.some(word => file.includes(word))))
    .sort()
}

const outside = (name: string): boolean => /(^|\/)(node_modules|dist|fixtures)$/.test(name)

/** Files dealt out so that each process gets about as many, at most `part.filesPerProcess`. */
export function batches(files: readonly string[], part: Part, processors: number): string[][] {
  if (files.length === 0) return []
  const size = Math.min(part.filesPerProcess, Math.max(1, Math.ceil(files.length / processors)))
  const count = Math.ceil(files.length / size)
  const dealt: string[][] = Array.from({ length: count }, () => [])
  for (const [index, file] of files.entries()) dealt[index % count]?.push(file)
  return dealt
}
