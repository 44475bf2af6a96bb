import assert from 'node:assert/strict'
import { test } from 'node:test'

import { uptimeText } from '#services/nova/drivers/uptime-text.ts'

test('a host says how long it is up as `uptime` does', () => {
  const noon = Date.UTC(2026, 0, 1, 12)
  assert.equal(uptimeText(0, [0, 0.5, 1.25], noon), ' 12:00:00 up 0 min,  load average: 0.00, 0.50, 1.25')
  assert.equal(uptimeText(3_720, [0, 0, 0], noon), ' 12:00:00 up 1:02,  load average: 0.00, 0.00, 0.00')
  assert.equal(uptimeText(86_400, [0, 0, 0], noon), ' 12:00:00 up 1 day, 0 min,  load average: 0.00, 0.00, 0.00')
  assert.equal(uptimeText(270_000, [0, 0, 0], noon), ' 12:00:00 up 3 days, 3:00,  load average: 0.00, 0.00, 0.00')
})
