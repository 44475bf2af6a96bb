// Signatures of EC2 and S3 requests as Amazon's clients make them, worked out from the secret. Pure but for the digest.
type Params = Readonly<Record<string, unknown>>

const utf8 = (text: string): Uint8Array<ArrayBuffer> => Uint8Array.from(new TextEncoder().encode(text))
const hex = (bytes: Uint8Array): string => Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('')
const base64 = (bytes: Uint8Array): string => btoa(String.fromCharCode(...bytes))

export async function hmac(
  hash: 'SHA-1' | 'SHA-256' | 'SHA-512',
  key: Uint8Array<ArrayBuffer>,
  text: string,
): Promise<Uint8Array<ArrayBuffer>> {
  // An empty key is one that WebCrypto does not take, and nobody has.
  const bytes = key.length === 0 ? new Uint8Array(1) : key
  const imported = await crypto.subtle.importKey('raw', bytes, { name: 'HMAC', hash }, false, ['sign'])
  return new Uint8Array(await crypto.subtle.sign('HMAC', imported, utf8(text)))
}
const sha256 = async (text: string): Promise<string> =>
  hex(new Uint8Array(await crypto.subtle.digest('SHA-256', utf8(text))))

/** As Python's `quote(text, safe='-_~')`. */
const quote = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, sign => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`)
const text = (value: unknown): string => (typeof value === 'string' ? value : value == null ? '' : String(value))
const canonical = (params: Params): string =>
  Object.keys(params)
    .sort((a, b) => (a < b ? -1 : 1))
    .map(key => `${quote(key)}=${quote(text(params[key]))}`)
    .join('&')

/** The key of version 4: the secret, narrowed to a day, a region and a service. */
async function narrowed(secret: string, scope: readonly string[]): Promise<Uint8Array<ArrayBuffer>> {
  let key = utf8(`AWS4${secret}`)
  for (const part of scope) key = await hmac('SHA-256', key, part)
  return key
}

/** What an EC2 request's signature must be, or null for a request that cannot be signed so. */
export async function ec2Signature(
  secret: string,
  request: {
    readonly verb: string
    readonly host: string
    readonly path: string
    readonly params: Params
    readonly headers: Params
    readonly bodyHash: string
  },
): Promise<string | null> {
  const { params, headers } = request
  const authorization = text(headers['Authorization'] ?? headers['authorization'])
  if (text(params['X-Amz-Algorithm']) === 'AWS4-HMAC-SHA256' || authorization.startsWith('AWS4-HMAC-SHA256'))
    return version4(secret, request, authorization)
  switch (text(params['SignatureVersion'])) {
    case '0':
      return base64(await hmac('SHA-1', utf8(secret), text(params['Action']) + text(params['Timestamp'])))
    case '1': {
      const keys = Object.keys(params).sort((a, b) => (a.toLowerCase() < b.toLowerCase() ? -1 : 1))
      return base64(await hmac('SHA-1', utf8(secret), keys.map(key => key + text(params[key])).join('')))
    }
    case '2': {
      const hash = text(params['SignatureMethod']) === 'HmacSHA1' ? 'SHA-1' : 'SHA-256'
      const says = `${request.verb}\n${request.host.toLowerCase()}\n${request.path}\n${canonical(params)}`
      return base64(await hmac(hash, utf8(secret), says))
    }
    default:
      return null
  }
}

async function version4(
  secret: string,
  request: Parameters<typeof ec2Signature>[1],
  authorization: string,
): Promise<string | null> {
  const { params, headers } = request
  const said = Object.fromEntries(
    authorization
      .replace(/^AWS4-HMAC-SHA256\s*/, '')
      .split(',')
      .map(part => part.trim().split(/=(.*)/s).slice(0, 2)),
  ) as Record<string, string>
  const of = (name: string): string => said[name] ?? text(params[`X-Amz-${name}`])
  const lower = new Map(Object.entries(headers).map(([name, value]) => [name.trim().toLowerCase(), text(value).trim()]))
  const signed = of('SignedHeaders')
  const lines = signed.split(';').filter(name => lower.has(name))
  const date = lower.get('x-amz-date') ?? text(params['X-Amz-Date'])
  const [, ...scope] = of('Credential').split('/')
  if (scope.length !== 4 || scope[0] === undefined || !date.startsWith(scope[0])) return null
  const asked = [
    request.verb.toUpperCase(),
    request.path,
    request.verb.toUpperCase() === 'POST' ? '' : canonical(params),
    `${lines.map(name => `${name}:${lower.get(name) ?? ''}`).join('\n')}\n`,
    signed,
    request.bodyHash,
  ].join('\n')
  const says = ['AWS4-HMAC-SHA256', date, scope.join('/'), await sha256(asked)].join('\n')
  return hex(await hmac('SHA-256', await narrowed(secret, scope), says))
}

/** What the signature of an S3 request must be; `signed` is the text that was signed. Null when it is none that S3 signs. */
export async function s3Signature(secret: string, signed: string): Promise<string | null> {
  if (!signed.startsWith('AWS4')) return base64(await hmac('SHA-1', utf8(secret), signed))
  const lines = signed.split('\n')
  const scope = (lines[2] ?? '').split('/')
  const isFit =
    lines.length === 4 &&
    lines[0] === 'AWS4-HMAC-SHA256' &&
    scope.length === 4 &&
    scope[3] === 'aws4_request' &&
    ['s3', 'iam', 'sts'].includes(scope[2] ?? '')
  return isFit ? hex(await hmac('SHA-256', await narrowed(secret, scope), signed)) : null
}
