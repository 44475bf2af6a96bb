import assert from 'node:assert/strict'
import { test } from 'node:test'
import { virtualClock } from '#kernel/lib/virtual-clock.ts'
import type { Passwords } from '#kernel/lib/secrets.ts'
import { createPasswordCheck } from '#services/keystone/domain/passwords.ts'

/** Hashes that cost nothing and count how often they were asked. */
function countingPasswords(): Passwords & { readonly asked: string[] } {
  const asked: string[] = []
  return {
    asked,
    hash: async password => `of ${password}`,
    verify: async (password, hash) => {
      asked.push(`${password}/${hash}`)
      return hash === `of ${password}`
    },
    digest: text => `digest ${text}`,
    same: (a, b) => a === b,
  }
}

test('a right password is remembered for its hash and for a while; a wrong one and another hash pay', async () => {
  const clock = virtualClock()
  const passwords = countingPasswords()
  const check = createPasswordCheck(passwords, clock)
  assert.equal(await check.verify('a', 'of a'), true)
  assert.equal(await check.verify('a', 'of a'), true)
  assert.deepEqual(passwords.asked, ['a/of a'])
  assert.equal(await check.verify('b', 'of a'), false)
  assert.equal(await check.verify('b', 'of a'), false)
  assert.equal(await check.verify('a', 'of b'), false)
  assert.equal(await check.verify('b', null), false)
  assert.equal(passwords.asked.length, 5)
  await clock.advance(300_001)
  assert.equal(await check.verify('a', 'of a'), true)
  assert.equal(passwords.asked.length, 6)
})

test('who asks the same at the same time waits for one answer', async () => {
  const passwords = countingPasswords()
  const check = createPasswordCheck(passwords, virtualClock())
  const answers = await Promise.all([check.verify('a', 'of a'), check.verify('a', 'of a'), check.verify('b', 'of a')])
  assert.deepEqual(answers, [true, true, false])
  assert.equal(passwords.asked.length, 2)
})
