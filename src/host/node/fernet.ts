// Fernet as specified: version byte, time, IV, AES-128-CBC, HMAC-SHA256, in URL-safe base64. Keys rotate as Keystone's do.
import { createCipheriv, createDecipheriv, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs'
import path from 'node:path'
import type { KeyStore, Seal } from '#kernel/lib/secrets.ts'

const VERSION = 0x80
const HEAD = 1 + 8 + 16
const MAC = 32

interface Key {
  readonly signing: Buffer
  readonly encryption: Buffer
}

const newKey = (): string => randomBytes(32).toString('base64url') + '='

function keyOf(text: string): Key | null {
  const bytes = Buffer.from(text.trim(), 'base64url')
  return bytes.length === 32 ? { signing: bytes.subarray(0, 16), encryption: bytes.subarray(16) } : null
}

/**
 * A seal over the keys of `store`; makes the first two keys when it is empty. `maxActive`: how many keys are kept in all
 * (Keystone's `max_active_keys`). Throws a plain Error when no readable key is left.
 */
export function createFernet(store: KeyStore, maxActive = 5): Seal {
  let primary: Key
  let all: readonly Key[]
  const load = (): void => {
    const known = store
      .read()
      .map(([index, text]) => ({ index, key: keyOf(text) }))
      .filter((entry): entry is { index: number; key: Key } => entry.key !== null)
      .sort((a, b) => b.index - a.index)
    const first = known[0]
    if (first === undefined) throw new Error('there is no key to seal tokens with')
    primary = first.key
    all = known.map(entry => entry.key)
  }
  if (store.read().length === 0) {
    store.write(1, newKey())
    store.write(0, newKey())
  }
  load()

  return {
    seal(payload, at) {
      const head = Buffer.alloc(HEAD)
      head[0] = VERSION
      head.writeBigUInt64BE(BigInt(Math.floor(at / 1000)), 1)
      randomBytes(16).copy(head, 9)
      const cipher = createCipheriv('aes-128-cbc', primary.encryption, head.subarray(9))
      const signed = Buffer.concat([head, cipher.update(payload), cipher.final()])
      const mac = createHmac('sha256', primary.signing).update(signed).digest()
      return Buffer.concat([signed, mac]).toString('base64url')
    },
    open(text) {
      if (!/^[A-Za-z0-9_-]+={0,2}$/.test(text)) return null
      const bytes = Buffer.from(text, 'base64url')
      const bodyLength = bytes.length - HEAD - MAC
      if (bytes[0] !== VERSION || bodyLength < 16 || bodyLength % 16 !== 0) return null
      const signed = bytes.subarray(0, bytes.length - MAC)
      const mac = bytes.subarray(bytes.length - MAC)
      for (const key of all) {
        if (!timingSafeEqual(createHmac('sha256', key.signing).update(signed).digest(), mac)) continue
        try {
          const decipher = createDecipheriv('aes-128-cbc', key.encryption, signed.subarray(9, HEAD))
          const payload = Buffer.concat([decipher.update(signed.subarray(HEAD)), decipher.final()])
          return { payload, at: Number(signed.readBigUInt64BE(1)) * 1000 }
        } catch {
          return null
        }
      }
      return null
    },
    rotate() {
      const indexes = store
        .read()
        .map(([index]) => index)
        .sort((a, b) => a - b)
      const staged = store.read().find(([index]) => index === 0)?.[1] ?? newKey()
      const next = (indexes.at(-1) ?? 0) + 1
      store.write(next, staged)
      store.write(0, newKey())
      const active = [...indexes.filter(index => index > 0), next]
      while (active.length + 1 > Math.max(2, maxActive)) store.remove(active.shift() as number)
      load()
    },
  }
}

/** Keys that live and die with the process. */
export function memoryKeys(): KeyStore {
  const keys = new Map<number, string>()
  return {
    read: () => [...keys],
    write: (index, key) => void keys.set(index, key),
    remove: index => void keys.delete(index),
  }
}

/** One file per key, named by its index, 0600 in a folder 0700. A key file is whole or not there. */
export function fileKeys(folder: string): KeyStore {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  return {
    read: () =>
      readdirSync(folder)
        .filter(name => /^\d{1,9}$/.test(name))
        .map(name => [Number(name), readFileSync(path.join(folder, name), 'utf8')] as const),
    write(index, key) {
      const half = path.join(folder, `.${index}.part`)
      const file = openSync(half, 'w', 0o600)
      try {
        writeSync(file, key)
        fsyncSync(file)
      } finally {
        closeSync(file)
      }
      renameSync(half, path.join(folder, String(index)))
    },
    remove: index => rmSync(path.join(folder, String(index)), { force: true }),
  }
}
