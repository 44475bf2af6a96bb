// Password hashes by scrypt, on the thread pool.
import { createHmac, randomBytes, scrypt, timingSafeEqual } from 'node:crypto'
import { workQueue } from '#kernel/lib/queue.ts'
import type { Passwords } from '#kernel/lib/secrets.ts'

const LOG_N = 14
const R = 8
const P = 1
const SALT = 16
const LENGTH = 32
/** Hashes at once: the thread pool serves files and names as well, and each takes 16 MB. */
const AT_ONCE = 2
/** Passlib's form, which Keystone writes as well. */
const FORM = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/

const plainBase64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64').replaceAll('=', '')

const derive = (
  password: string,
  salt: Uint8Array,
  logN: number,
  r: number,
  p: number,
  length: number,
): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    const N = 2 ** logN
    scrypt(password, salt, length, { N, r, p, maxmem: 256 * N * r }, (error, key) =>
      error === null ? resolve(key) : reject(error),
    )
  })

/** `logN` (default 14: N = 16384) is for tests that make many users; hashes of any cost up to 2^20 can be read. */
export function createPasswords(options: { logN?: number } = {}): Passwords {
  const logN = options.logN ?? LOG_N
  const secret = randomBytes(32)
  const queue = workQueue({ atOnce: AT_ONCE })
  const hashed = (...args: Parameters<typeof derive>): Promise<Buffer> => queue.add(() => derive(...args))
  return {
    async hash(password) {
      const salt = randomBytes(SALT)
      const key = await hashed(password, salt, logN, R, P, LENGTH)
      return `$scrypt$ln=${logN},r=${R},p=${P}$${plainBase64(salt)}$${plainBase64(key)}`
    },
    async verify(password, hash) {
      const match = FORM.exec(hash)
      const cost = match === null ? logN : Number(match[1])
      if (match === null || cost > 20) {
        await hashed(password, Buffer.alloc(SALT), logN, R, P, LENGTH)
        return false
      }
      const wanted = Buffer.from(match[5] as string, 'base64')
      const salt = Buffer.from(match[4] as string, 'base64')
      const key = await hashed(password, salt, cost, Number(match[2]), Number(match[3]), wanted.length)
      return timingSafeEqual(key, wanted)
    },
    digest: text => createHmac('sha256', secret).update(text).digest('base64'),
    same(a, b) {
      const left = createHmac('sha256', secret).update(a).digest()
      return timingSafeEqual(left, createHmac('sha256', secret).update(b).digest())
    },
  }
}
