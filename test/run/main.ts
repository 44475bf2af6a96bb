// The runner's own door: `node test/run/main.ts PART… WORD… [-t PATTERN] [-v]`, started by `koto test`.
import { fileURLToPath } from 'node:url'
import { PARTS } from './parts.ts'
import { runTests } from './run.ts'

const names: readonly string[] = PARTS.map(part => part.name)
const parts: string[] = []
const words: string[] = []
let grep: string | null = null
let verbose = false
for (let i = 2; i < process.argv.length; i++) {
  const word = process.argv[i] ?? ''
  if (word === '-t' || word === '--grep') grep = process.argv[++i] ?? null
  else if (word === '-v' || word === '--verbose') verbose = true
  else if (names.includes(word) && words.length === 0) parts.push(word)
  else words.push(word)
}
const root = fileURLToPath(new URL('../..', import.meta.url))
process.exitCode = await runTests({ root, parts, words, grep, verbose }, text => void process.stdout.write(text))
