import assert from 'node:assert/strict'
import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto'
import { test } from 'node:test'

import { newSshKey } from '#host/node/state-dir-key.ts'
import { certificateFingerprint, newRsaKey, sshFingerprint, sshKeys } from '#host/node/ssh-key.ts'

// A public host key that everybody knows; its fingerprint as `ssh-keygen -l -E md5` prints it.
const ED25519 = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl a comment'
const ED25519_MD5 = '65:96:2d:fc:e8:d5:a9:11:64:0c:0f:ea:00:6e:5b:bd'

test('a new RSA key is one that readers of such files take, and its fingerprint is of its public half', async () => {
  const { privateKey, publicKey } = await newRsaKey()
  assert.match(privateKey, /^-----BEGIN RSA PRIVATE KEY-----\n/)
  assert.match(publicKey, /^ssh-rsa AAAAB3NzaC1yc2EAAAADAQAB/)
  assert.match(String(sshFingerprint(publicKey)), /^([0-9a-f]{2}:){15}[0-9a-f]{2}$/)
  const jwk = createPublicKey(createPrivateKey(privateKey)).export({ format: 'jwk' })
  const blob = Buffer.from(publicKey.split(' ')[1] ?? '', 'base64')
  assert.ok(blob.includes(Buffer.from(jwk.n ?? '', 'base64url')))
})

test('public keys of the usual kinds have fingerprints', () => {
  const { publicText } = newSshKey('somebody')
  assert.match(String(sshFingerprint(publicText)), /^([0-9a-f]{2}:){15}/)
  assert.equal(sshFingerprint(publicText.trim()), sshFingerprint(publicText))
  assert.equal(sshFingerprint(ED25519), ED25519_MD5)
})

test('what is no key has none', () => {
  const [type = '', blob = ''] = ED25519.split(' ')
  for (const line of [
    '',
    'ssh-rsa',
    'ssh-rsa JUNK nova@ubuntu',
    `ssh-rsa ${blob}`,
    `${type} ${blob.slice(0, -4)}`,
    `${type} ${blob}====`,
    `ssh-dss ${blob}`,
    ` ${ED25519}`,
    'x'.repeat(70_000),
    `${type} ${'A'.repeat(65_000)}`,
  ]) {
    assert.equal(sshFingerprint(line), null, line.slice(0, 60))
  }
})

test('a certificate for Windows guests is whole, and its key file holds the key', async () => {
  const { privateKey, publicKey } = await sshKeys().generate('x509', 'b1e2c3d4')
  const certificate = new X509Certificate(publicKey)
  assert.equal(certificate.subject, 'CN=b1e2c3d4')
  assert.ok(certificate.verify(certificate.publicKey))
  assert.ok(Date.parse(certificate.validTo) - Date.parse(certificate.validFrom) > 3600 * 24 * 3600 * 1000)
  assert.match(certificate.subjectAltName ?? '', /othername/)
  assert.equal(sshKeys().fingerprint('x509', publicKey), certificate.fingerprint.toLowerCase())
  const file = Buffer.from(privateKey, 'base64')
  assert.equal(file[0], 0x30)
  const der = certificate.publicKey.export({ type: 'pkcs1', format: 'der' })
  // the modulus stands in the file twice: in the key and in the certificate
  const modulus = der.subarray(9, 9 + 256)
  const at = file.indexOf(modulus)
  assert.ok(at > 0 && file.indexOf(modulus, at + 1) > at)
})

test('what is no certificate has no fingerprint', () => {
  for (const text of ['', 'pem', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n', ED25519]) {
    assert.equal(certificateFingerprint(text), null)
  }
})
