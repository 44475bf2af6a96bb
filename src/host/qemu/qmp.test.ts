// QMP against a server that speaks as QEMU does, and as QEMU must not.
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { connectQmp, QmpError, QmpSilence, withSocketPath, type Qmp } from '#host/qemu/qmp.ts'
import { systemClock } from '#kernel/lib/clock.ts'

const clock = systemClock()
const folder = mkdtempSync(join(tmpdir(), 'koto-qmp-'))
const alive = setInterval(() => undefined, 1_000)
after(() => {
  clearInterval(alive)
  rmSync(folder, { recursive: true, force: true })
})

type Answer = (
  command: { execute: string; id: number; arguments?: unknown },
  say: (message: object) => void,
  socket: Socket,
) => void
let servers = 0

/** Greets, accepts capabilities, and leaves the rest to `answer`. */
async function served(
  answer: Answer,
  options: { greet?: boolean; at?: string } = {},
): Promise<{ qmp: Promise<Qmp>; close: () => void }> {
  const home = options.at ?? folder
  const name = `${++servers}.sock`
  const server = createServer(socket => {
    const say = (message: object): void => void socket.write(`${JSON.stringify(message)}\r\n`)
    if (options.greet !== false) say({ QMP: { version: {}, capabilities: [] } })
    let rest = ''
    socket.on('error', () => undefined)
    socket.on('data', data => {
      rest += String(data)
      for (let at = rest.indexOf('\n'); at >= 0; at = rest.indexOf('\n')) {
        const command = JSON.parse(rest.slice(0, at)) as Parameters<Answer>[0]
        rest = rest.slice(at + 1)
        if (command.execute === 'qmp_capabilities') say({ return: {}, id: command.id })
        else answer(command, say, socket)
      }
    })
  })
  await withSocketPath(home, name, path => new Promise<void>(resolve => server.listen(path, resolve)))
  const qmp = connectQmp({ folder: home, name, clock, timeoutMs: 300 })
  qmp.catch(() => undefined)
  return { qmp, close: () => server.close() }
}

describe('QMP', () => {
  it('matches answers by id, in whatever order and pieces they come', async () => {
    const asked: number[] = []
    const { qmp, close } = await served((command, _say, socket) => {
      asked.push(command.id)
      if (asked.length < 2) return
      const text = asked
        .toReversed()
        .map(id => `${JSON.stringify({ return: { of: id }, id })}\r\n`)
        .join('')
      socket.write(text.slice(0, 10))
      setImmediate(() => socket.write(text.slice(10)))
    })
    const it = await qmp
    const [first, second] = (await Promise.all([it.execute('a'), it.execute('b', { x: 1 })])) as { of: number }[]
    assert.ok((first?.of ?? 0) < (second?.of ?? 0))
    it.close()
    close()
  })

  it('turns QEMU’s refusals into errors with their class', async () => {
    const { qmp, close } = await served((command, say) =>
      say({ error: { class: 'DeviceNotFound', desc: "Device 'x' not found" }, id: command.id }),
    )
    const it = await qmp
    await assert.rejects(it.execute('device_del', { id: 'x' }), (error: unknown) => {
      assert.ok(error instanceof QmpError)
      assert.equal(error.errorClass, 'DeviceNotFound')
      assert.equal(error.message, "device_del: Device 'x' not found")
      return true
    })
    it.close()
    close()
  })

  it('does not wait for ever, neither for an answer nor for a greeting', async () => {
    const { qmp, close } = await served(() => undefined)
    const it = await qmp
    await assert.rejects(
      it.execute('query-status', undefined, { timeoutMs: 20 }),
      (error: unknown) => error instanceof QmpSilence && !error.gone,
    )
    await assert.rejects(it.execute('query-status', undefined, { signal: AbortSignal.timeout(20) }))
    it.close()
    close()
    const mute = await served(() => undefined, { greet: false })
    await assert.rejects(mute.qmp, (error: unknown) => error instanceof QmpSilence && !error.gone)
    mute.close()
  })

  it('tells everyone when the connection ends', async () => {
    const { qmp, close } = await served((_command, _say, socket) => socket.destroy())
    const it = await qmp
    const ended = new Promise<void>(resolve => it.onClose(resolve))
    const waiting = it.wait(() => true, { timeoutMs: 5_000 })
    await assert.rejects(it.execute('quit'), (error: unknown) => error instanceof QmpSilence && error.gone)
    await assert.rejects(waiting, QmpSilence)
    await ended
    await assert.rejects(it.execute('query-status'), QmpSilence)
    close()
  })

  it('hands out events, and the first that fits to whoever waits', async () => {
    const { qmp, close } = await served((command, say) => {
      for (const device of ['a', 'b'])
        say({ event: 'DEVICE_DELETED', data: { device }, timestamp: { seconds: 1, microseconds: 2 } })
      say({ event: 'STOP', timestamp: { seconds: 1, microseconds: 3 } })
      say({ return: {}, id: command.id })
    })
    const it = await qmp
    const seen: string[] = []
    const stop = it.onEvent(event => seen.push(event.event))
    const gone = it.wait(event => event.data.device === 'b', { timeoutMs: 1_000 })
    await it.execute('device_del')
    assert.equal((await gone).data.device, 'b')
    stop()
    await it.execute('again')
    assert.deepEqual(seen, ['DEVICE_DELETED', 'DEVICE_DELETED', 'STOP'])
    it.close()
    close()
  })

  it('reaches sockets in folders too deep for a socket’s name', async () => {
    const deep = join(folder, 'x'.repeat(90), 'y'.repeat(90))
    mkdirSync(deep, { recursive: true })
    const { qmp, close } = await served((command, say) => say({ return: 'here', id: command.id }), { at: deep })
    const it = await qmp
    assert.equal(await it.execute('where'), 'here')
    it.close()
    close()
  })
})
