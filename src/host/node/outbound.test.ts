import assert from 'node:assert/strict'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'

import { createOutbound, isPublicAddress } from '#host/node/outbound.ts'

const all = (): boolean => true
async function served<T>(listener: RequestListener, use: (base: string) => Promise<T>): Promise<T> {
  const server = createServer(listener)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  try {
    return await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  } finally {
    server.closeAllConnections()
    server.close()
  }
}
const text = async (bytes: AsyncIterable<Uint8Array>): Promise<string> => {
  let all = ''
  for await (const piece of bytes) all += Buffer.from(piece).toString()
  return all
}

test('only addresses of the internet at large are public', () => {
  for (const address of ['8.8.8.8', '2606:4700::1111', '::ffff:8.8.8.8']) assert.ok(isPublicAddress(address), address)
  for (const address of [
    '127.0.0.1',
    '127.8.8.8',
    '0.0.0.0',
    '10.0.0.1',
    '172.16.0.1',
    '192.168.1.1',
    '169.254.169.254',
    '100.64.0.1',
    '224.0.0.1',
    '255.255.255.255',
    '240.0.0.1',
    '192.0.2.1',
    '::1',
    '::',
    'fe80::1',
    'fc00::1',
    'ff02::1',
    '::ffff:127.0.0.1',
    '::ffff:10.0.0.1',
    '64:ff9b::7f00:1',
    '2002:7f00:1::',
    'nonsense',
  ])
    assert.ok(!isPublicAddress(address), address)
})

test('loopback and private addresses are refused however they are written', async () => {
  await served(
    (_request, answer) => answer.end('secret'),
    async base => {
      const door = createOutbound({ allowPrivate: false })
      const { port } = new URL(base)
      for (const host of ['127.0.0.1', 'localhost', '2130706433', '0x7f.1', '[::1]', '[::ffff:127.0.0.1]', '0'])
        await assert.rejects(door.open(`http://${host}:${port}/`, { permit: all }), { code: 'refused' }, host)
    },
  )
})

test('redirects are followed, judged again, and not for ever', async () => {
  await served(
    (request, answer) => {
      const hops: Record<string, string> = { '/a': '/b', '/round': '/round', '/file': 'file:///etc/passwd' }
      const to = hops[request.url ?? '']
      if (to !== undefined) answer.writeHead(302, { location: to }).end()
      else if (request.url === '/b') answer.end('here')
      else answer.writeHead(404).end()
    },
    async base => {
      const door = createOutbound({ allowPrivate: true })
      const found = await door.open(`${base}/a`, { permit: all })
      assert.equal(await text(found.bytes), 'here')
      await assert.rejects(door.open(`${base}/a`, { permit: url => url.pathname !== '/b' }), { code: 'refused' })
      await assert.rejects(door.open(`${base}/round`, { permit: all }), /too many redirects/)
      await assert.rejects(door.open(`${base}/file`, { permit: all }), { code: 'refused' })
      await assert.rejects(door.open(`${base}/none`, { permit: all }), { code: 'status', transient: false })
      await assert.rejects(door.open('ftp://example.org/x', { permit: all }), { code: 'refused' })
      await assert.rejects(door.open('nowhere', { permit: all }), { code: 'refused' })
    },
  )
})

test('a body that breaks off is an error, and one that is silent too', async () => {
  await served(
    (request, answer) => {
      answer.writeHead(200, { 'content-length': '100' })
      answer.write('short')
      if (request.url === '/cut') setImmediate(() => answer.destroy())
    },
    async base => {
      const door = createOutbound({ allowPrivate: true, silenceMs: 100 })
      const cut = await door.open(`${base}/cut`, { permit: all })
      await assert.rejects(text(cut.bytes), { code: 'unreachable', transient: true })
      const silent = await door.open(`${base}/silent`, { permit: all })
      await assert.rejects(text(silent.bytes), { code: 'unreachable' })
    },
  )
})
