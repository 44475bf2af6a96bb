// Checks passwords against their hashes, and for some minutes remembers that one was right, so that the next log-in of the
// same user need not pay for the hash again. A wrong password always pays.
import type { Clock } from '#kernel/lib/clock.ts'
import type { Passwords } from '#kernel/lib/secrets.ts'

const REMEMBER_MS = 300_000
const MOST_REMEMBERED = 10_000

export interface PasswordCheck {
  /** `hash` null: there is nobody, or he has no password; takes as long as a wrong one. */
  verify(key: string, password: string, hash: string | null): Promise<boolean>
}

/** The memory holds no password: a digest keyed with a secret of this process, and only together with the very hash it fits. */
export function createPasswordCheck(passwords: Passwords, clock: Clock): PasswordCheck {
  const right = new Map<string, { hash: string; digest: string; until: number }>()
  let decoy: Promise<string> | null = null
  return {
    async verify(key, password, hash) {
      if (hash === null) {
        decoy ??= passwords.hash('nobody has this')
        await passwords.verify(password, await decoy)
        return false
      }
      const digest = passwords.digest(`${key} ${password}`)
      const known = right.get(key)
      if (
        known !== undefined &&
        known.hash === hash &&
        known.until > clock.now() &&
        passwords.same(known.digest, digest)
      )
        return true
      const isRight = await passwords.verify(password, hash)
      if (isRight) {
        right.delete(key)
        if (right.size >= MOST_REMEMBERED) {
          const oldest = right.keys().next().value
          if (oldest !== undefined) right.delete(oldest)
        }
        right.set(key, { hash, digest, until: clock.now() + REMEMBER_MS })
      }
      return isRight
    },
  }
}
