// An apply costs what changed: pieces that were looked at before are not looked at again.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createCheck } from '#services/neutron/drivers/mechanism-simulated/check.ts'
import { portOf, PRIVATE_SUBNET, sampleState } from '#services/neutron/drivers/mechanism-samples.ts'
import type { PortState } from '#services/neutron/drivers/mechanism.ts'

const seen = { looks: 0 }
/** A port that counts how often somebody reads its hardware address. */
const counted = (index: number): PortState => {
  const { mac, ...rest } = portOf(index % 40)
  return {
    ...rest,
    id: `${rest.id.slice(0, 24)}${String(index).padStart(12, '0')}`,
    fixedIps: [{ subnetId: PRIVATE_SUBNET, ip: `10.1.${1 + (index >> 8)}.${index & 255}` }],
    get mac() {
      seen.looks += 1
      return mac
    },
  }
}

test('two thousand ports are looked at once, then only the one that came', () => {
  const check = createCheck()
  const ports = Array.from({ length: 2000 }, (_, index) => counted(index))
  const state = sampleState({ ports })
  seen.looks = 0
  const first = check(state)
  assert.ok(seen.looks >= 2000)
  assert.ok(Object.values(first.ports).every(wired => wired === 'up'))
  seen.looks = 0
  const next = check({ ...state, ports: [...ports.slice(1), counted(2001)] })
  assert.ok(seen.looks > 0 && seen.looks < 20, `${seen.looks} looks for one new port`)
  assert.equal(Object.keys(next.ports).length, 2000)
})

test('what is wrong stays known, and what was mended is right', () => {
  const check = createCheck()
  const bad = portOf(0, { mac: 'no mac' })
  const state = sampleState({ ports: [bad, portOf(1)] })
  for (const result of [check(state), check(state)]) {
    assert.equal(typeof result.ports[bad.id], 'object')
    assert.equal(result.ports[portOf(1).id], 'up')
  }
  assert.equal(check({ ...state, ports: [portOf(0)] }).ports[bad.id], 'up')
  const gone = check({ ...state, networks: [], routers: [] })
  assert.equal(typeof gone.ports[portOf(1).id], 'object')
})
