import assert from 'node:assert/strict'
import { test } from 'node:test'
import { crossings } from '#kernel/crossing/crossing.ts'
import type { LogFiles } from '#host/node/log-file.ts'
import { isQuietRequest, requestLog } from '#main/control/request-log.ts'

test('a line per answered request, with its id; other crossings pass by', async () => {
  const lines: string[] = []
  const files = {
    write: (service: string, level: string, message: string, id: string | null) =>
      void lines.push(`${service} ${level} ${id} ${message}`),
  }
  let now = 0
  const cross = crossings([
    requestLog(files as unknown as LogFiles, {
      now: () => 0,
      monotonic: () => now,
      sleep: async () => undefined,
      after: () => () => undefined,
    }),
  ])
  const payload: Record<string, unknown> = {}
  const base = { from: 'client', to: 'nova-api', requestId: 'req-1', payload }
  await cross({ ...base, kind: 'rest', side: 'take', name: 'POST /v2.1/servers' }, async () => {
    now += 12.34
    Object.assign(payload, { status: 202, user: 'demo' })
  })
  await cross({ ...base, kind: 'db', side: 'send', name: 'create-server' }, async () => undefined)
  await cross({ ...base, kind: 'rest', side: 'send', name: 'GET /v2/images' }, async () => undefined)
  assert.deepEqual(lines, ['nova-api INFO req-1 POST /v2.1/servers 202 for demo from client, 12.3 ms'])
  assert.equal(isQuietRequest('POST /v2.1/servers 202 for demo from client, 12.3 ms'), false)
  assert.equal(isQuietRequest('GET /v2.1/servers 200 for demo from client, 12.3 ms'), true)
  assert.equal(isQuietRequest('PUT /v2.0/ports/{id} 200 for nova from nova-compute@vm, 2.3 ms'), true)
  assert.equal(isQuietRequest('Placement does not know of vm yet'), false)
})
