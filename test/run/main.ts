// The runner's own door: `node test/run/main.ts PART… WORD… [-t PATTERN] [-v]`, started by `koto test`.
import { fileURLToPath } from 'node:url'
import { PARTS } from './parts.ts'
import { runTempest } from '../conformance/tempest.ts'
import { runTests } from './run.ts'

const names: readonly string[] = PARTS.map(part => part.name)
const parts: string[] = []
const words: string[] = []
let grep: string | null = null
let verbose = false
let list: string | null = null
let report: string | null = null
let real = false
for (let i = 2; i < process.argv.length; i++) {
  const word = process.argv[i] ?? ''
  if (word === '-t' || word === '--grep') grep = process.argv[++i] ?? null
  else if (word === '--list') list = process.argv[++i] ?? null
  else if (word === '--report') report = process.argv[++i] ?? null
  else if (word === '--real') real = true
  else if (word === '-v' || word === '--verbose') verbose = true
  else if (names.includes(word) && words.length === 0) parts.push(word)
  else words.push(word)
}
const root = fileURLToPath(new URL('../..', import.meta.url))
const write = (text: string): void => void process.stdout.write(text)
process.exitCode =
  list === null
    ? await runTests({ root, parts, words, grep, verbose }, write)
    : await runTempest({ list, real, report }, write)
