// OAuth 1 signatures (RFC 5849) by HMAC: what a header says, and what must have been signed. Pure but for the digest.
import { hmac } from '#services/keystone/domain/aws-signature.ts'

/** A request as it was signed. */
export interface SignedRequest {
  readonly method: string
  /** Without the query: `http://127.0.0.1:8080/identity/v3/OS-OAUTH1/request_token`. */
  readonly url: string
  readonly query: string
  /** The header `Authorization`. */
  readonly authorization: string
}

const HASHES = { 'HMAC-SHA1': 'SHA-1', 'HMAC-SHA256': 'SHA-256', 'HMAC-SHA512': 'SHA-512' } as const
const MOST = 4096

const decode = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch {
    return ''
  }
}
const encode = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, sign => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`)

/** The parameters of `OAuth realm="…", oauth_consumer_key="…", …`; empty for another header, or none. */
export function oauthHeader(authorization: string): Readonly<Record<string, string>> {
  if (authorization.length > MOST || !/^oauth\s/i.test(authorization)) return {}
  const found: Record<string, string> = {}
  for (const part of authorization.slice(6).split(',')) {
    const equals = part.indexOf('=')
    if (equals < 0) continue
    const value = part.slice(equals + 1).trim()
    found[decode(part.slice(0, equals).trim())] = decode(value.replace(/^"|"$/g, ''))
  }
  return found
}

/** Scheme and host in small letters, no port that goes without saying. */
function baseUrl(url: string): string {
  const { protocol, host, pathname } = new URL(url)
  return `${protocol}//${host}${pathname}`
}

/** The signature that such a request must bear, or null for a method of signing that is not taken. */
export async function oauthSignature(
  request: SignedRequest,
  secrets: { readonly consumer: string; readonly token: string },
): Promise<string | null> {
  const said = oauthHeader(request.authorization)
  const hash = HASHES[said['oauth_signature_method'] as keyof typeof HASHES]
  if (hash === undefined || !URL.canParse(request.url)) return null
  const pairs: [string, string][] = [...new URLSearchParams(request.query)]
  for (const [key, value] of Object.entries(said))
    if (key !== 'realm' && key !== 'oauth_signature') pairs.push([key, value])
  const params = pairs
    .map(([key, value]): [string, string] => [encode(key), encode(value)])
    .sort(([a, x], [b, y]) => (a === b ? (x < y ? -1 : 1) : a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${value}`)
    .join('&')
  const says = [request.method.toUpperCase(), encode(baseUrl(request.url)), encode(params)].join('&')
  const key = Uint8Array.from(new TextEncoder().encode(`${encode(secrets.consumer)}&${encode(secrets.token)}`))
  return btoa(String.fromCharCode(...(await hmac(hash, key, says))))
}
