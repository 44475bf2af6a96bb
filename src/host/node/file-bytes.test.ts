import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test, type TestContext } from 'node:test'
import { fileBytes, writeWhole } from '#host/node/file-bytes.ts'

const folder = (t: TestContext): string => {
  const made = mkdtempSync(path.join(tmpdir(), 'koto-bytes-'))
  t.after(() => rmSync(made, { recursive: true, force: true }))
  return made
}

test('what is read piece by piece and written whole is the same file', async t => {
  const at = folder(t)
  for (const size of [0, 1, 262_143, 262_144, 1_000_003]) {
    const bytes = randomBytes(size)
    writeFileSync(path.join(at, 'from'), bytes)
    const to = await open(path.join(at, 'to'), 'w')
    for await (const piece of fileBytes(path.join(at, 'from'))) await writeWhole(to, piece)
    await to.close()
    assert.ok(readFileSync(path.join(at, 'to')).equals(bytes), `${size} bytes`)
  }
})

test('who stops in the middle leaves no open file, and a missing file is said', async t => {
  const at = folder(t)
  writeFileSync(path.join(at, 'from'), randomBytes(600_000))
  for await (const piece of fileBytes(path.join(at, 'from'))) {
    assert.equal(piece.length, 262_144)
    break
  }
  await assert.rejects(async () => {
    for await (const piece of fileBytes(path.join(at, 'none'))) assert.fail(String(piece.length))
  }, /ENOENT/)
})
