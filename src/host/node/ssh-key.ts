// Key pairs that people use to log in: made here, or read to see that they are keys at all.
import { createHash, createPublicKey, generateKeyPair, X509Certificate } from 'node:crypto'
import { promisify } from 'node:util'
import { newCertificate } from '#host/node/x509.ts'

const generateAsync = promisify(generateKeyPair)
const RSA_BITS = 2048

/** Length-prefixed pieces of an SSH blob; null when it does not end where the last piece ends. */
function pieces(blob: Buffer): Buffer[] | null {
  const found: Buffer[] = []
  for (let at = 0; at < blob.length;) {
    if (at + 4 > blob.length) return null
    const end = at + 4 + blob.readUInt32BE(at)
    if (end > blob.length) return null
    found.push(blob.subarray(at + 4, end))
    at = end
  }
  return found
}
const piece = (bytes: Uint8Array): Buffer => {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(bytes.length)
  return Buffer.concat([length, bytes])
}
/** A positive number as SSH writes it: no needless zeros, one where the first bit is set. */
const number = (bytes: Buffer): Buffer => ((bytes[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.from([0]), bytes]) : bytes)

const CURVES: Readonly<Record<string, { crv: string; size: number }>> = {
  nistp256: { crv: 'P-256', size: 32 },
  nistp384: { crv: 'P-384', size: 48 },
  nistp521: { crv: 'P-521', size: 66 },
}

/** The public key of an SSH blob in the platform's form; throws on what is none. */
function jwkOf(type: string, parts: readonly Buffer[]): { [name: string]: string } | null {
  const text = (bytes: Buffer): string => bytes.toString('base64url')
  const [, a, b] = parts
  if (type === 'ssh-rsa' && parts.length === 3 && a !== undefined && b !== undefined)
    return { kty: 'RSA', e: text(a), n: text(b[0] === 0 ? b.subarray(1) : b) }
  if (type === 'ssh-ed25519' && parts.length === 2 && a?.length === 32)
    return { kty: 'OKP', crv: 'Ed25519', x: text(a) }
  if (type.startsWith('ecdsa-sha2-') && parts.length === 3 && a !== undefined && b !== undefined) {
    const curve = CURVES[a.toString('latin1')]
    if (curve === undefined || type !== `ecdsa-sha2-${a.toString('latin1')}`) return null
    if (b[0] !== 4 || b.length !== 1 + 2 * curve.size) return null
    return { kty: 'EC', crv: curve.crv, x: text(b.subarray(1, 1 + curve.size)), y: text(b.subarray(1 + curve.size)) }
  }
  return null
}

const colons = (hex: string): string => hex.match(/../g)?.join(':') ?? ''

/** MD5 of the key in an OpenSSH line (`ssh-ed25519 AAAA… comment`), `aa:bb:…`; null when the line holds no key. */
export function sshFingerprint(line: string): string | null {
  const match = /^(\S{1,64})[ \t]+([A-Za-z0-9+/]+={0,2})(?=\s|$)/.exec(line)
  if (match === null) return null
  const [, type = '', base64 = ''] = match
  const blob = Buffer.from(base64, 'base64')
  if (base64.length % 4 !== 0 || blob.toString('base64') !== base64) return null
  const parts = pieces(blob)
  if (parts === null || parts[0]?.toString('latin1') !== type) return null
  try {
    const jwk = jwkOf(type, parts)
    if (jwk === null) return null
    createPublicKey({ key: jwk, format: 'jwk' })
  } catch {
    return null
  }
  return colons(createHash('md5').update(blob).digest('hex'))
}

/** SHA-1 of the first certificate in a PEM text, `aa:bb:…`; null when there is none. */
export function certificateFingerprint(pem: string): string | null {
  if (!pem.includes('-----BEGIN CERTIFICATE-----')) return null
  try {
    return new X509Certificate(pem).fingerprint.toLowerCase()
  } catch {
    return null
  }
}

/** A new RSA pair: the private half as a PEM file that every ssh reads, the public one as a line. Some 100 ms off the event loop. */
export async function newRsaKey(): Promise<{ privateKey: string; publicKey: string }> {
  const pair = await generateAsync('rsa', {
    modulusLength: RSA_BITS,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
  })
  const { e = '', n = '' } = createPublicKey(pair.publicKey).export({ format: 'jwk' })
  const blob = Buffer.concat([
    piece(Buffer.from('ssh-rsa')),
    piece(number(Buffer.from(e, 'base64url'))),
    piece(number(Buffer.from(n, 'base64url'))),
  ])
  return { privateKey: pair.privateKey, publicKey: `ssh-rsa ${blob.toString('base64')} Generated-by-Koto` }
}

/** What the compute API asks of keys. */
export const sshKeys = () => ({
  generate: (type: 'ssh' | 'x509', userId: string): Promise<{ privateKey: string; publicKey: string }> =>
    type === 'ssh' ? newRsaKey() : newCertificate(userId),
  fingerprint: (type: 'ssh' | 'x509', publicKey: string): string | null =>
    type === 'ssh' ? sshFingerprint(publicKey) : certificateFingerprint(publicKey),
})
