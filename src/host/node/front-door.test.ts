import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { WebSocket } from 'ws'

import { createFrontDoor, type FrontDoorOptions } from '#host/node/front-door.ts'

const common: FrontDoorOptions = {
  bind: '127.0.0.1',
  port: 0,
  classicPorts: false,
  mounts: [],
  sockets: [],
  webRoot: null,
  ready: () => true,
  report: error => assert.fail(String(error)),
}

async function opened(options: Partial<FrontDoorOptions>) {
  const door = await createFrontDoor({ ...common, ...options })
  const port = await door.listen()
  return { at: `http://127.0.0.1:${port}`, port, [Symbol.asyncDispose]: () => door.close() }
}

test('the console’s files: compressed for those who take it, one policy, and a later build at once', async () => {
  const root = await mkdtemp(join(tmpdir(), 'door-'))
  try {
    const web = join(root, 'dist')
    await using door = await opened({ webRoot: web })
    const get = (path: string, headers: Record<string, string> = {}) =>
      fetch(`${door.at}${path}`, { headers: { 'accept-encoding': 'identity', ...headers } })
    assert.equal((await get('/')).status, 404)

    await mkdir(join(web, 'assets'), { recursive: true })
    const page = '<!doctype html><html>one</html>'
    await writeFile(join(web, 'index.html'), page)
    await writeFile(join(web, 'index.html.gz'), gzipSync(page))
    await writeFile(join(web, 'assets/a-1.js'), 'one()')
    await writeFile(join(root, 'secret'), 'secret')
    const plain = await get('/')
    assert.deepEqual([plain.status, await plain.text()], [200, page])
    assert.match(plain.headers.get('content-security-policy') ?? '', /default-src 'self'/)
    assert.equal(plain.headers.get('cache-control'), 'no-cache')
    const small = await get('/', { 'accept-encoding': 'gzip' })
    assert.equal(small.headers.get('content-encoding'), 'gzip')
    assert.match(small.headers.get('content-type') ?? '', /^text\/html/)
    assert.equal(await small.text(), page)
    // An address of the console's own router; programs asking for something else are told that it is not there.
    assert.equal(await (await get('/servers/x', { accept: 'text/html' })).text(), page)
    assert.equal((await get('/servers/x', { accept: 'application/json' })).status, 404)

    const script = await get('/assets/a-1.js')
    assert.equal(script.status, 200)
    assert.match(script.headers.get('cache-control') ?? '', /immutable/)
    await writeFile(join(web, 'assets/a-2.js'), 'two()')
    assert.equal(await (await get('/assets/a-2.js')).text(), 'two()')
    for (const path of ['/assets/a-3.js', '/assets/..%2f..%2fsecret', '/assets/']) {
      const answer = await get(path)
      assert.equal(answer.status, 404, path)
      assert.ok(!(await answer.text()).includes('secret'), path)
    }
    const head = await fetch(`${door.at}/`, { method: 'HEAD' })
    assert.deepEqual([head.status, await head.text()], [200, ''])
  } finally {
    await rm(root, { recursive: true, force: true })
  }
})

test('a stream of events does not keep the door from closing', { timeout: 10_000 }, async () => {
  let ended = (): void => undefined
  const over = new Promise<void>(resolve => (ended = resolve))
  async function* events(): AsyncIterable<Uint8Array> {
    try {
      for (;;) {
        yield new TextEncoder().encode('data: 1\n\n')
        await new Promise(resolve => setImmediate(resolve))
      }
    } finally {
      ended()
    }
  }
  const door = await createFrontDoor({
    ...common,
    mounts: [
      {
        prefix: '/koto',
        handle: async () => ({ status: 200, headers: { 'content-type': 'text/event-stream' }, body: events() }),
      },
    ],
  })
  const port = await door.listen()
  const answer = await fetch(`http://127.0.0.1:${port}/koto/v1`)
  const reader = answer.body?.getReader()
  assert.match(new TextDecoder().decode((await reader?.read())?.value), /data: 1/)
  await door.close()
  await over
  await reader?.cancel().catch(() => undefined)
})

test('a websocket is joined to its other end, or refused', async () => {
  const asked: unknown[] = []
  await using door = await opened({
    sockets: [
      {
        path: '/console/websockify',
        open: async request => {
          asked.push([request.query.get('token'), request.origin, request.host])
          return request.query.get('token') === 'good' ? new PassThrough() : null
        },
      },
    ],
  })
  const dial = (token: string): WebSocket =>
    new WebSocket(`ws://127.0.0.1:${door.port}/console/websockify?token=${token}`, { origin: 'http://elsewhere' })
  const echo = await new Promise<string>((resolve, reject) => {
    const socket = dial('good')
    socket.on('open', () => socket.send(Buffer.from('RFB')))
    socket.on('message', data => {
      resolve((data as Buffer).toString())
      socket.close()
    })
    socket.on('error', reject)
  })
  assert.equal(echo, 'RFB')
  const code = await new Promise<number>(resolve => dial('bad').on('close', resolve))
  assert.equal(code, 1008)
  assert.deepEqual(asked[0], ['good', 'http://elsewhere', `127.0.0.1:${door.port}`])
})

test('a port of a service’s own: the same service, and links that stay on that port', async () => {
  const free = await opened({})
  const classicPort = free.port
  await free[Symbol.asyncDispose]()
  const handle = (call: { base: string; path: string }) =>
    Promise.resolve({ status: 200, headers: {}, body: JSON.stringify({ base: call.base, path: call.path }) })
  await using door = await opened({ classicPorts: true, mounts: [{ prefix: '/identity', classicPort, handle }] })
  const ask = async (url: string): Promise<unknown> => (await fetch(url)).json()
  const classic = `http://127.0.0.1:${classicPort}`
  assert.deepEqual(await ask(`${classic}/v3`), { base: classic, path: '/v3' })
  assert.deepEqual(await ask(`${door.at}/identity/v3`), { base: `${door.at}/identity`, path: '/v3' })
  assert.deepEqual(await ask(`${classic}/identity/v3`), { base: `${classic}/identity`, path: '/v3' })
})

test('what is no HTTP is answered in a sentence', async () => {
  await using door = await opened({})
  const ask = (lines: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const socket = connect(door.port, '127.0.0.1', () => socket.write(lines))
      let said = ''
      socket.setEncoding('utf8').on('data', (text: string) => (said += text))
      socket.on('end', () => resolve(said)).on('error', reject)
    })
  const length = await ask('POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: hi mom\r\n\r\n')
  assert.match(length, /^HTTP\/1\.1 400 Bad Request\r\n[^]*content-length header must be an integer/)
  assert.match(await ask('nonsense\r\n\r\n'), /^HTTP\/1\.1 400 [^]*"The request is not valid HTTP\."/)
})
