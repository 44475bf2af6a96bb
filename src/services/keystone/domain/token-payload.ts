// What a token says, packed small enough for a header: user, methods, scope, times, audit ids, and what delegated it.

export type Scope =
  | { readonly kind: 'unscoped' }
  | { readonly kind: 'project'; readonly id: string }
  | { readonly kind: 'domain'; readonly id: string }
  | { readonly kind: 'system' }

export interface TokenPayload {
  readonly userId: string
  /** Ways by which the bearer proved himself, in the order of {@link METHODS}. */
  readonly methods: readonly string[]
  readonly scope: Scope
  /** Milliseconds since 1970. */
  readonly issuedAt: number
  readonly expiresAt: number
  /** Its own, and that of the first token of its chain. 22 characters each. */
  readonly auditIds: readonly string[]
  readonly applicationCredentialId: string | null
  readonly trustId: string | null
  /** The OAuth access token it was made with. */
  readonly accessTokenId?: string
}

/** Order is part of the format: append only. */
export const METHODS = ['password', 'token', 'application_credential', 'totp', 'oauth1', 'ec2credential'] as const
const SCOPES = ['unscoped', 'project', 'domain', 'system'] as const
const VERSION = 1
const HAS_PARENT = 1
const HAS_APPLICATION_CREDENTIAL = 2
const HAS_TRUST = 4
const HAS_ACCESS_TOKEN = 8

const HEX32 = /^[0-9a-f]{32}$/

class Writer {
  readonly bytes: number[] = []
  byte(value: number): void {
    this.bytes.push(value & 0xff)
  }
  /** Six bytes: milliseconds fit until the year 10889. */
  time(ms: number): void {
    for (let shift = 40; shift >= 0; shift -= 8) this.byte(Math.floor(ms / 2 ** shift) % 256)
  }
  /** Most ids are 16 bytes in hex: a zero and these; others a length and their text. */
  id(text: string): void {
    if (HEX32.test(text)) {
      this.byte(0)
      for (let at = 0; at < 32; at += 2) this.byte(Number.parseInt(text.slice(at, at + 2), 16))
    } else {
      const bytes = new TextEncoder().encode(text)
      if (bytes.length === 0 || bytes.length > 255) throw new RangeError('an id is too long for a token')
      this.byte(bytes.length)
      for (const byte of bytes) this.byte(byte)
    }
  }
}
class Reader {
  private readonly bytes: Uint8Array
  private at = 0
  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }
  byte(): number {
    const value = this.bytes[this.at++]
    if (value === undefined) throw new RangeError('a token ends too early')
    return value
  }
  time(): number {
    let ms = 0
    for (let count = 0; count < 6; count++) ms = ms * 256 + this.byte()
    return ms
  }
  id(): string {
    const length = this.byte()
    if (length === 0) {
      let text = ''
      for (let count = 0; count < 16; count++) text += this.byte().toString(16).padStart(2, '0')
      return text
    }
    const bytes = this.bytes.subarray(this.at, this.at + length)
    if (bytes.length < length) throw new RangeError('a token ends too early')
    this.at += length
    return new TextDecoder().decode(bytes)
  }
}

export function packToken(token: TokenPayload): Uint8Array {
  const out = new Writer()
  out.byte(VERSION)
  out.byte(token.methods.reduce((mask, method) => mask | (1 << METHODS.indexOf(method as 'password')), 0))
  const parent = token.auditIds[1]
  out.byte(SCOPES.indexOf(token.scope.kind))
  out.byte(
    (parent === undefined ? 0 : HAS_PARENT) |
      (token.applicationCredentialId === null ? 0 : HAS_APPLICATION_CREDENTIAL) |
      (token.trustId === null ? 0 : HAS_TRUST) |
      (token.accessTokenId === undefined ? 0 : HAS_ACCESS_TOKEN),
  )
  out.time(token.issuedAt)
  out.time(token.expiresAt)
  out.id(token.userId)
  if (token.scope.kind === 'project' || token.scope.kind === 'domain') out.id(token.scope.id)
  out.id(hexOfAudit(token.auditIds[0] ?? ''))
  if (parent !== undefined) out.id(hexOfAudit(parent))
  if (token.applicationCredentialId !== null) out.id(token.applicationCredentialId)
  if (token.trustId !== null) out.id(token.trustId)
  if (token.accessTokenId !== undefined) out.id(token.accessTokenId)
  return Uint8Array.from(out.bytes)
}

/** Null for bytes of another format. */
export function unpackToken(bytes: Uint8Array): TokenPayload | null {
  try {
    const from = new Reader(bytes)
    if (from.byte() !== VERSION) return null
    const mask = from.byte()
    const kind = SCOPES[from.byte()]
    const flags = from.byte()
    const issuedAt = from.time()
    const expiresAt = from.time()
    const userId = from.id()
    if (kind === undefined) return null
    const scope: Scope = kind === 'project' || kind === 'domain' ? { kind, id: from.id() } : { kind }
    const auditIds = [auditOfHex(from.id())]
    if ((flags & HAS_PARENT) !== 0) auditIds.push(auditOfHex(from.id()))
    return {
      userId,
      methods: METHODS.filter((_method, index) => (mask & (1 << index)) !== 0),
      scope,
      issuedAt,
      expiresAt,
      auditIds,
      applicationCredentialId: (flags & HAS_APPLICATION_CREDENTIAL) === 0 ? null : from.id(),
      trustId: (flags & HAS_TRUST) === 0 ? null : from.id(),
      ...((flags & HAS_ACCESS_TOKEN) === 0 ? {} : { accessTokenId: from.id() }),
    }
  } catch (error) {
    if (error instanceof RangeError) return null
    throw error
  }
}

/** Sixteen bytes in hex as the 22 characters that audit ids have. */
export function auditOfHex(hex: string): string {
  const bytes = hex.match(/../g) ?? []
  return btoa(String.fromCharCode(...bytes.map(pair => Number.parseInt(pair, 16))))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '')
}
function hexOfAudit(audit: string): string {
  const text = atob(audit.replaceAll('-', '+').replaceAll('_', '/'))
  return Array.from(text, char => char.charCodeAt(0).toString(16).padStart(2, '0')).join('')
}
