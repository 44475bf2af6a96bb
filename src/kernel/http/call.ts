// What goes into a service and what comes out of it, whichever way it travelled.

/** A request as a service sees it: path without the front door's prefix. */
export interface HttpCall {
  readonly method: string
  /** `/v2.1/servers`, percent-encoded as sent. */
  readonly path: string
  /** Without the `?`. */
  readonly query: string
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string | undefined>>
  /** The whole body, a stream of it, or nothing. */
  readonly body: string | Uint8Array | AsyncIterable<Uint8Array> | null
  /** The front door as the client wrote it, with our prefix: `http://127.0.0.1:8080/compute`. */
  readonly base: string
  /** The component that calls; `client` for anybody outside. Never taken from a header. */
  readonly from: string
  readonly signal?: AbortSignal
}

export interface HttpAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | Uint8Array | AsyncIterable<Uint8Array> | null
}

/** The one function a service's API is. Never throws. */
export type Handle = (call: HttpCall) => Promise<HttpAnswer>

/** The body as text. A stream is read to its end or to `limit` bytes; null when it is longer. */
export async function bodyText(body: HttpCall['body'], limit: number): Promise<string | null> {
  if (body === null) return ''
  if (typeof body === 'string') return body.length > limit ? null : body
  if (body instanceof Uint8Array)
    return body.length > limit ? null : new TextDecoder('utf-8', { fatal: true }).decode(body)
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body) {
    size += chunk.length
    if (size > limit) return null
    chunks.push(chunk)
  }
  const whole = new Uint8Array(size)
  let offset = 0
  for (const chunk of chunks) {
    whole.set(chunk, offset)
    offset += chunk.length
  }
  return new TextDecoder('utf-8', { fatal: true }).decode(whole)
}
