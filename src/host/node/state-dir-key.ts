// The demo key: ed25519, in OpenSSH's own file format, made once and kept.
import { createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto'
import type { StateDir } from '#host/node/state-dir.ts'

const text = (value: string | Uint8Array): Buffer => {
  const bytes = Buffer.from(value)
  const length = Buffer.alloc(4)
  length.writeUInt32BE(bytes.length)
  return Buffer.concat([length, bytes])
}
const word32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

/** Both halves of a new key: `privateText` is an `openssh-key-v1` file, `publicText` one `ssh-ed25519 … comment` line. */
export function newSshKey(comment: string): { privateText: string; publicText: string } {
  const pair = generateKeyPairSync('ed25519', {
    privateKeyEncoding: { type: 'pkcs8', format: 'der' },
    publicKeyEncoding: { type: 'spki', format: 'der' },
  })
  const jwk = createPrivateKey({ key: pair.privateKey, format: 'der', type: 'pkcs8' }).export({ format: 'jwk' })
  const seed = Buffer.from(jwk.d ?? '', 'base64url')
  const point = Buffer.from(
    createPublicKey({ key: pair.publicKey, format: 'der', type: 'spki' }).export({ format: 'jwk' }).x ?? '',
    'base64url',
  )
  const publicBlob = Buffer.concat([text('ssh-ed25519'), text(point)])
  const check = randomBytes(4)
  const secret = [check, check, text('ssh-ed25519'), text(point), text(Buffer.concat([seed, point])), text(comment)]
  let length = secret.reduce((sum, part) => sum + part.length, 0)
  for (let pad = 1; length % 8 !== 0; pad++, length++) secret.push(Buffer.from([pad]))
  const whole = Buffer.concat([
    Buffer.from('openssh-key-v1\0'),
    text('none'),
    text('none'),
    text(''),
    word32(1),
    text(publicBlob),
    text(Buffer.concat(secret)),
  ])
  const lines = whole.toString('base64').match(/.{1,70}/g) ?? []
  return {
    privateText: `-----BEGIN OPENSSH PRIVATE KEY-----\n${lines.join('\n')}\n-----END OPENSSH PRIVATE KEY-----\n`,
    publicText: `ssh-ed25519 ${publicBlob.toString('base64')} ${comment}\n`,
  }
}

/** The folder's `id_ed25519`, made when missing; `publicKey` is the line without its end. */
export function demoKey(state: StateDir): { privateFile: string; publicKey: string } {
  const kept = state.read('id_ed25519.pub')
  if (kept !== null && state.read('id_ed25519') !== null) {
    return { privateFile: state.file('id_ed25519'), publicKey: kept.trim() }
  }
  const { privateText, publicText } = newSshKey('koto')
  state.write('id_ed25519', privateText)
  state.write('id_ed25519.pub', publicText)
  return { privateFile: state.file('id_ed25519'), publicKey: publicText.trim() }
}
