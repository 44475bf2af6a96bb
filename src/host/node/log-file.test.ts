import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { after, test } from 'node:test'
import { openLogs, parseLines, serviceLog, type LogLine } from '#host/node/log-file.ts'

const base = mkdtempSync(path.join(os.tmpdir(), 'koto-log-test-'))
after(() => rmSync(base, { recursive: true, force: true }))

test('lines come back as they were written, with their request and all lines of their message', () => {
  let now = Date.parse('2026-11-22T13:48:02.914Z')
  const logs = openLogs(path.join(base, 'a'), () => now++)
  const seen: LogLine[] = []
  logs.watch(line => seen.push(line))
  logs.write('nova-api', 'INFO', 'one\ntwo [x] INFO', 'req-1')
  logs.write('nova-api', 'ERROR', 'three')
  logs.close()
  const text = readFileSync(path.join(base, 'a/nova-api.log'), 'utf8')
  assert.equal(text.split('\n')[0], '2026-11-22 13:48:02.914 INFO nova-api [req-1] one')
  assert.deepEqual(parseLines(text, 'nova-api'), seen)
  assert.equal(statSync(path.join(base, 'a/nova-api.log')).mode & 0o777, 0o600)
})

test('a large file makes room for a new one, and only so many are kept', () => {
  const logs = openLogs(path.join(base, 'b'), () => 0, { maxBytes: 200, keep: 2 })
  for (let i = 0; i < 30; i++) {
    logs.write('cinder', 'INFO', `line ${i}`)
    logs.flush()
  }
  logs.close()
  assert.deepEqual(readdirSync(path.join(base, 'b')).sort(), ['cinder.log', 'cinder.log.1', 'cinder.log.2'])
})

test('a service writes through its own log, the cause of an error included', () => {
  const logs = openLogs(path.join(base, 'c'), () => 0)
  const log = serviceLog(logs, 'glance')
  log.info({ requestId: 'req-2' }, 'uploaded', { bytes: 5 })
  log.error(null, 'broken', new Error('outer', { cause: new Error('inner') }))
  logs.close()
  const lines = parseLines(readFileSync(path.join(base, 'c/glance.log'), 'utf8'), 'glance')
  assert.equal(lines[0]?.message, 'uploaded bytes=5')
  assert.equal(lines[0]?.requestId, 'req-2')
  assert.match(lines[1]?.message ?? '', /^broken: Error: outer[^]*caused by: Error: inner/)
})
