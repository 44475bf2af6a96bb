import assert from 'node:assert/strict'
import { test } from 'node:test'

import { OWN, parseCheck, type Target } from '#kernel/policy/check.ts'

const creds = {
  roles: ['member', 'reader'],
  project_id: 'p',
  user_id: 'u',
  domain_id: null,
  token: { project: { domain: { id: 'd' } } },
}
const says = (text: string, target: Target | typeof OWN = {}, rules: Record<string, string> = {}): boolean =>
  parseCheck(text)(creds, target, new Map(Object.entries(rules).map(([name, check]) => [name, parseCheck(check)])))

test('the language of check strings', () => {
  assert.ok(says(''))
  assert.ok(says('@'))
  assert.ok(!says('!'))
  assert.ok(says('role:member and not role:admin'))
  assert.ok(says('role:admin or (role:reader and project_id:%(project_id)s)', { project_id: 'p' }))
  assert.ok(!says('role:admin or (role:reader and project_id:%(project_id)s)', { project_id: 'other' }))
  assert.ok(!says('project_id:%(project_id)s', {}))
  assert.ok(!says('domain_id:%(domain_id)s', { domain_id: null }), 'None never equals None by accident')
  assert.ok(says("'None':%(domain_id)s", { domain_id: null }))
  assert.ok(says('user_id:%(target.trust.trustor_user_id)s', { target: { trust: { trustor_user_id: 'u' } } }))
  assert.ok(says('token.project.domain.id:%(target.domain.id)s', { 'target.domain.id': 'd' }))
  assert.ok(says('field:networks:shared=True', { shared: true }))
  assert.ok(says('field:port:device_owner=~^network:', { device_owner: 'network:dhcp' }))
  assert.ok(says('rule:one', {}, { one: 'rule:two', two: 'role:reader' }))
  assert.ok(!says('rule:nobody-knows'), 'an unknown rule denies')
})
test('OWN asks whether he might, if everything were his', () => {
  assert.ok(says('role:member and project_id:%(project_id)s', OWN))
  assert.ok(!says('role:admin and project_id:%(project_id)s', OWN))
  assert.ok(!says('domain_id:%(target.domain.id)s', OWN), 'no domain in the token')
  assert.ok(!says('role:member and not domain_id:None', OWN), 'what the token says is known')
  assert.ok(says('role:member and not user_id:%(user_id)s', OWN))
})
test('a bad check stops the program', () => {
  for (const bad of ['role', '(role:a', 'role:a)', 'role:a and', 'project_id:%(x', "'a"])
    assert.throws(() => parseCheck(bad), SyntaxError, bad)
})
