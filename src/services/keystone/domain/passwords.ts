// Checks passwords against their hashes, and for some minutes remembers that one was right, so that the next log-in with it
// need not pay for the hash again. A wrong password always pays.
import type { Clock } from '#kernel/lib/clock.ts'
import type { Passwords } from '#kernel/lib/secrets.ts'

const REMEMBER_MS = 300_000
const MOST_REMEMBERED = 10_000

export interface PasswordCheck {
  /** `hash` null: there is nobody, or he has no password; takes as long as a wrong one. */
  verify(password: string, hash: string | null): Promise<boolean>
}

/**
 * The memory holds no password: by hash, which its salt makes unlike any other, a digest keyed with a secret of this process.
 * The accounts of the services have one hash among them, so that the first of them pays for all; who asks the same at the
 * same time waits for the one answer.
 */
export function createPasswordCheck(passwords: Passwords, clock: Clock): PasswordCheck {
  const right = new Map<string, { digest: string; until: number }>()
  const asking = new Map<string, Promise<boolean>>()
  let decoy: Promise<string> | null = null

  const ask = async (password: string, hash: string, digest: string): Promise<boolean> => {
    const isRight = await passwords.verify(password, hash)
    if (!isRight) return false
    right.delete(hash)
    const oldest = right.size >= MOST_REMEMBERED ? right.keys().next().value : undefined
    if (oldest !== undefined) right.delete(oldest)
    right.set(hash, { digest, until: clock.now() + REMEMBER_MS })
    return true
  }
  return {
    async verify(password, hash) {
      if (hash === null) {
        decoy ??= passwords.hash('nobody has this')
        await passwords.verify(password, await decoy)
        return false
      }
      const digest = passwords.digest(`${hash} ${password}`)
      const known = right.get(hash)
      if (known !== undefined && known.until > clock.now() && passwords.same(known.digest, digest)) return true
      let asked = asking.get(digest)
      if (asked === undefined) {
        asked = ask(password, hash, digest).finally(() => asking.delete(digest))
        asking.set(digest, asked)
      }
      return asked
    },
  }
}
