// The one socket edge: Fastify in front of the services' `handle` functions, the console's files and its websockets.
// Limits, timeouts, slow clients and graceful close are Fastify's; no API logic lives here.
import type { IncomingMessage, Server, ServerOptions } from 'node:http'
import type { Socket } from 'node:net'
import { Readable, type Duplex } from 'node:stream'
import { http } from '#host/node/plain-http.ts'

import fastifyWebsocket from '@fastify/websocket'
import Fastify, { type FastifyReply, type FastifyRequest } from 'fastify'
import type { WebSocket } from 'ws'

import { serveWebConsole } from '#host/node/front-door-web.ts'
import type { Handle, HttpAnswer } from '#kernel/http/call.ts'

export interface Mount {
  /** `/compute`; the longest matching prefix wins. */
  readonly prefix: string
  readonly handle: Handle
  /** Also listen here with this mount at the root, when classic ports are asked for. */
  readonly classicPort?: number | null
}

export interface SocketDoor {
  /** `/console/websockify`. */
  readonly path: string
  /** The other end for this request, or null: refused (403). Decides on token and Origin. */
  open(request: { query: URLSearchParams; origin: string | undefined; host: string }): Promise<Duplex | null>
}

export interface FrontDoorOptions {
  readonly bind: string
  readonly port: number
  readonly classicPorts: boolean
  readonly mounts: readonly Mount[]
  readonly sockets: readonly SocketDoor[]
  /** Folder of the built web console, which may come later; null where there is none. */
  readonly webRoot: string | null
  readonly ready: () => boolean
  /** Told of errors that are nobody's answer. */
  readonly report: (error: unknown) => void
}

export interface FrontDoor {
  /** Starts to listen. Throws Node's error (`EADDRINUSE`, `EACCES`, …) with nothing left open. Returns the port in use. */
  listen(): Promise<number>
  /** No new connections; running answers are finished; then closed. */
  close(): Promise<void>
}

const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])

/** Builds the edge; nothing listens before `listen`. */
export async function createFrontDoor(options: FrontDoorOptions): Promise<FrontDoor> {
  const app = Fastify({
    logger: false,
    bodyLimit: Number.MAX_SAFE_INTEGER, // each service has its own limits; images stream through
    keepAliveTimeout: 75_000,
    connectionTimeout: 0,
    requestTimeout: 0,
    forceCloseConnections: 'idle',
    exposeHeadRoutes: false,
    routerOptions: { maxParamLength: 4096 },
    http: { headersTimeout: 30_000 } as ServerOptions,
    clientErrorHandler: (error, socket) => answerBroken(error, socket),
    // What a path with broken percent signs gets for an answer is for its service to say.
    frameworkErrors: (_error, request, reply) => {
      arrive(request as unknown as FastifyRequest, reply as unknown as FastifyReply).catch((error: unknown) => {
        options.report(error)
        reply.raw.destroy()
      })
    },
  })
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (_request, payload, done) => done(null, payload))
  const mounts = [...options.mounts].sort((a, b) => b.prefix.length - a.prefix.length)

  app.get('/healthcheck', (_request, reply) =>
    reply
      .code(options.ready() ? 200 : 503)
      .type('text/plain')
      .send(options.ready() ? 'OK' : 'starting'),
  )

  await app.register(fastifyWebsocket, { options: { maxPayload: 1 << 20, perMessageDeflate: false } })
  for (const door of options.sockets) {
    app.get(door.path, { websocket: true }, async (socket: WebSocket, request: FastifyRequest) => {
      try {
        const query = new URLSearchParams(request.raw.url?.split('?')[1] ?? '')
        const peer = await door.open({ query, origin: request.headers.origin, host: request.headers.host ?? '' })
        if (peer === null) socket.close(1008, 'refused')
        else join(socket, peer)
      } catch (error) {
        options.report(error)
        socket.close(1011, 'failed')
      }
    })
  }

  const web = options.webRoot === null ? null : await serveWebConsole(app, options.webRoot)

  const find = (pathname: string): Mount | undefined =>
    mounts.find(
      mount =>
        pathname.startsWith(mount.prefix) &&
        (pathname.length === mount.prefix.length || pathname[mount.prefix.length] === '/'),
    )

  app.setNotFoundHandler((request, reply) => arrive(request, reply))
  async function arrive(request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
    const url = request.raw.url ?? '/'
    const question = url.indexOf('?')
    const pathname = question < 0 ? url : url.slice(0, question)
    const mount = find(pathname)
    if (mount === undefined) {
      // a page of the console's own router, opened directly
      if (web !== null && request.method === 'GET' && /text\/html/.test(request.headers.accept ?? '')) {
        return web.page(reply)
      }
      return reply
        .code(404)
        .type('application/json')
        .send('{"error":{"code":404,"title":"Not Found","message":"The resource could not be found."}}')
    }
    return serve(mount.handle, mount.prefix, request, reply)
  }
  app.setErrorHandler((error: Error & { statusCode?: number; code?: string }, request, reply) => {
    // a Content-Type that is none: what to say of it is the service's
    if (error.code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') return arrive(request, reply)
    const status = error.statusCode ?? 500
    if (status >= 500) options.report(error)
    return reply
      .code(status)
      .type('application/json')
      .send(JSON.stringify({ error: { code: status, message: status >= 500 ? 'Unexpected error' : error.message } }))
  })

  async function serve(handle: Handle, prefix: string, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
    const { raw } = request
    const url = raw.url ?? '/'
    const question = url.indexOf('?')
    const pathname = (question < 0 ? url : url.slice(0, question)).slice(prefix.length)
    const method = raw.method ?? 'GET'
    if (!METHODS.has(method)) return reply.code(405).send()
    const hasBody = raw.headers['transfer-encoding'] !== undefined || (raw.headers['content-length'] ?? '0') !== '0'
    const answer = await handle({
      method,
      path: pathname === '' ? '/' : pathname,
      query: question < 0 ? '' : url.slice(question + 1),
      headers: raw.headers as Record<string, string | undefined>,
      body: hasBody ? raw : null,
      base: `${request.protocol}://${safeHost(raw.headers.host) ?? `${options.bind}:${boundPort}`}${classic.has(raw) ? '' : prefix}`,
      from: 'client',
    })
    // A body nobody read would keep the connection busy: let it run out unless it is large, then cut.
    if (hasBody && !raw.readableEnded) {
      if (Number(raw.headers['content-length'] ?? Infinity) < 1 << 20) raw.resume()
      else reply.header('connection', 'close')
    }
    return send(reply, answer, method, endless)
  }

  /** Answers that would go on for ever, such as events: closing does not wait for them. */
  const endless = new Set<Readable>()
  let boundPort = options.port
  /** Requests that came to a service's own port. */
  const classic = new WeakSet<IncomingMessage>()
  const extra: Server[] = []
  const closeExtra = (): Promise<unknown> =>
    Promise.all(
      extra.splice(0).map(
        server =>
          new Promise(resolve => {
            server.close(resolve)
            server.closeIdleConnections()
          }),
      ),
    )
  return {
    async listen() {
      try {
        await app.listen({ host: options.bind, port: options.port })
        const address = app.server.address()
        if (typeof address === 'object' && address !== null) boundPort = address.port
        if (options.classicPorts) {
          for (const mount of options.mounts) {
            if (mount.classicPort === undefined || mount.classicPort === null) continue
            const server = http.createServer((request, response) => {
              const url = request.url ?? '/'
              // Its links stay on this port, unless it was asked for a path of the front door's.
              if (!url.startsWith(`${mount.prefix}/`)) {
                classic.add(request)
                request.url = mount.prefix + url
              }
              app.routing(request, response)
            })
            await new Promise<void>((resolve, reject) => {
              server.once('error', reject)
              server.listen(mount.classicPort ?? 0, options.bind, resolve)
            })
            extra.push(server)
          }
        }
        return boundPort
      } catch (error) {
        await closeExtra()
        await app.close()
        throw error
      }
    },
    async close() {
      for (const stream of endless) stream.destroy()
      await closeExtra()
      await app.close()
    },
  }
}

const BROKEN: Readonly<Record<string, readonly [number, string, string]>> = {
  HPE_INVALID_CONTENT_LENGTH: [400, 'Bad Request', 'content-length header must be an integer'],
  HPE_HEADER_OVERFLOW: [431, 'Request Header Fields Too Large', 'The headers of the request are too large.'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'Request Timeout', 'The request did not arrive in time.'],
}

/** What is no HTTP never reaches a service: said in a sentence, as JSON, and the connection ends. */
function answerBroken(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy()
  const [code, title, message] = BROKEN[error.code ?? ''] ?? [400, 'Bad Request', 'The request is not valid HTTP.']
  const body = JSON.stringify({ error: { code, title, message } })
  socket.end(
    `HTTP/1.1 ${code} ${title}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  )
}

/** A Host header that is only host and port, or null: it ends up in links. */
const safeHost = (host: string | undefined): string | null =>
  host !== undefined && /^[A-Za-z0-9.-]{1,253}(:\d{1,5})?$|^\[[0-9a-fA-F:.]+\](:\d{1,5})?$/.test(host) ? host : null

function send(reply: FastifyReply, answer: HttpAnswer, method: string, endless: Set<Readable>): unknown {
  reply.code(answer.status).headers(answer.headers)
  if (answer.body === null || method === 'HEAD') return reply.send()
  // As bytes: to text Fastify adds a charset that the service did not say.
  if (typeof answer.body === 'string') return reply.send(Buffer.from(answer.body))
  if (answer.body instanceof Uint8Array)
    return reply.send(Buffer.from(answer.body.buffer, answer.body.byteOffset, answer.body.byteLength))
  const stream = Readable.from(answer.body, { objectMode: false })
  if (answer.headers['content-type'] === 'text/event-stream') {
    endless.add(stream)
    stream.once('close', () => endless.delete(stream))
  }
  return reply.send(stream)
}

/** Bytes both ways until either end closes. */
function join(socket: WebSocket, peer: Duplex): void {
  peer.on('data', (chunk: Buffer) => {
    if (socket.readyState !== socket.OPEN) return
    socket.send(chunk, { binary: true }, () => {
      if (peer.isPaused() && socket.bufferedAmount < 1 << 20) peer.resume()
    })
    if (socket.bufferedAmount > 4 << 20) peer.pause()
  })
  peer.on('close', () => socket.close(1000))
  peer.on('error', () => socket.close(1011))
  socket.on('message', (data: Buffer) => void peer.write(data))
  socket.on('close', () => peer.destroy())
  socket.on('error', () => peer.destroy())
}
