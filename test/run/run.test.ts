import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { after, test } from 'node:test'
import { batches, PARTS } from './parts.ts'
import { runTests } from './run.ts'

const root = mkdtempSync(path.join(os.tmpdir(), 'koto-runner-test-'))
after(() => rmSync(root, { recursive: true, force: true }))
const HEAD = "import { test, suite } from 'node:test'\nimport assert from 'node:assert'\n"
const write = (name: string, body: string): void => {
  mkdirSync(path.dirname(path.join(root, name)), { recursive: true })
  writeFileSync(path.join(root, name), HEAD + body)
}
write('package.json', '')
writeFileSync(path.join(root, 'package.json'), '{"type":"module"}')
write(
  'src/good.test.ts',
  "test('a', () => {})\ntest('b', { skip: 'no bridge' }, () => {})\nsuite('s', () => { test('c', () => {}) })\n",
)
write(
  'src/bad.test.ts',
  "test('outer', async t => { await t.test('inner', () => assert.equal(1, 2, 'they differ')) })\n",
)
write(
  'src/dies.test.ts',
  "test('fine', () => {})\ntest('dies', async () => { await new Promise(go => setTimeout(go, 50)); process.kill(process.pid, 'SIGKILL'); await new Promise(() => setTimeout(() => {}, 1e6)) })\n",
)
write('src/broken.test.ts', "import { nothing } from './not-there.ts'\ntest('never', () => nothing())\n")
write('src/leaks.test.ts', "test('leaves a timer', () => { setInterval(() => {}, 1000) })\n")
write(
  'src/env.test.ts',
  "test('a clean environment', () => assert.equal(process.env['KOTO_STATE'] ?? process.env['OS_CLOUD'], undefined))\n",
)
write('src/real.host.test.ts', "test('host', () => {})\n")

const run = async (
  words: readonly string[],
  parts: readonly string[] = ['unit'],
  grep: string | null = null,
): Promise<{ code: number; text: string }> => {
  let text = ''
  const code = await runTests({ root, parts, words, grep, verbose: false }, said => void (text += said))
  return { code, text }
}
const last = (text: string): string | undefined => text.trimEnd().split('\n').at(-1)

test('passes, skips with their reason, nested suites, and the last line', async () => {
  const { code, text } = await run(['good', 'leaks', 'env'])
  assert.equal(last(text), '4 passed, 0 failed, 1 skipped')
  assert.match(text, /skip {2}1 × no bridge/)
  assert.equal(code, 0)
})

test('a failure is shown once, with file, names, words and place', async () => {
  const { code, text } = await run(['bad', 'good'])
  assert.equal(last(text), '2 passed, 1 failed, 1 skipped')
  assert.match(text, /FAIL {2}src\/bad\.test\.ts · outer › inner/)
  assert.match(text, /they differ/)
  assert.equal(code, 1)
})

test('a process that dies, and a file that cannot be loaded, fail alone', { timeout: 60_000 }, async () => {
  const { code, text } = await run(['good', 'dies', 'broken'])
  assert.match(text, /FAIL {2}src\/dies\.test\.ts · the file as a whole/)
  assert.match(text, /was ended by SIGKILL/)
  assert.match(text, /FAIL {2}src\/broken\.test\.ts/)
  assert.match(text, /not-there/)
  assert.equal(last(text), '3 passed, 2 failed, 1 skipped')
  assert.equal(code, 1)
})

test('parts and words choose; nothing chosen is no success', async () => {
  assert.equal(last((await run([], ['host'])).text), '1 passed, 0 failed, 0 skipped')
  assert.equal(last((await run(['good'], ['unit'], '^a$')).text), '1 passed, 0 failed, 0 skipped')
  assert.equal((await run(['nothing-like-it'])).code, 1)
})

test('files are dealt to processes evenly', () => {
  const unit = PARTS.find(part => part.name === 'unit')
  assert.ok(unit)
  const files = Array.from({ length: 50 }, (_, i) => `f${i}`)
  assert.deepEqual(
    batches(files, unit, 2).map(batch => batch.length),
    [17, 17, 16],
  )
  assert.deepEqual(
    batches(files.slice(0, 3), unit, 2).map(batch => batch.length),
    [2, 1],
  )
  assert.deepEqual(batches([], unit, 2), [])
})
