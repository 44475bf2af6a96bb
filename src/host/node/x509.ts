// Certificates for logging in to Windows guests without a password: self-signed, with the private key in a PKCS#12 file.
import { createHash, createHmac, createPrivateKey, generateKeyPair, randomBytes, sign } from 'node:crypto'
import { promisify } from 'node:util'

const generateAsync = promisify(generateKeyPair)
const RSA_BITS = 2048
const TEN_YEARS_MS = 3650 * 24 * 3600 * 1000

// DER, as far as it is needed.
const der = (tag: number, ...parts: readonly Uint8Array[]): Buffer => {
  const body = Buffer.concat(parts)
  const size = body.length
  const long = size < 0x80 ? [] : size < 0x100 ? [0x81] : [0x82]
  const length = size < 0x80 ? [size] : size < 0x100 ? [size] : [size >> 8, size & 0xff]
  if (size > 0xffff) throw new Error('longer than a certificate may be')
  return Buffer.concat([Buffer.from([tag, ...long, ...length]), body])
}
const sequence = (...parts: readonly Uint8Array[]): Buffer => der(0x30, ...parts)
const set = (...parts: readonly Uint8Array[]): Buffer => der(0x31, ...parts)
const octets = (bytes: Uint8Array): Buffer => der(0x04, bytes)
const integer = (bytes: Uint8Array): Buffer => der(0x02, bytes)
const bits = (bytes: Uint8Array): Buffer => der(0x03, Buffer.from([0]), bytes)
const utf8 = (text: string): Buffer => der(0x0c, Buffer.from(text, 'utf8'))
const none = Buffer.from([0x05, 0x00])
/** Context-specific and constructed: `[n] EXPLICIT`. */
const explicit = (n: number, ...parts: readonly Uint8Array[]): Buffer => der(0xa0 + n, ...parts)
const oid = (dotted: string): Buffer => {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number)
  const bytes = [first * 40 + second]
  for (const part of rest) {
    const group = [part & 0x7f]
    for (let left = Math.floor(part / 128); left > 0; left = Math.floor(left / 128)) group.unshift((left & 0x7f) | 0x80)
    bytes.push(...group)
  }
  return der(0x06, Buffer.from(bytes))
}
/** Times from 2050 on need the longer form. */
const time = (ms: number): Buffer => {
  const digits = new Date(ms).toISOString().replace(/[-:T]/g, '').slice(0, 14)
  return digits < '2050' ? der(0x17, Buffer.from(`${digits.slice(2)}Z`)) : der(0x18, Buffer.from(`${digits}Z`))
}

const SHA256_RSA = sequence(oid('1.2.840.113549.1.1.11'), none)
const DATA = oid('1.2.840.113549.1.7.1')

/**
 * A certificate of ten years for client logins: `userId` is its common name, and `userId@localhost` the name Windows looks
 * for. `privateKey` is the PKCS#12 file (empty password) in base64, `publicKey` the certificate as PEM.
 */
export async function newCertificate(
  userId: string,
  now: number = Date.now(),
): Promise<{ privateKey: string; publicKey: string }> {
  const pair = await generateAsync('rsa', {
    modulusLength: RSA_BITS,
    publicKeyEncoding: { type: 'spki', format: 'der' },
    privateKeyEncoding: { type: 'pkcs8', format: 'der' },
  })
  const key = createPrivateKey({ key: pair.privateKey, format: 'der', type: 'pkcs8' })
  const subject = sequence(set(sequence(oid('2.5.4.3'), utf8(userId.slice(0, 64)))))
  const serial = randomBytes(16)
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40
  const otherName = explicit(0, oid('1.3.6.1.4.1.311.20.2.3'), explicit(0, utf8(`${userId}@localhost`)))
  const extensions = sequence(
    sequence(oid('2.5.29.37'), octets(sequence(oid('1.3.6.1.5.5.7.3.2')))),
    sequence(oid('2.5.29.17'), octets(sequence(otherName))),
  )
  const body = sequence(
    explicit(0, integer(Buffer.from([2]))),
    integer(serial),
    SHA256_RSA,
    subject,
    sequence(time(now), time(now + TEN_YEARS_MS)),
    subject,
    pair.publicKey,
    explicit(3, extensions),
  )
  const certificate = sequence(body, SHA256_RSA, bits(sign('sha256', body, key)))
  const lines = certificate.toString('base64').match(/.{1,64}/g) ?? []
  return {
    privateKey: keyFile(pair.privateKey, certificate).toString('base64'),
    publicKey: `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`,
  }
}

/** PKCS#12 with an empty password, as `openssl pkcs12 -passout pass:` writes: nothing to guess, so nothing is encrypted; sealed with a MAC. */
function keyFile(privateKey: Uint8Array, certificate: Uint8Array): Buffer {
  const attributes = set(
    sequence(oid('1.2.840.113549.1.9.21'), set(octets(createHash('sha1').update(certificate).digest()))),
  )
  const keyBag = sequence(oid('1.2.840.113549.1.12.10.1.1'), explicit(0, privateKey), attributes)
  const certBag = sequence(
    oid('1.2.840.113549.1.12.10.1.3'),
    explicit(0, sequence(oid('1.2.840.113549.1.9.22.1'), explicit(0, octets(certificate)))),
    attributes,
  )
  const data = (contents: Uint8Array): Buffer => sequence(DATA, explicit(0, octets(contents)))
  const safe = sequence(data(sequence(certBag)), data(sequence(keyBag)))
  const salt = randomBytes(20)
  const rounds = 2048
  const mac = createHmac('sha1', macKey(salt, rounds)).update(safe).digest()
  return sequence(
    integer(Buffer.from([3])),
    data(safe),
    sequence(
      sequence(sequence(oid('1.3.14.3.2.26'), none), octets(mac)),
      octets(salt),
      integer(Buffer.from([rounds >> 8, rounds & 0xff])),
    ),
  )
}

/** RFC 7292 appendix B with SHA-1 and the empty password, whose text is two zero bytes. */
function macKey(salt: Uint8Array, rounds: number): Buffer {
  const BLOCK = 64
  const fill = (bytes: Uint8Array): Buffer => {
    const size = BLOCK * Math.ceil(bytes.length / BLOCK)
    return Buffer.from(Array.from({ length: size }, (_, at) => bytes[at % bytes.length] ?? 0))
  }
  let hash = createHash('sha1')
    .update(Buffer.concat([Buffer.alloc(BLOCK, 3), fill(salt), fill(Buffer.alloc(2))]))
    .digest()
  for (let round = 1; round < rounds; round++) hash = createHash('sha1').update(hash).digest()
  return hash
}
