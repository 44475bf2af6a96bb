// Passwords that people may have to type: letters and digits without look-alikes.
import type { Ids } from '#kernel/lib/ids.ts'

const ALPHABET = 'ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789'

/** `length` characters, evenly drawn. */
export function randomPassword(ids: Ids, length: number): string {
  let text = ''
  while (text.length < length) {
    for (const byte of ids.bytes(length * 2)) {
      if (byte < ALPHABET.length * 4 && text.length < length) text += ALPHABET[byte % ALPHABET.length] ?? ''
    }
  }
  return text
}
