// The one door to addresses that a user supplied: names are resolved here, every address is judged after that, and the connection
// goes to the address that was judged. Each redirect passes the same checks again.
import { lookup as resolveName } from 'node:dns'
import { request as plainRequest, type IncomingMessage, type RequestOptions } from 'node:http'
import { request as secureRequest } from 'node:https'
import { isIP, type LookupFunction } from 'node:net'

import ipaddr from 'ipaddr.js'

/** Why nothing was fetched. `status` is the answer's, where there was one. */
export class OutboundFault extends Error {
  readonly code: 'refused' | 'unreachable' | 'status'
  /** Whether another try may help. */
  readonly transient: boolean
  constructor(code: OutboundFault['code'], message: string, transient: boolean, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'OutboundFault'
    this.code = code
    this.transient = transient
  }
}
export interface OutboundOptions {
  /** Also loopback, private and other addresses that are not the internet's. */
  readonly allowPrivate: boolean
  /** How long an answer, or the next piece of it, may let us wait. Default 60 s. */
  readonly silenceMs?: number
}
export interface Outbound {
  /**
   * The body of what stands at `url`. `permit` is asked of the address and of each redirect's (at most five).
   * Throws {@link OutboundFault} before the first byte, and from the stream when it breaks off.
   */
  open(
    url: string,
    options: { permit: (url: URL) => boolean; signal?: AbortSignal },
  ): Promise<{ readonly size: number | null; readonly bytes: AsyncIterable<Uint8Array> }>
}

const REDIRECTS = 5

/** True for an address of the internet at large: not loopback, private, link-local, multicast, reserved, nor a disguise of these. */
export function isPublicAddress(address: string): boolean {
  if (!ipaddr.isValid(address)) return false
  const parsed = ipaddr.process(address) // an IPv4 address in IPv6 clothes is judged as what it is
  return parsed.range() === 'unicast'
}

export function createOutbound({ allowPrivate, silenceMs = 60_000 }: OutboundOptions): Outbound {
  const admitted = (address: string): boolean => allowPrivate || isPublicAddress(address)
  const refusal = (host: string): OutboundFault =>
    new OutboundFault('refused', `the address of ${host} is not one that images may be fetched from`, false)

  // All addresses of a name must be admissible: one that is not would be the second try.
  const lookup: LookupFunction = (host, options, done) => {
    resolveName(host, { all: true }, (error, addresses) => {
      if (error !== null) return done(error, '', 0)
      const bad = addresses.length === 0 || addresses.some(one => !admitted(one.address))
      if (bad) return done(refusal(host) as NodeJS.ErrnoException, '', 0)
      if (options.all === true) return (done as (e: null, all: typeof addresses) => void)(null, addresses)
      const first = addresses[0] as (typeof addresses)[0]
      done(null, first.address, first.family)
    })
  }

  const ask = (url: URL, signal: AbortSignal | undefined): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
      if (isIP(host) !== 0 && !admitted(host)) return reject(refusal(host))
      const options: RequestOptions = {
        method: 'GET',
        lookup,
        timeout: silenceMs,
        headers: { 'user-agent': 'koto', accept: '*/*', 'accept-encoding': 'identity' },
        agent: false,
        ...(signal === undefined ? {} : { signal }),
      }
      const sent = (url.protocol === 'https:' ? secureRequest : plainRequest)(url, options)
      sent.on('response', resolve)
      sent.on('timeout', () =>
        sent.destroy(new OutboundFault('unreachable', `${url.host} did not answer in time`, true)),
      )
      sent.on('error', (error: Error) =>
        reject(
          error instanceof OutboundFault
            ? error
            : new OutboundFault('unreachable', `${url.host} cannot be reached: ${error.message}`, true, error),
        ),
      )
      sent.end()
    })

  return {
    async open(address, { permit, signal }) {
      let url: URL
      try {
        url = new URL(address)
      } catch (error) {
        throw new OutboundFault('refused', 'this is no address', false, error)
      }
      for (let hop = 0; hop <= REDIRECTS; hop += 1) {
        if ((url.protocol !== 'http:' && url.protocol !== 'https:') || !permit(url))
          throw new OutboundFault('refused', `${url.protocol}//${url.host} does not pass filtering`, false)
        const answer = await ask(url, signal)
        const status = answer.statusCode ?? 0
        const { location } = answer.headers
        if (status >= 300 && status < 400 && location !== undefined) {
          answer.destroy()
          if (!URL.canParse(location, url)) throw new OutboundFault('refused', 'it redirects to nowhere', false)
          url = new URL(location, url)
          continue
        }
        if (status !== 200) {
          answer.destroy()
          throw new OutboundFault('status', `${url.host} answered ${status}`, status >= 500)
        }
        const length = answer.headers['content-length']
        const size = length !== undefined && /^\d{1,15}$/.test(length) ? Number(length) : null
        return { size, bytes: whole(answer, size) }
      }
      throw new OutboundFault('refused', 'there are too many redirects', false)
    },
  }
}

/** The body, which must be as long as was said. */
async function* whole(answer: IncomingMessage, size: number | null): AsyncIterable<Uint8Array> {
  let seen = 0
  try {
    for await (const piece of answer) {
      seen += (piece as Uint8Array).length
      yield piece as Uint8Array
    }
  } catch (error) {
    if (error instanceof OutboundFault) throw error
    throw new OutboundFault('unreachable', `the transfer was cut off: ${(error as Error).message}`, true, error)
  }
  if (size !== null && seen !== size)
    throw new OutboundFault('unreachable', `the transfer ended after ${seen} of ${size} bytes`, true)
}
