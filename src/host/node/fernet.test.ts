import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { test } from 'node:test'

import { createFernet, fileKeys, memoryKeys } from '#host/node/fernet.ts'
import type { KeyStore } from '#kernel/lib/secrets.ts'

const text = (bytes: Uint8Array | undefined): string => new TextDecoder().decode(bytes)
const one = (key: string): KeyStore => ({ read: () => [[1, key]], write: () => undefined, remove: () => undefined })

test('reads the token of the Fernet specification', () => {
  const seal = createFernet(one('cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4='))
  const opened = seal.open(
    'gAAAAAAdwJ6wAAECAwQFBgcICQoLDA0ODy021cpGVWKZ_eEwCGM4BLLF_5CV9dOPmrhuVUPgJobwOz7JcbmrR64jVmpU4IwqDA==',
  )
  assert.equal(text(opened?.payload), 'hello')
  assert.equal(opened?.at, Date.parse('1985-10-26T01:20:00-07:00'))
})

test('opens what it sealed, and nothing that was changed', () => {
  const seal = createFernet(memoryKeys())
  const sealed = seal.seal(new TextEncoder().encode('secret'), 1_700_000_000_999)
  assert.match(sealed, /^[\w-]+$/)
  assert.equal(text(seal.open(sealed)?.payload), 'secret')
  assert.equal(seal.open(sealed)?.at, 1_700_000_000_000)
  for (const broken of [
    '',
    'x',
    'gAAAA',
    '%%%',
    sealed.slice(0, -4),
    sealed + 'AAAA',
    sealed.replace(/.{6}$/, 'AAAAAA'),
  ])
    assert.equal(seal.open(broken), null, broken)
  for (let at = 0; at < sealed.length; at += 7) {
    const changed = sealed.slice(0, at) + (sealed[at] === 'A' ? 'B' : 'A') + sealed.slice(at + 1)
    assert.equal(seal.open(changed), null)
  }
})

test('rotated keys are accepted until they are forgotten', () => {
  const seal = createFernet(memoryKeys(), 3)
  const first = seal.seal(new Uint8Array([1]), 0)
  seal.rotate()
  const second = seal.seal(new Uint8Array([2]), 0)
  assert.notEqual(seal.open(first), null)
  seal.rotate()
  assert.equal(seal.open(first), null)
  assert.notEqual(seal.open(second), null)
})

test('keys lie in files of their own that only their owner reads, and another process finds them', () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'koto-keys-'))
  try {
    const keys = path.join(folder, 'fernet-keys')
    const sealed = createFernet(fileKeys(keys)).seal(new Uint8Array([7]), 0)
    const other = createFernet(fileKeys(keys))
    assert.deepEqual([...(other.open(sealed)?.payload ?? [])], [7])
    other.rotate()
    assert.deepEqual(readdirSync(keys).sort(), ['0', '1', '2'])
    assert.equal(statSync(path.join(keys, '2')).mode & 0o777, 0o600)
    assert.equal(statSync(keys).mode & 0o777, 0o700)
    assert.notEqual(other.open(sealed), null)
  } finally {
    rmSync(folder, { recursive: true })
  }
})
