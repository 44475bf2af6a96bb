import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { asPortRefusal, ownerOfPort } from '#host/node/process-table-ports.ts'
import {
  cpuMsOf,
  familyOf,
  identityOf,
  isAlive,
  MARK,
  markedProcesses,
  memoryMbOf,
  programOf,
} from '#host/node/process-table.ts'
import { endProcesses } from '#host/node/process-table-end.ts'

test('a process is itself only as long as it lives; another of its number is another', async () => {
  const child = spawn('sleep', ['60'], { env: { ...process.env, [MARK]: '/some where/x' } })
  await new Promise(resolve => child.once('spawn', resolve))
  const who = identityOf(child.pid ?? 0)
  assert.ok(who !== null && isAlive(who))
  assert.equal(isAlive({ ...who, started: `${who.started}1` }), false)
  assert.ok(familyOf(process.pid).includes(who.pid))
  assert.deepEqual(markedProcesses('/some where/x'), [who.pid])
  assert.deepEqual(markedProcesses('/some where'), [])
  assert.equal(programOf(who.pid), 'sleep')
  await endProcesses([who.pid])
  assert.equal(isAlive(who), false)
  assert.equal(identityOf(who.pid), null)
  assert.equal(memoryMbOf(who.pid), null)
})

test('one that will not listen is told', async () => {
  const child = spawn(process.execPath, [
    '-e',
    "process.on('SIGTERM', () => {}); console.log('deaf'); setInterval(() => {}, 1000)",
  ])
  await new Promise(resolve => child.stdout.once('data', resolve))
  const gone = new Promise(resolve => child.once('exit', (_code, signal) => resolve(signal)))
  await endProcesses([child.pid ?? 0], 200)
  assert.equal(await gone, 'SIGKILL')
})

test('memory and time of this process', () => {
  assert.ok((memoryMbOf(process.pid) ?? 0) > 10)
  assert.ok((cpuMsOf(process.pid) ?? 0) > 0)
})

test('who listens on a port, and what that means for who wants to', async () => {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0
  assert.deepEqual(ownerOfPort(port), { pid: process.pid, program: programOf(process.pid) })
  const failed = (code: string): unknown =>
    asPortRefusal(Object.assign(new Error(code), { code, syscall: 'listen', address: '127.0.0.1', port }))
  assert.match(
    (failed('EADDRINUSE') as Error).message,
    /^Port \d+ on 127\.0\.0\.1 is in use by \S+ \(process \d+\); name another with --port\.$/,
  )
  assert.match((failed('EADDRNOTAVAIL') as Error).message, /is not an address of this machine/)
  const other = new Error('other')
  assert.equal(asPortRefusal(other), other)
  await new Promise(resolve => server.close(resolve))
  assert.equal(ownerOfPort(port), null)
})
