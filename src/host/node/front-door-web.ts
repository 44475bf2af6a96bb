// The web console's files behind the front door: looked up when asked for, so that a build under a running door is served at once.
import { stat } from 'node:fs/promises'
import path from 'node:path'

import fastifyStatic from '@fastify/static'
import type { FastifyInstance, FastifyReply, RouteHandlerMethod } from 'fastify'

const CSP =
  "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; " +
  "connect-src 'self' ws: wss:; object-src 'none'; base-uri 'self'; frame-ancestors 'none'; form-action 'self'"
const PAGE_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': CSP,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'same-origin',
  'x-frame-options': 'DENY',
}
/** Names of a build's assets carry a hash of what is in them. */
const FOR_EVER = 'public, max-age=31536000, immutable'

export interface WebConsole {
  /** The page from which the console's own router goes on, for any address of its. */
  page(reply: FastifyReply): Promise<unknown>
}

/** `root`: the folder of the built console; it may come later. A file is sent as its `.gz` to those who take that. */
export async function serveWebConsole(app: FastifyInstance, root: string): Promise<WebConsole> {
  await app.register(fastifyStatic, {
    root,
    serve: false,
    preCompressed: true,
    cacheControl: false,
    setHeaders: reply => void reply.headers(PAGE_HEADERS),
  })
  const missing = (reply: FastifyReply): unknown =>
    reply.code(404).type('text/plain; charset=utf-8').send('There is no such file.')
  const page = async (reply: FastifyReply): Promise<unknown> => {
    if (!(await isFile(path.join(root, 'index.html')))) {
      return reply.code(404).type('text/plain; charset=utf-8').send('The web console is not built.')
    }
    return reply.header('cache-control', 'no-cache').header('vary', 'accept-encoding').sendFile('index.html')
  }
  const get = (url: string, handler: RouteHandlerMethod): void =>
    void app.route({ method: ['GET', 'HEAD'], url, handler })
  get('/assets/:name', async (request, reply) => {
    const { name } = request.params as { name: string }
    if (!/^[\w.-]+$/.test(name) || !(await isFile(path.join(root, 'assets', name)))) return missing(reply)
    return reply.header('cache-control', FOR_EVER).header('vary', 'accept-encoding').sendFile(`assets/${name}`)
  })
  get('/favicon.svg', async (_request, reply) => {
    if (!(await isFile(path.join(root, 'favicon.svg')))) return missing(reply)
    return reply
      .header('cache-control', 'public, max-age=3600')
      .header('vary', 'accept-encoding')
      .sendFile('favicon.svg')
  })
  get('/', (_request, reply) => page(reply))
  for (const below of ['/console/*', '/ui/*']) get(below, (_request, reply) => page(reply))
  return { page }
}

const isFile = (file: string): Promise<boolean> =>
  stat(file).then(
    found => found.isFile(),
    () => false,
  )
