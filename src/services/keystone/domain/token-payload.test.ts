import assert from 'node:assert/strict'
import { test } from 'node:test'

import fc from 'fast-check'

import {
  auditOfHex,
  packToken,
  unpackToken,
  type Scope,
  type TokenPayload,
} from '#services/keystone/domain/token-payload.ts'

const hex = fc.stringMatching(/^[0-9a-f]{32}$/)
const id = fc.oneof(hex, fc.constant('default'), fc.string({ minLength: 1, maxLength: 60 }))
const scope: fc.Arbitrary<Scope> = fc.oneof(
  fc.constant<Scope>({ kind: 'unscoped' }),
  fc.constant<Scope>({ kind: 'system' }),
  id.map((value): Scope => ({ kind: 'project', id: value })),
  id.map((value): Scope => ({ kind: 'domain', id: value })),
)
const payload: fc.Arbitrary<TokenPayload> = fc.record({
  userId: id,
  methods: fc.constantFrom(['password'], ['password', 'token'], ['token', 'application_credential']),
  scope,
  issuedAt: fc.integer({ min: 0, max: 4_102_444_800_000 }),
  expiresAt: fc.integer({ min: 0, max: 4_102_444_800_000 }),
  auditIds: fc.array(hex.map(auditOfHex), { minLength: 1, maxLength: 2 }),
  applicationCredentialId: fc.option(id),
  trustId: fc.option(hex),
})

test('what was packed comes out the same', () => {
  fc.assert(
    fc.property(payload, token => assert.deepEqual(unpackToken(packToken(token)), JSON.parse(JSON.stringify(token)))),
  )
})
test('other bytes are no token, and never an error', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 120 }), bytes => void unpackToken(bytes)))
  assert.equal(unpackToken(new Uint8Array()), null)
  assert.equal(unpackToken(new Uint8Array([9, 1, 1, 0])), null)
})
test('the usual token is small', () => {
  const token: TokenPayload = {
    userId: 'a'.repeat(32),
    methods: ['password'],
    scope: { kind: 'project', id: 'b'.repeat(32) },
    issuedAt: 1,
    expiresAt: 2,
    auditIds: [auditOfHex('c'.repeat(32))],
    applicationCredentialId: null,
    trustId: null,
  }
  assert.ok(packToken(token).length < 80)
})
