import assert from 'node:assert/strict'
import { test } from 'node:test'
import { changeScript, wholeScript, type Ruleset } from '#services/neutron/drivers/ruleset.ts'

const make = (elements: string[], rules: Record<string, string[]>, verdicts: Record<string, string>): Ruleset => ({
  family: 'bridge',
  table: 'koto',
  sets: new Map([['members', { body: 'type ipv4_addr;', elements }]]),
  maps: new Map([['ports', { body: 'type ifname : verdict;', elements: new Map(Object.entries(verdicts)) }]]),
  chains: new Map(Object.entries(rules).map(([name, list]) => [name, { rules: list }])),
})
const lines = (script: string): string[] => script.split('\n').filter(line => line !== '')

test('the whole table replaces what was there', () => {
  assert.deepEqual(lines(wholeScript(make(['10.0.0.1'], { a: ['drop'] }, { '"tap1"': 'goto a' }))), [
    'add table bridge koto',
    'delete table bridge koto',
    'add table bridge koto',
    'add set bridge koto members { type ipv4_addr; }',
    'add chain bridge koto a',
    'add map bridge koto ports { type ifname : verdict; }',
    'add element bridge koto members { 10.0.0.1 }',
    'add rule bridge koto a drop',
    'add element bridge koto ports { "tap1" : goto a }',
  ])
})

test('nothing changed is nothing said', () => {
  const same = (): Ruleset => make(['10.0.0.1'], { a: ['drop'] }, { '"tap1"': 'goto a' })
  assert.equal(changeScript(same(), same()), '')
})

test('names come before what points at them, and go after', () => {
  const before = make(['10.0.0.1'], { a: ['drop'], b: ['accept'] }, { '"tap1"': 'goto a', '"tap2"': 'goto b' })
  const after = make(
    ['10.0.0.1', '10.0.0.2'],
    { b: ['drop'], c: ['accept'] },
    { '"tap2"': 'goto b', '"tap3"': 'goto c' },
  )
  assert.deepEqual(lines(changeScript(before, after)), [
    'add chain bridge koto c',
    'delete element bridge koto ports { "tap1" : goto a }',
    'flush set bridge koto members',
    'add element bridge koto members { 10.0.0.1, 10.0.0.2 }',
    'flush chain bridge koto b',
    'add rule bridge koto b drop',
    'add rule bridge koto c accept',
    'add element bridge koto ports { "tap3" : goto c }',
    'flush chain bridge koto a',
    'delete chain bridge koto a',
  ])
})
