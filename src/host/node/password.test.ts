import assert from 'node:assert/strict'
import { test } from 'node:test'

import { createPasswords } from '#host/node/password.ts'

test('a password fits its own hash only, and no two hashes are alike', async () => {
  const passwords = createPasswords({ logN: 4 })
  const first = await passwords.hash('pässwörd')
  const second = await passwords.hash('pässwörd')
  assert.match(first, /^\$scrypt\$ln=4,r=8,p=1\$[A-Za-z0-9+/]+\$[A-Za-z0-9+/]+$/)
  assert.notEqual(first, second)
  assert.equal(await passwords.verify('pässwörd', first), true)
  assert.equal(await passwords.verify('passwörd', first), false)
  assert.equal(await passwords.verify('', first), false)
  assert.equal(await passwords.verify('x', 'not a hash'), false)
  assert.equal(await passwords.verify('x', '$scrypt$ln=63,r=8,p=1$aaaa$bbbb'), false)
})

test('a digest is of this process alone', () => {
  const [one, other] = [createPasswords(), createPasswords()]
  assert.equal(one.digest('a'), one.digest('a'))
  assert.notEqual(one.digest('a'), other.digest('a'))
  assert.equal(one.same('a', 'a'), true)
  assert.equal(one.same('a', 'ab'), false)
})
