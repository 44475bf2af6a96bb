// A file's bytes for somebody who is through with a piece before he asks for the next, and writing a piece whole.
import { open, type FileHandle } from 'node:fs/promises'

const PIECE = 256 * 1024

/**
 * The file from its beginning, read ahead by one piece. Pieces lie in two buffers used in turn, so that a large file leaves
 * no garbage: each holds only until the next one is asked for.
 */
export async function* fileBytes(path: string): AsyncGenerator<Uint8Array> {
  const file = await open(path, 'r')
  let reading: Promise<Uint8Array> | null = null
  try {
    let [next, other] = [new Uint8Array(PIECE), new Uint8Array(PIECE)]
    const read = async (into: Uint8Array): Promise<Uint8Array> =>
      into.subarray(0, (await file.read(into, 0, PIECE, null)).bytesRead)
    reading = read(next)
    for (;;) {
      const piece = await reading
      reading = null
      if (piece.length === 0) return
      ;[next, other] = [other, next]
      reading = read(next)
      reading.catch(() => undefined) // asked for again at the next turn, if there is one
      yield piece
    }
  } finally {
    await reading?.catch(() => undefined)
    await file.close()
  }
}

/** Appends all of it: a nearly full disk may take only a part at once, and says so only at the next try. */
export async function writeWhole(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += (await file.write(bytes, at)).bytesWritten
}
