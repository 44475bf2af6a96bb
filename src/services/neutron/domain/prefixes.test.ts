import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatCidr, parseCidr, type Cidr } from '#services/neutron/domain/addresses.ts'
import { compact, nextFree, within, without } from '#services/neutron/domain/prefixes.ts'

const cidrs = (...texts: string[]): Cidr[] => texts.map(text => parseCidr(text) ?? assert.fail(text))
const shown = (all: readonly Cidr[]): string[] => all.map(formatCidr)

test('prefixes put together and taken away', () => {
  assert.deepEqual(shown(compact(cidrs('10.0.1.0/24', '10.0.0.0/24', '10.0.0.128/25'))), ['10.0.0.0/23'])
  assert.deepEqual(shown(compact(cidrs('10.0.1.0/24', '10.0.2.0/24'))), ['10.0.1.0/24', '10.0.2.0/24'])
  assert.deepEqual(shown(without(cidrs('10.0.0.0/24'), cidrs('10.0.0.64/26'))), ['10.0.0.0/26', '10.0.0.128/25'])
  assert.deepEqual(shown(without(cidrs('10.0.0.0/24'), cidrs('10.0.0.0/16'))), [])
  assert.deepEqual(shown(compact(cidrs('0.0.0.0/1', '128.0.0.0/1'))), ['0.0.0.0/0'])
  assert.ok(within(cidrs('10.0.0.0/23'), cidrs('10.0.0.0/24', '10.0.1.0/24')))
  assert.ok(!within(cidrs('10.0.0.0/22'), cidrs('10.0.0.0/24', '10.0.1.0/24')))
  assert.equal(
    formatCidr(nextFree(cidrs('2001:db8::/48'), cidrs('2001:db8::/64'), 64) ?? assert.fail()),
    '2001:db8:0:1::/64',
  )
  assert.equal(nextFree(cidrs('10.0.0.0/24'), cidrs('10.0.0.0/25'), 24), null)
})
test('cutting until nothing is left: nothing twice, nothing from outside', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 25, max: 30 }), { maxLength: 40 }), lengths => {
      const all = cidrs('10.0.0.0/24', '10.0.4.0/25')
      const taken: Cidr[] = []
      for (const length of lengths) {
        const next = nextFree(all, taken, length)
        if (next === null) continue
        assert.ok(within([next], without(all, taken)), formatCidr(next))
        taken.push(next)
      }
      const size = (some: readonly Cidr[]): bigint => some.reduce((sum, one) => sum + one.last - one.first + 1n, 0n)
      assert.equal(size(taken) + size(without(all, taken)), size(all))
    }),
  )
})
