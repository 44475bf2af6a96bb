// Metadata for guests: this process listens in each network's and router's namespace and hands every request on with its origin.
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Server as NetServer } from 'node:net'
import type { Clock } from '#kernel/lib/clock.ts'
import type { Fabric } from '#host/linux/fabric.ts'
import type { ListenWhere } from '#host/linux/listen-in.ts'
import { http } from '#host/node/plain-http.ts'
import { METADATA_IP6 } from '#services/neutron/drivers/dhcp-plan.ts'
import { METADATA_IP } from '#services/neutron/drivers/router-plan.ts'
import type { MetadataReply, MetadataRequest, OnMetadata } from '#services/neutron/drivers/mechanism.ts'

/** A place to answer: a namespace, and which network or router it stands for. */
export interface MetadataDoor {
  readonly namespace: string
  readonly where: ListenWhere
  readonly origin: { readonly networkId: string } | { readonly routerId: string }
}

export interface MetadataProxy {
  /** Opens the doors that are missing and closes those not named. Gives per namespace why one could not be opened. */
  converge(doors: readonly MetadataDoor[]): Promise<ReadonlyMap<string, string>>
  /** Namespaces where it answers. */
  open(): readonly string[]
  close(): Promise<void>
}

/** Headers by which services speak of guests among themselves: a guest's own are not passed on. */
const INTERNAL = /^x-(forwarded|instance|tenant|project|provider|metadata)/
const METADATA = new Set([METADATA_IP, METADATA_IP6])
const BODY_LIMIT = 64 * 1024
const ANSWER_MS = 15_000

export function createMetadataProxy(fabric: Fabric, clock: Clock, onRequest: OnMetadata): MetadataProxy {
  const servers = new Map<string, Server>()
  const ask: OnMetadata = request => withDeadline(clock, onRequest(request), ANSWER_MS)
  const shut = async (namespace: string): Promise<void> => {
    const server = servers.get(namespace)
    servers.delete(namespace)
    if (server === undefined) return
    server.closeAllConnections()
    await new Promise<void>(resolve => server.close(() => resolve()))
  }
  return {
    async converge(doors) {
      const failed = new Map<string, string>()
      const wanted = new Set(doors.map(door => door.namespace))
      await Promise.all([...servers.keys()].filter(name => !wanted.has(name)).map(shut))
      for (const door of doors) {
        if (servers.has(door.namespace)) continue
        try {
          const handle = await fabric.listen(door.namespace, door.where)
          servers.set(door.namespace, serve(handle, door, ask))
        } catch (error) {
          failed.set(door.namespace, error instanceof Error ? error.message : String(error))
        }
      }
      return failed
    },
    open: () => [...servers.keys()].sort(),
    async close() {
      await Promise.all([...servers.keys()].map(shut))
    },
  }
}

function serve(handle: NetServer, door: MetadataDoor, ask: OnMetadata): Server {
  const server = http.createServer(
    { maxHeaderSize: 8192, headersTimeout: 10_000, requestTimeout: 20_000, keepAliveTimeout: 5_000 },
    (request, response) => {
      void answer(request, response, door, ask)
    },
  )
  server.maxConnections = 256
  server.listen(handle)
  server.unref()
  return server
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  door: MetadataDoor,
  onRequest: OnMetadata,
): Promise<void> {
  const send = (reply: MetadataReply): void => {
    const body = typeof reply.body === 'string' ? Buffer.from(reply.body) : reply.body
    response.writeHead(reply.status, {
      'content-type': 'text/plain; charset=UTF-8',
      ...reply.headers,
      'content-length': body.byteLength,
    })
    response.end(request.method === 'HEAD' ? undefined : body)
  }
  try {
    const body = await readBody(request)
    if (body === null) return send({ status: 413, body: 'the body is too large\n' })
    // In a network's namespace only the two addresses of metadata are meant, not the DHCP server's own, which other networks can reach.
    if ('networkId' in door.origin && !METADATA.has(bare(request.socket.localAddress)))
      return void request.socket.destroy()
    const headers = Object.fromEntries(
      Object.entries(request.headers).flatMap(([name, value]) =>
        value === undefined || INTERNAL.test(name) ? [] : [[name, Array.isArray(value) ? value.join(', ') : value]],
      ),
    )
    const ask: MetadataRequest = {
      method: request.method ?? 'GET',
      path: request.url ?? '/',
      headers,
      body,
      sourceIp: bare(request.socket.remoteAddress),
      ...door.origin,
    }
    send(await onRequest(ask))
  } catch {
    if (!response.headersSent)
      send({ status: 500, body: 'An unknown error has occurred. Please try your request again.\n' })
    else response.destroy()
  }
}

const bare = (address: string | undefined): string => (address ?? '').replace(/^::ffff:/, '').replace(/%.*$/, '')

async function readBody(request: IncomingMessage): Promise<Uint8Array | null> {
  const parts: Buffer[] = []
  let size = 0
  for await (const part of request as AsyncIterable<Buffer>) {
    size += part.byteLength
    if (size > BODY_LIMIT) return null
    parts.push(part)
  }
  return Buffer.concat(parts)
}

function withDeadline<T>(clock: Clock, work: Promise<T>, ms: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(ms, () => reject(new Error('no answer in time')))
    work.then(resolve, reject).finally(cancel)
  })
}
