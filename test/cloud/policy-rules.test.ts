// Every rule of every service asked of every persona, about his own things and about another's: the verdicts are upstream's.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createEnforcer, OWN } from '#kernel/policy/enforcer.ts'
import { definition as cinder } from '#services/cinder/service.ts'
import { definition as glance } from '#services/glance/service.ts'
import { definition as keystone } from '#services/keystone/service.ts'
import { definition as neutron } from '#services/neutron/service.ts'
import { definition as nova } from '#services/nova/service.ts'
import { definition as placement } from '#services/placement/service.ts'
import { expectedVerdicts, foreign, PERSONAS, whoIs } from '../authz/personas.ts'

const expected = expectedVerdicts()

for (const service of [keystone, glance, placement, nova, neutron, cinder])
  test(`the rules of ${service.name} say what upstream's say`, () => {
    const policy = createEnforcer(service.rules, service.baseRules)
    const found: string[] = []
    let asked = 0
    for (const rule of service.rules) {
      const wanted = expected.get(`${service.name} ${rule.name}`)
      if (wanted === undefined) continue
      asked++
      for (const persona of PERSONAS)
        for (const [whose, target, may] of [
          // A service's account has no things of its own: what it touches belongs to people.
          ['own', persona === 'SV' ? foreign : OWN, wanted.own],
          ["another's", foreign, wanted.foreign],
        ] as const) {
          const allowed = policy.allows(whoIs(persona), rule, target)
          if (allowed !== may.has(persona))
            found.push(`${rule.name}: ${persona} ${allowed ? 'may' : 'may not'} do it to ${whose} thing`)
        }
    }
    assert.ok(asked > service.rules.length / 2, `${asked} of ${service.rules.length} rules are known`)
    assert.deepEqual(found, [])
  })
